//! The store over the real disk, and its queue.

use std::sync::Arc;

use futures::future::join_all;
use watchkeeper_domain::query::{Instant, Query, SeriesSource};
use watchkeeper_domain::telemetry::{
    AppendError, Appended, Batch, Exemplar, MetricMeta, STALE_NAN_BITS, Sample, SeriesSamples, TelemetrySink, Unwanted,
    is_stale,
};
use watchkeeper_domain::{MatchOp, Matcher, Span, Timestamp};

use super::{BEGIN, Heard, World, labels, log, sample, span};
use crate::disk::simulated::Simulated;
use crate::{LogQuery, Store, StoreOptions, TraceQuery};

fn open(options: &StoreOptions, world: &Arc<World>) -> (Store, crate::Recovery) {
    Store::open(options, world.env(), Arc::new(Heard::default())).unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn wide() -> (Timestamp, Timestamp) {
    (at(0), at(BEGIN + 1_000_000_000))
}

#[tokio::test]
async fn what_was_appended_is_found_before_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::new(folder.path().join("telemetry"));
    let world = World::new();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let (store, recovery) = open(&options, &world);
    assert_eq!((recovery.segments, recovery.damage.len()), (0, 0));
    for n in 0..300 {
        store.append(sample("http_requests_total", BEGIN + n * 1_000, n as f64)).await.unwrap();
    }
    store.append(log(BEGIN, "the disk is full")).await.unwrap();
    store.append(span(BEGIN, trace, "00000000000000bb", "00000000000000aa", "error")).await.unwrap();
    store.append(span(BEGIN - 5, trace, "00000000000000aa", "", "ok")).await.unwrap();
    let meta = MetricMeta {
        name: "http_requests_total".into(),
        kind: "counter".into(),
        unit: "".into(),
        help: "requests".into(),
    };
    let exemplar = Exemplar {
        labels: labels("http_requests_total"),
        t: BEGIN,
        v: 1.0,
        trace_id: trace.to_owned(),
        span_id: String::new(),
        attributes: watchkeeper_domain::Labels::from_pairs([("user", "<b>4</b>")]),
    };
    store
        .append(Batch { meta: vec![meta.clone()], exemplars: vec![exemplar.clone()], ..Batch::default() })
        .await
        .unwrap();

    let check = async |store: &Store| {
        let now = at(BEGIN + 299_000);
        let answer = store.instant("sum by (service) (rate(http_requests_total[1m]))", now).await.unwrap();
        let Instant::Vector(vector) = answer else { panic!("not a vector: {answer:?}") };
        assert_eq!(vector[0].labels.get("service"), Some("payments"));
        assert!((vector[0].value - 1.0).abs() < 1e-9, "{vector:?}");
        assert_eq!(store.range("http_requests_total", at(BEGIN), now, 1_000).await.unwrap()[0].samples.len(), 300);
        assert!(store.instant("rate(", now).await.is_err());
        let (since, until) = wide();
        let found =
            store.logs(&LogQuery { text: Some("DISK".to_owned()), min_severity: 9, ..LogQuery::between(since, until) });
        assert_eq!((found.items.len(), found.complete), (1, true));
        assert_eq!(found.items[0].attributes[0].1, "<b>4</b>");
        assert_eq!(found.items[0].resource[0].1, "payments");
        let traces = store
            .traces(&TraceQuery {
                errors_only: true,
                min_duration: Span::from_millis(25),
                ..TraceQuery::between(since, until)
            })
            .items;
        assert_eq!((traces[0].spans, traces[0].errors, traces[0].duration_ns), (2, 1, 25_000_000));
        assert!(
            store
                .traces(&TraceQuery { min_duration: Span::from_millis(26), ..TraceQuery::between(since, until) })
                .items
                .is_empty()
        );
        let ids: Vec<String> = store.trace(trace).items.into_iter().map(|s| s.span_id).collect();
        assert_eq!(ids, ["00000000000000aa", "00000000000000bb"]);
        assert_eq!(store.services(), [Arc::from("payments")]);
        assert_eq!(store.metadata(), std::slice::from_ref(&meta));
        assert_eq!(
            store.exemplars(&[Matcher::equal("service", "payments")], BEGIN, BEGIN),
            std::slice::from_ref(&exemplar)
        );
        assert_eq!(store.label_names(&[], 0, 0), [Arc::from("__name__"), Arc::from("service")]);
        assert_eq!(
            store.label_values("__name__", &[Matcher::equal("service", "payments")], BEGIN, BEGIN),
            [Arc::from("http_requests_total")]
        );
        assert!(store.label_values("__name__", &[Matcher::equal("service", "other")], BEGIN, BEGIN).is_empty());
    };
    check(&store).await;
    store.close();
    assert_eq!(store.append(log(BEGIN, "late")).await, Err(AppendError::ShuttingDown));
    drop(store);
    let (store, recovery) = open(&options, &world);
    assert_eq!((recovery.samples, recovery.recent_logs, recovery.recent_spans, recovery.damage.len()), (300, 1, 2, 0));
    check(&store).await;
}

#[tokio::test]
async fn a_hundred_appends_at_once_share_few_syncs() {
    let disk = Simulated::default();
    let heard = Arc::new(Heard::default());
    let (store, _) = Store::over(
        Arc::new(disk.clone()),
        &StoreOptions::new("simulated"),
        World::new().env(),
        Arc::clone(&heard) as _,
    )
    .unwrap();
    // All are queued before the runtime polls the first answer; the writer takes them in one group or a few.
    let answers = join_all((0..100).map(|n| store.append(sample(&format!("m{n}"), BEGIN, 1.0)))).await;
    assert!(answers.into_iter().all(|a| a == Ok(Appended { samples: 1, ..Appended::default() })));
    assert!(disk.syncs() < 100, "{} syncs", disk.syncs());
    assert_eq!(heard.0.lock().len(), 100);
    assert_eq!(store.stats().series, 100);
}

#[tokio::test]
async fn a_queue_that_is_full_says_so() {
    let options = StoreOptions { queue_bytes: 1, ..StoreOptions::new("simulated") };
    let disk = Simulated::default();
    let (store, _) = Store::over(Arc::new(disk), &options, World::new().env(), Arc::new(Heard::default())).unwrap();
    let answers = join_all((0..2_000).map(|n| store.append(sample("m", BEGIN + n, 1.0)))).await;
    let kept = answers.iter().filter(|a| a.is_ok()).count();
    assert!(kept > 0);
    assert!(answers.iter().all(|a| matches!(a, Ok(_) | Err(AppendError::Overloaded { .. }))));
    let found = store.select(&[Matcher::equal("__name__", "m")], 0, i64::MAX).unwrap();
    assert_eq!(found[0].samples.len(), kept);
}

#[tokio::test]
async fn the_cap_on_series_refuses_only_new_ones() {
    let options = StoreOptions { max_series: 2, ..StoreOptions::new("simulated") };
    let (store, _) =
        Store::over(Arc::new(Simulated::default()), &options, World::new().env(), Arc::new(Heard::default())).unwrap();
    for (name, samples) in [("a", 1), ("b", 1), ("c", 0)] {
        assert_eq!(store.append(sample(name, BEGIN, 1.0)).await.unwrap().samples, samples, "{name}");
    }
    assert_eq!(store.append(sample("a", BEGIN + 1, 1.0)).await.unwrap().samples, 1);
    assert_eq!((store.stats().series, store.stats().series_refused), (2, 1));
}

#[tokio::test]
async fn late_double_and_contradicting_samples_are_told_apart_and_a_stale_marker_is_kept() {
    let (store, _) = Store::over(
        Arc::new(Simulated::default()),
        &StoreOptions::new("simulated"),
        World::new().env(),
        Arc::new(Heard::default()),
    )
    .unwrap();
    let batch = |list: &[(i64, f64)]| Batch {
        series: vec![SeriesSamples {
            labels: labels("m"),
            samples: list.iter().map(|(t, v)| Sample { t: BEGIN + t, v: *v }).collect(),
            start: Some(BEGIN - 10_000),
        }],
        ..Batch::default()
    };
    assert_eq!(
        store.append(batch(&[(0, 1.0), (600_000, f64::from_bits(STALE_NAN_BITS))])).await.unwrap(),
        Appended { samples: 2, ..Appended::default() }
    );
    let late = store.append(batch(&[(-1, 0.5), (0, 1.0), (1, 2.0), (600_000, 7.0)])).await.unwrap();
    assert_eq!((late.samples, late.out_of_order), (2, 2));
    let why: Vec<_> = late.refusals.iter().map(|r| (r.samples, r.why)).collect();
    assert_eq!(why, [(1, Unwanted::TooOld), (1, Unwanted::Contradicts)]);
    let samples = store.select(&[Matcher::equal("__name__", "m")], 0, i64::MAX).unwrap().remove(0).samples;
    let times: Vec<i64> = samples.iter().map(|s| s.t - BEGIN).collect();
    assert_eq!(times, [-10_000, 0, 1, 600_000], "the counter's start is a zero, the late sample is in place");
    assert!(is_stale(samples[3].v));
}

#[tokio::test]
async fn records_that_no_longer_fit_in_memory_are_read_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { recent_bytes: 4_000, segment_bytes: 8_000, ..StoreOptions::new(folder.path()) };
    let world = World::new();
    let check = |store: &Store| {
        let (since, until) = wide();
        let found = store.logs(&LogQuery { limit: 1_000, ..LogQuery::between(since, until) });
        let bodies: Vec<String> = found.items.into_iter().map(|l| l.body).collect();
        let wanted: Vec<String> = (0..200).rev().map(|n| format!("line {n}")).collect();
        assert_eq!(bodies, wanted);
        let few = store.logs(&LogQuery { limit: 5, ..LogQuery::between(since, at(BEGIN + 20_000)) });
        assert_eq!(few.items[0].body, "line 20");
        assert_eq!(few.items.len(), 5);
        assert!(store.stats().recent_logs < 50, "{:?}", store.stats());
        assert_eq!(store.trace(&format!("{:032x}", 3)).items.len(), 1);
        assert_eq!(store.traces(&TraceQuery { limit: 500, ..TraceQuery::between(since, until) }).items.len(), 200);
    };
    let (store, _) = open(&options, &world);
    for n in 0..200 {
        store.append(log(BEGIN + n * 1_000, &format!("line {n}"))).await.unwrap();
        store.append(span(BEGIN + n * 1_000, &format!("{n:032x}"), "00000000000000aa", "", "ok")).await.unwrap();
    }
    check(&store);
    drop(store);
    check(&open(&options, &world).0);
}

#[tokio::test]
async fn retention_deletes_old_segments_and_their_samples_and_the_size_limit_the_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        segment_bytes: 4_096,
        retention: Span::from_secs(3_600),
        max_bytes: 64 << 10,
        ..StoreOptions::new(folder.path())
    };
    let world = World::new();
    let (store, _) = open(&options, &world);
    for n in 0..200 {
        store.append(sample("old", BEGIN + n, 1.0)).await.unwrap();
    }
    let later = BEGIN + 2 * 3_600_000;
    world.set(later);
    store.append(sample("new", later, 1.0)).await.unwrap();
    assert!(store.enforce_retention(at(later)).await.unwrap() > 0);
    assert_eq!(store.label_values("__name__", &[], 0, 0), [Arc::from("new")]);
    assert!(store.stats().segments <= 2);
    for n in 1..2_000 {
        store.append(sample("new", later + n, n as f64)).await.unwrap();
    }
    assert!(store.stats().log_bytes > options.max_bytes);
    store.enforce_retention(at(later + 2_000)).await.unwrap();
    assert!(store.stats().log_bytes <= options.max_bytes);
    let before = store.select(&[Matcher::equal("__name__", "new")], 0, i64::MAX).unwrap().remove(0).samples;
    assert_eq!(before.last().map(|s| s.t), Some(later + 1_999));
    drop(store);
    // Chunks are dropped whole, so memory may hold a little more than the log; a restart never finds more than before.
    let after =
        open(&options, &world).0.select(&[Matcher::equal("__name__", "new")], 0, i64::MAX).unwrap().remove(0).samples;
    assert!(
        before.ends_with(&after) && after.len() + 120 >= before.len(),
        "{} before, {} after",
        before.len(),
        after.len()
    );
}

#[tokio::test]
async fn matchers_find_what_a_scan_over_all_series_finds() {
    let (store, _) = Store::over(
        Arc::new(Simulated::default()),
        &StoreOptions::new("simulated"),
        World::new().env(),
        Arc::new(Heard::default()),
    )
    .unwrap();
    let all: Vec<_> = (0..60)
        .map(|n| {
            watchkeeper_domain::Labels::from_pairs([
                ("__name__", format!("m{}", n % 3)),
                ("code", (if n % 4 == 0 { "" } else { "500" }).to_owned()),
                ("n", n.to_string()),
            ])
        })
        .collect();
    for labels in &all {
        store
            .append(Batch {
                series: vec![SeriesSamples {
                    labels: labels.clone(),
                    samples: vec![Sample { t: BEGIN, v: 1.0 }],
                    start: None,
                }],
                ..Batch::default()
            })
            .await
            .unwrap();
    }
    let ops = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Match, MatchOp::NotMatch];
    let mut matchers = Vec::new();
    for name in ["__name__", "code", "n", "absent"] {
        for value in ["m1", "500", "", ".*", "1|2|3"] {
            matchers.extend(ops.into_iter().map(|op| Matcher::new(name, op, value).unwrap()));
        }
    }
    for a in &matchers {
        for b in &matchers {
            let pair = [a.clone(), b.clone()];
            let mut wanted: Vec<_> = all.iter().filter(|l| pair.iter().all(|m| m.matches(l))).cloned().collect();
            wanted.sort();
            let found: Vec<_> = store.select(&pair, BEGIN, BEGIN).unwrap().into_iter().map(|s| s.labels).collect();
            assert_eq!(found, wanted, "{} {:?} {:?} and {} {:?} {:?}", a.name, a.op, a.value, b.name, b.op, b.value);
        }
    }
}
