//! Remote write: the cases that a receiver must, should and may handle, and hostile bodies.

mod histograms;
mod v2;

use std::collections::BTreeSet;
use std::path::PathBuf;

use prost::Message;
use watchkeeper_domain::telemetry::is_stale;

use super::proto::{
    BucketSpan, Count, Exemplar, Histogram, Label, MetricMetadata, Sample, TimeSeries, WriteRequest, ZeroCount,
};
use super::*;

fn label(name: &str, value: &str) -> Label {
    Label { name: name.to_owned(), value: value.to_owned() }
}

fn series(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> TimeSeries {
    TimeSeries {
        labels: labels.iter().map(|(n, v)| label(n, v)).collect(),
        samples: samples.iter().map(|(timestamp, value)| Sample { value: *value, timestamp: *timestamp }).collect(),
        ..TimeSeries::default()
    }
}

fn body(request: &WriteRequest) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap()
}

fn written(timeseries: Vec<TimeSeries>) -> Written {
    decode(&body(&WriteRequest { timeseries, metadata: Vec::new() }), Version::V1, &Limits::default()).unwrap()
}

type Single = (&'static str, &'static [(&'static str, &'static str)], bool);

/// The cases of one of the suite's tests, with the labels that they send and whether the series is to be taken.
const SINGLE: [Single; 7] = [
    ("simple metric", &[("__name__", "m")], true),
    ("simple metric with multiple labels", &[("__name__", "m"), ("a", "1"), ("b", "2")], true),
    ("simple metric with newlines", &[("__name__", "m"), ("a", "1\n2")], true),
    ("simple metric with dots", &[("__name__", "m.with.dots"), ("a.b", "1")], true),
    ("simple metric with spaces", &[("__name__", "m with spaces")], true),
    ("simple metric without name label", &[("a", "1")], false),
    ("empty metric", &[], false),
];

/// The names of the cases of one of the suite's tests; none where the suite is not at hand.
fn suite(test: &str) -> Option<BTreeSet<String>> {
    let root = std::env::var_os("WATCHKEEPER_CORPORA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"), PathBuf::from);
    match std::fs::read(root.join("promql/remote_write_cases.json")) {
        Ok(text) => {
            let suite: serde_json::Value = serde_json::from_slice(&text).unwrap();
            let mut all = suite.as_array().unwrap().iter();
            let found = all.find(|t| t["side"] == "receiver" && t["test"] == test).unwrap();
            let names = found["cases"].as_array().unwrap().iter().filter_map(|c| c["name"].as_str());
            Some(names.map(str::to_owned).collect())
        }
        Err(error) => {
            println!("skipped: the names of the suite's cases ({error}); set WATCHKEEPER_CORPORA");
            None
        }
    }
}

#[test]
fn a_single_metric_is_taken_or_refused_as_the_receiver_suite_wants() {
    if let Some(named) = suite("TestSingleMetric") {
        let here: BTreeSet<String> = SINGLE.iter().map(|(name, ..)| (*name).to_owned()).collect();
        assert_eq!(named, here, "the suite and the table here name the same cases");
    }
    for (name, labels, accepted) in SINGLE {
        for value in [
            0.0,
            -1.5,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::from_bits(watchkeeper_domain::telemetry::STALE_NAN_BITS),
        ] {
            let result = written(vec![series(labels, &[(1_000, value)])]);
            assert_eq!(
                (result.batch.series.len(), result.rejected),
                if accepted { (1, 0) } else { (0, 1) },
                "{name}: {}",
                result.message
            );
            if accepted {
                assert_eq!(result.batch.series[0].samples[0].v.to_bits(), value.to_bits(), "{name}");
                assert_eq!(is_stale(result.batch.series[0].samples[0].v), is_stale(value));
            }
        }
    }
}

#[test]
fn one_bad_series_does_not_take_the_good_ones_with_it() {
    let result = written(vec![
        series(&[("__name__", "good")], &[(1, 1.0)]),
        series(&[("__name__", "twice"), ("a", "1"), ("a", "2")], &[(1, 1.0), (2, 1.0)]),
        series(&[("__name__", "nameless"), ("", "x")], &[(1, 1.0)]),
        series(&[("b", "2"), ("a", "<img onerror=x>"), ("__name__", "unsorted")], &[(2, 2.0), (1, 1.0)]),
    ]);
    assert_eq!((result.batch.series.len(), result.rejected), (2, 3));
    assert_eq!(result.message, "a series has the label `a` twice");
    let unsorted = &result.batch.series[1];
    assert_eq!(unsorted.labels.to_string(), "unsorted{a=\"<img onerror=x>\", b=\"2\"}");
    assert_eq!(unsorted.samples.iter().map(|s| s.t).collect::<Vec<_>>(), [1, 2]);
}

/// Five observations: one of nothing, two around 1, two around -1.
fn native(timestamp: i64) -> Histogram {
    Histogram {
        count: Some(Count::Int(5)),
        sum: 0.5,
        zero_threshold: 0.001,
        zero_count: Some(ZeroCount::Int(1)),
        positive_spans: vec![BucketSpan { offset: 0, length: 2 }],
        positive_deltas: vec![1, 0],
        negative_spans: vec![BucketSpan { offset: 0, length: 1 }],
        negative_deltas: vec![2],
        timestamp,
        ..Histogram::default()
    }
}

#[test]
fn native_histograms_are_taken_and_a_wrong_one_costs_itself() {
    let mut both = series(&[("__name__", "latency")], &[(1, 1.0)]);
    let wrong = Histogram { count: Some(Count::Int(9)), ..native(2) };
    let ended = Histogram { sum: f64::from_bits(watchkeeper_domain::telemetry::STALE_NAN_BITS), ..native(4) };
    both.histograms = vec![ended, native(3), wrong];
    both.exemplars =
        vec![Exemplar { labels: vec![label("trace_id", "abc"), label("span_id", "def")], value: 0.5, timestamp: 1 }];
    let result = written(vec![both]);
    assert_eq!((result.batch.series.len(), result.rejected), (1, 1));
    assert_eq!(result.message, "a native histogram of latency: its buckets hold 5 observations and its count says 9");
    let [found] = result.batch.histograms.as_slice() else { panic!("{:?}", result.batch.histograms) };
    assert_eq!(found.samples.iter().map(|p| p.t).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(
        found.samples[0].histogram.to_string(),
        "{count:5, sum:0.5, [-1,-0.5):2, [-0.001,0.001]:1, (0.5,1]:1, (1,2]:1}"
    );
    assert!(is_stale(found.samples[1].histogram.sum));
    let exemplar = &result.batch.exemplars[0];
    assert_eq!((exemplar.trace_id.as_str(), exemplar.span_id.as_str(), exemplar.v), ("abc", "def", 0.5));
}

#[test]
fn a_histogram_that_is_small_on_the_wire_and_huge_in_memory_is_refused() {
    let limits = Limits { elements: 1_000, ..Limits::default() };
    let mut one = series(&[("__name__", "m")], &[]);
    one.histograms = vec![Histogram { positive_deltas: vec![0; 10_000], ..native(1) }];
    let request = WriteRequest { timeseries: vec![one.clone()], metadata: Vec::new() };
    assert_eq!(decode(&body(&request), Version::V1, &limits).unwrap_err().code().as_str(), "WK1002");
    one.histograms[0].positive_spans = vec![BucketSpan { offset: 0, length: 10_000 }];
    let result = written(vec![one]);
    assert_eq!(result.message, "a native histogram of m: it has 10000 positive buckets; at most 2000 are taken");
}

#[test]
fn metadata_is_kept_by_kind_and_refused_without_a_name() {
    let metadata = (0..9)
        .map(|kind| MetricMetadata {
            kind,
            metric_family_name: format!("m{kind}"),
            help: "helps \"<b>\"".to_owned(),
            unit: "seconds".to_owned(),
        })
        .chain([MetricMetadata::default()])
        .collect();
    let result =
        decode(&body(&WriteRequest { timeseries: Vec::new(), metadata }), Version::V1, &Limits::default()).unwrap();
    let kinds: Vec<&str> = result.batch.meta.iter().map(|m| m.kind.as_ref()).collect();
    assert_eq!(
        kinds,
        ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown"]
    );
    assert_eq!((result.batch.meta[1].help.as_ref(), result.rejected), ("helps \"<b>\"", 1));
}

#[test]
fn headers_are_checked_as_the_specification_says() {
    for good in ["application/x-protobuf", "application/x-protobuf;proto=prometheus.WriteRequest"] {
        assert_eq!(check_headers(Some(good), Some("snappy")).unwrap(), Version::V1);
    }
    for good in [
        "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        "Application/X-Protobuf; proto=\"io.prometheus.write.v2.Request\"",
    ] {
        assert_eq!(check_headers(Some(good), Some("Snappy")).unwrap(), Version::V2);
    }
    for bad in [
        None,
        Some("application/json"),
        Some("text/plain"),
        Some("application/x-protobuf;proto=io.prometheus.write.v3.Request"),
        Some("application/json;proto=io.prometheus.write.v2.Request"),
    ] {
        assert_eq!(check_headers(bad, Some("snappy")).unwrap_err().code().as_str(), "WK1003", "{bad:?}");
    }
    for bad in [None, Some("gzip"), Some("zstd")] {
        assert_eq!(
            check_headers(Some("application/x-protobuf"), bad).unwrap_err().code().as_str(),
            "WK1004",
            "{bad:?}"
        );
    }
}

#[test]
fn corrupt_truncated_and_hostile_bodies_are_errors() {
    let limits = Limits { elements: 10_000, ..Limits::default() };
    let code = |raw: &[u8]| {
        decode(&snap::raw::Encoder::new().compress_vec(raw).unwrap(), Version::V1, &limits).unwrap_err().code().as_str()
    };
    assert_eq!(decode(b"not snappy at all", Version::V1, &limits).unwrap_err().code().as_str(), "WK1001");
    assert_eq!(code(b"\xff\xff\xff not protobuf"), "WK1001");
    // A label name that is not UTF-8.
    assert_eq!(code(&[0x0a, 0x06, 0x0a, 0x04, 0x0a, 0x02, 0xff, 0xfe]), "WK1001");
    assert_eq!(code(&[0x0a, 0x00].repeat(20_000)), "WK1002");

    let good = body(&WriteRequest {
        timeseries: (0..20).map(|n| series(&[("__name__", "m"), ("n", &n.to_string())], &[(n, 1.0)])).collect(),
        metadata: Vec::new(),
    });
    for cut in 0..good.len() {
        assert!(decode(&good[..cut], Version::V1, &limits).is_err(), "a body cut at {cut} was read");
    }
    let raw = snap::raw::Decoder::new().decompress_vec(&good).unwrap();
    for cut in 0..raw.len() {
        // A cut between two series is a valid, shorter request.
        drop(decode(&snap::raw::Encoder::new().compress_vec(&raw[..cut]).unwrap(), Version::V1, &limits));
    }
}
