//! New alerts with their first transitions, many in one statement.
//!
//! Not deciding that they are new: the caller does.

use std::sync::LazyLock;

use serde_json::json;
use sqlx::{QueryBuilder, Sqlite};
use watchkeeper_domain::ids::{AlertId, Id};
use watchkeeper_domain::{Env, Signal};
use watchkeeper_state::transaction::placeholders;
use watchkeeper_state::{StateError, Tx};

use super::why;

/// Most rows of one statement.
const ROWS: usize = 32;
const ALERT_COLUMNS: usize = 18;
const TRANSITION_COLUMNS: usize = 6;

type BySize = LazyLock<[String; ROWS]>;

static ALERTS: BySize = LazyLock::new(|| {
    std::array::from_fn(|less_one| {
        format!(
            "INSERT INTO alert (id, fingerprint, source, rule_id, name, labels, annotations, category, priority, state, \
             value, expr, threshold, comparison, started_at, fired_at, evidence, updated_at) VALUES {}",
            placeholders(less_one + 1, ALERT_COLUMNS)
        )
    })
});

static TRANSITIONS: BySize = LazyLock::new(|| {
    std::array::from_fn(|less_one| {
        format!(
            "INSERT INTO alert_transition (alert_id, at, from_state, to_state, value, reason) VALUES {}",
            placeholders(less_one + 1, TRANSITION_COLUMNS)
        )
    })
});

/// An alert that begins.
pub(super) struct New<'a> {
    pub(super) id: AlertId,
    pub(super) fingerprint: String,
    /// As JSON.
    pub(super) labels: String,
    pub(super) signal: &'a Signal,
}

impl<'a> New<'a> {
    pub(super) fn of(signal: &'a Signal, env: &Env) -> Self {
        Self {
            id: AlertId::new(env),
            fingerprint: signal.labels.fingerprint().to_string(),
            labels: json!(signal.labels).to_string(),
            signal,
        }
    }
}

/// Whether an alert fires with the labels of any of these.
pub(super) async fn any_open(tx: &mut Tx, rows: &[New<'_>]) -> Result<bool, StateError> {
    for some in rows.chunks(256) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT EXISTS (SELECT 1 FROM alert WHERE state = 'firing' AND (fingerprint, labels) IN (",
        );
        query.push_values(some, |mut row, new| {
            row.push_bind(new.fingerprint.clone()).push_bind(new.labels.clone());
        });
        query.push("))");
        let found: i64 =
            query.build_query_scalar().fetch_one(&mut **tx).await.map_err(StateError::statement("record verdicts"))?;
        if found != 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes them. None of them may be open.
pub(super) async fn insert(tx: &mut Tx, rows: &[New<'_>]) -> Result<(), StateError> {
    for some in rows.chunks(ROWS) {
        let at = some.len().saturating_sub(1);
        let (Some(alerts), Some(transitions)) = (ALERTS.get(at), TRANSITIONS.get(at)) else { continue };
        let mut query = sqlx::query(alerts.as_str());
        for New { id, fingerprint, labels, signal } in some {
            query = query
                .bind(id.to_string())
                .bind(fingerprint)
                .bind(&signal.source)
                .bind(&signal.rule_id)
                .bind(&signal.name)
                .bind(labels)
                .bind(json!(signal.annotations).to_string())
                .bind(signal.category.as_str())
                .bind(signal.priority.as_str())
                .bind("firing")
                .bind(signal.value)
                .bind(&signal.expr)
                .bind(signal.threshold)
                .bind(&signal.comparison)
                .bind(signal.started_at.min(signal.at).as_micros())
                .bind(signal.at.as_micros())
                .bind(signal.evidence.to_string())
                .bind(signal.at.as_micros());
        }
        query.execute(&mut **tx).await.map_err(StateError::statement("write new alerts"))?;
        let mut query = sqlx::query(transitions.as_str());
        for New { id, signal, .. } in some {
            query = query
                .bind(id.to_string())
                .bind(signal.at.as_micros())
                .bind("inactive")
                .bind("firing")
                .bind(signal.value)
                .bind(why(signal));
        }
        query.execute(&mut **tx).await.map_err(StateError::statement("write the transitions of new alerts"))?;
    }
    Ok(())
}
