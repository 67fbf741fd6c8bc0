//! Watching over receivers: one that does not work, and one that nobody has tried for long, is an alert like any other.
//!
//! Not another way to tell people: such an alert takes the ordinary route. Only when that leads to nobody but receivers
//! that do not work, the second path or the fallback is told as well.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::json;
use sqlx::Row as _;
use watchkeeper_alert::route::walk;
use watchkeeper_config::Config;
use watchkeeper_config::model::Receiver;
use watchkeeper_domain::{Category, Env, Integration, Labels, Priority, Signal, Span, Timestamp, Verdict};
use watchkeeper_state::outbox::{self, Message};
use watchkeeper_state::{ReconcileError, Reconciler, Report, SignalSink, State, StateError, Tx};

use super::standing::{self, Standings};

/// The alert about a receiver that does not work.
pub const FAILING: &str = "ReceiverFailing";
/// The alert about a receiver that nobody has tried for long.
pub const UNTESTED: &str = "ReceiverUntested";
/// Where these alerts come from.
pub const SOURCE: &str = "receivers";
/// How often receivers are looked at when nothing is due earlier.
const INTERVAL: Span = Span::from_secs(60);

/// The configuration as it is now.
pub type Configured = Arc<dyn Fn() -> Arc<Config> + Send + Sync>;

/// Watches over receivers.
pub struct ReceiverWatch {
    state: State,
    env: Env,
    config: Configured,
    sink: Arc<dyn SignalSink>,
}

/// What is wrong with receivers now.
#[derive(Default)]
struct Found {
    signals: Vec<Signal>,
    /// Receivers of which no way works.
    broken: BTreeSet<String>,
    /// Ways that were never seen before.
    new: Vec<(String, String)>,
    due: Option<Timestamp>,
}

impl ReceiverWatch {
    /// `sink` takes the alerts.
    #[must_use]
    pub fn new(state: State, env: Env, config: Configured, sink: Arc<dyn SignalSink>) -> Self {
        Self { state, env, config, sink }
    }

    async fn pass(&self) -> Result<Report, StateError> {
        let (config, now) = ((self.config)(), self.env.now());
        let standings = standing::known(self.state.read()).await?;
        let mut found = find(&config, &standings, now);
        let report = Report { processed: 0, next_due: Some(now + INTERVAL) }.due(found.due);
        let wanted = std::mem::take(&mut found.signals);
        let signals = self.news(wanted, now).await?;
        if signals.is_empty() && found.new.is_empty() {
            return Ok(report);
        }
        let mut tx = self.state.write().await?;
        for (receiver, integration) in &found.new {
            sqlx::query(
                "INSERT INTO receiver_standing (receiver, integration, known_since) VALUES ($1, $2, $3) \
                 ON CONFLICT (receiver, integration) DO NOTHING",
            )
            .bind(receiver)
            .bind(integration)
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await
            .map_err(StateError::statement("remember a receiver"))?;
        }
        self.sink.record(&mut tx, &signals).await?;
        for signal in &signals {
            self.tell_past(&mut tx, &config, &found.broken, signal, now).await?;
        }
        State::commit(tx).await?;
        self.sink.committed();
        Ok(Report { processed: signals.len() + found.new.len(), ..report })
    }

    /// Only what differs from the alerts that fire: the rest was said.
    async fn news(&self, wanted: Vec<Signal>, now: Timestamp) -> Result<Vec<Signal>, StateError> {
        let rows = sqlx::query("SELECT name, labels, annotations FROM alert WHERE state = 'firing' AND source = $1")
            .bind(SOURCE)
            .fetch_all(self.state.read())
            .await
            .map_err(StateError::statement("read alerts about receivers"))?;
        let mut firing: BTreeMap<String, (String, BTreeMap<String, String>)> = BTreeMap::new();
        for row in &rows {
            let said = serde_json::from_str(row.get("annotations")).unwrap_or_default();
            firing.insert(row.get("labels"), (row.get("name"), said));
        }
        let mut signals = Vec::new();
        for signal in wanted {
            let said = firing.remove(&json!(signal.labels).to_string());
            if said.is_none_or(|(_, annotations)| annotations != signal.annotations) {
                signals.push(signal);
            }
        }
        for (labels, (name, annotations)) in firing {
            let labels: Labels =
                serde_json::from_str(&labels).map_err(|_| StateError::corrupt("alert", "labels", &labels))?;
            signals.push(Signal {
                verdict: Verdict::Resolved,
                reason: "a message arrived, or the configuration has no such receiver any more".to_owned(),
                annotations,
                ..signal(&name, labels, Priority::Medium, now)
            });
        }
        Ok(signals)
    }

    /// Tells somebody who can hear it, when the route of an alert leads to none but receivers that do not work.
    async fn tell_past(
        &self,
        tx: &mut Tx,
        config: &Config,
        broken: &BTreeSet<String>,
        signal: &Signal,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let Some(about) = signal.labels.get("receiver").filter(|_| signal.name == FAILING) else { return Ok(()) };
        let (status, over) = match signal.verdict {
            Verdict::Resolved => ("resolved", true),
            Verdict::Firing | Verdict::Unknown { .. } => ("firing", false),
        };
        let stops = walk(&config.route, &signal.labels.with("category", signal.category.as_str())).stops;
        let led: Vec<&str> = stops.iter().map(|stop| stop.route.receiver.as_str()).collect();
        let thread = format!("receivers/{about}");
        let mut others = Vec::new();
        others.extend(config.self_watch.receiver.as_deref());
        others.extend(fallbacks(config, about));
        if over {
            // Whoever heard of the beginning past the route hears of the end.
            let told: Vec<String> = sqlx::query_scalar(
                "SELECT DISTINCT receiver FROM notification WHERE thread = $1 AND kind = 'self-watch'",
            )
            .bind(&thread)
            .fetch_all(&mut **tx)
            .await
            .map_err(StateError::statement("find who was told of a receiver"))?;
            others.retain(|name| told.iter().any(|told| told == name));
        } else if led.iter().any(|name| !broken.contains(*name) && *name != about) {
            return Ok(());
        }
        let other = others.iter().find(|name| !broken.contains(**name) && **name != about && !led.contains(*name));
        let Some(other) = other.and_then(|name| config.receivers.get(*name)) else { return Ok(()) };
        let summary = signal.annotations.get("summary").cloned().unwrap_or_default();
        let text = if over { format!("The receiver {about} works again.") } else { summary };
        let message = Message {
            kind: "self-watch",
            status: if over { "info" } else { status },
            receiver: &other.name,
            thread: &thread,
            group: None,
            incident: None,
            alerts: &[],
            content: json!({"text": text}),
            reason: format!("the route of {FAILING} leads to {}, which does not work", led.join(", ")),
        };
        outbox::enqueue(tx, &self.env, now, &other.integrations(), &message).await?;
        Ok(())
    }
}

/// The fallback of a receiver, the fallback's, and so on.
fn fallbacks<'c>(config: &'c Config, receiver: &str) -> Vec<&'c str> {
    let next = |name: &str| config.receivers.get(name).and_then(|receiver| receiver.fallback.as_deref());
    let chain = std::iter::successors(next(receiver), |name| next(name));
    // The configuration refuses circles.
    chain.take(config.receivers.len()).collect()
}

fn find(config: &Config, standings: &Standings, now: Timestamp) -> Found {
    let mut found = Found::default();
    for receiver in config.receivers.values() {
        let keys: Vec<String> = receiver.integrations().into_iter().map(|i| i.key).collect();
        let standing = |key: &str| standing::of(config, standings, receiver, key);
        if !keys.is_empty() && keys.iter().all(|key| standing(key).is_some_and(|s| s.broken_since().is_some())) {
            found.broken.insert(receiver.name.clone());
        }
        // Whom a policy calls are receivers themselves.
        let own: Vec<&String> = keys.iter().filter(|key| *key != Integration::ON_CALL).collect();
        let (mut failing, mut untested) = (Vec::new(), Vec::new());
        for key in own {
            let Some(standing) = standing(key) else {
                found.new.push((receiver.name.clone(), key.clone()));
                continue;
            };
            if let Some(since) = standing.broken_since() {
                let at = since + config.self_watch.failing_after;
                if at <= now {
                    failing.push((key, since));
                } else {
                    found.due = found.due.into_iter().chain([at]).min();
                }
                continue;
            }
            let last = standing.last_delivered_at.max(standing.known_since);
            let at = last.zip(config.self_watch.untested_after).map(|(last, after)| last + after);
            match at {
                Some(at) if at <= now => untested.push((key, standing.last_delivered_at)),
                Some(at) => found.due = found.due.into_iter().chain([at]).min(),
                None => {}
            }
        }
        found.signals.extend(about_failing(receiver, &failing, now));
        found.signals.extend(about_untested(receiver, &untested, now));
    }
    found
}

fn about_failing(receiver: &Receiver, ways: &[(&String, Timestamp)], now: Timestamp) -> Option<Signal> {
    let since = ways.iter().map(|(_, since)| *since).min()?;
    let names: Vec<&str> = ways.iter().map(|(key, _)| key.as_str()).collect();
    let summary = format!("The receiver {} does not work: nothing arrives over {}", receiver.name, names.join(", "));
    let help = format!(
        "Failing since {since}. `watchkeeper notify receivers` says why; `watchkeeper notify test {}` tries it",
        receiver.name
    );
    Some(about(FAILING, receiver, Priority::High, summary, help, now))
}

fn about_untested(receiver: &Receiver, ways: &[(&String, Option<Timestamp>)], now: Timestamp) -> Option<Signal> {
    if ways.is_empty() {
        return None;
    }
    let last = |(key, at): &(&String, Option<Timestamp>)| match at {
        Some(at) => format!("{key} (last at {at})"),
        None => format!("{key} (never)"),
    };
    let names: Vec<String> = ways.iter().map(last).collect();
    let summary = format!("Nobody knows whether the receiver {} works: {}", receiver.name, names.join(", "));
    let help = format!("`watchkeeper notify test {}` sends a message through the real path", receiver.name);
    Some(about(UNTESTED, receiver, Priority::Medium, summary, help, now))
}

fn about(name: &str, receiver: &Receiver, priority: Priority, summary: String, help: String, now: Timestamp) -> Signal {
    let labels = Labels::from_pairs([
        ("alertname", name),
        ("receiver", receiver.name.as_str()),
        // Routes match on labels.
        ("priority", priority.as_str()),
    ]);
    let annotations = [("summary", summary), ("description", help)].map(|(k, v)| (k.to_owned(), v)).into();
    Signal { annotations, ..signal(name, labels, priority, now) }
}

fn signal(name: &str, labels: Labels, priority: Priority, now: Timestamp) -> Signal {
    Signal {
        source: SOURCE.to_owned(),
        rule_id: None,
        name: name.to_owned(),
        labels,
        annotations: BTreeMap::new(),
        category: Category::Application,
        priority,
        verdict: Verdict::Firing,
        value: None,
        expr: None,
        threshold: None,
        comparison: None,
        started_at: now,
        at: now,
        evidence: json!({}),
        reason: "messages to the receiver do not arrive, or none was sent for long".to_owned(),
    }
}

impl Reconciler for ReceiverWatch {
    fn name(&self) -> &'static str {
        "receivers"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.pass().await?) })
    }
}
