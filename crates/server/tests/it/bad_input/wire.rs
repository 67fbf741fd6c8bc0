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
