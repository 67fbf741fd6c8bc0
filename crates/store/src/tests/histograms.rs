//! Native histograms: kept, found, evaluated, added up, dropped.
//!
//! Not their compression (`head::histograms`) and not what PromQL does with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use watchkeeper_domain::histogram::{BucketCount, CUSTOM_BUCKETS, CounterReset, Histogram};
use watchkeeper_domain::query::{Instant, NativeValue, Query, SeriesPoints, SeriesSource};
use watchkeeper_domain::telemetry::{
    Appended, Batch, HistogramPoint, STALE_NAN_BITS, Sample, SeriesHistograms, SeriesSamples, TelemetrySink, Unwanted,
    is_stale,
};
use watchkeeper_domain::{Matcher, Span, Timestamp};

use super::{BEGIN, Heard, World, histogram, labels, native, sample};
use crate::disk::simulated::Simulated;
use crate::{Store, StoreOptions};

fn options() -> StoreOptions {
    StoreOptions { segment_bytes: 64 << 10, ..StoreOptions::new("simulated") }
}

fn open(disk: &Simulated) -> Store {
    Store::over(Arc::new(disk.clone()), &options(), World::new().env(), Arc::new(Heard::default())).unwrap().0
}

fn points(store: &Store, name: &str) -> SeriesPoints {
    store.points(&[Matcher::equal("__name__", name)], 0, i64::MAX).unwrap().pop().unwrap_or_default()
}

/// Seconds after the beginning, and the counts.
fn counts(store: &Store) -> Vec<(i64, f64)> {
    points(store, "m").histograms.iter().map(|h| ((h.t - BEGIN) / 1_000, h.histogram.count)).collect()
}

fn why(appended: &Appended) -> Vec<(usize, usize, Unwanted)> {
    appended.refusals.iter().map(|r| (r.place, r.samples, r.why)).collect()
}

fn at(seconds: i64) -> i64 {
    BEGIN + seconds * 1_000
}

fn delta(start: Option<i64>, t: i64, histogram: Histogram) -> Batch {
    let samples = vec![HistogramPoint { t: at(t), histogram: Arc::new(histogram) }];
    let series = SeriesHistograms { labels: labels("m"), samples, start: start.map(at) };
    Batch { histogram_deltas: vec![series], ..Batch::default() }
}

#[tokio::test]
async fn what_was_appended_is_evaluated_before_and_after_a_restart() {
    let disk = Simulated::default();
    let store = open(&disk);
    for n in 0..=20_u32 {
        // Per ten seconds one observation in (1, 2] and three in (4, 8].
        assert_eq!(store.append(histogram("m", at(10 * i64::from(n)), &[0, n, 0, 3 * n])).await.unwrap().samples, 1);
    }
    let check = async |store: &Store| {
        let now = Timestamp::from_millis(at(200));
        let answer = store.instant("histogram_quantile(0.25, rate(m[2m]))", now).await.unwrap();
        let Instant::Vector(found) = answer else { panic!("{answer:?}") };
        assert!((found[0].value - 2.0).abs() < 1e-9, "{found:?}");
        let course = store.range("histogram_count(m)", Timestamp::from_millis(at(100)), now, 50_000).await.unwrap();
        assert_eq!(course[0].samples.iter().map(|s| s.v).collect::<Vec<_>>(), [40.0, 60.0, 80.0]);
        // Callers that know numbers only get none; those that know histograms get it whole.
        assert_eq!(store.instant("m", now).await.unwrap(), Instant::Vector(Vec::new()));
        assert!(store.range("m", now, now, 1_000).await.unwrap().is_empty());
        let whole = store.native("sum(m)", now).await.unwrap();
        assert_eq!(whole[0].value, NativeValue::Histogram(Arc::new(whole_of(&[0, 20, 0, 60]))));
        assert_eq!(store.native("1", now).await.unwrap()[0].value, NativeValue::Float(1.0));
        assert!(store.native("m[1m]", now).await.is_err());
        assert_eq!(store.series(&[Matcher::equal("__name__", "m")], at(0), at(1)), [labels("m")]);
        assert_eq!(store.label_values("__name__", &[Matcher::equal("service", "payments")], at(0), at(1)).len(), 1);
        let (resets, stats) = (points(store, "m").histograms, store.stats());
        assert!(resets[1..].iter().all(|h| h.histogram.reset == CounterReset::NotReset), "{resets:?}");
        assert_eq!((resets[0].histogram.reset, stats.samples, stats.series), (CounterReset::Unknown, 21, 1));
    };
    check(&store).await;
    drop(store);
    check(&open(&disk)).await;
}

fn whole_of(counts: &[u32]) -> Histogram {
    Histogram { reset: CounterReset::NotReset, ..native(counts) }
}

#[tokio::test]
async fn late_double_and_contradicting_histograms_are_told_apart() {
    let store = open(&Simulated::default());
    let kept = async |t: i64, n: u32| {
        let done = store.append(histogram("m", at(t), &[n])).await.unwrap();
        (done.samples, why(&done).first().map(|(.., why)| *why))
    };
    assert_eq!(kept(1_000, 9).await, (0, Some(Unwanted::Ahead)));
    assert_eq!(kept(500, 9).await, (1, None));
    assert_eq!(kept(500, 9).await, (1, None), "saying it twice is no fault");
    assert_eq!(kept(500, 8).await, (0, Some(Unwanted::Contradicts)));
    assert_eq!(kept(-99, 1).await, (1, None), "within the window");
    assert_eq!(kept(-101, 1).await, (0, Some(Unwanted::TooOld)));
    assert_eq!(kept(-99, 1).await, (1, None));
    assert_eq!(kept(-99, 2).await, (0, Some(Unwanted::Contradicts)));
    assert_eq!(counts(&store), [(-99, 1.0), (500, 9.0)]);
    assert_eq!(store.stats().samples_refused, 4);
}

#[tokio::test]
async fn a_series_goes_from_numbers_to_histograms_and_back() {
    let disk = Simulated::default();
    let store = open(&disk);
    let stale = f64::from_bits(STALE_NAN_BITS);
    for batch in [
        sample("m", at(1), 1.0),
        histogram("m", at(2), &[1]),
        histogram("m", at(4), &[2]),
        sample("m", at(6), 3.0),
        histogram("m", at(8), &[4]),
        // Late, and between two histograms: the second does not continue the first any more.
        sample("m", at(3), 2.0),
        // The end takes the kind of what it ends.
        sample("m", at(9), stale),
        sample("m", at(9), stale),
    ] {
        assert_eq!(store.append(batch).await.unwrap().refusals, []);
    }
    let contradicting = [sample("m", at(4), 1.0), histogram("m", at(6), &[1]), sample("m", at(8), stale)];
    for batch in contradicting {
        assert_eq!(why(&store.append(batch).await.unwrap()), [(0, 1, Unwanted::Contradicts)]);
    }
    let check = |store: &Store| {
        let found = points(store, "m");
        assert_eq!(found.samples.iter().map(|s| (s.t - BEGIN) / 1_000).collect::<Vec<_>>(), [1, 3, 6]);
        let shown: Vec<_> = found
            .histograms
            .iter()
            .map(|h| ((h.t - BEGIN) / 1_000, is_stale(h.histogram.sum), h.histogram.reset))
            .collect();
        let unknown = CounterReset::Unknown;
        assert_eq!(shown, [(2, false, unknown), (4, false, unknown), (8, false, unknown), (9, true, unknown)]);
    };
    check(&store);
    drop(store);
    check(&open(&disk));
}

#[tokio::test]
async fn a_start_near_the_first_histogram_becomes_an_empty_one() {
    let store = open(&Simulated::default());
    let mut batch = histogram("m", at(60), &[3]);
    batch.histograms[0].start = Some(at(0));
    assert_eq!(store.append(batch.clone()).await.unwrap().samples, 1);
    assert_eq!(store.append(batch).await.unwrap().samples, 1);
    assert_eq!(counts(&store), [(0, 0.0), (60, 3.0)]);
    let now = Timestamp::from_millis(at(60));
    let answer = store.instant("histogram_count(increase(m[2m]))", now).await.unwrap();
    let Instant::Vector(found) = answer else { panic!("{answer:?}") };
    assert!(found[0].value >= 3.0, "{found:?}");
    // A gauge stands for itself.
    let mut gauge = histogram("g", at(60), &[3]);
    gauge.histograms[0].start = Some(at(0));
    Arc::make_mut(&mut gauge.histograms[0].samples[0].histogram).reset = CounterReset::Gauge;
    store.append(gauge).await.unwrap();
    assert_eq!(points(&store, "g").histograms.len(), 1);
}

#[tokio::test]
async fn increments_add_up_over_restarts_at_the_lower_resolution_and_repeats_do_not_count_again() {
    let disk = Simulated::default();
    let store = open(&disk);
    assert_eq!(store.append(delta(Some(0), 10, native(&[2, 0, 4]))).await.unwrap().samples, 1);
    assert_eq!(store.append(delta(Some(10), 20, native(&[1, 1]))).await.unwrap().samples, 1);
    drop(store);
    let store = open(&disk);
    let again = store.append(delta(Some(10), 20, native(&[1, 1]))).await.unwrap();
    assert_eq!(why(&again), [(0, 1, Unwanted::CountedAlready)]);
    // Buckets of twice the width: (0.25, 1] has the index 0, (1, 4] the index 1.
    let fine = Histogram { schema: -1, ..native(&[5, 1]) };
    store.append(delta(Some(320), 330, fine)).await.unwrap();
    let found = points(&store, "m").histograms;
    let shown: Vec<_> = found.iter().map(|h| ((h.t - BEGIN) / 1_000, h.histogram.count, h.histogram.schema)).collect();
    // Said once more where the silence ends, and coarser from there on.
    assert_eq!(shown, [(0, 0.0, 0), (10, 6.0, 0), (20, 8.0, 0), (320, 8.0, 0), (330, 14.0, -1)]);
    let total = &found[4].histogram;
    assert_eq!(total.positive.iter().map(|b| (b.index, b.count)).collect::<Vec<_>>(), [(0, 8.0), (1, 6.0)]);
    assert!((total.sum - 21.0).abs() < 1e-9);
    let custom = Histogram { schema: CUSTOM_BUCKETS, bounds: [1.0].into(), ..native(&[1]) };
    assert_eq!(why(&store.append(delta(None, 340, custom)).await.unwrap()), [(0, 1, Unwanted::OtherBuckets)]);
}

#[tokio::test]
async fn a_running_sum_halves_its_resolution_before_it_has_too_many_buckets() {
    let store = open(&Simulated::default());
    for n in 0..30 {
        let positive: Vec<_> = (0..100).map(|b| BucketCount { index: n * 100 + b, count: 1.0 }).collect();
        let increment = Histogram { schema: 8, count: 100.0, sum: 1.0, positive, ..Histogram::default() };
        assert_eq!(store.append(delta(None, n.into(), increment)).await.unwrap().samples, 1);
    }
    let newest = points(&store, "m").histograms.pop().unwrap().histogram;
    assert!(newest.positive.len() <= 640 && newest.schema < 8, "{} {}", newest.schema, newest.positive.len());
    assert_eq!(newest.positive.iter().map(|b| b.count).sum::<f64>(), 3_000.0);
    // Buckets that no resolution brings together are refused.
    let scattered = (0..700).map(|n| BucketCount { index: n * 1_000_000, count: 1.0 }).collect();
    let increment = Histogram { schema: -4, count: 700.0, positive: scattered, ..Histogram::default() };
    let refused = store.append(delta(None, 31, increment)).await.unwrap();
    assert_eq!(why(&refused), [(0, 1, Unwanted::OtherBuckets)]);
}

#[tokio::test]
async fn retention_drops_histograms_and_the_size_limit_the_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        segment_bytes: 4_096,
        retention: Span::from_secs(3_600),
        max_bytes: 64 << 10,
        ..StoreOptions::new(folder.path())
    };
    let world = World::new();
    let store = Store::open(&options, world.env(), Arc::new(Heard::default())).unwrap().0;
    for n in 0..200 {
        store.append(histogram("old", BEGIN + n, &[1, 2])).await.unwrap();
    }
    let later = at(2 * 3_600);
    world.set(later);
    for n in 0..2_000 {
        store.append(histogram("new", later + n, &[n as u32, 2])).await.unwrap();
    }
    assert!(store.enforce_retention(Timestamp::from_millis(later + 2_000)).await.unwrap() > 0);
    assert_eq!(store.label_values("__name__", &[], 0, 0), [Arc::from("new")]);
    let before = points(&store, "new").histograms;
    assert!(before.len() < 2_000 && before.last().unwrap().t == later + 1_999, "{}", before.len());
    assert_eq!(store.stats().samples, before.len() as u64);
    drop(store);
    let store = Store::open(&options, world.env(), Arc::new(Heard::default())).unwrap().0;
    let after = points(&store, "new").histograms;
    assert!(after.len() <= before.len() && after.len() + 120 >= before.len());
    assert_eq!(after.last(), before.last());
}

#[tokio::test]
async fn places_of_refusals_count_over_all_kinds() {
    let store = open(&Simulated::default());
    let ahead = at(10_000);
    let series =
        |name: &str| SeriesSamples { labels: labels(name), samples: vec![Sample { t: ahead, v: 1.0 }], start: None };
    let native = |name: &str| SeriesHistograms {
        labels: labels(name),
        samples: vec![HistogramPoint { t: ahead, histogram: Arc::new(native(&[1])) }],
        start: None,
    };
    let batch = Batch {
        series: vec![series("a"), series("b")],
        deltas: vec![series("c")],
        histograms: vec![native("d")],
        histogram_deltas: vec![native("e")],
        ..Batch::default()
    };
    let names: Vec<_> = batch.labels().map(|l| l.name().unwrap().to_owned()).collect();
    let done = store.append(batch).await.unwrap();
    for refusal in &done.refusals {
        assert_eq!(names[refusal.place], refusal.labels.name().unwrap());
    }
    assert_eq!(done.refusals.len(), 5);
}

/// What may be appended to one series at one moment.
#[derive(Debug, Clone)]
enum Given {
    Number(f64),
    Native(Histogram),
    End,
}

fn a_histogram() -> impl Strategy<Value = Histogram> {
    let schema = prop_oneof![-4_i32..=8, Just(CUSTOM_BUCKETS)];
    let buckets = || proptest::collection::btree_map(-6_i32..12, 1_u32..1_000, 0..8);
    let reset = prop_oneof![
        4 => Just(CounterReset::Unknown), 1 => Just(CounterReset::Reset), 1 => Just(CounterReset::Gauge),
        1 => Just(CounterReset::NotReset)
    ];
    (schema, buckets(), buckets(), 0_u32..4, any::<bool>(), reset).prop_map(
        |(schema, positive, negative, zero, fractions, reset)| {
            let custom = schema == CUSTOM_BUCKETS;
            let number = |v: u32| if fractions { f64::from(v) / 3.0 } else { f64::from(v) };
            let side = |map: BTreeMap<i32, u32>| -> Vec<BucketCount> {
                let all = map
                    .into_iter()
                    .map(|(index, v)| BucketCount { index: if custom { index + 6 } else { index }, count: number(v) });
                all.collect()
            };
            let (positive, negative) = (side(positive), if custom { Vec::new() } else { side(negative) });
            let zero_count = if custom { 0.0 } else { number(zero) };
            let count = zero_count + positive.iter().chain(&negative).map(|b| b.count).sum::<f64>();
            let bounds = if custom { (0..18).map(f64::from).collect() } else { Arc::default() };
            let zero_threshold = if custom { 0.0 } else { 1e-128 };
            Histogram { reset, schema, zero_threshold, zero_count, count, sum: 0.7 * count, positive, negative, bounds }
        },
    )
}

fn given() -> impl Strategy<Value = Given> {
    prop_oneof![2 => any::<f64>().prop_map(Given::Number), 8 => a_histogram().prop_map(Given::Native), 1 => Just(Given::End)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Random schemas, buckets, kinds, orders within the window, and restarts: what was taken is what is found.
    #[test]
    fn what_was_appended_is_what_points_gives(
        steps in proptest::collection::vec((0_i64..500, given(), proptest::bool::weighted(0.05)), 1..160),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let disk = Simulated::default();
        let mut store = open(&disk);
        let mut model: BTreeMap<i64, Given> = BTreeMap::new();
        for (second, given, restart) in steps {
            let t = at(second);
            let batch = match &given {
                Given::Number(v) => sample("m", t, *v),
                Given::Native(h) => {
                    let samples = vec![HistogramPoint { t, histogram: Arc::new(h.clone()) }];
                    Batch { histograms: vec![SeriesHistograms { labels: labels("m"), samples, start: None }], ..Batch::default() }
                }
                Given::End => sample("m", t, f64::from_bits(STALE_NAN_BITS)),
            };
            let taken = runtime.block_on(store.append(batch)).unwrap().samples;
            let there = model.contains_key(&t);
            prop_assert!(there || taken == 1, "a moment within the window that had nothing takes everything");
            if !there {
                model.insert(t, given);
            }
            if restart {
                drop(store);
                store = open(&disk);
            }
        }
        for _ in 0..2 {
            let found = points(&store, "m");
            let mut seen = BTreeMap::new();
            for s in &found.samples {
                prop_assert!(seen.insert(s.t, None).is_none());
            }
            for h in &found.histograms {
                prop_assert!(seen.insert(h.t, Some(Arc::clone(&h.histogram))).is_none(), "two things at one moment");
            }
            let all: Vec<_> = seen.values().collect();
            for pair in all.windows(2) {
                let [before, Some(now)] = pair else { continue };
                if now.reset == CounterReset::NotReset {
                    let continued = before.as_ref().is_some_and(|b| b.count <= now.count && b.schema == now.schema && !is_stale(b.sum));
                    prop_assert!(continued, "{:?} does not continue {:?}", now, before);
                }
            }
            prop_assert_eq!(seen.keys().collect::<Vec<_>>(), model.keys().collect::<Vec<_>>());
            for ((t, found_here), wanted) in seen.iter().zip(model.values()) {
                match (found_here, wanted) {
                    (None, Given::Number(v)) => {
                        let s = found.samples.iter().find(|s| s.t == *t).unwrap();
                        prop_assert_eq!(s.v.to_bits(), v.to_bits());
                    }
                    (Some(h), Given::Native(w)) => {
                        let told = |h: &Histogram| if h.reset == CounterReset::NotReset { CounterReset::Unknown } else { h.reset };
                        let plain = |h: &Histogram| Histogram { reset: told(h), ..h.clone() };
                        prop_assert_eq!(plain(h), plain(w));
                    }
                    (Some(h), Given::End) => prop_assert!(is_stale(h.sum)),
                    (None, Given::End) => prop_assert!(found.samples.iter().any(|s| s.t == *t && is_stale(s.v))),
                    (found, wanted) => prop_assert!(false, "{:?} instead of {:?}", found, wanted),
                }
            }
            drop(store);
            store = open(&disk);
        }
    }
}
