//! Alertmanager's own notation of routes, receivers and times.
//!
//! Not its sending: what a receiver says and how is `respond`'s.

mod write;

pub use write::shown;
