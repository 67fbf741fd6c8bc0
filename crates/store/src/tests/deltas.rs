//! Increments become running sums that survive restarts, repeats and gaps; times too far ahead are refused.
//!
//! Not what OTLP says about temporality; `ingest` reads that.

use std::sync::Arc;

use watchkeeper_domain::query::{Instant, Query, SeriesSource};
use watchkeeper_domain::telemetry::{Appended, Batch, Sample, SeriesSamples, TelemetrySink, Unwanted};
use watchkeeper_domain::{Matcher, Timestamp};

use super::{BEGIN, Heard, World, labels, sample};
use crate::disk::simulated::Simulated;
use crate::{Store, StoreOptions};

fn open(disk: &Simulated) -> Store {
    let options = StoreOptions::new("simulated");
    Store::over(Arc::new(disk.clone()), &options, World::new().env(), Arc::new(Heard::default())).unwrap().0
}

/// An increment of `v` between two moments, in seconds after the beginning.
fn delta(start: Option<i64>, t: i64, v: f64) -> Batch {
    let samples = vec![Sample { t: BEGIN + t * 1_000, v }];
    let start = start.map(|s| BEGIN + s * 1_000);
    Batch { deltas: vec![SeriesSamples { labels: labels("m"), samples, start }], ..Batch::default() }
}

fn seconds(store: &Store) -> Vec<(i64, f64)> {
    let found = store.select(&[Matcher::equal("__name__", "m")], 0, i64::MAX).unwrap();
    found.first().map_or_else(Vec::new, |s| s.samples.iter().map(|s| ((s.t - BEGIN) / 1_000, s.v)).collect())
}

fn why(appended: &Appended) -> Vec<(usize, Unwanted)> {
    appended.refusals.iter().map(|r| (r.samples, r.why)).collect()
}

#[tokio::test]
async fn increments_add_up_over_restarts_and_repeats_do_not_count_again() {
    let disk = Simulated::default();
    let store = open(&disk);
    assert_eq!(store.append(delta(Some(0), 10, 5.0)).await.unwrap().samples, 1);
    assert_eq!(store.append(delta(Some(10), 20, 2.0)).await.unwrap().samples, 1);
    // The answer got lost, and the sender says it again.
    let again = store.append(delta(Some(10), 20, 2.0)).await.unwrap();
    assert_eq!((again.samples, why(&again)), (0, vec![(1, Unwanted::CountedAlready)]));
    drop(store);
    let store = open(&disk);
    let again = store.append(delta(Some(10), 20, 2.0)).await.unwrap();
    assert_eq!(why(&again), [(1, Unwanted::CountedAlready)]);
    store.append(delta(Some(20), 30, 1.0)).await.unwrap();
    // The first increment began at 0, so `increase` sees it too.
    let wanted = [(0, 0.0), (10, 5.0), (20, 7.0), (30, 8.0)];
    assert_eq!(seconds(&store), wanted);
    drop(store);
    assert_eq!(seconds(&open(&disk)), wanted, "what the log holds is what was in memory");
}

#[tokio::test]
async fn an_increase_after_a_silence_is_seen_by_a_window_that_begins_within_it() {
    let store = open(&Simulated::default());
    store.append(delta(Some(0), 10, 100.0)).await.unwrap();
    // Nothing happened for five minutes; senders of increments say nothing then.
    store.append(delta(Some(300), 360, 30.0)).await.unwrap();
    assert_eq!(seconds(&store), [(0, 0.0), (10, 100.0), (300, 100.0), (360, 130.0)]);
    let at = Timestamp::from_millis(BEGIN + 360_000);
    let Instant::Vector(found) = store.instant("increase(m[2m])", at).await.unwrap() else { panic!("a vector") };
    // As far as the window reaches before the silence's end, `increase` extrapolates; a single sample would give nothing.
    assert!((30.0..=60.0).contains(&found[0].value), "{found:?}");
    // Without a start, and with one that joins what was before, there is nothing to say between.
    store.append(delta(None, 370, 1.0)).await.unwrap();
    store.append(delta(Some(370), 380, 1.0)).await.unwrap();
    assert_eq!(seconds(&store)[4..], [(370, 131.0), (380, 132.0)]);
}

#[tokio::test]
async fn increments_of_one_group_and_of_one_batch_add_up_in_order() {
    let store = open(&Simulated::default());
    let mut batch = delta(None, 1, 1.0);
    for t in 2..=5 {
        batch.deltas.extend(delta(None, t, 1.0).deltas);
    }
    let appends = (6..=40).map(|t| store.append(delta(None, t, 1.0)));
    store.append(batch).await.unwrap();
    for done in futures::future::join_all(appends).await {
        assert_eq!(done.unwrap().samples, 1);
    }
    assert_eq!(seconds(&store), (1..=40).map(|n| (n, n as f64)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_sum_goes_on_behind_a_stale_marker() {
    let store = open(&Simulated::default());
    store.append(delta(None, 10, 5.0)).await.unwrap();
    let stale = f64::from_bits(watchkeeper_domain::telemetry::STALE_NAN_BITS);
    store.append(sample("m", BEGIN + 20_000, stale)).await.unwrap();
    store.append(delta(None, 30, 9.0)).await.unwrap();
    assert_eq!(seconds(&store)[2], (30, 14.0));
}

#[tokio::test]
async fn a_time_too_far_ahead_is_refused_and_what_follows_is_not_late() {
    let store = open(&Simulated::default());
    let mut batch = sample("m", BEGIN + 601_000, 1.0);
    batch.series[0].samples.insert(0, Sample { t: BEGIN + 599_000, v: 1.0 });
    batch.deltas = delta(None, 602, 1.0).deltas;
    batch.deltas[0].labels = labels("d");
    let done = store.append(batch).await.unwrap();
    assert_eq!(done.samples, 1);
    let refused: Vec<_> = done.refusals.iter().map(|r| (r.place, r.labels.name().unwrap(), r.why)).collect();
    assert_eq!(refused, [(0, "m", Unwanted::Ahead), (1, "d", Unwanted::Ahead)]);
    assert_eq!(store.append(sample("d", BEGIN, 1.0)).await.unwrap().samples, 1);
    assert_eq!(store.stats().samples_refused, 2);
}

#[tokio::test]
async fn a_series_beyond_the_cap_is_named() {
    let options = StoreOptions { max_series: 1, ..StoreOptions::new("simulated") };
    let disk = Arc::new(Simulated::default());
    let store = Store::over(disk, &options, World::new().env(), Arc::new(Heard::default())).unwrap().0;
    store.append(sample("first", BEGIN, 1.0)).await.unwrap();
    let done = store.append(sample("second", BEGIN, 1.0)).await.unwrap();
    assert_eq!(why(&done), [(1, Unwanted::SeriesLimit)]);
    assert_eq!(done.refusals[0].labels, labels("second"));
}
