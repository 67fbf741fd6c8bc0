//! The rows of `heartbeat`, `heartbeat_beat` and `heartbeat_watch`.
//!
//! Not their meaning.

use std::collections::BTreeMap;

use sqlx::{SqliteExecutor, SqlitePool};
use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_state::{StateError, Tx};

use super::record::{Beat, Record};
use super::signal::Raised;

/// The most beats of one heartbeat that are kept.
const MOST_BEATS: i64 = 200;

/// A heartbeat's row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) record: Record,
    /// What fires about it.
    pub(super) alert: Option<Raised>,
}

/// A beat as it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// `success`, `start`, `fail` or `log`.
    pub kind: String,
    /// The exit status.
    pub exit_code: Option<u8>,
    /// The sender's name for the run. Hostile text.
    pub run: Option<String>,
    /// From its start.
    pub took: Option<Span>,
    /// What the job said. Hostile text.
    pub body: String,
}

fn parse(record: &str, alert: Option<&str>) -> Result<Row, StateError> {
    let record = serde_json::from_str(record).map_err(|_| StateError::corrupt("heartbeat", "record", record))?;
    let alert =
        alert.map(|text| serde_json::from_str(text).map_err(|_| StateError::corrupt("heartbeat", "alert", text)));
    Ok(Row { record, alert: alert.transpose()? })
}

pub(super) async fn load(tx: &mut Tx, name: &str) -> Result<Option<Row>, StateError> {
    let row: Option<(String, Option<String>)> = sqlx::query_as("SELECT record, alert FROM heartbeat WHERE name = $1")
        .bind(name)
        .fetch_optional(&mut **tx)
        .await
        .map_err(StateError::statement("read a heartbeat"))?;
    row.map(|(record, alert)| parse(&record, alert.as_deref())).transpose()
}

pub(super) async fn all(of: impl SqliteExecutor<'_>) -> Result<BTreeMap<String, Row>, StateError> {
    let rows: Vec<(String, String, Option<String>)> = sqlx::query_as("SELECT name, record, alert FROM heartbeat")
        .fetch_all(of)
        .await
        .map_err(StateError::statement("read the heartbeats"))?;
    rows.into_iter().map(|(name, record, alert)| Ok((name, parse(&record, alert.as_deref())?))).collect()
}

pub(super) async fn save(tx: &mut Tx, name: &str, row: &Row, now: Timestamp) -> Result<(), StateError> {
    let record = serde_json::to_string(&row.record).unwrap_or_default();
    let alert = row.alert.as_ref().map(|raised| serde_json::to_string(raised).unwrap_or_default());
    sqlx::query(
        "INSERT INTO heartbeat (name, record, alert, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO UPDATE SET record = excluded.record, alert = excluded.alert, \
         updated_at = excluded.updated_at",
    )
    .bind(name)
    .bind(record)
    .bind(alert)
    .bind(now.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("keep a heartbeat"))?;
    Ok(())
}

pub(super) async fn forget(tx: &mut Tx, name: &str) -> Result<(), StateError> {
    for statement in ["DELETE FROM heartbeat WHERE name = $1", "DELETE FROM heartbeat_beat WHERE heartbeat = $1"] {
        sqlx::query(statement)
            .bind(name)
            .execute(&mut **tx)
            .await
            .map_err(StateError::statement("forget a heartbeat"))?;
    }
    Ok(())
}

pub(super) async fn keep_beat(
    tx: &mut Tx,
    name: &str,
    beat: &Beat,
    now: Timestamp,
    took: Option<Span>,
) -> Result<(), StateError> {
    let act = "keep a beat";
    sqlx::query(
        "INSERT INTO heartbeat_beat (heartbeat, at, kind, exit_code, run, took, body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(name)
    .bind(now.as_micros())
    .bind(beat.kind.as_str())
    .bind(beat.exit_code)
    .bind(&beat.run)
    .bind(took.map(Span::as_micros))
    .bind(&beat.body)
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement(act))?;
    sqlx::query(
        "DELETE FROM heartbeat_beat WHERE heartbeat = $1 AND id <= \
         (SELECT id FROM heartbeat_beat WHERE heartbeat = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)",
    )
    .bind(name)
    .bind(MOST_BEATS)
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement(act))?;
    Ok(())
}

/// The newest beats of a heartbeat, the newest first.
pub async fn beats(pool: &SqlitePool, name: &str) -> Result<Vec<Seen>, StateError> {
    type Found = (i64, String, Option<u8>, Option<String>, Option<i64>, String);
    let rows: Vec<Found> = sqlx::query_as(
        "SELECT at, kind, exit_code, run, took, body FROM heartbeat_beat WHERE heartbeat = $1 ORDER BY id DESC",
    )
    .bind(name)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("read the beats of a heartbeat"))?;
    let seen = |(at, kind, exit_code, run, took, body): Found| Seen {
        at: Timestamp::from_micros(at),
        kind,
        exit_code,
        run,
        took: took.map(Span::from_micros),
        body,
    };
    Ok(rows.into_iter().map(seen).collect())
}

pub(super) async fn alive_at(pool: &SqlitePool) -> Result<Option<Timestamp>, StateError> {
    let at: Option<i64> = sqlx::query_scalar("SELECT alive_at FROM heartbeat_watch")
        .fetch_optional(pool)
        .await
        .map_err(StateError::statement("read when heartbeats were last watched"))?;
    Ok(at.map(Timestamp::from_micros))
}

pub(super) async fn keep_alive(tx: &mut Tx, now: Timestamp) -> Result<(), StateError> {
    sqlx::query(
        "INSERT INTO heartbeat_watch (one, alive_at) VALUES (1, $1) \
         ON CONFLICT (one) DO UPDATE SET alive_at = excluded.alive_at",
    )
    .bind(now.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("note that heartbeats are watched"))?;
    Ok(())
}
