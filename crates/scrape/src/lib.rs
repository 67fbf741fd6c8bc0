//! Scraping: targets are found, asked for their metrics again and again, and what they answer becomes telemetry.
//!
//! Not decoding (that is `ingest::exposition`), not keeping (that is the sink's), and not looking from outside (a probe
//! asks whether a service answers people; a scrape asks what it says of itself).
//!
//! The words, the labels and the semantics are Prometheus's: relabelling, `up` and its companions, stale markers.
//!
//! ```text
//! discovery ──▶ target (relabelled) ──▶ runner: one task per scrape ──▶ scrape: fetch, decode, relabel ──▶ sink
//! ```
#![warn(missing_docs)]

mod discovery;
pub mod fetch;
pub mod relabel;
mod runner;
mod sample;
mod scrape;
pub mod target;
#[cfg(test)]
mod tests;

pub use fetch::{Answer, Fetch, FetchError, HttpFetch};
pub use runner::{DroppedTarget, Health, ScrapeRunner, TargetStatus};
pub use target::Target;
