//! What people do to an alert: they acknowledge it, and they give it to somebody.
//!
//! Not silences (see [`crate::silence`]) and not resolving: an alert resolves when its condition ends, and only then.

use serde_json::json;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Actor, Env, Timestamp};
use watchkeeper_state::{Entry, State, StateError, Tx, ledger};

use crate::alert::{Alert, AlertState};
use crate::error::Error;

/// Somebody has seen it. Idempotent: the first acknowledgement stays, and says so by being returned.
pub async fn acknowledge(
    state: &State,
    env: &Env,
    id: AlertId,
    actor: Actor,
    note: Option<&str>,
) -> Result<Alert, Error> {
    let mut tx = state.write().await?;
    let alert = acknowledge_in(&mut tx, env.now(), id, actor, note).await?;
    State::commit(tx).await?;
    Ok(alert)
}

/// The same within the caller's transaction, for commands that also change something else.
pub async fn acknowledge_in(
    tx: &mut Tx,
    now: Timestamp,
    id: AlertId,
    actor: Actor,
    note: Option<&str>,
) -> Result<Alert, Error> {
    let mut alert = load(tx, id).await?;
    if alert.acknowledged_at.is_some() {
        return Ok(alert);
    }
    if alert.state == AlertState::Resolved {
        return Err(Error::Conflict(format!("alert `{id}` has resolved; there is nothing left to acknowledge")));
    }
    sqlx::query("UPDATE alert SET acknowledged_at = $2, acknowledged_by = $3, updated_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(now.as_micros())
        .bind(actor.to_string())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("acknowledge an alert"))?;
    alert.acknowledged_at = Some(now);
    alert.acknowledged_by = Some(actor.to_string());
    let note: Option<String> = note.map(|text| text.chars().take(4_000).collect());
    let entry = Entry::new(now, "alert.acknowledged", actor, id).alert(id).incident(alert.incident_id);
    ledger::append(tx, entry.data(json!({"note": note}))).await?;
    Ok(alert)
}

/// Most characters of a person's name.
const MAX_PERSON: usize = 120;

/// Gives an alert to a person by name, or to nobody. Idempotent. For alerts that belong to no incident: whoever has the
/// incident has its alerts.
pub async fn assign_in(
    tx: &mut Tx,
    now: Timestamp,
    id: AlertId,
    person: Option<&str>,
    actor: Actor,
) -> Result<Alert, Error> {
    if person.is_some_and(|name| name.trim().is_empty() || name.chars().count() > MAX_PERSON) {
        return Err(Error::Invalid(format!("a person's name has 1 to {MAX_PERSON} characters")));
    }
    let person = person.map(str::trim);
    let mut alert = load(tx, id).await?;
    if alert.owner.as_deref() == person {
        return Ok(alert);
    }
    if alert.state == AlertState::Resolved {
        return Err(Error::Conflict(format!("alert `{id}` has resolved; there is nothing left to do about it")));
    }
    sqlx::query("UPDATE alert SET owner = $2, updated_at = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(person)
        .bind(now.as_micros())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("give an alert to somebody"))?;
    alert.owner = person.map(ToOwned::to_owned);
    let entry = Entry::new(now, "alert.assigned", actor, id).alert(id).incident(alert.incident_id);
    ledger::append(tx, entry.data(json!({"to": person}))).await?;
    Ok(alert)
}

async fn load(tx: &mut Tx, id: AlertId) -> Result<Alert, Error> {
    let row = sqlx::query("SELECT * FROM alert WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut **tx)
        .await
        .map_err(StateError::statement("read an alert"))?;
    let Some(row) = row else { return Err(Error::NotFound { what: "alert", id: id.to_string() }) };
    Ok(Alert::from_row(&row)?)
}
