//! How a verdict becomes an alert within the transaction that made it: the seam between `detect` and `alert`.
//!
//! Not either of them: `detect` calls the sink, `alert` implements it, and neither knows the other.

use std::future::Future;
use std::pin::Pin;

use watchkeeper_domain::Signal;
use watchkeeper_domain::ids::AlertId;

use crate::database::{StateError, Tx};
use crate::reconcile::ReconcileError;

/// Signals being recorded.
pub type Recording<'a> = Pin<Box<dyn Future<Output = Result<Vec<Option<AlertId>>, StateError>> + Send + 'a>>;

/// The steps after a signal, in its transaction.
pub type CarryingOn<'a> = Pin<Box<dyn Future<Output = Result<Tx, ReconcileError>> + Send + 'a>>;

/// Turns signals into alert rows, transitions and ledger entries.
pub trait SignalSink: Send + Sync {
    /// Records signals in the caller's transaction. Gives one entry per signal: the alert that it concerns, or none
    /// when there was nothing to change (resolved for an alert that does not fire).
    fn record<'a>(&'a self, tx: &'a mut Tx, signals: &'a [Signal]) -> Recording<'a>;
    /// Everything that was found is written: goes on with it in the same transaction as far as it goes without waiting
    /// for anybody, with the steps of the next reconcilers, so that one commit carries it to where somebody is told.
    ///
    /// An error takes the transaction with it: write it again and commit it without this, and the reconcilers go on from
    /// the rows.
    fn carry_on(&self, tx: Tx) -> CarryingOn<'_> {
        Box::pin(std::future::ready(Ok(tx)))
    }
    /// The transaction was committed: the next reconcilers may look.
    fn committed(&self);
}
