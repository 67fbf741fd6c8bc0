//! Remote write 2.0: the receiver cases of the suite for native histograms.
//!
//! Not each way in which one may be wrong: `native` has those.

use watchkeeper_domain::histogram::{CUSTOM_BUCKETS, CounterReset};

use super::super::proto::{BucketSpan, Count, Histogram, ZeroCount};
use super::super::v2::Exemplar;
use super::native;
use super::v2::{Table, same_cases};

fn span(offset: i32, length: u32) -> Vec<BucketSpan> {
    vec![BucketSpan { offset, length }]
}

fn custom(timestamp: i64) -> Histogram {
    Histogram {
        count: Some(Count::Int(4)),
        sum: 9.0,
        schema: CUSTOM_BUCKETS,
        zero_threshold: 0.0,
        custom_values: vec![1.0, 5.0],
        positive_spans: span(0, 3),
        positive_deltas: vec![1, 1, -1],
        timestamp,
        ..Histogram::default()
    }
}

#[test]
fn histograms_are_taken_or_refused_as_the_receiver_suite_wants() {
    let negative = Histogram {
        positive_spans: Vec::new(),
        positive_deltas: Vec::new(),
        count: Some(Count::Int(2)),
        zero_count: None,
        ..native(1)
    };
    let positive =
        Histogram { negative_spans: Vec::new(), negative_deltas: Vec::new(), count: Some(Count::Int(3)), ..native(1) };
    let minimal = Histogram {
        negative_spans: Vec::new(),
        negative_deltas: Vec::new(),
        count: Some(Count::Int(1)),
        ..negative.clone()
    };
    let minimal = Histogram { zero_count: Some(ZeroCount::Int(1)), ..minimal };
    let cases: [(&str, Histogram, Option<&str>); 6] = [
        ("basic_histogram", native(1), Some("{count:5, sum:0.5, [-1,-0.5):2, [-0.001,0.001]:1, (0.5,1]:1, (1,2]:1}")),
        ("custom_buckets_histogram", custom(1), Some("{count:4, sum:9, [-Inf,1]:1, (1,5]:2, (5,+Inf]:1}")),
        ("positive_only_histogram", positive, Some("{count:3, sum:0.5, [-0.001,0.001]:1, (0.5,1]:1, (1,2]:1}")),
        ("negative_only_histogram", negative, Some("{count:2, sum:0.5, [-1,-0.5):2}")),
        ("minimal_histogram", minimal, Some("{count:1, sum:0.5, [-0.001,0.001]:1}")),
        ("bad_count_histogram", Histogram { count: Some(Count::Int(6)), ..native(1) }, None),
    ];
    same_cases("TestHistograms", cases.iter().map(|(name, ..)| *name));
    for (name, histogram, shown) in cases {
        let mut table = Table::default();
        let mut series = table.series(&[("__name__", "latency")], &[]);
        series.histograms = vec![histogram];
        let result = table.written(vec![series]);
        let found = result.batch.histograms.first().map(|s| s.samples[0].histogram.to_string());
        assert_eq!(
            (found.as_deref(), result.rejected),
            (shown, u64::from(shown.is_none())),
            "{name}: {}",
            result.message
        );
    }
}

#[test]
fn histograms_come_empty_as_floats_as_gauges_and_many_at_a_time() {
    let floats = Histogram {
        count: Some(Count::Float(2.5)),
        zero_count: Some(ZeroCount::Float(0.0)),
        positive_spans: span(1, 2),
        positive_counts: vec![1.0, 1.5],
        reset_hint: 3,
        timestamp: 2,
        ..Histogram::default()
    };
    let mixed = Histogram { positive_deltas: vec![1], ..floats.clone() };
    let mut table = Table::default();
    let mut series = table.series(&[("__name__", "latency")], &[]);
    let empty = Histogram { count: Some(Count::Int(0)), timestamp: 1, ..Histogram::default() };
    series.histograms =
        vec![empty, floats, Histogram { reset_hint: 1, ..native(3) }, Histogram { reset_hint: 2, ..native(4) }, mixed];
    let mut other = table.series(&[("__name__", "size")], &[(1, 1.0)]);
    other.histograms = (10..110).map(custom).collect();
    let result = table.written(vec![series, other]);
    assert_eq!((result.rejected, result.batch.histograms.len()), (1, 2));
    assert_eq!(result.message, "a native histogram of latency: its count is a float and its buckets are whole");
    let shown: Vec<_> =
        result.batch.histograms[0].samples.iter().map(|p| (p.t, p.histogram.count, p.histogram.reset)).collect();
    // That a counter did not begin again is for the store to see.
    let resets = [CounterReset::Unknown, CounterReset::Gauge, CounterReset::Reset, CounterReset::Unknown];
    assert_eq!(shown, [(1, 0.0, resets[0]), (2, 2.5, resets[1]), (3, 5.0, resets[2]), (4, 5.0, resets[3])]);
    assert_eq!(result.batch.histograms[1].samples.len(), 100);
}

#[test]
fn metadata_exemplars_and_the_start_come_with_a_histogram_too() {
    let mut table = Table::default();
    let mut series = table.series(&[("__name__", "latency")], &[]);
    series.histograms = vec![Histogram { start_timestamp: 3, ..custom(7) }];
    series.exemplars = vec![Exemplar { labels_refs: table.refs(&[("trace_id", "abc")]), value: 1.0, timestamp: 0 }];
    series.metadata = table.metadata(3, "Waits", "seconds");
    let mut gauge = series.clone();
    gauge.metadata = table.metadata(4, "Waits", "seconds");
    let mut created = series.clone();
    created.created_timestamp = 2;
    let result = table.written(vec![series, gauge, created]);
    let starts: Vec<_> = result.batch.histograms.iter().map(|s| s.start).collect();
    assert_eq!((starts, result.rejected), (vec![Some(3), None, Some(2)], 0));
    assert_eq!((result.batch.exemplars[0].t, result.batch.exemplars[0].trace_id.as_str()), (7, "abc"));
    assert_eq!((result.batch.meta[0].name.as_ref(), result.batch.meta[0].kind.as_ref()), ("latency", "histogram"));
}
