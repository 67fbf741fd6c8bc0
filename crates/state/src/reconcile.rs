//! Reconcilers: background work that takes no input, reads what is unprocessed, and does it.
//!
//! Because a reconciler gets nothing handed over, normal running, restart and replay are one path: a wake-up that was
//! lost costs time until the next timer, never work. This is not a queue and not an event bus.
//! (The pattern is Oxide Omicron's background tasks and GoAlert's engine modules.)

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Notify;
use watchkeeper_domain::Timestamp;

use crate::database::StateError;

/// What one pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// How many things were processed; zero means that nothing was due.
    pub processed: usize,
    /// When there will be something to do even if nobody wakes it; none: only on wake-up.
    pub next_due: Option<Timestamp>,
}

impl Report {
    /// The earlier of two due times.
    #[must_use]
    pub fn due(mut self, at: Option<Timestamp>) -> Self {
        self.next_due = match (self.next_due, at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self
    }
}

/// Why a pass failed. It is logged and tried again later; nothing is lost, because the rows are still unprocessed.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// One kind of background work.
pub trait Reconciler: Send + Sync {
    /// Its name in logs, metrics and the admin page.
    fn name(&self) -> &'static str;
    /// Does what is due now, in bounded pieces. `processed > 0` asks to be called again at once.
    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>>;
}

/// Wakes a reconciler. Cloning shares it. Waking before anybody waits is remembered once.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// There may be something to do.
    pub fn wake(&self) {
        self.0.notify_one();
    }
    /// Waits for a wake-up.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}
