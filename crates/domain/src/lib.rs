//! The vocabulary of Watchkeeper: what every other crate means by an id, a label, a moment, a priority.
//!
//! Not here: input and output, async runtimes, SQL, wire formats. A type belongs here when two crates
//! that must not know each other have to agree on it.
#![warn(missing_docs)]

pub mod actor;
pub mod clock;
pub mod duration;
pub mod histogram;
pub mod ids;
pub mod integration;
pub mod labels;
pub mod matcher;
pub mod priority;
pub mod problem;
pub mod query;
pub mod signal;
pub mod telemetry;
pub mod time;
pub mod time_interval;

pub use actor::Actor;
pub use clock::{Clock, Entropy, Env};
pub use duration::Span;
pub use histogram::Histogram;
pub use integration::Integration;
pub use labels::Labels;
pub use matcher::{MatchOp, Matcher};
pub use priority::{Category, Priority};
pub use problem::{Code, Problem};
pub use signal::{Signal, Verdict};
pub use time::Timestamp;
pub use time_interval::TimeInterval;
