//! Remote write 2.0: the receiver cases of the suite for samples, exemplars and metadata, created timestamps, and hostile
//! tables of symbols. The suite's cases for native histograms are in `histograms`.

use std::collections::BTreeSet;

use prost::Message;

use super::super::v2::{Exemplar, Metadata, Request, Sample, TimeSeries};
use super::super::*;
use super::suite;

/// A request in the making: texts become references.
#[derive(Default)]
pub(super) struct Table(Vec<String>);

impl Table {
    fn get(&mut self, text: &str) -> u32 {
        if self.0.is_empty() {
            self.0.push(String::new());
        }
        let at = self.0.iter().position(|known| known == text).unwrap_or_else(|| {
            self.0.push(text.to_owned());
            self.0.len() - 1
        });
        u32::try_from(at).unwrap()
    }

    pub(super) fn refs(&mut self, labels: &[(&str, &str)]) -> Vec<u32> {
        labels.iter().flat_map(|(name, value)| [self.get(name), self.get(value)]).collect()
    }

    pub(super) fn series(&mut self, labels: &[(&str, &str)], samples: &[(i64, f64)]) -> TimeSeries {
        TimeSeries {
            labels_refs: self.refs(labels),
            samples: samples
                .iter()
                .map(|&(timestamp, value)| Sample { value, timestamp, start_timestamp: 0 })
                .collect(),
            ..TimeSeries::default()
        }
    }

    pub(super) fn metadata(&mut self, kind: i32, help: &str, unit: &str) -> Option<Metadata> {
        Some(Metadata { kind, help_ref: self.get(help), unit_ref: self.get(unit) })
    }

    pub(super) fn written(self, timeseries: Vec<TimeSeries>) -> Written {
        read(&Request { symbols: self.0, timeseries }, &Limits::default()).unwrap()
    }
}

fn read(request: &Request, limits: &Limits) -> Result<Written, DecodeError> {
    let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap();
    decode(&body, Version::V2, limits)
}

/// The suite's cases of that test are the ones of the table here.
pub(super) fn same_cases<'a>(test: &str, here: impl Iterator<Item = &'a str>) {
    if let Some(named) = suite(test) {
        assert_eq!(named, here.map(str::to_owned).collect::<BTreeSet<_>>(), "{test}");
    }
}

#[test]
fn a_single_metric_is_taken_or_refused_as_the_receiver_suite_wants() {
    same_cases("TestSingleMetric", super::SINGLE.iter().map(|(name, ..)| *name));
    for (name, labels, accepted) in super::SINGLE {
        let stale = f64::from_bits(watchkeeper_domain::telemetry::STALE_NAN_BITS);
        for value in [0.0, -1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, stale] {
            let mut table = Table::default();
            let series = table.series(labels, &[(1_000, value)]);
            // A request whose only series has no label at all still has its table.
            table.get("");
            let result = table.written(vec![series]);
            let expected = if accepted { (1, 0) } else { (0, 1) };
            assert_eq!((result.batch.series.len(), result.rejected), expected, "{name}: {}", result.message);
            if accepted {
                assert_eq!(result.batch.series[0].samples[0].v.to_bits(), value.to_bits(), "{name}");
                for (label, text) in labels {
                    assert_eq!(result.batch.series[0].labels.get(label), Some(*text), "{name}");
                }
            }
        }
    }
}

#[test]
fn several_metrics_are_taken_but_for_those_without_a_name() {
    type Case = (&'static str, &'static [&'static [(&'static str, &'static str)]], usize);
    const CASES: [Case; 3] = [
        ("multiple metrics", &[&[("__name__", "a")], &[("__name__", "b"), ("x", "1")]], 2),
        ("multiple metrics, without name label", &[&[("x", "1")], &[("x", "2")]], 0),
        ("multiple metrics, 1 without name label", &[&[("__name__", "a")], &[("x", "2")]], 1),
    ];
    same_cases("TestMultipleMetrics", CASES.iter().map(|(name, ..)| *name));
    for (name, series, taken) in CASES {
        let mut table = Table::default();
        let all = series.iter().map(|labels| table.series(labels, &[(1, 1.0), (2, 2.0)])).collect();
        let result = table.written(all);
        let refused = 2 * (series.len() - taken) as u64;
        assert_eq!((result.batch.series.len(), result.rejected), (taken, refused), "{name}");
    }
}

#[test]
fn exemplars_keep_their_trace_and_their_further_labels() {
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str, usize);
    const CASES: [Case; 7] = [
        ("basic_exemplar", &[("trace_id", "abc")], "abc", "", 0),
        ("exemplar_with_span_id", &[("span_id", "def"), ("trace_id", "abc")], "abc", "def", 0),
        ("exemplar_without_trace_id", &[("request", "17")], "", "", 1),
        ("exemplar_with_multiple_labels", &[("a", "1"), ("b", "2"), ("trace_id", "abc")], "abc", "", 2),
        ("exemplar_no_labels", &[], "", "", 0),
        ("exemplar_with_special_chars", &[("path", "/a?b=\"c\"\n\\"), ("trace_id", "abc")], "abc", "", 1),
        ("exemplar_with_unicode", &[("stadt", "Zürich 東京 🚆"), ("trace_id", "abc")], "abc", "", 1),
    ];
    same_cases("TestExemplars", CASES.iter().map(|(name, ..)| *name));
    for (name, labels, trace, span, others) in CASES {
        for value in [0.25, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut table = Table::default();
            let mut series = table.series(&[("__name__", "m")], &[(5, 1.0)]);
            let labels_refs = table.refs(labels);
            // Without a time of its own it has the sample's.
            series.exemplars = vec![
                Exemplar { labels_refs: labels_refs.clone(), value, timestamp: 3 },
                Exemplar { labels_refs, value, timestamp: 0 },
            ];
            let result = table.written(vec![series]);
            assert_eq!((result.rejected, result.batch.exemplars.len()), (0, 2), "{name}: {}", result.message);
            assert_eq!((result.batch.exemplars[0].t, result.batch.exemplars[1].t), (3, 5), "{name}");
            let exemplar = &result.batch.exemplars[0];
            assert_eq!((exemplar.trace_id.as_str(), exemplar.span_id.as_str()), (trace, span), "{name}");
            assert_eq!((exemplar.v.to_bits(), exemplar.attributes.len()), (value.to_bits(), others), "{name}");
            for (label, text) in exemplar.attributes.iter() {
                assert!(labels.contains(&(label, text)), "{name}: {label}");
            }
        }
    }
}

#[test]
fn metadata_comes_with_the_series_and_is_kept_by_family() {
    const CASES: [(&str, i32, &str, &str, &str); 10] = [
        ("counter_metadata", 1, "Requests", "requests", "counter"),
        ("gauge_metadata", 2, "Heat", "celsius", "gauge"),
        ("histogram_metadata", 3, "Waits", "seconds", "histogram"),
        ("metadata_no_help_no_unit", 1, "", "", "counter"),
        ("metadata_with_special_chars", 2, "a \"b\" \\ \n <c> é", "", "gauge"),
        ("unspecified_metadata_type", 0, "What it is", "", "unknown"),
        ("info_metadata_type", 6, "Build", "", "info"),
        ("stateset_metadata_type", 7, "State", "", "stateset"),
        ("summary_metadata_type", 5, "Sizes", "bytes", "summary"),
        ("gauge_histogram_metadata_type", 4, "Queue", "", "gaugehistogram"),
    ];
    same_cases("TestMetadata", CASES.iter().map(|(name, ..)| *name));
    for (name, number, help, unit, kind) in CASES {
        let mut table = Table::default();
        let mut series = table.series(&[("__name__", "m")], &[(1, 1.0)]);
        series.metadata = table.metadata(number, help, unit);
        // Once per request, however many series repeat it.
        let result = table.written(vec![series.clone(), series]);
        let [meta] = result.batch.meta.as_slice() else { panic!("{name}: {:?}", result.batch.meta) };
        let found = (meta.name.as_ref(), meta.kind.as_ref(), meta.help.as_ref(), meta.unit.as_ref());
        assert_eq!(found, ("m", kind, help, unit), "{name}");
    }
    for (series, kind, family) in [
        ("wait_bucket", 3, "wait"),
        ("wait_sum", 5, "wait"),
        ("wait_bucket", 5, "wait_bucket"),
        ("queue_gcount", 4, "queue"),
        ("orders_total", 1, "orders_total"),
        ("_sum", 5, "_sum"),
    ] {
        let mut table = Table::default();
        let mut one = table.series(&[("__name__", series)], &[(1, 1.0)]);
        one.metadata = table.metadata(kind, "help", "");
        assert_eq!(table.written(vec![one]).batch.meta[0].name.as_ref(), family);
    }
    // An empty message says nothing: what is known of the metric stays.
    let mut table = Table::default();
    let mut silent = table.series(&[("__name__", "m")], &[(1, 1.0)]);
    silent.metadata = table.metadata(0, "", "");
    assert!(table.written(vec![silent]).batch.meta.is_empty());
}

#[test]
fn what_belongs_to_a_series_without_a_name_is_refused_with_it() {
    for (test, cases) in [
        (
            "TestExemplarValidation",
            ["exemplar_without_name_label", "exemplar_with_empty_name", "exemplar_with_valid_name"],
        ),
        (
            "TestMetadataValidation",
            ["metadata_without_name_label", "metadata_with_empty_name", "metadata_with_valid_name"],
        ),
    ] {
        same_cases(test, cases.into_iter());
    }
    let cases: [(&[(&str, &str)], bool); 3] =
        [(&[("x", "1")], false), (&[("__name__", ""), ("x", "1")], false), (&[("__name__", "m"), ("x", "1")], true)];
    for (labels, taken) in cases {
        let mut table = Table::default();
        let mut series = table.series(labels, &[]);
        series.exemplars = vec![Exemplar { labels_refs: table.refs(&[("trace_id", "t")]), value: 1.0, timestamp: 1 }];
        series.metadata = table.metadata(1, "help", "");
        let result = table.written(vec![series]);
        let found = (result.batch.exemplars.len(), result.batch.meta.len(), result.rejected);
        assert_eq!(found, if taken { (1, 1, 0) } else { (0, 0, 1) }, "{labels:?}");
    }
}

#[test]
fn edge_cases_of_the_suite_are_taken() {
    same_cases(
        "TestEdgeCaseCombinations",
        ["metadata_without_data", "exemplars_without_data", "mixed_timestamp_data"].into_iter(),
    );
    let mut table = Table::default();
    let mut described = table.series(&[("__name__", "described")], &[]);
    described.metadata = table.metadata(2, "help", "");
    let mut exemplified = table.series(&[("__name__", "exemplified")], &[]);
    exemplified.exemplars = vec![Exemplar { labels_refs: Vec::new(), value: 1.0, timestamp: 9 }];
    let mixed = table.series(&[("b", "2"), ("a", "1"), ("__name__", "mixed")], &[(3, 3.0), (1, 1.0), (2, 2.0)]);
    let result = table.written(vec![described, exemplified, mixed]);
    assert_eq!((result.rejected, result.batch.meta.len(), result.batch.exemplars.len()), (0, 1, 1));
    let [mixed] = result.batch.series.as_slice() else { panic!("{:?}", result.batch.series) };
    assert_eq!(mixed.labels.to_string(), "mixed{a=\"1\", b=\"2\"}");
    assert_eq!(mixed.samples.iter().map(|s| s.t).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_created_timestamp_is_the_start_of_what_counts_and_of_nothing_else() {
    let start = |labels: &[(&str, &str)], kind: Option<i32>| {
        let mut table = Table::default();
        let mut series = table.series(labels, &[(5_000, 7.0)]);
        series.created_timestamp = 1_000;
        series.metadata = kind.and_then(|kind| table.metadata(kind, "help", ""));
        table.written(vec![series]).batch.series[0].start
    };
    let plain = [("__name__", "m")];
    for kind in [None, Some(1), Some(3), Some(5)] {
        assert_eq!(start(&plain, kind), Some(1_000), "{kind:?}");
    }
    for kind in [2, 4, 6, 7] {
        assert_eq!(start(&plain, Some(kind)), None, "{kind}");
    }
    assert_eq!(start(&[("__name__", "m"), ("quantile", "0.9")], Some(5)), None);
}

#[test]
fn wrong_references_cost_their_series_and_a_wrong_table_the_request() {
    let mut table = Table::default();
    let good = table.series(&[("__name__", "good")], &[(1, 1.0)]);
    let mut beyond = good.clone();
    beyond.labels_refs[1] = u32::MAX;
    let mut odd = good.clone();
    odd.labels_refs.pop();
    let mut exemplar = good.clone();
    exemplar.exemplars = vec![Exemplar { labels_refs: vec![1, 77], value: 1.0, timestamp: 1 }];
    let mut described = good.clone();
    described.metadata = Some(Metadata { kind: 1, help_ref: 99, unit_ref: 0 });
    let result = table.written(vec![beyond, odd, exemplar, described, good.clone()]);
    assert_eq!((result.batch.series.len(), result.rejected), (3, 4));
    assert_eq!(result.message, "a series refers to symbol 4294967295, and the request has 3 symbols");

    for symbols in [vec![], vec!["__name__".to_owned(), "good".to_owned(), String::new()]] {
        let error = read(&Request { symbols, timeseries: vec![good.clone()] }, &Limits::default()).unwrap_err();
        assert_eq!(error.code().as_str(), "WK1001");
    }
    assert_eq!(read(&Request::default(), &Limits::default()).unwrap(), Written::default());
}

#[test]
fn a_body_that_is_small_on_the_wire_and_huge_in_memory_is_refused() {
    // Each series names the same long text sixty times: a few bytes that stand for a quarter of a megabyte.
    let mut table = Table::default();
    let long = "x".repeat(4_000);
    let names: Vec<String> = (0..60).map(|n| format!("l{n:02}")).collect();
    let mut labels: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), long.as_str())).collect();
    labels.push(("__name__", "m"));
    let series = table.series(&labels, &[(1, 1.0)]);
    let request = Request { symbols: table.0, timeseries: vec![series; 100] };
    let limits = Limits { decompressed_bytes: 1 << 20, ..Limits::default() };
    let error = read(&request, &limits).unwrap_err();
    assert!(error.code().as_str() == "WK1002" && error.to_string().contains("written out"), "{error}");
    assert_eq!(read(&request, &Limits::default()).unwrap().batch.series.len(), 100);

    let limits = Limits { elements: 10_000, ..Limits::default() };
    let code = |raw: &[u8]| {
        let body = snap::raw::Encoder::new().compress_vec(raw).unwrap();
        decode(&body, Version::V2, &limits).unwrap_err().code().as_str()
    };
    // Empty symbols, empty series; a symbol that is not UTF-8; broken framing.
    assert_eq!(code(&[0x22, 0x00].repeat(20_000)), "WK1002");
    assert_eq!(code(&[0x2a, 0x00].repeat(20_000)), "WK1002");
    assert_eq!(code(&[0x22, 0x02, 0xff, 0xfe]), "WK1001");
    assert_eq!(code(b"\xff\xff\xff not protobuf"), "WK1001");
    let raw = request.encode_to_vec();
    for cut in (0..raw.len()).step_by(37) {
        // A cut between two series is a valid, shorter request.
        drop(decode(&snap::raw::Encoder::new().compress_vec(&raw[..cut]).unwrap(), Version::V2, &limits));
    }
}
