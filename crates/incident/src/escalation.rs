//! Escalation: people are called step by step until somebody answers.
//!
//! The cast: a message of the outbox to a receiver with an `escalation_policy` begins an escalation, or joins one that is
//! under way for the same incident ([`EscalationReconciler`]). [`step`](mod@step) decides, purely, what happens next;
//! `call` turns a step into people by the schedules and the people's own rules; `page` rows are the calls that wait.
//! What leaves, leaves through the outbox.
//!
//! What is promised: what somebody acknowledged is not escalated; what nobody acknowledged is, on time, and right after
//! a start when the time passed while the server was down; whoever was called is told when it is over; for every call
//! that did not happen the ledger has the reason.
//!
//! Not here: who is on call ([`crate::oncall`]), channels (`respond`).

mod call;
mod effect;
pub mod preview;
pub mod read;
mod reconcile;
mod row;
pub mod step;
mod take;

pub use reconcile::EscalationReconciler;

#[cfg(test)]
mod tests;
