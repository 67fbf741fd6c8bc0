//! The rows of `change`.
//!
//! Not their meaning.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use watchkeeper_domain::Timestamp;
use watchkeeper_domain::ids::{ChangeId, IncidentId};
use watchkeeper_state::{StateError, Tx};

use super::{BEFORE, Change, Kind, NewChange, Status};

/// The most changes that stand beside one incident.
const MOST_AROUND: i64 = 100;

/// Which changes.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this service only.
    pub service: Option<String>,
    /// Made then or later.
    pub since: Option<Timestamp>,
    /// Made before then.
    pub until: Option<Timestamp>,
    /// At most so many.
    pub limit: u32,
    /// So many left out.
    pub offset: u32,
}

fn read(row: &SqliteRow) -> Result<Change, StateError> {
    let (kind, status, id): (&str, &str, &str) = (row.get("kind"), row.get("status"), row.get("id"));
    let (ended_at, details): (Option<i64>, &str) = (row.get("ended_at"), row.get("details"));
    let corrupt = |column, value| StateError::corrupt("change", column, value);
    let at = Timestamp::from_micros(row.get("at"));
    Ok(Change {
        id: id.parse::<ChangeId>().map_err(|_| corrupt("id", id))?,
        at,
        received_at: Timestamp::from_micros(row.get("received_at")),
        said: NewChange {
            source: row.get("source"),
            key: row.get("key"),
            kind: Kind::from_word(kind).ok_or_else(|| corrupt("kind", kind))?,
            status: Status::from_word(status).ok_or_else(|| corrupt("status", status))?,
            at: Some(at),
            ended_at: ended_at.map(Timestamp::from_micros),
            service: row.get("service"),
            environment: row.get("environment"),
            version: row.get("version"),
            summary: row.get("summary"),
            author: row.get("author"),
            url: row.get("url"),
            details: serde_json::from_str(details).map_err(|_| corrupt("details", details))?,
        },
    })
}

pub(super) async fn by_key(tx: &mut Tx, source: &str, key: &str) -> Result<Option<Change>, StateError> {
    let row = sqlx::query("SELECT * FROM change WHERE source = $1 AND key = $2")
        .bind(source)
        .bind(key)
        .fetch_optional(&mut **tx)
        .await
        .map_err(StateError::statement("look for a change"))?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn insert(tx: &mut Tx, change: &Change) -> Result<(), StateError> {
    let said = &change.said;
    sqlx::query(
        "INSERT INTO change (id, at, ended_at, received_at, source, key, kind, status, service, environment, version, \
         summary, author, url, details) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(change.id.to_string())
    .bind(change.at.as_micros())
    .bind(said.ended_at.map(Timestamp::as_micros))
    .bind(change.received_at.as_micros())
    .bind(&said.source)
    .bind(&said.key)
    .bind(said.kind.as_str())
    .bind(said.status.as_str())
    .bind(&said.service)
    .bind(&said.environment)
    .bind(&said.version)
    .bind(&said.summary)
    .bind(&said.author)
    .bind(&said.url)
    .bind(said.details.to_string())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("record a change"))?;
    Ok(())
}

pub(super) async fn update(tx: &mut Tx, change: &Change) -> Result<(), StateError> {
    let said = &change.said;
    sqlx::query(
        "UPDATE change SET ended_at = $2, status = $3, service = $4, environment = $5, version = $6, summary = $7, \
         author = $8, url = $9, details = $10 WHERE id = $1",
    )
    .bind(change.id.to_string())
    .bind(said.ended_at.map(Timestamp::as_micros))
    .bind(said.status.as_str())
    .bind(&said.service)
    .bind(&said.environment)
    .bind(&said.version)
    .bind(&said.summary)
    .bind(&said.author)
    .bind(&said.url)
    .bind(said.details.to_string())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("bring a change up to date"))?;
    Ok(())
}

/// Changes, the newest first.
pub async fn list(pool: &SqlitePool, filter: &Filter) -> Result<Vec<Change>, StateError> {
    let rows = sqlx::query(
        "SELECT * FROM change WHERE ($1 IS NULL OR lower(service) = lower($1)) AND at >= $2 AND at < $3 \
         ORDER BY at DESC, id DESC LIMIT $4 OFFSET $5",
    )
    .bind(&filter.service)
    .bind(filter.since.map_or(i64::MIN, Timestamp::as_micros))
    .bind(filter.until.map_or(i64::MAX, Timestamp::as_micros))
    .bind(filter.limit)
    .bind(filter.offset)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("list changes"))?;
    rows.iter().map(read).collect()
}

/// What changed from two hours before an incident began until it ended: of the services of its alerts, and what names no
/// service. Oldest first. Asks for no right: whoever reads the incident has it.
pub async fn around(pool: &SqlitePool, incident: IncidentId) -> Result<Vec<Change>, StateError> {
    let rows = sqlx::query(
        "SELECT c.* FROM change c JOIN incident i ON i.id = $1 \
         WHERE c.at >= i.started_at - $2 AND c.at <= coalesce(i.resolved_at, $3) AND (c.service = '' \
         OR lower(c.service) IN (SELECT lower(a.service) FROM alert a WHERE a.incident_id = $1)) \
         ORDER BY c.at, c.id LIMIT $4",
    )
    .bind(incident.to_string())
    .bind(BEFORE.as_micros())
    .bind(i64::MAX)
    .bind(MOST_AROUND)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("read what changed around an incident"))?;
    rows.iter().map(read).collect()
}
