//! The store as the rest of Watchkeeper sees it.
//!
//! Not where the work is done: `writer` changes, `head` and `records` answer.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use watchkeeper_domain::query::{QueryError, SeriesData, SeriesPoints, SeriesSource};
use watchkeeper_domain::telemetry::{
    AppendError, Appended, ArrivalListener, Batch, Exemplar, LogRecord, MetricMeta, SpanRecord, TelemetrySink,
};
use watchkeeper_domain::{Env, Labels, Matcher, Timestamp};

use crate::commit::Committer;
use crate::disk::{Disk, Folder};
use crate::head::Head;
use crate::log::{Log, Segments};
use crate::options::StoreOptions;
use crate::query::Parsed;
use crate::records::{Found, History, LogQuery, Records, Tail, TraceQuery, TraceSummary};
use crate::recovery::{self, Recovery};
use crate::stats::{Counters, Stats, get};
use crate::writer::{self, Keep, Queue};

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder cannot be opened or listed.
    #[error("the telemetry folder {} cannot be used; check that it exists, is writable and is no other server's", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The writer's thread cannot be started.
    #[error("the store's writer cannot be started")]
    Writer {
        /// What the system says.
        source: io::Error,
    },
    /// A segment that is due cannot be deleted. It is tried again with the next call.
    #[error("telemetry older than its retention cannot be deleted")]
    Retention {
        /// What the system says.
        source: io::Error,
    },
    /// The store was closed, or its writer died.
    #[error("the store is closed")]
    Closed,
}

/// Telemetry, durable and found again. Cheap to share behind an `Arc`.
pub struct Store {
    pub(crate) head: Arc<Head>,
    records: Arc<Records>,
    segments: Segments,
    counters: Arc<Counters>,
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
    pub(crate) parsed: Parsed,
}

impl Store {
    /// Opens the folder and reads what is there. Blocks while it reads: milliseconds when the folder is empty.
    pub fn open(
        options: &StoreOptions,
        env: Env,
        listener: Arc<dyn ArrivalListener>,
    ) -> Result<(Self, Recovery), Error> {
        let open = |source| Error::Open { path: options.path.clone(), source };
        Self::over(Arc::new(Folder::open(&options.path).map_err(open)?), options, env, listener)
    }

    /// Opens over any disk.
    pub(crate) fn over(
        disk: Arc<dyn Disk>,
        options: &StoreOptions,
        env: Env,
        listener: Arc<dyn ArrivalListener>,
    ) -> Result<(Self, Recovery), Error> {
        let open = |source| Error::Open { path: options.path.clone(), source };
        let (committer, recovery) = committer(disk, options, env, listener).map_err(open)?;
        let (head, records, segments) =
            (Arc::clone(&committer.head), Arc::clone(&committer.records), committer.log.segments());
        let keep = Keep { retention_ms: options.retention.as_millis(), max_bytes: options.max_bytes };
        let (queue, counters, thread) =
            writer::start(committer, keep, options.queue_bytes).map_err(|source| Error::Writer { source })?;
        Ok((
            Self {
                head,
                records,
                segments,
                counters,
                queue,
                thread: Mutex::new(Some(thread)),
                parsed: Parsed::default(),
            },
            recovery,
        ))
    }

    /// Log records, newest arrival first. Reads files when memory does not reach back far enough: call it where blocking is allowed.
    #[must_use]
    pub fn logs(&self, query: &LogQuery) -> Found<LogRecord> {
        self.records.query_logs(query)
    }

    /// Traces, the latest beginning first. May read files: call it where blocking is allowed.
    #[must_use]
    pub fn traces(&self, query: &TraceQuery) -> Found<TraceSummary> {
        self.records.query_traces(query)
    }

    /// The spans of a trace (lower-case hexadecimal), by their beginning. May read files: call it where blocking is allowed.
    #[must_use]
    pub fn trace(&self, trace_id: &str) -> Found<SpanRecord> {
        self.records.trace(trace_id)
    }

    /// Log records that came in from a place on; see [`Tail`]. Reads memory only.
    #[must_use]
    pub fn tail(&self, query: &LogQuery, from: Option<u64>) -> Tail {
        self.records.tail(query, from)
    }

    /// Shows `visit` the spans that begin within a window, at most about 200,000. False when there are more. May read files:
    /// call it where blocking is allowed.
    #[must_use]
    pub fn visit_spans(&self, since: Timestamp, until: Timestamp, visit: impl FnMut(&SpanRecord)) -> bool {
        self.records.visit_spans(since, until, visit)
    }

    /// The services that sent logs, spans or metrics (by the label `service`), sorted.
    #[must_use]
    pub fn services(&self) -> Vec<Arc<str>> {
        let mut names = self.records.services();
        names.extend(self.head.label_values("service"));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The label sets of series that match and have samples within the window (milliseconds, both ends included).
    #[must_use]
    pub fn series(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Labels> {
        self.head.series(matchers, start_ms, end_ms)
    }

    /// The names of labels; without matchers of all series, else of the matching ones.
    #[must_use]
    pub fn label_names(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Arc<str>> {
        if matchers.is_empty() {
            return self.head.label_names();
        }
        sorted(
            self.series(matchers, start_ms, end_ms).iter().flat_map(|l| l.pairs().iter().map(|(n, _)| Arc::clone(n))),
        )
    }

    /// The values of a label; without matchers of all series, else of the matching ones.
    #[must_use]
    pub fn label_values(&self, name: &str, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Arc<str>> {
        if matchers.is_empty() {
            return self.head.label_values(name);
        }
        let series = self.series(matchers, start_ms, end_ms);
        sorted(
            series
                .iter()
                .flat_map(|l| l.pairs().iter().filter(|(n, _)| n.as_ref() == name).map(|(_, v)| Arc::clone(v))),
        )
    }

    /// What is known about metrics, by name.
    #[must_use]
    pub fn metadata(&self) -> Vec<MetricMeta> {
        self.head.meta()
    }

    /// Recent exemplars of matching series within the window (milliseconds, both ends included), in the order of arrival.
    #[must_use]
    pub fn exemplars(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Exemplar> {
        self.head.exemplars(matchers, start_ms, end_ms)
    }

    /// Deletes what is older than the retention or above the size limit. Returns how many segments went.
    pub async fn enforce_retention(&self, now: Timestamp) -> Result<usize, Error> {
        self.queue.retain(now).await.map_err(|_| Error::Closed)?.map_err(|source| Error::Retention { source })
    }

    /// Waits until everything that was queued before is answered.
    pub async fn flush(&self) -> Result<(), Error> {
        self.queue.flush().await.map_err(|_| Error::Closed)
    }

    /// A look at the store's numbers.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (series, samples, series_refused) = self.head.counts();
        let (recent_logs, log_bytes) = {
            let logs = self.records.logs.read();
            (logs.len(), logs.bytes())
        };
        let (recent_spans, span_bytes) = {
            let spans = self.records.spans.read();
            (spans.len(), spans.bytes())
        };
        let (segments, bytes_on_disk) = {
            let segments = self.segments.lock();
            (segments.len(), segments.iter().map(|s| s.allocated).sum())
        };
        Stats {
            series,
            samples,
            recent_logs,
            recent_spans,
            recent_bytes: log_bytes + span_bytes,
            segments,
            log_bytes: bytes_on_disk,
            queued: self.queue.len(),
            appends: get(&self.counters.appends),
            syncs: get(&self.counters.syncs),
            storage_errors: get(&self.counters.storage_errors),
            samples_kept: get(&self.counters.samples_kept),
            samples_refused: get(&self.counters.samples_refused),
            series_refused,
            segments_deleted: get(&self.counters.segments_deleted),
        }
    }

    /// Refuses further appends, writes what waits and ends the writer. Blocks until that is done.
    pub fn close(&self) {
        self.queue.close();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer ended with a panic");
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// Reads the disk and makes everything ready to commit.
pub(crate) fn committer(
    disk: Arc<dyn Disk>,
    options: &StoreOptions,
    env: Env,
    listener: Arc<dyn ArrivalListener>,
) -> io::Result<(Committer, Recovery)> {
    let segments = Segments::default();
    let head = Arc::new(Head::new(options.max_series, options.out_of_order_window.as_millis()));
    let history = History::new(Arc::clone(&disk), Arc::clone(&segments));
    let records = Arc::new(Records::new(options.recent_bytes, history));
    let (next_sequence, recovery) =
        recovery::replay(disk.as_ref(), &head, &records, &segments, options.recent_bytes / 2, &env)?;
    head.drop_before(env.now().as_millis().saturating_sub(options.retention.as_millis()));
    let log = Log::new(disk, options.segment_bytes, next_sequence, segments);
    Ok((Committer::new(log, head, records, listener, env, options.future_window.as_millis()), recovery))
}

fn sorted(texts: impl Iterator<Item = Arc<str>>) -> Vec<Arc<str>> {
    texts.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

impl TelemetrySink for Store {
    fn append(&self, batch: Batch) -> Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send + '_>> {
        Box::pin(async move {
            let answer = self.queue.append(batch)?;
            answer.await.map_err(|_| AppendError::ShuttingDown)?
        })
    }
}

impl SeriesSource for Store {
    fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesData>, QueryError> {
        self.head.select(matchers, start_ms, end_ms)
    }

    fn points(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesPoints>, QueryError> {
        self.head.points(matchers, start_ms, end_ms)
    }
}
