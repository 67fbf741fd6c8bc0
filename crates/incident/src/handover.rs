//! Handing an incident over to people: because no workflow fits, or because none helped.
//!
//! Not escalation: who is on call and what happens when nobody answers.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;
use watchkeeper_domain::ids::IncidentId;
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

/// Calls people, once per opening of an incident. `headline` says why, in one sentence. Gives the incident as it now is.
pub async fn hand_over(
    tx: &mut Tx,
    env: &Env,
    policy: &Policy,
    incident: &Incident,
    headline: &str,
) -> Result<Incident, StateError> {
    let now = env.now();
    // `HandedOver` conflicts with no state; if it ever did, the incident would stay as it is.
    let Ok(Some(next)) = step(incident, &Event::HandedOver, now) else { return Ok(incident.clone()) };
    row::save(tx, &next).await?;
    let tried = tried(tx, incident.id).await?;
    let alerts = row::firing_alerts(tx, incident.id).await?;
    let text = text(&next, headline, &tried);
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
    let message = Message {
        kind: "handover",
        status: "firing",
        receiver: &policy.handover_receiver,
        thread: &thread,
        group: None,
        incident: Some(next.id),
        alerts: alerts.get(..alerts.len().min(100)).unwrap_or_default(),
        content,
        reason: format!("hand-over: {headline}"),
    };
    let told = outbox::enqueue(tx, env, now, &policy.handover_integrations, &message).await?;
    let data =
        json!({"headline": headline, "tried": tried, "receiver": policy.handover_receiver, "notifications": told});
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
    ledger::append(tx, Entry::new(now, "incident.handed_over", Actor::System, next.id).incident(next.id).data(data))
        .await?;
    Ok(next)
}

fn text(incident: &Incident, headline: &str, tried: &[Tried]) -> String {
    let mut text = format!("INC-{} {}: {headline}", incident.number, incident.title);
    for attempt in tried {
        text.push_str(&format!("\nTried {}: {}", attempt.workflow, attempt.outcome));
        if !attempt.detail.is_empty() {
            text.push_str(&format!(" ({})", attempt.detail));
        }
    }
    text
}
