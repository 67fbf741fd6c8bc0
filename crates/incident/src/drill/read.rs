//! Drills for people: which were held, and who confirmed them after how long.
//!
//! Not how far a drill's alert came: `explain` says so.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use watchkeeper_domain::Timestamp;
use watchkeeper_domain::ids::{AlertId, DrillId};
use watchkeeper_state::StateError;

/// One drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drill {
    /// Its id.
    pub id: DrillId,
    /// When the schedule wanted it; none: somebody started it.
    pub due_at: Option<Timestamp>,
    /// When it began.
    pub started_at: Timestamp,
    /// Who began it, as an actor.
    pub started_by: String,
    /// Until when it may be confirmed.
    pub confirm_by: Timestamp,
    /// Its alert.
    pub alert: Option<AlertId>,
    /// How it stands.
    pub state: DrillState,
    /// When it was confirmed, or its time was over.
    pub ended_at: Option<Timestamp>,
    /// Who confirmed it, as an actor.
    pub confirmed_by: Option<String>,
}

/// How a drill stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillState {
    /// It may still be confirmed.
    Waiting,
    /// Somebody confirmed it in time.
    Confirmed,
    /// Nobody did.
    Missed,
}

impl DrillState {
    /// The word in rows and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Confirmed => "confirmed",
            Self::Missed => "missed",
        }
    }
}

pub(super) fn from_row(row: &SqliteRow) -> Result<Drill, StateError> {
    let (id, alert): (&str, Option<&str>) = (row.get("id"), row.get("alert_id"));
    let moment = |column: &str| row.get::<Option<i64>, _>(column).map(Timestamp::from_micros);
    let state: &str = row.get("state");
    Ok(Drill {
        id: id.parse().map_err(|_| StateError::corrupt("drill", "id", id))?,
        due_at: moment("due_at"),
        started_at: Timestamp::from_micros(row.get("started_at")),
        started_by: row.get("started_by"),
        confirm_by: Timestamp::from_micros(row.get("confirm_by")),
        alert: alert.map(|id| id.parse().map_err(|_| StateError::corrupt("drill", "alert_id", id))).transpose()?,
        state: [DrillState::Waiting, DrillState::Confirmed, DrillState::Missed]
            .into_iter()
            .find(|known| known.as_str() == state)
            .ok_or_else(|| StateError::corrupt("drill", "state", state))?,
        ended_at: moment("ended_at"),
        confirmed_by: row.get("confirmed_by"),
    })
}

/// The newest drills first.
pub async fn list(pool: &SqlitePool, limit: u32) -> Result<Vec<Drill>, StateError> {
    let rows = sqlx::query("SELECT * FROM drill ORDER BY started_at DESC, id DESC LIMIT $1")
        .bind(i64::from(limit.clamp(1, 1_000)))
        .fetch_all(pool)
        .await
        .map_err(StateError::statement("list drills"))?;
    rows.iter().map(from_row).collect()
}

/// One drill.
pub async fn find(pool: &SqlitePool, id: DrillId) -> Result<Option<Drill>, StateError> {
    let row = sqlx::query("SELECT * FROM drill WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await
        .map_err(StateError::statement("read a drill"))?;
    row.as_ref().map(from_row).transpose()
}

/// Those that wait, the oldest first, each with who has acknowledged its alert.
pub(super) async fn waiting(pool: &SqlitePool) -> Result<Vec<(Drill, Option<String>)>, StateError> {
    let rows = sqlx::query(
        "SELECT d.*, a.acknowledged_by FROM drill d LEFT JOIN alert a ON a.id = d.alert_id WHERE d.state = 'waiting' \
         ORDER BY d.started_at, d.id LIMIT 100",
    )
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("find drills that wait"))?;
    rows.iter().map(|row| Ok((from_row(row)?, row.get("acknowledged_by")))).collect()
}
