//! Detection: rules that are evaluated when data arrives, and probes that look from outside.
//!
//! Not alerts: a verdict leaves here as a signal and becomes an alert in `alert`. Not storage: everything is asked through
//! `domain::query::Query`, whoever keeps the telemetry. Probes write telemetry; rules judge it.

mod active;
pub mod backtest;
mod compiled;
mod evidence;
mod findings;
pub mod heartbeat;
mod judge;
mod nearest;
pub mod never;
mod plan;
pub mod probe;
mod recording;
pub mod rule;
pub mod scheduler;
pub mod stored;
mod texts;
pub mod trial;

pub use scheduler::{Dependencies, InstanceStatus, RuleSet, RuleStatus, Scheduler, Standing};
