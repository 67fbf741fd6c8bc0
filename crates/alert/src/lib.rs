//! One alert's life after a verdict: its row, who is told about it and when.
//!
//! The cast: a [`Signal`](watchkeeper_domain::Signal) is recorded by [`Alerts`] (one open row per label set) in the
//! transaction of whoever found it; [`AlertReconciler`] takes the transitions that nobody has routed yet through
//! [`pipeline::STAGES`] and writes notifications into the outbox. Both halves only share rows, so a crash between them
//! costs nothing but time.
//!
//! What is promised: one open alert per label set; an alert that nobody can judge any more goes on firing; resolved is
//! told if and only if firing was told, to the same receiver; a muted alert that still fires is told when the mute ends.
//!
//! Not here: rules (`detect`), channels and delivery (`respond`), incidents (`incident`).
#![warn(missing_docs)]

pub mod active;
pub mod alert;
pub mod command;
pub mod error;
pub mod group;
pub mod incoming;
pub mod inhibit;
pub mod lifecycle;
pub mod notice;
pub mod pipeline;
pub mod posted;
pub mod read;
pub mod reconcile;
pub mod route;
pub mod routing;
pub mod silence;
pub mod sink;

pub use alert::{Alert, AlertState, Transition};
pub use error::Error;
pub use posted::{Expiry, Intake, Posted};
pub use reconcile::AlertReconciler;
pub use routing::Routing;
pub use sink::Alerts;

#[cfg(test)]
mod tests;
