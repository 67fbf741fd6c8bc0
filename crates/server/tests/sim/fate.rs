//! When the process dies and when the disk refuses: decided at a commit, because between two commits nothing of a process
//! survives but what it has sent.
//!
//! Not a fault of SQLite's own: its commit hook makes a rollback of the commit, as a full disk does. A death is a commit that
//! still happens, or does not any more, and after which nothing more is written or sent until somebody starts another process.

use std::sync::Arc;

use parking_lot::Mutex;
use watchkeeper_state::State;

#[derive(Debug, Default)]
struct Inner {
    /// Commits until the process dies, and whether the last one still happens.
    dies_in: Option<(u32, bool)>,
    dead: bool,
    refuses: bool,
}

/// See the module. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fate(Arc<Mutex<Inner>>);

impl Fate {
    /// The process dies at one of the next commits.
    pub(crate) fn die_in(&self, commits: u32, last_happens: bool) {
        self.0.lock().dies_in = Some((commits, last_happens));
    }

    pub(crate) fn refuse(&self, refuses: bool) {
        self.0.lock().refuses = refuses;
    }

    pub(crate) fn refuses(&self) -> bool {
        self.0.lock().refuses
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.lock().dead
    }

    /// Another process begins.
    pub(crate) fn reborn(&self) {
        let mut inner = self.0.lock();
        (inner.dies_in, inner.dead) = (None, false);
    }

    /// Whether a commit happens.
    fn commits(&self) -> bool {
        let mut inner = self.0.lock();
        if inner.dead || inner.refuses {
            return false;
        }
        match inner.dies_in {
            Some((0, last_happens)) => {
                inner.dead = true;
                last_happens
            }
            Some((more, last_happens)) => {
                inner.dies_in = Some((more - 1, last_happens));
                true
            }
            None => true,
        }
    }

    /// Makes the writer ask. Again after each refusal, because the connection is then another one.
    pub(crate) async fn watch(&self, state: &State) {
        let mut tx = state.write().await.unwrap();
        let fate = self.clone();
        tx.lock_handle().await.unwrap().set_commit_hook(move || fate.commits());
    }
}
