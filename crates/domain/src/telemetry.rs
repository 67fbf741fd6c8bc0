//! Telemetry in the OpenTelemetry model, as it flows from the decoders to the store.
//!
//! Not a wire format and not a layout on disk: `ingest` makes these values, `store` keeps them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
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

/// One native histogram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistogramPoint {
    /// Milliseconds since the Unix epoch.
    pub t: i64,
    /// Its buckets by ascending index; its sum is the stale marker where the series ends. `CounterReset::NotReset` means
    /// nothing here: the store finds out by itself what continues what.
    pub histogram: Arc<Histogram>,
}

/// New native histograms of one series, in ascending order of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesHistograms {
    /// The series, metric name included.
    pub labels: Labels,
    /// Its histograms.
    pub samples: Vec<HistogramPoint>,
    /// As [`SeriesSamples::start`]: a series that is new to the store gets an empty histogram there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
}

/// What is known about a metric apart from its samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricMeta {
    /// The metric (family) name.
    pub name: Arc<str>,
    /// `counter`, `gauge`, `histogram`, `gaugehistogram`, `summary`, `info`, `stateset` or `unknown`.
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
    /// What else the exemplar says: OTLP's filtered attributes, Prometheus's further exemplar labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub attributes: Labels,
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
    /// Spans of this or another trace that this one has to do with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<SpanLink>,
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

/// A pointer from a span to another one, for example from a batch to each of the requests in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanLink {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// Its attributes.
    pub attributes: Attributes,
}

/// What one request brought.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Samples by series.
    pub series: Vec<SeriesSamples>,
    /// Increments by series (OTLP's delta temporality): each sample says what was added since the one before it, and
    /// `start` from when the first of them counts. The store keeps their running sum, as a cumulative series.
    #[serde(default)]
    pub deltas: Vec<SeriesSamples>,
    /// Native histograms by series. A series may have numbers at other times.
    #[serde(default)]
    pub histograms: Vec<SeriesHistograms>,
    /// Increments of native histograms by series, as `deltas` are those of numbers.
    #[serde(default)]
    pub histogram_deltas: Vec<SeriesHistograms>,
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
    /// The series of `series` and then of `deltas`.
    pub fn samples(&self) -> impl Iterator<Item = &SeriesSamples> + Clone {
        self.series.iter().chain(&self.deltas)
    }

    /// The series of `histograms` and then of `histogram_deltas`.
    pub fn native(&self) -> impl Iterator<Item = &SeriesHistograms> + Clone {
        self.histograms.iter().chain(&self.histogram_deltas)
    }

    /// The labels of all series, in the order by which [`Refusal::place`] counts them: `series`, `deltas`, `histograms`,
    /// `histogram_deltas`.
    pub fn labels(&self) -> impl Iterator<Item = &Labels> + Clone {
        self.samples().map(|s| &s.labels).chain(self.native().map(|s| &s.labels))
    }

    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
            && self.deltas.is_empty()
            && self.histograms.is_empty()
            && self.histogram_deltas.is_empty()
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    /// Samples kept.
    pub samples: usize,
    /// Samples refused because they were older than the series' newest by more than the out-of-order window, or at
    /// the same time with another value.
    pub out_of_order: usize,
    /// What of the batch was refused, series by series, the two counted above included.
    pub refusals: Vec<Refusal>,
}

/// Samples of one series that the store did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which series of the batch: its place in the order of [`Batch::labels`].
    pub place: usize,
    /// The series.
    pub labels: Labels,
    /// How many of its samples.
    pub samples: usize,
    /// Why.
    pub why: Unwanted,
}

/// Why a store does not take a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unwanted {
    /// Older than the series' newest sample by more than the out-of-order window.
    TooOld,
    /// There is another value at this time.
    Contradicts,
    /// An increment that overlaps what was counted already.
    CountedAlready,
    /// An increment of a native histogram whose buckets cannot be brought together with those counted so far.
    OtherBuckets,
    /// Its time is further ahead of this server's clock than a clock may be wrong.
    Ahead,
    /// One series more than the store takes.
    SeriesLimit,
}

impl std::fmt::Display for Unwanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooOld => "too old: the series has samples that are newer by more than the out-of-order window",
            Self::Contradicts => "there is another value at this time already",
            Self::CountedAlready => "the increment overlaps time that was counted already",
            Self::OtherBuckets => "its buckets cannot be added to those that the series has so far",
            Self::Ahead => "the time is too far in the future; check the sender's clock",
            Self::SeriesLimit => "the store has as many series as it may",
        })
    }
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
