//! How a verdict becomes an alert within the transaction that made it: the seam between `detect` and `alert`.
//!
//! Not either of them: `detect` calls the sink, `alert` implements it, and neither knows the other.

use std::future::Future;
use std::pin::Pin;

use watchkeeper_domain::Signal;
use watchkeeper_domain::ids::AlertId;

use crate::database::{StateError, Tx};

/// Signals being recorded.
pub type Recording<'a> = Pin<Box<dyn Future<Output = Result<Vec<Option<AlertId>>, StateError>> + Send + 'a>>;

/// Turns signals into alert rows, transitions and ledger entries.
pub trait SignalSink: Send + Sync {
    /// Records signals in the caller's transaction. Gives one entry per signal: the alert that it concerns, or none
    /// when there was nothing to change (resolved for an alert that does not fire).
    fn record<'a>(&'a self, tx: &'a mut Tx, signals: &'a [Signal]) -> Recording<'a>;
    /// The transaction was committed: the next reconcilers may look.
    fn committed(&self);
}
