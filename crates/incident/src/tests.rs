//! A world with a clock in the hand, a workflow engine that does what the test says, and a query with prepared answers.

mod commands;
mod property;
mod reviewing;
mod triage;
pub(crate) mod world;
