//! The response of people and workflows to alerts: incidents, their triage, their timeline, hand-over, and the review.
//!
//! The cast: [`IncidentReconciler`] takes the transitions that nobody has triaged yet, opens or joins incidents, starts
//! workflows through [`Workflows`], and hands over to people when there is none or when they do not help. [`Incidents`]
//! is what people use: acknowledge, assign, note, mitigate, resolve, close. [`review`] drafts the post-mortem from facts
//! in the pass that resolves the incident.
//!
//! What is promised: every open incident is acknowledged, has a workflow running for it, or was handed over to people;
//! a security incident is restricted, and automation may only contain.
//!
//! Not here: who is told of an alert (`alert`), how a workflow runs (`respond`), what the public sees (`publish`).
#![warn(missing_docs)]

pub mod change;
pub mod command;
pub mod drill;
pub mod error;
pub mod escalation;
pub mod handover;
pub mod history;
pub mod incident;
pub mod lifecycle;
pub mod oncall;
pub mod open;
pub mod policy;
pub mod read;
pub mod reconcile;
pub mod review;
mod row;
pub mod timeline;
pub mod triage;
pub mod workflows;

pub use command::Incidents;
pub use drill::Drills;
pub use error::Error;
pub use escalation::EscalationReconciler;
pub use incident::{Incident, IncidentKind, IncidentState, Role};
pub use policy::Policy;
pub use read::Viewer;
pub use reconcile::IncidentReconciler;
pub use workflows::{QueueOutcome, RunEnd, Trigger, Workflows};

#[cfg(test)]
mod tests;
