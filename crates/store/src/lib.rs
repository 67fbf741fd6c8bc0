//! Telemetry kept durable and found again: samples, log records and spans.
//!
//! Not here: decoding (that is `ingest`), what PromQL means (`promql`), rules (`detect`).
//!
//! **Cast.** `log` is the segmented log that makes an append durable. `head` holds all series within retention, compressed,
//! with an index of labels. `records` holds recent log records and spans and reads older ones back from the log. `writer` is
//! the one thread that takes waiting batches, writes them with a single sync, applies them and answers. `recovery`
//! rebuilds memory from the log at start. `disk` is the trait behind which tests put a disk that fails.
//!
//! **Flow.** [`Store`] implements `TelemetrySink`: a batch waits in a bounded queue; the writer groups what waits, encodes,
//! writes, syncs once, applies to memory, tells the [`ArrivalListener`](watchkeeper_domain::telemetry::ArrivalListener), answers.
//!
//! **Guarantees.** What was answered with Ok survives the loss of power. A damaged byte loses the record it is in and is
//! reported. A full disk refuses appends and nothing else, until there is room again.
#![warn(missing_docs)]

mod commit;
mod disk;
pub mod explore;
mod head;
mod log;
mod options;
mod query;
mod records;
mod recovery;
mod stats;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use options::StoreOptions;
pub use records::{Found, LogQuery, Tail, TraceQuery, TraceSummary};
pub use recovery::{Damage, Recovery};
pub use stats::Stats;
pub use store::{Error, Store};
