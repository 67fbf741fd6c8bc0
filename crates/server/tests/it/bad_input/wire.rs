//! Valid requests to spoil: remote write and OTLP bodies, written from the specifications.
//!
//! Not the product's own types: a test that encodes with what it decodes with would not notice a wrong field number.

use std::io::Write as _;

use prost::Message;
use serde_json::{Value, json};

#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// The body of a remote write request: one series, its labels sorted, samples as (milliseconds, value).
pub(crate) fn remote_write(name: &str, labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Vec<u8> {
    let mut labels: Vec<_> = labels.iter().copied().chain([("__name__", name)]).collect();
    labels.sort_unstable();
    let labels = labels.into_iter().map(|(n, v)| Label { name: n.to_owned(), value: v.to_owned() });
    let samples = samples.iter().map(|&(timestamp, value)| Sample { value, timestamp });
    let request =
        WriteRequest { timeseries: vec![TimeSeries { labels: labels.collect(), samples: samples.collect() }] };
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap()
}

/// The headers of a remote write request.
pub(crate) const REMOTE_WRITE: [(&str, &str); 3] = [
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "0.1.0"),
];

#[derive(Clone, PartialEq, Message)]
struct SymbolizedRequest {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<SymbolizedSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct SymbolizedSeries {
    #[prost(uint32, repeated, tag = "1")]
    labels: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    histograms: Vec<NativeHistogram>,
    #[prost(message, repeated, tag = "4")]
    exemplars: Vec<SymbolizedExemplar>,
    #[prost(message, optional, tag = "5")]
    metadata: Option<SymbolizedMetadata>,
    #[prost(int64, tag = "6")]
    created: i64,
}

/// A native histogram of whole counts.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct NativeHistogram {
    #[prost(uint64, tag = "1")]
    pub(crate) count: u64,
    #[prost(double, tag = "3")]
    pub(crate) sum: f64,
    #[prost(sint32, tag = "4")]
    pub(crate) schema: i32,
    #[prost(double, tag = "5")]
    pub(crate) zero_threshold: f64,
    #[prost(message, repeated, tag = "11")]
    pub(crate) spans: Vec<NativeSpan>,
    /// Each the difference from the one before.
    #[prost(sint64, repeated, tag = "12")]
    pub(crate) deltas: Vec<i64>,
    #[prost(int64, tag = "15")]
    pub(crate) timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct NativeSpan {
    #[prost(sint32, tag = "1")]
    pub(crate) offset: i32,
    #[prost(uint32, tag = "2")]
    pub(crate) length: u32,
}

#[derive(Clone, PartialEq, Message)]
struct SymbolizedExemplar {
    #[prost(uint32, repeated, tag = "1")]
    labels: Vec<u32>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(int64, tag = "3")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct SymbolizedMetadata {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(uint32, tag = "3")]
    help: u32,
    #[prost(uint32, tag = "4")]
    unit: u32,
}

/// The body of a remote write 2.0 request: a counter `orders_total{kind="book"}` that began a minute before its one sample,
/// with an exemplar and what it is; and as many native histograms of it as are asked for, whose counts are wrong.
pub(crate) fn remote_write_2(now: i64, wrong: usize) -> Vec<u8> {
    let symbols = ["", "__name__", "orders_total", "kind", "book", "trace_id", "abc", "shop", "7", "Orders", "orders"];
    let series = SymbolizedSeries {
        labels: vec![1, 2, 3, 4],
        samples: vec![Sample { value: 6.0, timestamp: now }],
        histograms: vec![NativeHistogram { count: 1, timestamp: now, ..NativeHistogram::default() }; wrong],
        exemplars: vec![SymbolizedExemplar { labels: vec![7, 8, 5, 6], value: 1.0, timestamp: now }],
        metadata: Some(SymbolizedMetadata { kind: 1, help: 9, unit: 10 }),
        created: now - 60_000,
    };
    let request = SymbolizedRequest { symbols: symbols.map(str::to_owned).to_vec(), timeseries: vec![series] };
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap()
}

/// The body of a remote write 2.0 request with native histograms of one series, which has an exemplar.
pub(crate) fn remote_write_native(name: &str, histograms: Vec<NativeHistogram>) -> Vec<u8> {
    let symbols = ["", "__name__", name, "trace_id", "abc"];
    let series = SymbolizedSeries {
        labels: vec![1, 2],
        histograms,
        exemplars: vec![SymbolizedExemplar { labels: vec![3, 4], value: 1.0, timestamp: 0 }],
        metadata: Some(SymbolizedMetadata { kind: 3, help: 0, unit: 0 }),
        ..SymbolizedSeries::default()
    };
    let request = SymbolizedRequest { symbols: symbols.map(str::to_owned).to_vec(), timeseries: vec![series] };
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap()
}

/// The headers of a remote write 2.0 request.
pub(crate) const REMOTE_WRITE_2: [(&str, &str); 3] = [
    ("content-type", "application/x-protobuf;proto=io.prometheus.write.v2.Request"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "2.0.0"),
];

/// An OTLP/JSON request with log records, as (nanoseconds, body).
pub(crate) fn logs(service: &str, records: &[(i64, &str)]) -> Value {
    let record = |(at, body): &(i64, &str)| json!({"timeUnixNano": at.to_string(), "severityNumber": 9, "severityText": "INFO", "body": {"stringValue": body}});
    json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeLogs": [{"logRecords": records.iter().map(record).collect::<Vec<_>>()}],
    }]})
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
