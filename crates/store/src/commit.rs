//! One group commit: batches in, one sync, memory changed, answers out.
//!
//! Not a thread: `writer` runs it. Tests run it step by step over a disk that fails.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use watchkeeper_domain::telemetry::{AppendError, Appended, ArrivalListener, Batch, MetricMeta, Refusal, Unwanted};
use watchkeeper_domain::{Env, Labels, Timestamp};

use crate::head::Head;
use crate::head::histograms::canonical;
use crate::head::series::Series;
use crate::head::sums::Sums;
use crate::log::Log;
use crate::log::codec::{self, Dictionary, Entry};
use crate::log::frame::{self, Header, Kind};
use crate::log::histogram;
use crate::records::{Records, encode_logs, encode_spans};
use crate::stats::{Counters, add};

/// Everything that the one writer changes.
pub(crate) struct Committer {
    pub(crate) log: Log,
    pub(crate) head: Arc<Head>,
    pub(crate) records: Arc<Records>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) listener: Arc<dyn ArrivalListener>,
    pub(crate) env: Env,
    /// How far ahead of the clock a sample's time may be, in milliseconds.
    ahead_ms: i64,
    dictionary: Dictionary,
}

/// A batch whose series have been looked up, and whose increments have become running sums.
struct Resolved {
    batch: Batch,
    /// The series of the batch, in the order of its labels; none where the cap forbids one.
    series: Vec<Option<Arc<Series>>>,
    meta: Vec<MetricMeta>,
    /// What is refused without being written.
    refusals: Vec<Refusal>,
}

impl Committer {
    pub(crate) fn new(
        log: Log,
        head: Arc<Head>,
        records: Arc<Records>,
        listener: Arc<dyn ArrivalListener>,
        env: Env,
        ahead_ms: i64,
    ) -> Self {
        let (counters, dictionary) = (Arc::default(), Dictionary::default());
        Self { log, head, records, counters, listener, env, ahead_ms, dictionary }
    }

    /// Makes the batches durable together and applies them. All of them fail, or none.
    pub(crate) fn commit(&mut self, batches: Vec<Batch>) -> Result<Vec<Appended>, AppendError> {
        let mut sums = Sums::default();
        let latest = self.env.now().as_millis().saturating_add(self.ahead_ms);
        let resolved: Vec<Resolved> = batches.into_iter().map(|batch| self.resolve(batch, latest, &mut sums)).collect();
        if resolved.iter().any(Resolved::is_durable) {
            self.persist(&resolved).map_err(|error| {
                add(&self.counters.storage_errors, resolved.len());
                tracing::error!(%error, batches = resolved.len(), "telemetry cannot be made durable; it was refused");
                AppendError::Storage(error.to_string())
            })?;
        }
        add(&self.counters.appends, resolved.len());
        let mut arrived = Vec::new();
        let answers = resolved.into_iter().map(|one| self.apply(one, &mut arrived)).collect();
        if !arrived.is_empty() {
            self.listener.arrived(&arrived);
        }
        Ok(answers)
    }

    fn resolve(&self, mut batch: Batch, latest: i64, sums: &mut Sums) -> Resolved {
        let mut refusals = Vec::new();
        let mut refuse = |place, labels: &Labels, samples, why| {
            if samples > 0 {
                refusals.push(Refusal { place, labels: labels.clone(), samples, why });
            }
        };
        for (place, one) in batch.series.iter_mut().chain(&mut batch.deltas).enumerate() {
            let given = one.samples.len();
            one.samples.retain(|s| s.t <= latest);
            refuse(place, &one.labels, given - one.samples.len(), Unwanted::Ahead);
        }
        let numbers = batch.series.len() + batch.deltas.len();
        for (place, one) in batch.histograms.iter_mut().chain(&mut batch.histogram_deltas).enumerate() {
            let given = one.samples.len();
            one.samples.retain(|p| p.t <= latest);
            refuse(numbers + place, &one.labels, given - one.samples.len(), Unwanted::Ahead);
            for point in &mut one.samples {
                point.histogram = canonical(Arc::clone(&point.histogram));
            }
        }
        let series = self.head.resolve(batch.labels());
        let first_delta = batch.series.len();
        for (place, (one, series)) in batch.series.iter_mut().chain(&mut batch.deltas).zip(&series).enumerate() {
            match series {
                None => refuse(place, &one.labels, one.samples.len(), Unwanted::SeriesLimit),
                Some(series) if place >= first_delta => {
                    let counted = sums.add(series, one);
                    refuse(place, &one.labels, counted, Unwanted::CountedAlready);
                }
                Some(_) => {}
            }
        }
        let first_delta = batch.histograms.len();
        let native = batch.histograms.iter_mut().chain(&mut batch.histogram_deltas);
        for (place, (one, series)) in native.zip(series.iter().skip(numbers)).enumerate() {
            match series {
                None => refuse(numbers + place, &one.labels, one.samples.len(), Unwanted::SeriesLimit),
                Some(series) if place >= first_delta => {
                    let left_out = sums.add_native(series, one);
                    refuse(numbers + place, &one.labels, left_out.counted, Unwanted::CountedAlready);
                    refuse(numbers + place, &one.labels, left_out.unlike, Unwanted::OtherBuckets);
                }
                Some(_) => {}
            }
        }
        let meta = self.head.news(&batch.meta).into_iter().cloned().collect();
        Resolved { batch, series, meta, refusals }
    }

    fn persist(&mut self, batches: &[Resolved]) -> io::Result<()> {
        // A segment that is opened on the way has no dictionary yet: then everything is encoded once more for it.
        loop {
            let (mut bytes, extents) = self.encode(batches).map_err(|error| {
                // It counted definitions that will not be written.
                self.dictionary.clear();
                io::Error::other(error)
            })?;
            let env = &self.env;
            let (nonce, new) = self.log.prepare(bytes.len() as u64, || {
                let mut random = [0; 8];
                env.entropy.fill(&mut random);
                u64::from_le_bytes(random)
            })?;
            if new {
                self.dictionary.clear();
                continue;
            }
            frame::seal(&mut bytes, nonce);
            self.log.commit(&bytes, &extents)?;
            self.counters.syncs.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
    }

    fn encode(&mut self, batches: &[Resolved]) -> Result<(Vec<u8>, Vec<Header>), frame::Error> {
        let (mut bytes, mut extents) = (Vec::new(), Vec::new());
        let written = self.env.now().as_millis();
        let (mut next_log, mut next_span) = (self.records.logs.read().next(), self.records.spans.read().next());
        let mut push = |kind, first, times: Option<(i64, i64)>, payload: Vec<u8>| {
            let (oldest, newest) = times.unwrap_or((written, written));
            let header = Header { kind, written, first, oldest, newest };
            extents.push(header);
            frame::write(header, &payload, &mut bytes)
        };
        for one in batches {
            let batch = &one.batch;
            let entries: Vec<Entry<'_>> = batch
                .samples()
                .zip(&one.series)
                .filter(|(s, _)| !s.samples.is_empty())
                .filter_map(|(s, series)| {
                    let series = series.as_ref()?;
                    Some(Entry {
                        series: series.number(),
                        labels: series.labels(),
                        start: s.start,
                        samples: &s.samples,
                    })
                })
                .collect();
            if !entries.is_empty() || !one.meta.is_empty() || !batch.exemplars.is_empty() {
                let times = span(entries.iter().flat_map(|e| e.samples).map(|s| s.t));
                push(
                    Kind::Samples,
                    0,
                    times,
                    codec::encode(&entries, &one.meta, &batch.exemplars, &mut self.dictionary)?,
                )?;
            }
            let native: Vec<histogram::Entry<'_>> = batch
                .native()
                .zip(one.series.iter().skip(batch.samples().count()))
                .filter(|(s, _)| !s.samples.is_empty())
                .filter_map(|(s, series)| {
                    let series = series.as_ref()?;
                    let (number, labels) = (series.number(), series.labels());
                    Some(histogram::Entry { series: number, labels, start: s.start, points: &s.samples })
                })
                .collect();
            if !native.is_empty() {
                let times = span(native.iter().flat_map(|e| e.points).map(|p| p.t));
                push(Kind::Histograms, 0, times, histogram::encode(&native, &mut self.dictionary))?;
            }
            if !batch.logs.is_empty() {
                push(Kind::Logs, next_log, span(batch.logs.iter().map(|l| millis(l.t_ns))), encode_logs(&batch.logs)?)?;
                next_log += batch.logs.len() as u64;
            }
            if !batch.spans.is_empty() {
                push(
                    Kind::Spans,
                    next_span,
                    span(batch.spans.iter().map(|s| millis(s.start_ns))),
                    encode_spans(&batch.spans)?,
                )?;
                next_span += batch.spans.len() as u64;
            }
        }
        Ok((bytes, extents))
    }

    fn apply(&self, one: Resolved, arrived: &mut Vec<Labels>) -> Appended {
        let Resolved { batch, series, meta, refusals } = one;
        let mut answer = Appended { refusals, ..Appended::default() };
        let head = &self.head;
        let numbers = batch.samples().zip(&series).map(|(s, series)| {
            let series = series.as_ref()?;
            Some((series, head.append(series, &s.samples, s.start)))
        });
        let native = batch.native().zip(series.iter().skip(batch.samples().count())).map(|(s, series)| {
            let series = series.as_ref()?;
            Some((series, head.append_native(series, &s.samples, s.start)))
        });
        for (place, done) in numbers.chain(native).enumerate() {
            let Some((series, outcome)) = done else { continue };
            answer.samples += outcome.kept;
            for (samples, why) in [(outcome.old, Unwanted::TooOld), (outcome.contradicting, Unwanted::Contradicts)] {
                if samples > 0 {
                    answer.out_of_order += samples;
                    answer.refusals.push(Refusal { place, labels: series.labels().clone(), samples, why });
                }
            }
            if outcome.kept > 0 {
                arrived.push(series.labels().clone());
            }
        }
        add(&self.counters.samples_kept, answer.samples);
        add(&self.counters.samples_refused, answer.refusals.iter().map(|r| r.samples).sum());
        self.head.describe(meta);
        self.head.keep_exemplars(batch.exemplars);
        if !batch.logs.is_empty() {
            let mut logs = self.records.logs.write();
            let first = logs.next();
            logs.push(first, batch.logs);
        }
        if !batch.spans.is_empty() {
            let mut spans = self.records.spans.write();
            let first = spans.next();
            spans.push(first, batch.spans);
        }
        answer
    }

    /// Deletes what is older than `retention_ms` or above `max_bytes`, and what of it is in memory. Returns how many segments went.
    pub(crate) fn retain(&mut self, now: Timestamp, retention_ms: i64, max_bytes: u64) -> io::Result<usize> {
        let cutoff = now.as_millis().saturating_sub(retention_ms);
        let mut forget = cutoff;
        let (deleted, result) = self.log.delete_oldest(|segment, total| {
            let too_much = total > max_bytes;
            // What is gone from disk goes from memory too: a restart must not change what a query finds.
            if too_much {
                let ranges = [Kind::Samples, Kind::Histograms].into_iter().filter_map(|kind| segment.range(kind));
                forget = ranges.map(|range| range.newest.min(now.as_millis())).fold(forget, i64::max);
            }
            too_much || segment.written < cutoff
        });
        self.head.drop_before(forget);
        add(&self.counters.segments_deleted, deleted.len());
        result.map(|()| deleted.len())
    }
}

impl Resolved {
    /// Whether there is something to write; a batch may hold only series beyond the cap and metadata that is known.
    fn is_durable(&self) -> bool {
        let batch = &self.batch;
        let filled =
            batch.samples().map(|s| !s.samples.is_empty()).chain(batch.native().map(|s| !s.samples.is_empty()));
        filled.zip(&self.series).any(|(filled, series)| filled && series.is_some())
            || !self.meta.is_empty()
            || !self.batch.exemplars.is_empty()
            || !self.batch.logs.is_empty()
            || !self.batch.spans.is_empty()
    }
}

fn span(times: impl Iterator<Item = i64>) -> Option<(i64, i64)> {
    times.fold(None, |range, t| {
        Some(range.map_or((t, t), |(oldest, newest): (i64, i64)| (oldest.min(t), newest.max(t))))
    })
}

fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}
