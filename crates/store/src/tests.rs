//! Tests of the whole store: over the real disk, and over one that fails at every operation in turn.

mod crash;
mod deltas;
mod format;
mod histograms;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use watchkeeper_domain::histogram::{BucketCount, Histogram};
use watchkeeper_domain::telemetry::{
    ArrivalListener, Attributes, Batch, HistogramPoint, LogRecord, Sample, SeriesHistograms, SeriesSamples, SpanRecord,
};
use watchkeeper_domain::{Clock, Entropy, Env, Labels, Timestamp};

/// Where the tests' time begins, in milliseconds.
pub(super) const BEGIN: i64 = 1_700_000_000_000;

/// A clock that stands still until it is set, and randomness that counts.
pub(super) struct World {
    now: AtomicI64,
    random: AtomicI64,
}

impl World {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { now: AtomicI64::new(BEGIN), random: AtomicI64::new(0) })
    }

    pub(super) fn set(&self, millis: i64) {
        self.now.store(millis, Ordering::SeqCst);
    }

    pub(super) fn env(self: &Arc<Self>) -> Env {
        Env { clock: Arc::clone(self) as Arc<dyn Clock>, entropy: Arc::clone(self) as Arc<dyn Entropy> }
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
    fn sleep_until(&self, _: Timestamp) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

impl Entropy for World {
    fn fill(&self, bytes: &mut [u8]) {
        let next = self.random.fetch_add(1, Ordering::SeqCst).to_le_bytes();
        bytes.iter_mut().zip(next.into_iter().cycle()).for_each(|(b, n)| *b = n);
    }
}

/// Remembers what arrived.
#[derive(Default)]
pub(super) struct Heard(pub(super) Mutex<Vec<Labels>>);

impl ArrivalListener for Heard {
    fn arrived(&self, series: &[Labels]) {
        self.0.lock().extend_from_slice(series);
    }
}

pub(super) fn labels(name: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("service", "payments")])
}

/// A batch with one sample of one series.
pub(super) fn sample(name: &str, t: i64, v: f64) -> Batch {
    Batch {
        series: vec![SeriesSamples { labels: labels(name), samples: vec![Sample { t, v }], start: None }],
        ..Batch::default()
    }
}

/// A native histogram with these counts in the buckets from index 0 on; each observation counts 1.5 in the sum.
pub(super) fn native(counts: &[u32]) -> Histogram {
    let count = f64::from(counts.iter().sum::<u32>());
    let buckets = counts.iter().zip(0..).map(|(count, index)| BucketCount { index, count: f64::from(*count) });
    Histogram { count, sum: 1.5 * count, positive: buckets.collect(), ..Histogram::default() }.compact()
}

/// A batch with one native histogram of one series.
pub(super) fn histogram(name: &str, t: i64, counts: &[u32]) -> Batch {
    let samples = vec![HistogramPoint { t, histogram: Arc::new(native(counts)) }];
    Batch { histograms: vec![SeriesHistograms { labels: labels(name), samples, start: None }], ..Batch::default() }
}

/// A batch with one log record.
pub(super) fn log(t: i64, body: &str) -> Batch {
    let resource: Attributes = vec![(Arc::from("service.name"), "payments".into())];
    let record = LogRecord {
        t_ns: t as u64 * 1_000_000,
        severity: 9,
        severity_text: "INFO".into(),
        body: body.to_owned(),
        service: "payments".into(),
        trace_id: String::new(),
        span_id: String::new(),
        attributes: vec![("user".into(), "<b>4</b>".into())],
        resource: Arc::new(resource),
    };
    Batch { logs: vec![record], ..Batch::default() }
}

/// A batch with one span.
pub(super) fn span(t: i64, trace: &str, id: &str, parent: &str, status: &str) -> Batch {
    let record = SpanRecord {
        trace_id: trace.to_owned(),
        span_id: id.to_owned(),
        parent_span_id: parent.to_owned(),
        name: "GET /pay".into(),
        kind: "server".into(),
        service: "payments".into(),
        start_ns: t as u64 * 1_000_000,
        end_ns: (t as u64 + 20) * 1_000_000,
        status: status.into(),
        status_message: String::new(),
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::default(),
    };
    Batch { spans: vec![record], ..Batch::default() }
}
