//! The rows of `rule_state` and `rule_health`.
//!
//! Not their meaning. `rule_state.state` holds `pending`, `firing`, `recovering` (the condition ended at `last_true_at`,
//! `keep_firing_for` holds the alert on), or, for an alert about which nobody can tell since `updated_at`, the cause:
//! `query_failed`, `no_data`, `series_gone`.

use sqlx::Row;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Labels, Timestamp};
use watchkeeper_state::{State, StateError, Tx};

use super::runtime::{Health, Instance, Standing};
use crate::rule::{Cause, InstanceState, Unknown};

/// What is written of a state; equal rows need no writing.
pub(super) fn row_state(
    state: &InstanceState,
) -> Option<(&'static str, Timestamp, Option<Timestamp>, Option<Timestamp>)> {
    match state {
        InstanceState::Inactive => None,
        InstanceState::Pending { active_at, .. } => Some(("pending", *active_at, None, None)),
        InstanceState::Firing { active_at, fired_at, recovering_since, unknown } => {
            let word = match (unknown, recovering_since) {
                (Some(unknown), _) => unknown.cause.as_str(),
                (None, Some(_)) => "recovering",
                (None, None) => "firing",
            };
            Some((word, *active_at, Some(*fired_at), *recovering_since))
        }
    }
}

/// Writes, or deletes, an instance's row.
pub(super) async fn save(tx: &mut Tx, rule_id: &str, instance: &Instance, now: Timestamp) -> Result<(), StateError> {
    let act = "keep a rule's state";
    let Some((word, active_at, fired_at, recovering_since)) = row_state(&instance.state) else {
        sqlx::query("DELETE FROM rule_state WHERE rule_id = $1 AND fingerprint = $2")
            .bind(rule_id)
            .bind(&instance.fingerprint)
            .execute(&mut **tx)
            .await
            .map_err(StateError::statement(act))?;
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO rule_state (rule_id, fingerprint, labels, state, value, active_at, fired_at, last_true_at, alert_id, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (rule_id, fingerprint) DO UPDATE SET labels = excluded.labels, state = excluded.state, \
         value = excluded.value, active_at = excluded.active_at, fired_at = excluded.fired_at, \
         last_true_at = excluded.last_true_at, alert_id = excluded.alert_id, updated_at = excluded.updated_at",
    )
    .bind(rule_id)
    .bind(&instance.fingerprint)
    .bind(serde_json::to_string(&instance.labels).unwrap_or_default())
    .bind(word)
    .bind(instance.value.filter(|v| v.is_finite()))
    .bind(active_at.as_micros())
    .bind(fired_at.map(Timestamp::as_micros))
    .bind(recovering_since.unwrap_or(now).as_micros())
    .bind(instance.alert_id.map(|id| id.to_string()))
    .bind(instance.state.unknown().map_or(now, |u| u.since).as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement(act))?;
    Ok(())
}

/// Reads all instances with their rules' ids.
pub(super) async fn load(state: &State) -> Result<Vec<(String, Instance)>, StateError> {
    let rows = sqlx::query(
        "SELECT rule_id, fingerprint, labels, state, value, active_at, fired_at, last_true_at, alert_id, updated_at \
         FROM rule_state ORDER BY rule_id, fingerprint",
    )
    .fetch_all(state.read())
    .await
    .map_err(StateError::statement("read the rules' states"))?;
    rows.iter().map(instance).collect()
}

fn instance(row: &sqlx::sqlite::SqliteRow) -> Result<(String, Instance), StateError> {
    let corrupt = |column, value: &str| StateError::corrupt("rule_state", column, value);
    let (labels, word): (String, String) = (row.get("labels"), row.get("state"));
    let alert_id: Option<String> = row.get("alert_id");
    let moment = |column| Timestamp::from_micros(row.get(column));
    let fired_at = row.get::<Option<i64>, _>("fired_at").map(Timestamp::from_micros);
    let active_at = moment("active_at");
    let state = match (word.as_str(), fired_at) {
        ("pending", _) => InstanceState::Pending { active_at, unknown: None },
        (word, Some(fired_at)) if matches!(word, "firing" | "recovering") || Cause::parse(word).is_some() => {
            InstanceState::Firing {
                active_at,
                fired_at,
                recovering_since: (word == "recovering").then(|| moment("last_true_at")),
                // With its cause kept, a restart does not tell people the same thing a second time.
                unknown: Cause::parse(word).map(|cause| Unknown {
                    since: moment("updated_at"),
                    cause,
                    reason: "unknown since before the restart".into(),
                }),
            }
        }
        _ => return Err(corrupt("state", &word)),
    };
    let instance = Instance {
        labels: serde_json::from_str::<Labels>(&labels).map_err(|_| corrupt("labels", &labels))?,
        fingerprint: row.get("fingerprint"),
        state,
        value: row.get("value"),
        alert_id: match alert_id {
            Some(id) => Some(id.parse::<AlertId>().map_err(|_| corrupt("alert_id", &id))?),
            None => None,
        },
    };
    Ok((row.get("rule_id"), instance))
}

/// Writes a rule's health.
pub(super) async fn save_health(tx: &mut Tx, rule_id: &str, health: &Health, now: Timestamp) -> Result<(), StateError> {
    sqlx::query(
        "INSERT INTO rule_health (rule_id, state, reason, since, updated_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (rule_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, since = excluded.since, \
         updated_at = excluded.updated_at",
    )
    .bind(rule_id)
    .bind(health.standing.as_str())
    .bind(&health.reason)
    .bind(health.since.as_micros())
    .bind(now.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("keep a rule's health"))?;
    Ok(())
}

/// Forgets the health of a rule that is no longer configured.
pub(super) async fn delete_health(tx: &mut Tx, rule_id: &str) -> Result<(), StateError> {
    sqlx::query("DELETE FROM rule_health WHERE rule_id = $1")
        .bind(rule_id)
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("forget a rule's health"))?;
    Ok(())
}

/// Reads all rules' health.
pub(super) async fn load_health(state: &State) -> Result<Vec<(String, Health)>, StateError> {
    let rows = sqlx::query("SELECT rule_id, state, reason, since FROM rule_health")
        .fetch_all(state.read())
        .await
        .map_err(StateError::statement("read the rules' health"))?;
    rows.iter()
        .map(|row| {
            let word: String = row.get("state");
            let standing = Standing::parse(&word).ok_or_else(|| StateError::corrupt("rule_health", "state", &word))?;
            let since = Timestamp::from_micros(row.get("since"));
            Ok((row.get("rule_id"), Health { standing, cause: None, reason: row.get("reason"), since }))
        })
        .collect()
}
