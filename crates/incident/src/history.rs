//! Incidents of the past with the labels of their alerts, for whoever holds a rule against them.
//!
//! Not the list that people read: see [`crate::read`].

use std::collections::HashMap;

use sqlx::{Row, SqlitePool};
use watchkeeper_domain::{Labels, Timestamp};
use watchkeeper_state::StateError;

use crate::incident::Incident;
use crate::read::Viewer;
use crate::row;

/// An incident with what its alerts were about.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// The incident.
    pub incident: Incident,
    /// The labels of its alerts; empty where it was declared by hand.
    pub alerts: Vec<Labels>,
}

/// The incidents that were open at any moment in `start..=end`, the newest ones first, at most `limit`. Those that the viewer
/// may not see do not exist.
pub async fn between(
    pool: &SqlitePool,
    viewer: Viewer,
    start: Timestamp,
    end: Timestamp,
    limit: u32,
) -> Result<Vec<Past>, StateError> {
    let act = "read the incidents of a time";
    let rows = sqlx::query(
        "SELECT * FROM incident WHERE started_at <= $2 AND coalesce(resolved_at, closed_at, $2) >= $1 \
         AND (restricted = 0 OR $3) ORDER BY started_at DESC, number DESC LIMIT $4",
    )
    .bind(start.as_micros())
    .bind(end.as_micros())
    .bind(viewer.sees_restricted)
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement(act))?;
    let incidents: Vec<Incident> = rows.iter().map(row::from_row).collect::<Result<_, _>>()?;
    let ids: Vec<String> = incidents.iter().map(|i| i.id.to_string()).collect();
    let rows = sqlx::query(
        "SELECT a.incident_id, a.labels FROM alert a WHERE a.incident_id IN (SELECT value FROM json_each($1)) \
         ORDER BY a.fired_at LIMIT 20000",
    )
    .bind(serde_json::to_string(&ids).unwrap_or_default())
    .fetch_all(pool)
    .await
    .map_err(StateError::statement(act))?;
    let mut alerts: HashMap<String, Vec<Labels>> = HashMap::new();
    for row in rows {
        let labels: &str = row.get("labels");
        let parsed = serde_json::from_str(labels).map_err(|_| StateError::corrupt("alert", "labels", labels))?;
        alerts.entry(row.get("incident_id")).or_default().push(parsed);
    }
    let past =
        |incident: Incident| Past { alerts: alerts.remove(&incident.id.to_string()).unwrap_or_default(), incident };
    Ok(incidents.into_iter().map(past).collect())
}
