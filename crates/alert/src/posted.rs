//! Alerts that other tools post: Prometheus, vmalert, Grafana, amtool, over Alertmanager's API.
//!
//! Not the HTTP: `server` decodes. And not a second kind of alert: what is posted becomes signals, and from there on it is
//! like any other. What is its own is the end: a tool that goes silent ends its alerts, each at a time that is a column of
//! its row, so that it holds over restarts. [`Expiry`] watches those times.
//!
//! How they are taken when they come faster than they can be worked through: see [`intake`].

mod expiry;
pub mod intake;
mod journal;
mod life;
mod rows;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::json;
use watchkeeper_domain::{Category, Labels, Priority, Signal, Span, Timestamp, Verdict};
use watchkeeper_state::{SignalSink, StateError, Tx};

pub use expiry::Expiry;
pub use intake::{Intake, NotTaken};
pub use life::Life;
pub use rows::open_by_key;
use rows::{Closed, Open, Refresh};

/// The source of these alerts in their rows.
pub const SOURCE: &str = "alertmanager";
/// Most bytes of a label's or an annotation's name.
pub const MAX_NAME: usize = 512;
/// Most bytes of a label's value; annotations may have eight times as much.
pub const MAX_VALUE: usize = 8_192;
/// Most labels, and most annotations, of one alert.
pub const MAX_LABELS: usize = 128;

/// One alert as it was posted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Posted {
    /// Its labels. Hostile text.
    pub labels: Labels,
    /// Its annotations. Hostile text.
    pub annotations: BTreeMap<String, String>,
    /// When it began, if the sender says so.
    pub starts_at: Option<Timestamp>,
    /// When it ends unless it is posted again, or when it ended.
    pub ends_at: Option<Timestamp>,
    /// Where it came from. Hostile text.
    pub generator_url: String,
    /// The tool that sent it, when it did not come over Alertmanager's API.
    pub origin: Option<Origin>,
}

/// A tool that sends in its own way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The integration's name: the source of its alerts.
    pub source: String,
    /// The tool's own name for the alert, unique among all tools. While an alert with this key fires, whatever comes with
    /// the key is about that alert, whatever labels it has.
    pub key: Option<String>,
}

impl Posted {
    /// Why it cannot be taken, if it cannot.
    pub fn check(&self) -> Result<(), String> {
        if self.labels.is_empty() {
            return Err("an alert needs at least one label with a value".to_owned());
        }
        if self.labels.len() > MAX_LABELS || self.annotations.len() > MAX_LABELS {
            return Err(format!("an alert has at most {MAX_LABELS} labels and as many annotations"));
        }
        let pairs = self.labels.iter().map(|pair| (pair, MAX_VALUE));
        let notes = self.annotations.iter().map(|(n, v)| ((n.as_str(), v.as_str()), 8 * MAX_VALUE));
        for ((name, value), most) in pairs.chain(notes) {
            if name.is_empty() || name.len() > MAX_NAME || value.len() > most {
                let shown: String = name.chars().take(40).collect();
                return Err(format!("the label or annotation `{shown}` has no name, or is too long"));
            }
        }
        if self.generator_url.len() > MAX_VALUE {
            return Err("the generator's URL is too long".to_owned());
        }
        match (self.starts_at, self.ends_at) {
            (Some(start), Some(end)) if end < start => Err("the alert ends before it starts".to_owned()),
            _ => Ok(()),
        }
    }

    fn key(&self) -> Option<&str> {
        self.origin.as_ref()?.key.as_deref()
    }

    fn life(&self, now: Timestamp, resolve_timeout: Span) -> Life {
        Life {
            starts_at: self.starts_at.or(self.ends_at).unwrap_or(now),
            ends_at: self.ends_at.unwrap_or(now + resolve_timeout),
            by_timeout: self.ends_at.is_none(),
        }
    }
}

/// Alerts of one posting, and how long one lasts that says no end.
type Part<'a> = (&'a [Posted], Span);

/// Writes what was posted at a moment: alerts that begin, go on and end.
async fn apply(tx: &mut Tx, sink: &dyn SignalSink, taken: &[Part<'_>], now: Timestamp) -> Result<(), StateError> {
    let keys: BTreeSet<&str> = taken.iter().flat_map(|(posted, _)| *posted).filter_map(Posted::key).collect();
    let known = rows::labels_by_key(tx, &keys.into_iter().collect::<Vec<_>>()).await?;
    let all = adopted(taken, known, now);
    let mut batch = Batch::default();
    for (posted, life) in &all {
        batch.add(posted, *life);
    }
    batch.load(tx).await?;
    let outcome = batch.decide(now);
    let ids = sink.record(tx, &outcome.signals).await?;
    let fresh = outcome.fresh.iter().filter_map(|(at, key)| Some((*key, (*ids.get(*at)?)?))).collect();
    rows::refresh(tx, now, &outcome.refreshes(&batch, &fresh)).await?;
    rows::amend(tx, now, &outcome.amended).await
}

/// What waits, with the labels of the alert that each key stands for: those of the one that fires, else those of the first
/// that comes. An end without a beginning is left out.
fn adopted<'a>(taken: &[Part<'a>], known: HashMap<String, Labels>, now: Timestamp) -> Vec<(Cow<'a, Posted>, Life)> {
    let mut labels = known;
    let mut all = Vec::new();
    for (posted, resolve_timeout) in taken {
        for posted in *posted {
            let life = posted.life(now, *resolve_timeout);
            let Some(key) = posted.key() else {
                all.push((Cow::Borrowed(posted), life));
                continue;
            };
            match labels.get(key) {
                Some(labels) if *labels == posted.labels => all.push((Cow::Borrowed(posted), life)),
                Some(labels) => all.push((Cow::Owned(Posted { labels: labels.clone(), ..posted.clone() }), life)),
                None if life.is_over(now) => {}
                None => {
                    labels.insert(key.to_owned(), posted.labels.clone());
                    all.push((Cow::Borrowed(posted), life));
                }
            }
        }
    }
    all
}

/// What was posted, by label set, in the order in which it came.
#[derive(Default)]
struct Batch<'a> {
    places: BTreeMap<(String, String), usize>,
    sets: Vec<LabelSet<'a>>,
}

struct LabelSet<'a> {
    fingerprint: String,
    labels: String,
    posted: Vec<(&'a Posted, Life)>,
    open: Option<Open>,
    closed: Option<Closed>,
}

/// What becomes of a batch.
#[derive(Default)]
struct Outcome<'a> {
    signals: Vec<Signal>,
    /// The signal that opens an alert, and the label set that it is of.
    fresh: Vec<(usize, usize)>,
    /// Label sets that fire in the end: how they were posted last, and the alert when it was open before.
    firing: BTreeMap<usize, (&'a Posted, Life)>,
    amended: Vec<Closed>,
}

impl<'a> Batch<'a> {
    fn add(&mut self, posted: &'a Posted, life: Life) {
        let key = (posted.labels.fingerprint().to_string(), json!(posted.labels).to_string());
        let next = self.sets.len();
        let at = *self.places.entry(key).or_insert_with_key(|(fingerprint, labels)| {
            self.sets.push(LabelSet {
                fingerprint: fingerprint.clone(),
                labels: labels.clone(),
                posted: Vec::new(),
                open: None,
                closed: None,
            });
            next
        });
        if let Some(set) = self.sets.get_mut(at) {
            set.posted.push((posted, life));
        }
    }

    async fn load(&mut self, tx: &mut Tx) -> Result<(), StateError> {
        let all: Vec<&str> = self.sets.iter().map(|set| set.fingerprint.as_str()).collect();
        let mut open = rows::open(tx, &all).await?;
        let unknown: Vec<&LabelSet<'_>> = self.sets.iter().filter(|set| !open.contains_key(&set.labels)).collect();
        let ended: Vec<&str> = unknown.iter().map(|set| set.fingerprint.as_str()).collect();
        let mut closed = rows::closed(tx, &ended).await?;
        for set in &mut self.sets {
            set.open = open.remove(&set.labels);
            set.closed = closed.remove(&set.labels);
        }
        Ok(())
    }

    fn decide(&self, now: Timestamp) -> Outcome<'a> {
        let mut outcome = Outcome::default();
        for (at, set) in self.sets.iter().enumerate() {
            // A rule of ours found it, and the rule says when it ends.
            if set.open.as_ref().is_some_and(|open| open.of_a_rule) {
                continue;
            }
            let mut open = set.open.as_ref().map(|open| (open.life, open.fired_at));
            let mut closed = set.closed.clone();
            for (posted, life) in &set.posted {
                match life::step(open.map(|(life, _)| life), closed.as_ref().map(|closed| closed.life), *life, now) {
                    life::Step::Fire(life) => {
                        outcome.fresh.push((outcome.signals.len(), at));
                        outcome.signals.push(signal(posted, Verdict::Firing, life.starts_at, now, "posted as firing"));
                        open = Some((life, now));
                        outcome.firing.insert(at, (posted, life));
                    }
                    life::Step::Refresh(life) => {
                        open = open.map(|(_, fired_at)| (life, fired_at));
                        outcome.firing.insert(at, (posted, life));
                    }
                    life::Step::Resolve(life) => {
                        let fired_at = open.take().map_or(now, |(_, fired_at)| fired_at);
                        let end = life.ends_at.max(fired_at).min(now);
                        let signal = signal(posted, Verdict::Resolved, life.starts_at, end, "posted as resolved");
                        outcome.signals.push(signal);
                        outcome.firing.remove(&at);
                    }
                    life::Step::Amend(life) => {
                        if let Some(closed) = &mut closed {
                            closed.life = life;
                            closed.annotations.clone_from(&posted.annotations);
                            outcome.amended.retain(|other| other.id != closed.id);
                            outcome.amended.push(closed.clone());
                        }
                    }
                    life::Step::Ignore => {}
                }
            }
        }
        outcome
    }
}

impl<'a> Outcome<'a> {
    fn refreshes(
        &self,
        batch: &Batch<'a>,
        fresh: &BTreeMap<usize, watchkeeper_domain::ids::AlertId>,
    ) -> Vec<Refresh<'a>> {
        let refresh = |(at, (posted, life)): (&usize, &(&'a Posted, Life))| {
            let known = || batch.sets.get(*at).and_then(|set| set.open.as_ref()).map(|open| open.id);
            let id = fresh.get(at).copied().or_else(known)?;
            Some(Refresh { id, life: *life, posted })
        };
        self.firing.iter().filter_map(refresh).collect()
    }
}

/// The first of these labels that is one of a type's words.
fn word<T: std::str::FromStr>(labels: &Labels, names: &[&str]) -> Option<T> {
    names.iter().find_map(|name| labels.get(name)?.parse().ok())
}

fn signal(posted: &Posted, verdict: Verdict, started_at: Timestamp, at: Timestamp, reason: &str) -> Signal {
    let labels = &posted.labels;
    Signal {
        source: posted.origin.as_ref().map_or(SOURCE, |origin| &origin.source).to_owned(),
        rule_id: None,
        name: labels.get("alertname").unwrap_or("unnamed").to_owned(),
        labels: labels.clone(),
        annotations: posted.annotations.clone(),
        // As for rules: what the labels say, so that routes and incidents do not care where an alert came from.
        category: word(labels, &["category"]).unwrap_or(Category::Application),
        priority: word(labels, &["priority", "severity"]).unwrap_or(Priority::Medium),
        verdict,
        value: None,
        expr: None,
        threshold: None,
        comparison: None,
        started_at,
        at,
        evidence: json!({}),
        reason: reason.to_owned(),
    }
}
