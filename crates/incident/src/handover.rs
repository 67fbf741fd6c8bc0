//! Handing an incident over to people: because no workflow fits, or because none helped.
//!
//! Not escalation: [`crate::escalation`] knows who is on call and what happens when nobody answers.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;
use watchkeeper_domain::ids::{IncidentId, RunId};
use watchkeeper_domain::{Actor, Env, Timestamp};
use watchkeeper_state::outbox::{self, Message};
use watchkeeper_state::{Entry, StateError, Tx, ledger};

use crate::incident::Incident;
use crate::lifecycle::{Event, step};
use crate::policy::Policy;
use crate::{row, timeline};

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The run.
    pub run: String,
    /// The workflow.
    pub workflow: String,
    /// The run's state: `succeeded`, `failed`, `handed_over`, …
    pub outcome: String,
    /// When it was asked for.
    pub at: Timestamp,
    /// What came of it, in words.
    pub detail: String,
}

/// What was tried for an incident, oldest first.
pub async fn tried(tx: &mut Tx, incident: IncidentId) -> Result<Vec<Tried>, StateError> {
    let rows = sqlx::query(
        "SELECT id, workflow, state, outcome, created_at FROM run WHERE incident_id = $1 ORDER BY created_at, id LIMIT 100",
    )
    .bind(incident.to_string())
    .fetch_all(&mut **tx)
    .await
    .map_err(StateError::statement("read what was tried"))?;
    let tried = |row: &sqlx::sqlite::SqliteRow| Tried {
        run: row.get("id"),
        workflow: row.get("workflow"),
        outcome: row.get("state"),
        at: Timestamp::from_micros(row.get("created_at")),
        detail: row.get("outcome"),
    };
    Ok(rows.iter().map(tried).collect())
}

/// What brings the hand-over about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nobody has the incident and nothing works on it. Who was called before knows that.
    Nobody,
    /// This run did not help. That is news, also to those who were called before; once for each run.
    Run(RunId),
}

/// Calls people, once per opening of an incident and once for each run that did not help. `headline` says why, in one sentence. Gives the incident as it now is.
pub async fn hand_over(
    tx: &mut Tx,
    env: &Env,
    policy: &Policy,
    incident: &Incident,
    headline: &str,
    cause: Cause,
) -> Result<Incident, StateError> {
    let now = env.now();
    let news = match cause {
        Cause::Nobody => false,
        Cause::Run(run) => !told_of(tx, run).await?,
    };
    let next = match step(incident, &Event::HandedOver, now) {
        Ok(Some(next)) => {
            row::save(tx, &next).await?;
            next
        }
        Ok(None) if news => incident.clone(),
        // `HandedOver` conflicts with no state; if it ever did, the incident would stay as it is.
        Ok(None) | Err(_) => return Ok(incident.clone()),
    };
    let tried = tried(tx, incident.id).await?;
    let alerts = row::firing_alerts(tx, incident.id).await?;
    let text = format!("INC-{} {}: {headline}. People are needed.", next.number, next.title);
    let content = json!({
        "incident": {
            "id": next.id, "number": next.number, "title": next.title, "kind": next.kind, "state": next.state,
            "priority": next.priority, "category": next.category, "opened_at": next.opened_at, "roles": next.roles,
            "restricted": next.restricted, "component": next.component,
        },
        "headline": headline,
        "tried": tried,
        "text": text,
    });
    let thread = next.id.to_string();
    let receivers = receivers(tx, policy, &next).await?;
    let mut told = Vec::new();
    for receiver in &receivers {
        let message = Message {
            kind: "handover",
            status: "firing",
            receiver,
            thread: &thread,
            group: None,
            incident: Some(next.id),
            alerts: alerts.get(..alerts.len().min(100)).unwrap_or_default(),
            content: content.clone(),
            reason: format!("hand-over: {headline}"),
        };
        let integrations = policy.integrations.get(receiver).map_or(&[][..], Vec::as_slice);
        told.extend(outbox::enqueue(tx, env, now, integrations, &message).await?);
    }
    let data = json!({"headline": headline, "tried": tried, "receivers": receivers, "notifications": told});
    timeline::write(
        tx,
        env,
        next.id,
        "workflow",
        &Actor::System,
        &format!("Handed over to people: {headline}"),
        data.clone(),
    )
    .await?;
    let mut entry = Entry::new(now, "incident.handed_over", Actor::System, next.id).incident(next.id).data(data);
    if let Cause::Run(run) = cause {
        entry = entry.run(run);
    }
    ledger::append(tx, entry).await?;
    Ok(next)
}

async fn told_of(tx: &mut Tx, run: RunId) -> Result<bool, StateError> {
    ledger::settle(tx).await?;
    let entries: i64 =
        sqlx::query_scalar("SELECT count(*) FROM ledger WHERE kind = 'incident.handed_over' AND run_id = $1")
            .bind(run.to_string())
            .fetch_one(&mut **tx)
            .await
            .map_err(StateError::statement("see whether people know of a run"))?;
    Ok(entries > 0)
}

/// Who is called. A restricted incident is told to those only whom its alerts were routed to: the general receiver of
/// hand-overs may be a channel that many read.
async fn receivers(tx: &mut Tx, policy: &Policy, incident: &Incident) -> Result<Vec<String>, StateError> {
    let general = || vec![policy.handover_receiver.clone()];
    if !incident.restricted {
        return Ok(general());
    }
    let routed: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT g.receiver FROM alert a JOIN alert_group_member m ON m.alert_id = a.id \
         JOIN alert_group g ON g.id = m.group_id WHERE a.incident_id = $1 ORDER BY g.receiver",
    )
    .bind(incident.id.to_string())
    .fetch_all(&mut **tx)
    .await
    .map_err(StateError::statement("find who may hear of a restricted incident"))?;
    // One that was declared by hand has no alerts that were routed; somebody must be called all the same.
    Ok(if routed.is_empty() { general() } else { routed })
}
