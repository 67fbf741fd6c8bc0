//! Recording verdicts: rows, transitions and ledger entries in the transaction of whoever found them.
//!
//! Not telling anybody: [`crate::reconcile`] does that after the commit.

mod bulk;

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;

use serde_json::json;
use sqlx::Row;
use watchkeeper_domain::ids::{AlertId, Id};
use watchkeeper_domain::{Actor, Env, Signal, Timestamp, Verdict};
use watchkeeper_state::{Entry, SignalSink, StateError, Tx, Wake, ledger};

use crate::lifecycle::{self, Change, Open};
use bulk::New;

/// From so many signals on it is worth while to look whether all of them begin an alert.
const BULK_FROM: usize = 4;

/// The alerts, as those see them who find something.
#[derive(Clone)]
pub struct Alerts {
    env: Env,
    wakes: Vec<Wake>,
}

impl Alerts {
    /// `wakes` are those who must look after a commit: the alert and the incident reconciler.
    #[must_use]
    pub fn new(env: Env, wakes: Vec<Wake>) -> Self {
        Self { env, wakes }
    }

    async fn record_one(&self, tx: &mut Tx, signal: &Signal) -> Result<Option<AlertId>, StateError> {
        let act = "record a verdict";
        let fingerprint = signal.labels.fingerprint().to_string();
        let labels = json!(signal.labels).to_string();
        // The labels decide, not the fingerprint: labels come from outside, and a 64-bit hash can be made to collide.
        let open = sqlx::query(
            "SELECT id, unknown_reason FROM alert WHERE fingerprint = $1 AND labels = $2 AND state = 'firing'",
        )
        .bind(&fingerprint)
        .bind(&labels)
        .fetch_optional(&mut **tx)
        .await
        .map_err(StateError::statement(act))?;
        let (id, unknown) = match &open {
            Some(row) => {
                let id: &str = row.get("id");
                let id: AlertId = id.parse().map_err(|_| StateError::corrupt("alert", "id", id))?;
                (id, row.get::<Option<String>, _>("unknown_reason"))
            }
            None => (AlertId::new(&self.env), None),
        };
        let known = open.as_ref().map(|_| unknown.as_deref().map_or(Open::Known, Open::Unknown));
        let Some(change) = lifecycle::step(known, &signal.verdict) else {
            return Ok(open.map(|_| id));
        };
        let before = match known {
            None => "inactive",
            Some(Open::Known) => "firing",
            Some(Open::Unknown(_)) => "unknown",
        };
        match change {
            Change::Fired => {
                // The row and its transition.
                bulk::insert(tx, &[New { id, fingerprint, labels, signal }]).await?;
                ledger::append(tx, fact(signal, id, "alert.firing")).await?;
                return Ok(Some(id));
            }
            Change::Refreshed => {
                refresh(tx, id, signal).await?;
                return Ok(Some(id));
            }
            Change::KnownAgain => refresh(tx, id, signal).await?,
            Change::BecameUnknown => mark_unknown(tx, id, signal).await?,
            Change::Resolved => resolve(tx, id, signal).await?,
        }
        let (to, kind) = match change {
            Change::BecameUnknown => ("unknown", "alert.unknown"),
            Change::Resolved => ("resolved", "alert.resolved"),
            Change::KnownAgain => ("firing", "alert.known"),
            Change::Fired | Change::Refreshed => return Ok(Some(id)),
        };
        transition(tx, id, signal, before, to).await?;
        ledger::append(tx, fact(signal, id, kind)).await?;
        Ok(Some(id))
    }
}

impl Alerts {
    /// In a storm most signals begin an alert. When all of these do, they are written many at a time; else none of them is.
    async fn record_new(&self, tx: &mut Tx, signals: &[Signal]) -> Result<Option<Vec<Option<AlertId>>>, StateError> {
        if signals.len() < BULK_FROM || signals.iter().any(|signal| signal.verdict != Verdict::Firing) {
            return Ok(None);
        }
        let rows: Vec<New<'_>> = signals.iter().map(|signal| New::of(signal, &self.env)).collect();
        let distinct: HashSet<&str> = rows.iter().map(|row| row.labels.as_str()).collect();
        if distinct.len() < rows.len() || bulk::any_open(tx, &rows).await? {
            return Ok(None);
        }
        bulk::insert(tx, &rows).await?;
        for row in &rows {
            ledger::append(tx, fact(row.signal, row.id, "alert.firing")).await?;
        }
        Ok(Some(rows.iter().map(|row| Some(row.id)).collect()))
    }
}

/// The fact that an alert has changed.
fn fact(signal: &Signal, id: AlertId, kind: &'static str) -> Entry {
    let actor = signal.rule_id.clone().map_or_else(|| Actor::User(signal.source.clone()), Actor::Rule);
    let data = json!({
        "name": signal.name, "labels": signal.labels, "category": signal.category, "priority": signal.priority,
        "value": signal.value, "expr": signal.expr, "threshold": signal.threshold,
        "comparison": signal.comparison, "started_at": signal.started_at, "reason": why(signal),
    });
    Entry::new(signal.at, kind, actor, id).alert(id).data(data)
}

impl SignalSink for Alerts {
    fn record<'a>(
        &'a self,
        tx: &'a mut Tx,
        signals: &'a [Signal],
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Option<AlertId>>, StateError>> + Send + 'a>> {
        Box::pin(async move {
            if let Some(alerts) = self.record_new(tx, signals).await? {
                return Ok(alerts);
            }
            let mut alerts = Vec::with_capacity(signals.len());
            for signal in signals {
                alerts.push(self.record_one(tx, signal).await?);
            }
            Ok(alerts)
        })
    }

    fn committed(&self) {
        self.wakes.iter().for_each(Wake::wake);
    }
}

fn why(signal: &Signal) -> &str {
    match &signal.verdict {
        Verdict::Unknown { reason } => reason,
        Verdict::Firing | Verdict::Resolved => &signal.reason,
    }
}

async fn refresh(tx: &mut Tx, id: AlertId, signal: &Signal) -> Result<(), StateError> {
    sqlx::query(
        "UPDATE alert SET unknown_reason = NULL, value = $2, annotations = $3, category = $4, priority = $5, expr = $6, \
         threshold = $7, comparison = $8, updated_at = $9, rule_id = COALESCE($10, rule_id), \
         ends_at = CASE WHEN $10 IS NULL THEN ends_at END WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(signal.value)
    .bind(json!(signal.annotations).to_string())
    .bind(signal.category.as_str())
    .bind(signal.priority.as_str())
    .bind(&signal.expr)
    .bind(signal.threshold)
    .bind(&signal.comparison)
    .bind(signal.at.as_micros())
    // A rule that finds what another tool posted has it from now on: it knows when it ends.
    .bind(&signal.rule_id)
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("refresh an alert"))?;
    Ok(())
}

async fn mark_unknown(tx: &mut Tx, id: AlertId, signal: &Signal) -> Result<(), StateError> {
    sqlx::query("UPDATE alert SET unknown_reason = $2, updated_at = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(why(signal))
        .bind(signal.at.as_micros())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("mark an alert unknown"))?;
    Ok(())
}

async fn resolve(tx: &mut Tx, id: AlertId, signal: &Signal) -> Result<(), StateError> {
    sqlx::query(
        "UPDATE alert SET state = 'resolved', unknown_reason = NULL, value = COALESCE($2, value), resolved_at = $3, \
         updated_at = $3 WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(signal.value)
    .bind(signal.at.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("resolve an alert"))?;
    Ok(())
}

async fn transition(tx: &mut Tx, id: AlertId, signal: &Signal, from: &str, to: &str) -> Result<(), StateError> {
    let at: Timestamp = signal.at;
    sqlx::query(
        "INSERT INTO alert_transition (alert_id, at, from_state, to_state, value, reason) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id.to_string())
    .bind(at.as_micros())
    .bind(from)
    .bind(to)
    .bind(signal.value)
    .bind(why(signal))
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("write an alert's transition"))?;
    Ok(())
}
