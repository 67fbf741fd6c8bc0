//! Workflows: durable remediation. A run is rows; what it does next is a pure function of them.
//!
//! Not the decision to start one (`incident` and people do that through [`queue()`]), and not workflow files (`config`).
//!
//! The cast: [`queue()`] checks the guard and writes a run. [`Engine`] is the reconciler that takes due runs, asks the
//! sans-IO [`core::step`] what is next, commits that, and only then lets a [`StepRunner`] act. [`read`] is for the API.
//!
//! Guarantees
//! - A step with a recorded result never runs again. `started` is committed before the effect, the result after it.
//! - A step that was under way when the process died is run again only when it is declared idempotent; otherwise the run
//!   is handed over to people ("nobody knows whether step X ran").
//! - Success is what `verify` sees, for as long as `hold` says. A failed query is not success.
//! - Secrets are resolved when a step starts, stay references in every row, and are covered in results.
//! - Labels are hostile: they reach programs as one argument, URLs percent-encoded, PromQL escaped, never as references.

pub mod action;
pub mod context;
pub mod core;
pub mod engine;
pub mod exec;
mod metrics;
pub mod queue;
pub mod read;
pub mod runner;
mod store;
mod verify;

pub use engine::{Engine, HandOver, Options, Parts, Receivers};
pub use queue::{Queued, Trigger, cancel, queue};
pub use read::{Filter, Run, RunRow, count, get, list};
pub use runner::{Runner, StepError, StepOutcome, StepRunner};

#[cfg(test)]
mod tests;
