//! Fire drills: an alert that asks nothing but "are you there?" goes through the real route, and somebody confirms it.
//!
//! Not a shortcut: it is recorded, routed, grouped and delivered like any alert, and whoever acknowledges it has confirmed
//! it. Only incidents are spared: a drill opens none. One that nobody confirms is an alert of its own.

mod command;
pub mod read;
pub mod settings;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::json;
use sqlx::Row;
use watchkeeper_domain::ids::{AlertId, DrillId, Id};
use watchkeeper_domain::{Actor, Category, Env, Labels, Priority, Signal, Timestamp, Verdict};
use watchkeeper_state::{Entry, ReconcileError, Reconciler, Report, SignalSink, State, StateError, Tx, ledger};

pub use read::{Drill, DrillState};
use settings::Settings;

/// The alert that goes out.
pub const DRILL: &str = "FireDrill";
/// The alert about a drill that nobody confirmed.
pub const UNCONFIRMED: &str = "FireDrillUnconfirmed";
/// Where these alerts come from.
pub const SOURCE: &str = "drill";
/// The row that remembers when a schedule of drills was first seen.
const KNOWN_SINCE: &str = "drill";

/// The address at which whoever has it can confirm a drill.
pub type ConfirmUrl = Arc<dyn Fn(DrillId) -> String + Send + Sync>;

/// Fire drills, for commands and as a reconciler.
pub struct Drills {
    state: State,
    env: Env,
    settings: ArcSwap<Settings>,
    sink: Arc<dyn SignalSink>,
    confirm_url: ConfirmUrl,
}

impl Drills {
    /// `sink` takes the alerts.
    #[must_use]
    pub fn new(state: State, env: Env, settings: Settings, sink: Arc<dyn SignalSink>, confirm_url: ConfirmUrl) -> Self {
        Self { state, env, settings: ArcSwap::from_pointee(settings), sink, confirm_url }
    }

    /// Uses other settings from now on.
    pub fn reload(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }

    /// When the next drill begins by itself.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        self.settings.load().drill.as_ref().and_then(|drill| settings::next_after(drill, self.env.now()))
    }

    async fn pass(&self) -> Result<Report, StateError> {
        let now = self.env.now();
        let due = self.due(now).await?;
        let waiting = read::waiting(self.state.read()).await?;
        let ended: Vec<&(Drill, Option<String>)> =
            waiting.iter().filter(|(drill, by)| by.is_some() || drill.confirm_by <= now).collect();
        let next = waiting.iter().map(|(drill, _)| drill.confirm_by).filter(|at| *at > now).min();
        let report = Report::default().due(next).due(self.next_at());
        if due.is_none() && ended.is_empty() {
            return Ok(report);
        }
        let mut tx = self.state.write().await?;
        let mut processed = 0;
        for (drill, by) in ended {
            processed += usize::from(self.end(&mut tx, drill, by.as_deref(), now).await?);
        }
        if let Some(due) = due {
            self.start(&mut tx, Some(due), &Actor::System, now).await?;
            processed += 1;
        }
        State::commit(tx).await?;
        self.sink.committed();
        Ok(Report { processed, ..report })
    }

    /// The drill that the schedule wants now. One that fell into a time when nobody was there is made up for, the last one
    /// only; one from before the schedule was known is not.
    async fn due(&self, now: Timestamp) -> Result<Option<Timestamp>, StateError> {
        let settings = self.settings.load();
        let Some(drill) = &settings.drill else { return Ok(None) };
        let known: Option<i64> = sqlx::query_scalar("SELECT at FROM self_watch WHERE key = $1")
            .bind(KNOWN_SINCE)
            .fetch_optional(self.state.read())
            .await
            .map_err(StateError::statement("see since when drills are scheduled"))?;
        let Some(known) = known.map(Timestamp::from_micros) else {
            let mut tx = self.state.write().await?;
            sqlx::query("INSERT INTO self_watch (key, at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING")
                .bind(KNOWN_SINCE)
                .bind(now.as_micros())
                .execute(&mut *tx)
                .await
                .map_err(StateError::statement("remember since when drills are scheduled"))?;
            State::commit(tx).await?;
            return Ok(None);
        };
        let Some(last) = settings::last_until(drill, now).filter(|last| *last > known) else { return Ok(None) };
        let held: Option<i64> = sqlx::query_scalar("SELECT 1 FROM drill WHERE due_at >= $1 LIMIT 1")
            .bind(last.as_micros())
            .fetch_optional(self.state.read())
            .await
            .map_err(StateError::statement("see whether a drill was held"))?;
        Ok(held.is_none().then_some(last))
    }

    async fn start(
        &self,
        tx: &mut Tx,
        due: Option<Timestamp>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<DrillId, StateError> {
        let settings = self.settings.load();
        let wanted = settings.drill_or_default();
        let id = DrillId::new(&self.env);
        let confirm_by = now + wanted.confirm_within;
        let link = (self.confirm_url)(id);
        let summary = format!("Fire drill, nothing is wrong: confirm that this reached you. {link}");
        let description = format!(
            "Acknowledge it as any alert (console, Slack, a reply, key 1), follow the link, or run \
             `watchkeeper drill confirm`, until {confirm_by}."
        );
        let mut labels = Labels::from_pairs(wanted.labels.clone());
        for (name, value) in [("alertname", DRILL), ("drill", &id.to_string()), ("priority", wanted.priority.as_str())]
        {
            labels = labels.with(name, value);
        }
        let annotations = [("summary", summary), ("description", description)];
        let firing = Signal {
            annotations: annotations.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
            ..signal(DRILL, labels, wanted.priority, now)
        };
        let alert = self.sink.record(tx, &[firing]).await?.into_iter().next().flatten();
        sqlx::query(
            "INSERT INTO drill (id, due_at, started_at, started_by, confirm_by, alert_id, state) \
             VALUES ($1, $2, $3, $4, $5, $6, 'waiting')",
        )
        .bind(id.to_string())
        .bind(due.map(Timestamp::as_micros))
        .bind(now.as_micros())
        .bind(by.to_string())
        .bind(confirm_by.as_micros())
        .bind(alert.map(|id| id.to_string()))
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("begin a drill"))?;
        let data = json!({"due_at": due, "confirm_by": confirm_by, "alert": alert});
        note(tx, now, "drill.started", by.clone(), id, alert, data).await?;
        Ok(id)
    }

    /// Ends a drill that somebody confirmed, or whose time is over. False when somebody else did.
    async fn end(&self, tx: &mut Tx, drill: &Drill, by: Option<&str>, now: Timestamp) -> Result<bool, StateError> {
        let state = if by.is_some() { "confirmed" } else { "missed" };
        let changed = sqlx::query(
            "UPDATE drill SET state = $2, ended_at = $3, confirmed_by = $4 WHERE id = $1 AND state = 'waiting'",
        )
        .bind(drill.id.to_string())
        .bind(state)
        .bind(now.as_micros())
        .bind(by)
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("end a drill"))?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        let mut signals = Vec::new();
        if let Some(labels) = labels_of(tx, drill.alert).await? {
            let reason = if by.is_some() { "the drill was confirmed" } else { "the drill's time is over" };
            let end = signal(DRILL, labels, Priority::High, now);
            signals.push(Signal { verdict: Verdict::Resolved, reason: reason.to_owned(), ..end });
        }
        let unconfirmed = signal(
            UNCONFIRMED,
            Labels::from_pairs([("alertname", UNCONFIRMED), ("priority", "high")]),
            Priority::High,
            now,
        );
        if by.is_some() {
            let reason = "a drill was confirmed".to_owned();
            signals.push(Signal { verdict: Verdict::Resolved, reason, ..unconfirmed });
        } else {
            let summary = format!("Nobody confirmed the fire drill of {}", drill.started_at);
            let help = format!(
                "A page may not reach anybody. `watchkeeper explain alert {}` shows how far it came; `watchkeeper drill run` \
                 tries again",
                drill.alert.map(|id| id.to_string()).unwrap_or_default()
            );
            let annotations = [("summary", summary), ("description", help)];
            let annotations = annotations.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            signals.push(Signal { annotations, ..unconfirmed });
        }
        self.sink.record(tx, &signals).await?;
        let took = now.since(drill.started_at);
        let (kind, data) = match by {
            Some(by) => ("drill.confirmed", json!({"by": by, "after": took})),
            None => ("drill.missed", json!({"reason": format!("nobody confirmed it within {took}")})),
        };
        let actor = match by.map(str::parse::<Actor>) {
            Some(Ok(actor)) => actor,
            None => Actor::System,
        };
        note(tx, now, kind, actor, drill.id, drill.alert, data).await?;
        Ok(true)
    }
}

async fn note(
    tx: &mut Tx,
    now: Timestamp,
    kind: &'static str,
    by: Actor,
    id: DrillId,
    alert: Option<AlertId>,
    data: serde_json::Value,
) -> Result<(), StateError> {
    let entry = Entry::new(now, kind, by, id).data(data);
    ledger::append(
        tx,
        match alert {
            Some(alert) => entry.alert(alert),
            None => entry,
        },
    )
    .await?;
    Ok(())
}

/// The labels of a drill's alert, while it fires.
async fn labels_of(tx: &mut Tx, alert: Option<AlertId>) -> Result<Option<Labels>, StateError> {
    let Some(alert) = alert else { return Ok(None) };
    let row = sqlx::query("SELECT labels FROM alert WHERE id = $1 AND state = 'firing'")
        .bind(alert.to_string())
        .fetch_optional(&mut **tx)
        .await
        .map_err(StateError::statement("read a drill's alert"))?;
    let Some(row) = row else { return Ok(None) };
    let labels: &str = row.get("labels");
    serde_json::from_str(labels).map(Some).map_err(|_| StateError::corrupt("alert", "labels", labels))
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
        reason: if name == DRILL { "a fire drill" } else { "nobody confirmed a fire drill" }.to_owned(),
    }
}

impl Reconciler for Drills {
    fn name(&self) -> &'static str {
        "drills"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.pass().await?) })
    }
}

#[cfg(test)]
mod tests;
