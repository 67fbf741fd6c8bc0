//! Posted alerts kept as they came, until they are worked through.
//!
//! Not alerts yet: nobody sees them, and nobody is told of them, before they are.

use serde_json::json;
use sqlx::Row;
use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_state::{State, StateError, Tx};

use super::Posted;
use super::intake::PART;

/// Some alerts of one request.
pub(super) struct Kept {
    pub(super) seq: i64,
    /// When they came.
    pub(super) at: Timestamp,
    pub(super) resolve_timeout: Span,
    pub(super) posted: Vec<Posted>,
}

/// Keeps the alerts of a request, behind those that were kept before.
pub(super) async fn keep(
    tx: &mut Tx,
    posted: &[Posted],
    resolve_timeout: Span,
    now: Timestamp,
) -> Result<(), StateError> {
    for part in posted.chunks(PART) {
        sqlx::query("INSERT INTO posted_alert (at, resolve_timeout, alerts) VALUES ($1, $2, $3)")
            .bind(now.as_micros())
            .bind(resolve_timeout.as_micros())
            .bind(json!(part).to_string())
            .execute(&mut **tx)
            .await
            .map_err(StateError::statement("keep posted alerts"))?;
    }
    Ok(())
}

/// The first that were kept after a place.
pub(super) async fn first(state: &State, after: i64) -> Result<Option<Kept>, StateError> {
    let row =
        sqlx::query("SELECT seq, at, resolve_timeout, alerts FROM posted_alert WHERE seq > $1 ORDER BY seq LIMIT 1")
            .bind(after)
            .fetch_optional(state.read())
            .await
            .map_err(StateError::statement("read posted alerts that were kept"))?;
    let Some(row) = row else { return Ok(None) };
    let alerts: &str = row.get("alerts");
    Ok(Some(Kept {
        seq: row.get("seq"),
        at: Timestamp::from_micros(row.get("at")),
        resolve_timeout: Span::from_micros(row.get("resolve_timeout")),
        posted: serde_json::from_str(alerts).map_err(|_| StateError::corrupt("posted_alert", "alerts", alerts))?,
    }))
}

/// They are worked through.
pub(super) async fn drop_until(tx: &mut Tx, seq: i64) -> Result<(), StateError> {
    sqlx::query("DELETE FROM posted_alert WHERE seq <= $1")
        .bind(seq)
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("drop posted alerts that were worked through"))?;
    Ok(())
}
