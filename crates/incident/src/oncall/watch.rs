//! Watching over schedules: hand-offs are noticed, and people are warned before nobody is on call.
//!
//! Not calling anybody: a gap is an alert like any other, and takes the way that alerts take.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::json;
use sqlx::Row;
use watchkeeper_config::model::Schedule;
use watchkeeper_config::model::person::receiver_of;
use watchkeeper_domain::{Actor, Category, Integration, Labels, Priority, Signal, Span, Timestamp, Verdict};
use watchkeeper_state::outbox::{self, Message};
use watchkeeper_state::{Entry, ReconcileError, Reconciler, Report, SignalSink, State, StateError, Tx, ledger};

use super::command::OnCall;
use super::read::LONGEST_RANGE;
use super::restriction::Window;
use super::settings::Settings;
use super::{Override, store, timetable};

/// The alert about a time that will have nobody.
pub const GAP: &str = "OnCallGap";
/// The alert about nobody being on call now.
pub const UNCOVERED: &str = "OnCallUncovered";
/// Where these alerts come from.
pub const SOURCE: &str = "on-call";
/// How often schedules are looked at when nothing is due earlier: a gap comes into the range that is looked at by and by.
const INTERVAL: Span = Span::from_secs(600);
/// How far the end of a gap and of a shift is looked for.
const HORIZON: Span = Span::from_secs(14 * 86_400);

/// Watches over schedules.
pub struct OnCallWatch {
    on_call: OnCall,
    sink: Arc<dyn SignalSink>,
}

/// How a schedule stands.
struct Standing {
    person: Option<String>,
    /// When that changes.
    until: Timestamp,
    /// The next time without anybody, also one that has begun.
    gap: Option<Window>,
    /// Where looking ended.
    looked_until: Timestamp,
}

impl Standing {
    /// When there is something to notice: a hand-off, a warning, the beginning of a gap.
    fn due(&self, schedule: &Schedule, now: Timestamp) -> Timestamp {
        let gap = self.gap.map(|gap| gap.from);
        let warning = gap.map(|from| from - schedule.gap_warning);
        let times = [Some(self.until), gap, warning].into_iter().flatten().filter(|at| *at > now);
        times.fold(now + INTERVAL, Timestamp::min)
    }
}

impl OnCallWatch {
    /// `sink` takes the alerts about gaps.
    #[must_use]
    pub fn new(on_call: OnCall, sink: Arc<dyn SignalSink>) -> Self {
        Self { on_call, sink }
    }

    async fn pass(&self) -> Result<Report, StateError> {
        let settings = self.on_call.settings();
        let (state, now) = (&self.on_call.state, self.on_call.env.now());
        let warned = settings.schedules.values().map(|schedule| schedule.gap_warning).max().unwrap_or_default();
        let range = Window { from: now, until: now + warned.min(LONGEST_RANGE) + HORIZON };
        let overrides = store::by_schedule(&store::overrides(state.read(), range).await?);
        let (mut wanted, mut turns) = (Vec::new(), Vec::new());
        let mut report = Report::default();
        let known = known_turns(state).await?;
        for schedule in settings.schedules.values() {
            let standing = standing(schedule, overrides.get(&schedule.name), range);
            report = report.due(Some(standing.due(schedule, now)));
            wanted.extend(warnings(schedule, &standing, now));
            let before = known.get(&schedule.name);
            if before.is_none_or(|(person, _)| *person != standing.person) {
                turns.push((schedule, standing, before.map(|(_, since)| *since)));
            }
        }
        let signals = self.signals(wanted, now).await?;
        if signals.is_empty() && turns.is_empty() {
            return Ok(report);
        }
        let mut tx = state.write().await?;
        self.sink.record(&mut tx, &signals).await?;
        for (schedule, standing, since) in &turns {
            self.hand_off(&mut tx, &settings, schedule, standing, *since, now).await?;
        }
        State::commit(tx).await?;
        self.sink.committed();
        report.processed = signals.len() + turns.len();
        Ok(report)
    }

    /// Only what differs from the alerts that fire: the rest was said.
    async fn signals(&self, wanted: Vec<Signal>, now: Timestamp) -> Result<Vec<Signal>, StateError> {
        let rows = sqlx::query("SELECT name, labels, annotations FROM alert WHERE state = 'firing' AND source = $1")
            .bind(SOURCE)
            .fetch_all(self.on_call.state.read())
            .await
            .map_err(StateError::statement("read alerts about on-call"))?;
        let mut firing: BTreeMap<String, (String, BTreeMap<String, String>)> = BTreeMap::new();
        for row in &rows {
            let annotations: &str = row.get("annotations");
            let said = serde_json::from_str(annotations).unwrap_or_default();
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
            let reason = "somebody is on call for that time, or the schedule is not watched any more";
            signals.push(Signal {
                verdict: Verdict::Resolved,
                reason: reason.to_owned(),
                annotations,
                ..signal(name, labels, Priority::Medium, now)
            });
        }
        Ok(signals)
    }

    async fn hand_off(
        &self,
        tx: &mut Tx,
        settings: &Settings,
        schedule: &Schedule,
        standing: &Standing,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StateError> {
        sqlx::query(
            "INSERT INTO oncall_turn (schedule, person, since) VALUES ($1, $2, $3) \
             ON CONFLICT (schedule) DO UPDATE SET person = excluded.person, since = excluded.since",
        )
        .bind(&schedule.name)
        .bind(&standing.person)
        .bind(now.as_micros())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("remember whose turn it is"))?;
        // At the very first look nobody hands over to anybody.
        let Some(since) = since else { return Ok(()) };
        let notes = store::notes(&mut **tx, &schedule.name, since).await?;
        let data = json!({
            "schedule": schedule.name, "person": standing.person, "until": standing.until, "notes": notes.len(),
        });
        let entry = Entry::new(now, "oncall.handed_off", Actor::System, &schedule.name).data(data);
        ledger::append(tx, entry).await?;
        let Some(person) = standing.person.as_ref().filter(|_| schedule.announce) else { return Ok(()) };
        let receiver = receiver_of(person);
        let ways: Vec<Integration> = settings.integrations.get(&receiver).cloned().unwrap_or_default();
        let ways: Vec<Integration> = ways.into_iter().filter(|way| is_quiet(&way.key)).collect();
        let mut text = format!("{person}, you are on call in {} now, until {}.", schedule.name, standing.until);
        for note in &notes {
            text.push_str(&format!("\n{} {}: {}", note.at, note.author, note.text));
        }
        let message = Message {
            kind: "oncall",
            status: "info",
            receiver: &receiver,
            thread: &format!("on-call/{}", schedule.name),
            group: None,
            incident: None,
            alerts: &[],
            content: json!({"text": text}),
            reason: format!("their turn in {} begins", schedule.name),
        };
        outbox::enqueue(tx, &self.on_call.env, now, &ways, &message).await?;
        Ok(())
    }
}

/// Whether a way does not ring: a hand-off wakes nobody.
pub(crate) fn is_quiet(key: &str) -> bool {
    !matches!(key.split(':').next(), Some("sms" | "voice"))
}

async fn known_turns(state: &State) -> Result<BTreeMap<String, (Option<String>, Timestamp)>, StateError> {
    let rows: Vec<(String, Option<String>, i64)> = sqlx::query_as("SELECT schedule, person, since FROM oncall_turn")
        .fetch_all(state.read())
        .await
        .map_err(StateError::statement("read whose turn it was"))?;
    Ok(rows.into_iter().map(|(name, person, since)| (name, (person, Timestamp::from_micros(since)))).collect())
}

fn standing(schedule: &Schedule, overrides: Option<&Vec<Override>>, range: Window) -> Standing {
    let table = timetable(schedule, overrides.map_or(&[][..], Vec::as_slice), range);
    let current = table.shifts.first().filter(|shift| shift.from == range.from);
    let gap = table.gaps.first().copied();
    let mut until = current.map_or_else(|| gap.map_or(range.until, |gap| gap.until), |shift| shift.until);
    // The same person goes on in another layer.
    for shift in table.shifts.iter().skip(1) {
        if current.is_some_and(|now| now.person == shift.person) && shift.from == until {
            until = shift.until;
        }
    }
    Standing { person: current.map(|shift| shift.person.clone()), until, gap, looked_until: range.until }
}

/// The alerts that should fire about a schedule.
fn warnings(schedule: &Schedule, standing: &Standing, now: Timestamp) -> Vec<Signal> {
    let Some(gap) = standing.gap.filter(|_| !schedule.allow_gaps) else { return Vec::new() };
    // The end of what was looked at moves on with every look, and an alert that changes every minute is no alert.
    let end = if gap.until < standing.looked_until { format!("to {}", gap.until) } else { "on".to_owned() };
    let mut found = Vec::new();
    let mut warn = |name: &str, priority: Priority, summary: String| {
        let labels = Labels::from_pairs([
            ("alertname", name),
            ("schedule", schedule.name.as_str()),
            // Routes match on labels.
            ("priority", priority.as_str()),
        ]);
        let help = "add an override (console: On call; `watchkeeper oncall override add`), or change the schedule";
        let annotations = [("summary", summary), ("description", help.to_owned())];
        found.push(Signal {
            annotations: annotations.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
            ..signal(name.to_owned(), labels, priority, now)
        });
    };
    if gap.from <= now {
        let summary = format!("Nobody is on call in {} now", schedule.name);
        warn(UNCOVERED, Priority::High, summary);
    } else if gap.from <= now + schedule.gap_warning {
        let summary = format!("Nobody will be on call in {} from {} {end}", schedule.name, gap.from);
        warn(GAP, Priority::Medium, summary);
    }
    found
}

fn signal(name: String, labels: Labels, priority: Priority, now: Timestamp) -> Signal {
    Signal {
        source: SOURCE.to_owned(),
        rule_id: None,
        name,
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
        reason: "the schedule has a time without anybody".to_owned(),
    }
}

impl Reconciler for OnCallWatch {
    fn name(&self) -> &'static str {
        "on-call"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.pass().await?) })
    }
}
