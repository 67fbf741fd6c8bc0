//! How much one request may hold.
//!
//! Not a rate limit between requests, and not the cap on series that the store keeps.

/// Bounds on one request. What is over a bound on the whole body refuses the body; a single series or record that is over
/// its bound is rejected by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes as they arrive.
    pub compressed_bytes: usize,
    /// Bytes after decompression.
    pub decompressed_bytes: usize,
    /// Nested messages in a body (labels, points, attributes, …): an empty one takes 2 bytes on the wire and a hundred in memory.
    pub elements: usize,
    /// Depth of nested messages, attribute values included.
    pub depth: usize,
    /// Labels of one series.
    pub labels: usize,
    /// Bytes of a label's name, a metric's name included.
    pub label_name_bytes: usize,
    /// Bytes of a label's value.
    pub label_value_bytes: usize,
    /// Buckets of one side of a native histogram, and its custom bounds.
    pub buckets: usize,
    /// Series (for logs and traces: records) of one request.
    pub records: usize,
}

impl Default for Limits {
    /// 16 MiB compressed, 32 MiB decompressed, 2 million elements, 64 levels, 64 labels of 512 and 4,096 bytes, 2,000 buckets, 500,000 records.
    fn default() -> Self {
        Self {
            compressed_bytes: 16 << 20,
            decompressed_bytes: 32 << 20,
            elements: 2_000_000,
            depth: 64,
            labels: 64,
            label_name_bytes: 512,
            label_value_bytes: 4_096,
            buckets: 2_000,
            records: 500_000,
        }
    }
}
