//! What the store says about itself.
//!
//! Not metrics in any format; `server` turns this into its own.

use std::sync::atomic::{AtomicU64, Ordering};

/// A look at the store. Counters begin at zero when the process starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Series in memory.
    pub series: usize,
    /// Samples in memory.
    pub samples: u64,
    /// Log records in memory.
    pub recent_logs: usize,
    /// Spans in memory.
    pub recent_spans: usize,
    /// Bytes that recent log records and spans take, about.
    pub recent_bytes: usize,
    /// Segments of the log.
    pub segments: usize,
    /// Bytes that the log takes on disk, room set aside included.
    pub log_bytes: u64,
    /// Batches that wait for the disk.
    pub queued: usize,
    /// Batches answered with Ok.
    pub appends: u64,
    /// Syncs that made them durable.
    pub syncs: u64,
    /// Batches refused because the disk did not take them.
    pub storage_errors: u64,
    /// Samples kept.
    pub samples_kept: u64,
    /// Samples refused as too old or contradicting.
    pub samples_refused: u64,
    /// Series refused by the cap, counted each time.
    pub series_refused: u64,
    /// Segments deleted by retention.
    pub segments_deleted: u64,
}

/// Counters that the writer keeps.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) appends: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) storage_errors: AtomicU64,
    pub(crate) samples_kept: AtomicU64,
    pub(crate) samples_refused: AtomicU64,
    pub(crate) segments_deleted: AtomicU64,
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

/// Reads a counter.
pub(crate) fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
