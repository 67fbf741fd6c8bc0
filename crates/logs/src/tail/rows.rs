//! The rows of `tailed_file`.
//!
//! Not their meaning.

use std::path::PathBuf;

use sqlx::{Row as _, SqlitePool};
use watchkeeper_domain::Timestamp;
use watchkeeper_state::{State, StateError};

use super::file::{FileId, Head, Known, Tailed};

/// A number of the file system as a row holds it: the same bits.
fn signed(number: u64) -> i64 {
    i64::from_ne_bytes(number.to_ne_bytes())
}

fn unsigned(number: i64) -> u64 {
    u64::from_ne_bytes(number.to_ne_bytes())
}

pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<Known>, StateError> {
    let rows = sqlx::query("SELECT device, inode, path, position, head, digest FROM tailed_file")
        .fetch_all(pool)
        .await
        .map_err(StateError::statement("read how far log files were read"))?;
    let known = |row: &sqlx::sqlite::SqliteRow| Known {
        id: FileId { device: unsigned(row.get("device")), inode: unsigned(row.get("inode")) },
        path: PathBuf::from(row.get::<String, _>("path")),
        position: unsigned(row.get("position")),
        head: Head { bytes: unsigned(row.get("head")), digest: row.get("digest") },
    };
    Ok(rows.iter().map(known).collect())
}

/// Writes how far files were read, and forgets those that are gone.
pub(super) async fn save(state: &State, files: &[&Tailed], gone: &[FileId], now: Timestamp) -> Result<(), StateError> {
    let mut tx = state.write().await?;
    for file in files {
        sqlx::query(
            "INSERT INTO tailed_file (device, inode, path, position, head, digest, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (device, inode) DO UPDATE SET path = excluded.path, \
             position = excluded.position, head = excluded.head, digest = excluded.digest, \
             updated_at = excluded.updated_at",
        )
        .bind(signed(file.id.device))
        .bind(signed(file.id.inode))
        .bind(file.path.display().to_string())
        .bind(signed(file.given()))
        .bind(signed(file.head.bytes))
        .bind(&file.head.digest)
        .bind(now.as_micros())
        .execute(&mut *tx)
        .await
        .map_err(StateError::statement("write how far a log file was read"))?;
    }
    for id in gone {
        sqlx::query("DELETE FROM tailed_file WHERE device = $1 AND inode = $2")
            .bind(signed(id.device))
            .bind(signed(id.inode))
            .execute(&mut *tx)
            .await
            .map_err(StateError::statement("forget a log file"))?;
    }
    State::commit(tx).await
}
