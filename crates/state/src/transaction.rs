//! A write transaction: the one writer, the ledger entries that wait in it, and what is to happen once it is on disk.
//!
//! Not a unit of work that others may join later: whoever holds it commits it soon, or drops it, and then nothing of it
//! was.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{Sqlite, SqliteConnection};
use watchkeeper_domain::ids::NotificationId;

use crate::database::StateError;
use crate::ledger::{self, Pending};

/// What waits for a commit.
type AfterCommit = Box<dyn FnOnce() + Send + Sync>;

/// A write transaction. It holds the only writer: do nothing slow while it is open, and never wait for the network.
/// Dropped without [`crate::State::commit`], it is rolled back.
///
/// Statements run on what it dereferences to. Ledger entries are kept back and written together, so a statement that
/// reads the ledger inside a transaction needs [`ledger::settle`] before it.
pub struct Tx {
    inner: sqlx::Transaction<'static, Sqlite>,
    commits: Arc<AtomicU64>,
    after: Vec<AfterCommit>,
    pub(crate) ledger: Pending,
    pub(crate) enqueued: Vec<NotificationId>,
}

impl Tx {
    pub(crate) fn new(inner: sqlx::Transaction<'static, Sqlite>, commits: Arc<AtomicU64>) -> Self {
        Self { inner, commits, after: Vec::new(), ledger: Pending::default(), enqueued: Vec::new() }
    }

    /// Calls `act` once the transaction is on disk, in the order of these calls; drops it uncalled when it is rolled back.
    /// It runs on the committer's task: start or wake something, and return.
    pub fn after_commit(&mut self, act: impl FnOnce() + Send + Sync + 'static) {
        self.after.push(Box::new(act));
    }

    /// What this transaction has put into the outbox, in order.
    #[must_use]
    pub fn enqueued(&self) -> &[NotificationId] {
        &self.enqueued
    }

    pub(crate) async fn commit(mut self) -> Result<(), StateError> {
        ledger::settle(&mut self).await?;
        self.inner.commit().await.map_err(StateError::statement("commit"))?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.after.into_iter().for_each(|act| act());
        Ok(())
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }
}

/// `($1, $2), ($3, $4)`: the placeholders of `rows` rows of `columns` columns. A text for each number of rows keeps the
/// cache of prepared statements useful, so bound the rows.
#[must_use]
pub fn placeholders(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let all: Vec<String> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", all.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    #[test]
    fn placeholders_count_on_from_row_to_row() {
        assert_eq!(placeholders(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }

    #[tokio::test]
    async fn what_waits_for_a_commit_happens_after_it_and_not_without_it() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let called = Arc::new(AtomicU64::new(0));
        let mark = |by: u64| {
            let called = Arc::clone(&called);
            move || {
                called.fetch_add(by, Ordering::Relaxed);
            }
        };
        let mut tx = state.write().await.unwrap();
        tx.after_commit(mark(1));
        drop(tx);
        let mut tx = state.write().await.unwrap();
        tx.after_commit(mark(10));
        assert_eq!(called.load(Ordering::Relaxed), 0);
        State::commit(tx).await.unwrap();
        assert_eq!((called.load(Ordering::Relaxed), state.commits()), (10, 1));
    }
}
