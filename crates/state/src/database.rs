//! Opening the database, its one writer, its readers, and the migrations.
//!
//! Not a query layer: crates write their own SQL, one text per statement, with `$n` placeholders and nothing that only
//! SQLite knows, so that the same texts serve PostgreSQL when several nodes share a ledger (ADR 0004).

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqlitePool};

pub use crate::transaction::Tx;

/// Why the state database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It could not be opened.
    #[error("the state database `{path}` cannot be opened; check that the folder exists, is writable and has space")]
    Open {
        /// The file.
        path: String,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// Its schema could not be brought up to date.
    #[error("the state database `{path}` cannot be migrated; restore a backup or start the version that wrote it")]
    Migrate {
        /// The file.
        path: String,
        /// What the migrator says.
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("the state database refused a statement while trying to {act}")]
    Statement {
        /// What was being attempted, for example `append to the ledger`.
        act: &'static str,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// A row holds something that this version cannot read.
    #[error("a row of `{table}` holds `{value}` in `{column}`, which this version cannot read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The value, cut to 80 characters.
        value: String,
    },
}

impl StateError {
    /// For `map_err`: names the attempted act.
    pub fn statement(act: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Statement { act, source }
    }

    /// For values that do not parse.
    pub fn corrupt(table: &'static str, column: &'static str, value: &str) -> Self {
        Self::Corrupt { table, column, value: value.chars().take(80).collect() }
    }
}

/// The state database. Cloning copies two pool handles.
#[derive(Clone, Debug)]
pub struct State {
    writer: SqlitePool,
    readers: SqlitePool,
    commits: Arc<AtomicU64>,
}

impl State {
    /// Opens (or makes) the database file and brings its schema up to date.
    ///
    /// What is committed survives power loss: write-ahead journal with `synchronous=FULL`.
    /// A second process gets the lock only when the first one is gone; waits up to 5 s for it.
    pub async fn open(file: &Path) -> Result<Self, StateError> {
        let path = file.display().to_string();
        let open = |source| StateError::Open { path: path.clone(), source };
        let options = SqliteConnectOptions::from_str("sqlite://")
            .map_err(open)?
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            // A commit that also checkpoints is slow; 4 MiB of journal keeps that rare and restart quick.
            .pragma("wal_autocheckpoint", "1000")
            .pragma("cache_size", "-4096")
            .statement_cache_capacity(512);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            // A file does not go away as a server does; asking first would cost a change of threads each time.
            .test_before_acquire(false)
            // A commit that the disk refuses is rolled back by SQLite itself; the driver goes on believing that it is in a
            // transaction and would begin no other one until the next start.
            .before_acquire(|connection, _| Box::pin(std::future::ready(Ok(!connection.is_in_transaction()))))
            .connect_with(options.clone())
            .await
            .map_err(open)?;
        sqlx::migrate!("migrations/sqlite")
            .run(&writer)
            .await
            .map_err(|source| StateError::Migrate { path: path.clone(), source })?;
        let readers = SqlitePoolOptions::new()
            .min_connections(0)
            .max_connections(3)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options.read_only(true));
        Ok(Self { writer, readers, commits: Arc::default() })
    }

    /// Begins a write transaction. Waits for the one before to end.
    ///
    /// `BEGIN IMMEDIATE`, because a transaction that starts by reading and then writes would fail with SQLITE_BUSY
    /// at once, whatever the busy timeout says.
    pub async fn write(&self) -> Result<Tx, StateError> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        Ok(Tx::new(begun.map_err(StateError::statement("begin a write transaction"))?, Arc::clone(&self.commits)))
    }

    /// Commits a write transaction; when this returns, it is on disk, and what waited for that was called.
    pub async fn commit(tx: Tx) -> Result<(), StateError> {
        tx.commit().await
    }

    /// How many write transactions were committed since the database was opened. Each costs the disk a sync.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// The readers. They see the last committed state and cannot write.
    #[must_use]
    pub fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// Closes all connections; checkpoints the journal.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn opening_twice_migrates_once_and_readers_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state.db");
        State::open(&file).await.unwrap().close().await;
        let state = State::open(&file).await.unwrap();
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'ledger'")
            .fetch_one(state.read())
            .await
            .unwrap();
        assert_eq!(tables, 1);
        let refused = sqlx::query("DELETE FROM ledger").execute(state.read()).await;
        assert!(refused.is_err());
    }

    #[tokio::test]
    async fn a_commit_that_the_disk_refuses_does_not_end_the_writer() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let insert = "INSERT INTO oncall_turn (schedule, since) VALUES ($1, 1)";
        let mut tx = state.write().await.unwrap();
        sqlx::query(insert).bind("refused").execute(&mut *tx).await.unwrap();
        // As with a full disk, SQLite makes a rollback of the commit.
        tx.lock_handle().await.unwrap().set_commit_hook(|| false);
        State::commit(tx).await.unwrap_err();
        let mut tx = state.write().await.unwrap();
        sqlx::query(insert).bind("taken").execute(&mut *tx).await.unwrap();
        State::commit(tx).await.unwrap();
        let kept: Vec<String> =
            sqlx::query_scalar("SELECT schedule FROM oncall_turn").fetch_all(state.read()).await.unwrap();
        assert_eq!(kept, ["taken"]);
    }

    #[tokio::test]
    async fn an_unusable_path_says_which() {
        let error = State::open(Path::new("/nonexistent-folder/state.db")).await.unwrap_err();
        assert!(error.to_string().contains("/nonexistent-folder/state.db"), "{error}");
    }
}
