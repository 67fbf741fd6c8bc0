//! Alertmanager's API v2 as its users' programs use it: Prometheus and amtool of Debian.
//!
//! Not the semantics of routing in detail: `alert` has tables of those.

mod api;
mod programs;
