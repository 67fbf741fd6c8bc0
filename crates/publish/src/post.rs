//! Writing an update: the row, the ledger, the incident's timeline; and updates that people write.
//!
//! Not deciding when: see [`crate::reconcile`].

use serde_json::json;
use sqlx::Row;
use watchkeeper_domain::ids::{Id, IncidentId, UpdateId};
use watchkeeper_domain::{Actor, Env, Timestamp};
use watchkeeper_incident::{IncidentState, timeline};
use watchkeeper_state::{Entry, State, StateError, Tx, ledger};

use crate::component::Impact;
use crate::error::Error;
use crate::update::{PublicState, Told};

/// Most characters of an update.
pub const MAX_TEXT: usize = 2_000;

/// Publishes what a person wrote about an incident, at its present state.
pub async fn post(
    state: &State,
    env: &Env,
    incident: IncidentId,
    text: &str,
    author: Actor,
) -> Result<UpdateId, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_TEXT {
        return Err(Error::Invalid(format!("an update has 1 to {MAX_TEXT} characters")));
    }
    let mut tx = state.write().await?;
    let row = sqlx::query(
        "SELECT state, priority, component FROM incident \
         WHERE id = $1 AND restricted = 0 AND kind = 'operational' AND component IS NOT NULL",
    )
    .bind(incident.to_string())
    .fetch_optional(&mut *tx)
    .await
    .map_err(StateError::statement("read an incident to publish"))?;
    let row = row.ok_or_else(|| Error::NotFound(incident.to_string()))?;
    let now = present(&row)?;
    let id = write(&mut tx, env, incident, row.get("component"), now, text, &author).await?;
    State::commit(tx).await?;
    Ok(id)
}

/// What the public should know of an incident's row now.
pub(crate) fn present(row: &sqlx::sqlite::SqliteRow) -> Result<Told, StateError> {
    let (state, priority): (&str, &str) = (row.get("state"), row.get("priority"));
    let known = IncidentState::from_word(state).ok_or_else(|| StateError::corrupt("incident", "state", state))?;
    let priority = priority.parse().map_err(|_| StateError::corrupt("incident", "priority", priority))?;
    let state = PublicState::of(known);
    let impact = if state == PublicState::Resolved { Impact::Operational } else { Impact::of(priority) };
    Ok(Told { state, impact })
}

pub(crate) async fn write(
    tx: &mut Tx,
    env: &Env,
    incident: IncidentId,
    component: &str,
    told: Told,
    text: &str,
    author: &Actor,
) -> Result<UpdateId, StateError> {
    let (id, now): (UpdateId, Timestamp) = (UpdateId::new(env), env.now());
    sqlx::query(
        "INSERT INTO status_update (id, incident_id, at, state, component, impact, text, author) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id.to_string())
    .bind(incident.to_string())
    .bind(now.as_micros())
    .bind(told.state.as_str())
    .bind(component)
    .bind(told.impact.as_str())
    .bind(text)
    .bind(author.to_string())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("publish an update"))?;
    let data = json!({"state": told.state, "impact": told.impact, "component": component, "text": text});
    timeline::write(tx, env, incident, "status_page", author, &format!("Published: {text}"), data.clone()).await?;
    ledger::append(tx, Entry::new(now, "status.published", author.clone(), id).incident(incident).data(data)).await?;
    Ok(id)
}
