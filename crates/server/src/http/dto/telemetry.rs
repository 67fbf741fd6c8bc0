//! Telemetry to look at: metric names, logs, traces, services.
//!
//! Not a query language: metrics are queried with PromQL through the Prometheus read API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::words::SpanStatus;

list! {
    /// Services by name.
    ServiceList of Service;
}

counted_list! {
    /// Metrics by name.
    MetricList of Metric;
    /// Traces, newest first.
    TraceList of TraceSummary;
}

/// One metric family.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// `counter`, `gauge`, `histogram`, `summary`, `unknown`.
    pub kind: String,
    /// The unit, possibly empty.
    pub unit: String,
    /// The help text, possibly empty. Hostile text.
    pub help: String,
    /// How many series it has now.
    pub series: u64,
}

/// One service that sent telemetry.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// `service.name`. Hostile text.
    pub name: String,
    /// When it last sent anything.
    pub last_seen_at: Option<Time>,
    /// Whether it sent metrics.
    pub metrics: bool,
    /// Whether it sent logs.
    pub logs: bool,
    /// Whether it sent spans.
    pub traces: bool,
}

/// Logs, newest first, with their number over time.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LogList {
    /// The records; at most `limit`.
    pub items: Vec<LogRecord>,
    /// Whether more match than are shown.
    pub truncated: bool,
    /// Give this back as `cursor` to get the next page of older records; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// How many match, over time, in at most 60 equal buckets; empty on later pages.
    pub histogram: Vec<LogBucket>,
    /// Present when part of the stored data could not be read: what is missing, in words.
    pub incomplete: Option<String>,
}

/// One log record.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LogRecord {
    /// When.
    pub at: Time,
    /// OpenTelemetry's severity text, for example `ERROR`.
    pub severity: String,
    /// OpenTelemetry's severity number, 0 to 24.
    pub severity_number: u8,
    /// The service. Hostile text.
    pub service: String,
    /// The text. Hostile text.
    pub body: String,
    /// The attributes, resource ones under `resource.`. Hostile text.
    pub attributes: BTreeMap<String, String>,
    /// The trace, 32 hexadecimal digits.
    pub trace_id: Option<String>,
    /// The span, 16 hexadecimal digits.
    pub span_id: Option<String>,
}

/// One bar of the histogram.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LogBucket {
    /// Where the bar starts.
    pub at: Time,
    /// Records below WARN.
    pub info: u64,
    /// WARN.
    pub warn: u64,
    /// ERROR and FATAL.
    pub error: u64,
}

/// One trace as a list shows it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TraceSummary {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// The root span's service, or the earliest known span's. Hostile text.
    pub service: String,
    /// The root span's name. Hostile text.
    pub operation: String,
    /// When it began.
    pub started_at: Time,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// `error` when any span failed.
    pub status: SpanStatus,
    /// How many spans are known.
    pub span_count: u32,
    /// How many services took part.
    pub service_count: u32,
}

/// One trace in full.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// Its spans by start; at most 5,000.
    pub spans: Vec<Span>,
    /// Whether spans were left out.
    pub truncated: bool,
}

/// One span.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// The parent's; absent for a root, unknown to this trace for an orphan.
    pub parent_span_id: Option<String>,
    /// The service. Hostile text.
    pub service: String,
    /// The operation. Hostile text.
    pub name: String,
    /// `internal`, `server`, `client`, `producer`, `consumer`.
    pub kind: String,
    /// When it began.
    pub started_at: Time,
    /// Microseconds after the trace's first span began.
    pub offset_us: i64,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// Its status.
    pub status: SpanStatus,
    /// The status message. Hostile text.
    pub status_message: Option<String>,
    /// When the whole trace waited for this span and for none of its children: its parts of the critical path, by time.
    #[serde(default)]
    pub critical: Vec<SpanPart>,
    /// Its attributes. Hostile text.
    pub attributes: BTreeMap<String, String>,
    /// Its events.
    pub events: Vec<SpanEvent>,
}

/// A part of a span's time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct SpanPart {
    /// Microseconds after the trace's first span began.
    pub offset_us: i64,
    /// How long it is, in microseconds.
    pub duration_us: i64,
}

/// One event of a span.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SpanEvent {
    /// When.
    pub at: Time,
    /// Its name. Hostile text.
    pub name: String,
    /// Its attributes. Hostile text.
    pub attributes: BTreeMap<String, String>,
}

/// Which metrics.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MetricQuery {
    /// Text that must occur in the name; letter case does not matter.
    pub prefix: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A window of time.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WindowQuery {
    /// From: RFC 3339 or Unix seconds; one hour before `until` when absent.
    pub since: Option<String>,
    /// To: RFC 3339 or Unix seconds; now when absent.
    pub until: Option<String>,
}

/// Which log records.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// The service.
    pub service: Option<String>,
    /// The lowest severity: `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`, `FATAL`.
    pub severity: Option<String>,
    /// Text that must occur in the body; letter case does not matter.
    pub q: Option<String>,
    /// The trace, 32 hexadecimal digits.
    pub trace_id: Option<String>,
    /// From: RFC 3339 or Unix seconds; one hour before `until` when absent.
    pub since: Option<String>,
    /// To: RFC 3339 or Unix seconds; now when absent.
    pub until: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same window.
    pub cursor: Option<String>,
}

/// Which traces.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TraceQuery {
    /// A service that took part.
    pub service: Option<String>,
    /// The operation of one of its spans.
    pub operation: Option<String>,
    /// The shortest duration, in milliseconds.
    pub min_duration_ms: Option<f64>,
    /// `error`, `ok` or `unset`.
    pub status: Option<String>,
    /// From: RFC 3339 or Unix seconds; one hour before `until` when absent.
    pub since: Option<String>,
    /// To: RFC 3339 or Unix seconds; now when absent.
    pub until: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same window.
    pub cursor: Option<String>,
}
