//! Logs that earlier versions wrote are read.
//!
//! The segments in the folder beside this file are committed as they were written, and never written anew. A file's name is
//! the version of the format and then the segment's own name, which its checksums depend on.

use std::sync::Arc;

use watchkeeper_domain::histogram::{CUSTOM_BUCKETS, CounterReset, Histogram};
use watchkeeper_domain::query::SeriesSource;
use watchkeeper_domain::telemetry::{Batch, HistogramPoint, STALE_NAN_BITS, Sample, SeriesHistograms, TelemetrySink};
use watchkeeper_domain::{Matcher, Timestamp};

use super::{BEGIN, Heard, World, labels, native, sample};
use crate::{LogQuery, Store, StoreOptions};

/// Series, metadata, an exemplar, a log record and a span, as version 1 wrote them: three kinds of frames.
const FIRST: (&str, &[u8]) =
    ("0000000000000001-0000000000000000.wklog", include_bytes!("format/1-0000000000000001-0000000000000000.wklog"));

#[tokio::test]
async fn the_first_format_is_read_and_written_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FIRST.0), FIRST.1).unwrap();
    let world = World::new();
    let open = || Store::open(&StoreOptions::new(folder.path()), world.env(), Arc::new(Heard::default())).unwrap();
    let (store, recovery) = open();
    assert_eq!(
        (recovery.samples, recovery.recent_logs, recovery.recent_spans, recovery.damage.len()),
        (6, 1, 1, 0),
        "{recovery:?}"
    );
    store.append(sample("http_requests_total", BEGIN + 5_000, 5.0)).await.unwrap();
    drop(store);
    let (store, recovery) = open();
    assert_eq!(recovery.damage, []);
    let of = |name: &str| store.select(&[Matcher::equal("__name__", name)], 0, i64::MAX).unwrap().remove(0).samples;
    let at = |t: i64, v: f64| Sample { t: BEGIN + t, v };
    assert_eq!(of("http_requests_total"), (0..=5).map(|n| at(n * 1_000, n as f64)).collect::<Vec<_>>());
    assert_eq!(of("started_total"), [at(-2_000, 0.0), at(0, 3.0)]);
    let exemplars = store.exemplars(&[], 0, i64::MAX);
    assert_eq!(
        (exemplars[0].trace_id.as_str(), &exemplars[0].labels, exemplars[0].attributes.is_empty()),
        ("0af7651916cd43dd8448eb211c80319c", &labels("http_requests_total"), true)
    );
    assert_eq!(store.metadata()[0].help.as_ref(), "Requests.");
    let everything = LogQuery::between(Timestamp::from_millis(0), Timestamp::from_millis(BEGIN + 1));
    assert_eq!(store.logs(&everything).items[0].body, "the disk is full");
    let span = store.trace("0af7651916cd43dd8448eb211c80319c").items.remove(0);
    assert_eq!((span.name.as_ref(), span.links.len()), ("GET /pay", 0));
}

/// What was appended to the log of native histograms.
fn native_batches() -> Vec<Batch> {
    let fractions = Histogram { reset: CounterReset::Gauge, zero_count: 0.5, zero_threshold: 0.25, ..native(&[1]) };
    let bounds = Histogram { schema: CUSTOM_BUCKETS, bounds: [0.5, 2.0].into(), ..native(&[1, 0, 2]) };
    let end = Histogram { sum: f64::from_bits(STALE_NAN_BITS), ..Histogram::default() };
    let of = |t: i64, h: Histogram| {
        let samples = vec![HistogramPoint { t: BEGIN + t, histogram: Arc::new(h) }];
        let series = SeriesHistograms { labels: labels("native"), samples, start: None };
        Batch { histograms: vec![series], ..Batch::default() }
    };
    let mut begun = of(1_000, native(&[3, 0, 1]));
    begun.histograms[0].start = Some(BEGIN - 1_000);
    let negative = native(&[2]).positive;
    let reset = Histogram { reset: CounterReset::Reset, count: 4.0, negative, ..native(&[2]) };
    vec![
        begun,
        sample("native", BEGIN + 2_000, 7.0),
        of(3_000, fractions),
        of(4_000, bounds),
        of(5_000, reset),
        of(6_000, end),
    ]
}

/// Native histograms beside a number, as they were written when their kind of frame was new.
const NATIVE: (&str, &[u8]) =
    ("0000000000000001-0000000000000000.wklog", include_bytes!("format/2-0000000000000001-0000000000000000.wklog"));

#[tokio::test]
async fn the_first_native_histograms_are_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(NATIVE.0), NATIVE.1).unwrap();
    let (store, recovery) =
        Store::open(&StoreOptions::new(folder.path()), World::new().env(), Arc::new(Heard::default())).unwrap();
    assert_eq!((recovery.samples, recovery.damage), (6, Vec::new()));
    let found = store.points(&[Matcher::equal("__name__", "native")], 0, i64::MAX).unwrap().remove(0);
    assert_eq!(found.samples, [Sample { t: BEGIN + 2_000, v: 7.0 }]);
    let written = native_batches().into_iter().flat_map(|b| b.histograms).flat_map(|s| s.samples);
    let wanted: Vec<(i64, String)> = written.map(|p| (p.t, p.histogram.to_test_text())).collect();
    // The start of the first one became an empty one.
    let kept: Vec<(i64, String)> = found.histograms[1..].iter().map(|h| (h.t, h.histogram.to_test_text())).collect();
    let first = &found.histograms[0];
    assert_eq!((first.t, first.histogram.count), (BEGIN - 1_000, 0.0));
    let plain = |(t, text): &(i64, String)| (*t, text.replace(" counter_reset_hint:not_reset", ""));
    assert_eq!(kept.iter().map(plain).collect::<Vec<_>>(), wanted);
}
