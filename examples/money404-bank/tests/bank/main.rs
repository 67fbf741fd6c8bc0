//! The bank as it is: its real processes on free ports, its real telemetry into a receiver of the test's own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy knows #[test] functions, but not what they call")]

mod faults;
mod harness;
mod money;
mod otlp;
mod supervision;
mod telemetry;
