//! What people look for in records: the patterns of many messages, the map of services, the critical path of a trace.
//!
//! Not storage and not queries: pure functions over records that a query found.

mod critical_path;
mod pattern;
mod service_map;
#[cfg(test)]
mod tests;

pub use critical_path::{CriticalPath, critical_path};
pub use pattern::{Pattern, Patterns, Period};
pub use service_map::{Edge, Node, NodeKind, ServiceMap, Timing};
