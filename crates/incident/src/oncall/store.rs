//! The tables of on-call: overrides, hand-off notes, and whose turn it was when somebody last looked.
//!
//! Not the folding of overrides into a schedule: see [`super::timetable`].

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteExecutor};
use watchkeeper_domain::Timestamp;
use watchkeeper_state::StateError;

use super::Override;
use super::restriction::Window;

/// Most overrides that are read at once.
const MAX_OVERRIDES: i64 = 5_000;
/// Most notes that are read at once.
pub const MAX_NOTES: i64 = 100;

/// An override with what people said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OverrideRow {
    /// `ovr_…`.
    pub id: String,
    /// The schedule.
    pub schedule: String,
    /// Who takes over.
    pub person: String,
    /// Only where this person would be on call.
    pub instead_of: Option<String>,
    /// Beginning.
    pub from: Timestamp,
    /// End, excluded.
    pub until: Timestamp,
    /// Why. Hostile text.
    pub reason: String,
    /// Who made it, as an actor.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

impl OverrideRow {
    /// As the timetable takes it.
    #[must_use]
    pub fn folded(&self) -> Override {
        Override {
            id: self.id.clone(),
            person: self.person.clone(),
            instead_of: self.instead_of.clone(),
            from: self.from,
            until: self.until,
        }
    }
}

fn override_row(row: &SqliteRow) -> OverrideRow {
    OverrideRow {
        id: row.get("id"),
        schedule: row.get("schedule"),
        person: row.get("person"),
        instead_of: row.get("instead_of"),
        from: Timestamp::from_micros(row.get("starts_at")),
        until: Timestamp::from_micros(row.get("ends_at")),
        reason: row.get("reason"),
        created_by: row.get("created_by"),
        created_at: Timestamp::from_micros(row.get("created_at")),
    }
}

/// The overrides that touch a range, in the order in which they were made.
pub async fn overrides(db: impl SqliteExecutor<'_>, range: Window) -> Result<Vec<OverrideRow>, StateError> {
    let rows = sqlx::query(
        "SELECT * FROM oncall_override WHERE removed_at IS NULL AND ends_at > $1 AND starts_at < $2 AND starts_at < ends_at \
         ORDER BY created_at, id LIMIT $3",
    )
    .bind(range.from.as_micros())
    .bind(range.until.as_micros())
    .bind(MAX_OVERRIDES)
    .fetch_all(db)
    .await
    .map_err(StateError::statement("read on-call overrides"))?;
    Ok(rows.iter().map(override_row).collect())
}

/// One override, if it was not taken back.
pub async fn find_override(db: impl SqliteExecutor<'_>, id: &str) -> Result<Option<OverrideRow>, StateError> {
    let row = sqlx::query("SELECT * FROM oncall_override WHERE id = $1 AND removed_at IS NULL")
        .bind(id)
        .fetch_optional(db)
        .await
        .map_err(StateError::statement("read an on-call override"))?;
    Ok(row.as_ref().map(override_row))
}

/// Overrides by schedule, ready to be folded.
#[must_use]
pub fn by_schedule(rows: &[OverrideRow]) -> BTreeMap<String, Vec<Override>> {
    let mut found: BTreeMap<String, Vec<Override>> = BTreeMap::new();
    for row in rows {
        found.entry(row.schedule.clone()).or_default().push(row.folded());
    }
    found
}

/// What the one who goes leaves for the one who comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// `hon_…`.
    pub id: String,
    /// The schedule.
    pub schedule: String,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it, as an actor.
    pub author: String,
    /// What. Hostile text.
    pub text: String,
}

/// The notes of a schedule since a moment, oldest first, at most the newest [`MAX_NOTES`].
pub async fn notes(db: impl SqliteExecutor<'_>, schedule: &str, since: Timestamp) -> Result<Vec<Note>, StateError> {
    let rows =
        sqlx::query("SELECT * FROM oncall_note WHERE schedule = $1 AND at >= $2 ORDER BY at DESC, id DESC LIMIT $3")
            .bind(schedule)
            .bind(since.as_micros())
            .bind(MAX_NOTES)
            .fetch_all(db)
            .await
            .map_err(StateError::statement("read hand-off notes"))?;
    let note = |row: &SqliteRow| Note {
        id: row.get("id"),
        schedule: row.get("schedule"),
        at: Timestamp::from_micros(row.get("at")),
        author: row.get("author"),
        text: row.get("text"),
    };
    Ok(rows.iter().rev().map(note).collect())
}
