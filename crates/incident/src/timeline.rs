//! The timeline: what happened in an incident, for people, in order.
//!
//! Not the ledger, which is complete and sealed; the timeline is what one reads. Alerts, commands and hand-overs are
//! written here, workflow runs write their own rows, notifications are read from the outbox.

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{Row, SqlitePool};
use watchkeeper_domain::ids::{EntryId, Id, IncidentId};
use watchkeeper_domain::{Actor, Env, Timestamp};
use watchkeeper_state::{StateError, Tx};

use crate::change::{self, Change};

/// Most entries that are read.
pub const MAX_ENTRIES: i64 = 2_000;

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimelineEntry {
    /// Its id: `ent_…`, `ntf_…` for a notification, `chg_…` for a change.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// `state`, `alert`, `role`, `note`, `notification`, `workflow`, `status_page` or `change`.
    pub kind: String,
    /// Who.
    pub actor: Actor,
    /// What happened. Hostile text.
    pub text: String,
    /// Details.
    pub data: Value,
}

/// Writes an entry.
pub async fn write(
    tx: &mut Tx,
    env: &Env,
    incident: IncidentId,
    kind: &'static str,
    actor: &Actor,
    text: &str,
    data: Value,
) -> Result<TimelineEntry, StateError> {
    let entry = TimelineEntry {
        id: EntryId::new(env).to_string(),
        at: env.now(),
        kind: kind.to_owned(),
        actor: actor.clone(),
        text: text.to_owned(),
        data,
    };
    sqlx::query(
        "INSERT INTO timeline_entry (id, incident_id, at, kind, actor, text, data) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&entry.id)
    .bind(incident.to_string())
    .bind(entry.at.as_micros())
    .bind(kind)
    .bind(actor.to_string())
    .bind(text)
    .bind(entry.data.to_string())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("write a timeline entry"))?;
    Ok(entry)
}

/// Reads the timeline, oldest first. Asks for no right: [`crate::read::get`] does, and gives it too.
pub async fn read(pool: &SqlitePool, incident: IncidentId) -> Result<Vec<TimelineEntry>, StateError> {
    let rows = sqlx::query("SELECT * FROM timeline_entry WHERE incident_id = $1 ORDER BY at, id LIMIT $2")
        .bind(incident.to_string())
        .bind(MAX_ENTRIES)
        .fetch_all(pool)
        .await
        .map_err(StateError::statement("read a timeline"))?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        let data: &str = row.get("data");
        let Ok(actor) = row.get::<&str, _>("actor").parse::<Actor>();
        entries.push(TimelineEntry {
            id: row.get("id"),
            at: Timestamp::from_micros(row.get("at")),
            kind: row.get("kind"),
            actor,
            text: row.get("text"),
            data: serde_json::from_str(data).map_err(|_| StateError::corrupt("timeline_entry", "data", data))?,
        });
    }
    entries.extend(notifications(pool, incident).await?);
    entries.extend(change::around(pool, incident).await?.iter().map(changed));
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}

/// A change beside the incident, so that the post-mortem begins with it.
fn changed(change: &Change) -> TimelineEntry {
    TimelineEntry {
        id: change.id.to_string(),
        at: change.at,
        kind: "change".to_owned(),
        actor: Actor::User(
            if change.said.author.is_empty() { &change.said.source } else { &change.said.author }.clone(),
        ),
        text: change.line(),
        data: json!({"change": change.id, "url": change.said.url}),
    }
}

/// Notifications of its alerts too: the first of them leave before the alert has an incident.
async fn notifications(pool: &SqlitePool, incident: IncidentId) -> Result<Vec<TimelineEntry>, StateError> {
    let rows = sqlx::query(
        "SELECT n.id, n.receiver, n.integration, n.status, n.reason, n.state, n.created_at, n.finished_at, n.last_error \
         FROM notification n WHERE n.incident_id = $1 OR n.id IN (SELECT l.notification_id FROM ledger l \
         JOIN incident_alert ia ON ia.alert_id = l.alert_id \
         WHERE ia.incident_id = $1 AND l.kind = 'notification.intended') ORDER BY n.created_at LIMIT $2",
    )
    .bind(incident.to_string())
    .bind(MAX_ENTRIES)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("read the notifications of an incident"))?;
    let entry = |row: &sqlx::sqlite::SqliteRow| {
        let (receiver, integration): (&str, &str) = (row.get("receiver"), row.get("integration"));
        let (reason, state): (&str, &str) = (row.get("reason"), row.get("state"));
        TimelineEntry {
            id: row.get("id"),
            at: Timestamp::from_micros(row.get("created_at")),
            kind: "notification".to_owned(),
            actor: Actor::System,
            text: format!("Telling {receiver} over {integration}: {reason} ({state})"),
            data: json!({
                "receiver": receiver, "integration": integration, "status": row.get::<&str, _>("status"),
                "state": state, "error": row.get::<Option<&str>, _>("last_error"),
                "finished_at": row.get::<Option<i64>, _>("finished_at").map(Timestamp::from_micros),
            }),
        }
    };
    Ok(rows.iter().map(entry).collect())
}
