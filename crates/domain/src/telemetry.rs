//! Telemetry in the OpenTelemetry model, as it flows from the decoders to the store.
//!
//! Not a wire format and not a layout on disk: `ingest` makes these values, `store` keeps them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::labels::Labels;

/// One value of one series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Milliseconds since the Unix epoch.
    pub t: i64,
    /// The value; may be NaN, also Prometheus's stale marker.
    pub v: f64,
}

/// The bit pattern of Prometheus's stale marker.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// Whether a value is the stale marker.
#[must_use]
pub fn is_stale(v: f64) -> bool {
    v.to_bits() == STALE_NAN_BITS
}

/// New samples of one series, in ascending order of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesSamples {
    /// The series, metric name included.
    pub labels: Labels,
    /// Its samples.
    pub samples: Vec<Sample>,
    /// The moment from which a cumulative counter counts (OTLP's start time), in milliseconds: a series that is new
    /// to the store gets a zero there, so that `increase()` sees its first value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
}

/// What is known about a metric apart from its samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricMeta {
    /// The metric (family) name.
    pub name: Arc<str>,
    /// `counter`, `gauge`, `histogram`, `summary` or `unknown`.
    pub kind: Arc<str>,
    /// The unit, as OpenMetrics writes it.
    pub unit: Arc<str>,
    /// The help text.
    pub help: Arc<str>,
}

/// A link from a sample to the trace that it was measured in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exemplar {
    /// The series.
    pub labels: Labels,
    /// Milliseconds since the Unix epoch.
    pub t: i64,
    /// The measured value.
    pub v: f64,
    /// 32 hexadecimal digits, or empty.
    pub trace_id: String,
    /// 16 hexadecimal digits, or empty.
    pub span_id: String,
}

/// One attribute value as text, number, truth or JSON.
pub type Attributes = Vec<(Arc<str>, serde_json::Value)>;

/// One log record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Nanoseconds since the Unix epoch.
    pub t_ns: u64,
    /// OpenTelemetry severity number, 1 to 24; 0 when not given.
    pub severity: u8,
    /// The severity as the program wrote it.
    pub severity_text: Arc<str>,
    /// The body; structured bodies as JSON.
    pub body: String,
    /// `service.name` of the resource.
    pub service: Arc<str>,
    /// 32 hexadecimal digits, or empty.
    pub trace_id: String,
    /// 16 hexadecimal digits, or empty.
    pub span_id: String,
    /// The record's attributes.
    pub attributes: Attributes,
    /// The resource's attributes.
    pub resource: Arc<Attributes>,
}

/// One finished span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanRecord {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// The parent's span id, or empty for a root.
    pub parent_span_id: String,
    /// The operation.
    pub name: Arc<str>,
    /// `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`.
    pub kind: Arc<str>,
    /// `service.name` of the resource.
    pub service: Arc<str>,
    /// Nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// Nanoseconds since the Unix epoch.
    pub end_ns: u64,
    /// `unset`, `ok` or `error`.
    pub status: Arc<str>,
    /// The status message.
    pub status_message: String,
    /// The span's attributes.
    pub attributes: Attributes,
    /// Named moments within the span.
    pub events: Vec<SpanEvent>,
    /// The resource's attributes.
    pub resource: Arc<Attributes>,
}

/// A named moment within a span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanEvent {
    /// Nanoseconds since the Unix epoch.
    pub t_ns: u64,
    /// What happened.
    pub name: String,
    /// Its attributes.
    pub attributes: Attributes,
}

/// What one request brought.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Samples by series.
    pub series: Vec<SeriesSamples>,
    /// Metadata of metrics.
    pub meta: Vec<MetricMeta>,
    /// Exemplars.
    pub exemplars: Vec<Exemplar>,
    /// Log records.
    pub logs: Vec<LogRecord>,
    /// Spans.
    pub spans: Vec<SpanRecord>,
}

impl Batch {
    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
            && self.meta.is_empty()
            && self.exemplars.is_empty()
            && self.logs.is_empty()
            && self.spans.is_empty()
    }
}

/// Why a batch was not taken. Nothing of it was kept unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The queue is full: answer 429 with Retry-After.
    #[error("the telemetry queue is full; retry after {retry_after_s} s")]
    Overloaded {
        /// Whole seconds to wait.
        retry_after_s: u32,
    },
    /// The disk refused the write: answer 503. What was acknowledged before is safe.
    #[error("the telemetry log cannot be written: {0}")]
    Storage(String),
    /// The server is stopping.
    #[error("the store is shutting down")]
    ShuttingDown,
}

/// What became of an appended batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appended {
    /// Samples kept.
    pub samples: usize,
    /// Samples refused because they were older than the series' newest by more than the out-of-order window, or at
    /// the same time with another value.
    pub out_of_order: usize,
}

/// Takes telemetry and answers only when it is on disk. The store implements it; probes, workflows and self-telemetry use it.
pub trait TelemetrySink: Send + Sync {
    /// Makes the batch durable (group fsync), applies it to memory, tells the arrival listeners, and answers.
    fn append(&self, batch: Batch) -> Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send + '_>>;
}

/// Hears of telemetry that just became durable and visible to queries. Must return at once.
pub trait ArrivalListener: Send + Sync {
    /// These series have new samples.
    fn arrived(&self, series: &[Labels]);
}
