//! The table `incident`: reading and writing whole rows.
//!
//! Not deciding anything: what is written comes out of [`crate::lifecycle`].

use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteExecutor};
use watchkeeper_domain::Timestamp;
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_state::{StateError, Tx};

use crate::incident::{Incident, IncidentKind, IncidentState};

pub(crate) fn from_row(row: &SqliteRow) -> Result<Incident, StateError> {
    let text = |column: &'static str| -> &str { row.get(column) };
    let bad = |column: &'static str| StateError::corrupt("incident", column, text(column));
    let moment = |column: &str| row.get::<Option<i64>, _>(column).map(Timestamp::from_micros);
    Ok(Incident {
        id: text("id").parse().map_err(|_| bad("id"))?,
        number: row.get("number"),
        key: row.get("key"),
        title: row.get("title"),
        kind: IncidentKind::from_word(text("kind")).ok_or_else(|| bad("kind"))?,
        restricted: row.get("restricted"),
        state: IncidentState::from_word(text("state")).ok_or_else(|| bad("state"))?,
        priority: text("priority").parse().map_err(|_| bad("priority"))?,
        category: text("category").parse().map_err(|_| bad("category"))?,
        component: row.get("component"),
        summary: row.get("summary"),
        roles: serde_json::from_str(text("roles")).map_err(|_| bad("roles"))?,
        started_at: Timestamp::from_micros(row.get("started_at")),
        opened_at: Timestamp::from_micros(row.get("opened_at")),
        acknowledged_at: moment("acknowledged_at"),
        acknowledged_by: row.get("acknowledged_by"),
        mitigated_at: moment("mitigated_at"),
        resolved_at: moment("resolved_at"),
        resolved_by: row.get("resolved_by"),
        closed_at: moment("closed_at"),
        handed_over_at: moment("handed_over_at"),
        updated_at: Timestamp::from_micros(row.get("updated_at")),
    })
}

pub(crate) async fn load(db: impl SqliteExecutor<'_>, id: IncidentId) -> Result<Option<Incident>, StateError> {
    let row = sqlx::query("SELECT * FROM incident WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(db)
        .await
        .map_err(StateError::statement("read an incident"))?;
    row.as_ref().map(from_row).transpose()
}

/// Inserts or replaces the row.
pub(crate) async fn save(tx: &mut Tx, incident: &Incident) -> Result<(), StateError> {
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_micros);
    sqlx::query(
        "INSERT INTO incident (id, number, key, title, kind, restricted, state, priority, category, component, summary, \
         roles, started_at, opened_at, acknowledged_at, acknowledged_by, mitigated_at, resolved_at, resolved_by, closed_at, \
         handed_over_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) \
         ON CONFLICT (id) DO UPDATE SET title = excluded.title, state = excluded.state, priority = excluded.priority, \
         category = excluded.category, component = excluded.component, summary = excluded.summary, roles = excluded.roles, \
         started_at = excluded.started_at, acknowledged_at = excluded.acknowledged_at, \
         acknowledged_by = excluded.acknowledged_by, mitigated_at = excluded.mitigated_at, \
         resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by, closed_at = excluded.closed_at, \
         handed_over_at = excluded.handed_over_at, updated_at = excluded.updated_at",
    )
    .bind(incident.id.to_string())
    .bind(incident.number)
    .bind(&incident.key)
    .bind(&incident.title)
    .bind(incident.kind.as_str())
    .bind(i64::from(incident.restricted))
    .bind(incident.state.as_str())
    .bind(incident.priority.as_str())
    .bind(incident.category.as_str())
    .bind(&incident.component)
    .bind(&incident.summary)
    .bind(json!(incident.roles).to_string())
    .bind(incident.started_at.as_micros())
    .bind(incident.opened_at.as_micros())
    .bind(micros(incident.acknowledged_at))
    .bind(&incident.acknowledged_by)
    .bind(micros(incident.mitigated_at))
    .bind(micros(incident.resolved_at))
    .bind(&incident.resolved_by)
    .bind(micros(incident.closed_at))
    .bind(micros(incident.handed_over_at))
    .bind(incident.updated_at.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("write an incident"))?;
    Ok(())
}

pub(crate) async fn next_number(tx: &mut Tx) -> Result<i64, StateError> {
    sqlx::query_scalar("SELECT COALESCE(max(number), 0) + 1 FROM incident")
        .fetch_one(&mut **tx)
        .await
        .map_err(StateError::statement("number an incident"))
}

/// Ties an alert to its incident, both ways.
pub(crate) async fn link(tx: &mut Tx, incident: IncidentId, alert: AlertId, now: Timestamp) -> Result<(), StateError> {
    sqlx::query(
        "INSERT INTO incident_alert (incident_id, alert_id, joined_at) VALUES ($1, $2, $3) \
         ON CONFLICT (incident_id, alert_id) DO NOTHING",
    )
    .bind(incident.to_string())
    .bind(alert.to_string())
    .bind(now.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("tie an alert to its incident"))?;
    sqlx::query("UPDATE alert SET incident_id = $2, updated_at = $3 WHERE id = $1")
        .bind(alert.to_string())
        .bind(incident.to_string())
        .bind(now.as_micros())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("tie an alert to its incident"))?;
    Ok(())
}

/// The ids of its firing alerts.
pub(crate) async fn firing_alerts(tx: &mut Tx, incident: IncidentId) -> Result<Vec<AlertId>, StateError> {
    let ids: Vec<String> =
        sqlx::query_scalar("SELECT id FROM alert WHERE incident_id = $1 AND state = 'firing' ORDER BY fired_at, id")
            .bind(incident.to_string())
            .fetch_all(&mut **tx)
            .await
            .map_err(StateError::statement("read the firing alerts of an incident"))?;
    ids.iter().map(|id| id.parse().map_err(|_| StateError::corrupt("alert", "id", id))).collect()
}
