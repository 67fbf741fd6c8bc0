//! The state database: everything that must survive and is not telemetry, with its ledger and its reconcilers.
//!
//! Not the meaning of any row: `alert`, `incident`, `respond` and `publish` own their tables and their SQL.
#![warn(missing_docs)]

pub mod database;
pub mod ledger;
pub mod outbox;
pub mod reconcile;
pub mod signal;
pub mod transaction;

pub use database::{State, StateError, Tx};
pub use ledger::{Entry, LedgerRow};
pub use reconcile::{ReconcileError, Reconciler, Report, Wake};
pub use signal::SignalSink;
