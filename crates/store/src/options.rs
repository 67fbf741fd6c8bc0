//! What a store is opened with.
//!
//! Not the configuration file's model; `server` fills this in from it.

use std::path::PathBuf;

use watchkeeper_domain::Span;

/// How a store keeps its data.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The folder of the log's segments. It is made when it is absent. One process at a time.
    pub path: PathBuf,
    /// How long telemetry is kept.
    pub retention: Span,
    /// How much disk the log may take, in bytes; the oldest segments go first.
    pub max_bytes: u64,
    /// How much older than its series' newest sample a sample may be.
    pub out_of_order_window: Span,
    /// How far ahead of this server's clock a sample's time may be: what is further ahead is refused, because it would make
    /// everything that follows too old.
    pub future_window: Span,
    /// The size of a segment, in bytes: what is deleted at once by retention.
    pub segment_bytes: u64,
    /// How many series the head takes; samples of further ones are refused and counted.
    pub max_series: usize,
    /// How many bytes of log records and spans stay in memory (each kind half). Older ones are read from the log.
    pub recent_bytes: usize,
    /// How many bytes may wait for the disk before appends are refused as overload.
    pub queue_bytes: usize,
}

impl StoreOptions {
    /// 24 h, 10 GiB, 10 min out of order, 10 min ahead, segments of 32 MiB, 1 million series, 64 MiB of recent records, a queue of 64 MiB.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            retention: Span::from_secs(24 * 3_600),
            max_bytes: 10 << 30,
            out_of_order_window: Span::from_secs(600),
            future_window: Span::from_secs(600),
            segment_bytes: 32 << 20,
            max_series: 1_000_000,
            recent_bytes: 64 << 20,
            queue_bytes: 64 << 20,
        }
    }
}
