//! The head: every series' samples in memory, compressed, with an index of labels.
//!
//! Not durable: the log is, and the head is rebuilt from it at start. Only the writer changes it; readers take a lock on the
//! index for a look-up and on one series at a time for its samples, so that a long query does not hold up the writer.

pub(crate) mod chunk;
pub(crate) mod histograms;
pub(crate) mod index;
pub(crate) mod series;
pub(crate) mod sums;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use watchkeeper_domain::query::{HistogramSample, QueryError, SeriesData, SeriesPoints, SeriesSource};
use watchkeeper_domain::telemetry::{Exemplar, HistogramPoint, MetricMeta, Sample};
use watchkeeper_domain::{Labels, Matcher};

use index::Index;
use series::{Outcome, Series};

/// How many metrics' metadata are kept.
const META_LIMIT: usize = 100_000;
/// How many exemplars are kept, over all series.
const EXEMPLAR_LIMIT: usize = 20_000;
/// How many samples one selection may read: 16 bytes each.
const SELECT_LIMIT: usize = 50_000_000;

/// All series.
pub(crate) struct Head {
    index: RwLock<Index>,
    max_series: usize,
    window_ms: i64,
    meta: RwLock<HashMap<Arc<str>, MetricMeta>>,
    exemplars: Mutex<VecDeque<Exemplar>>,
    /// Samples in memory.
    samples: AtomicU64,
    /// Series that were refused because of the cap.
    refused_series: AtomicU64,
}

impl Head {
    pub(crate) fn new(max_series: usize, window_ms: i64) -> Self {
        Self {
            index: RwLock::default(),
            max_series,
            window_ms,
            meta: RwLock::default(),
            exemplars: Mutex::default(),
            samples: AtomicU64::new(0),
            refused_series: AtomicU64::new(0),
        }
    }

    /// The series for each label set, made where it is new; `None` where the cap forbids one more.
    pub(crate) fn resolve<'a>(&self, labels: impl Iterator<Item = &'a Labels> + Clone) -> Vec<Option<Arc<Series>>> {
        let mut found: Vec<Option<Arc<Series>>> = {
            let index = self.index.read();
            labels.clone().map(|l| index.get(l)).collect()
        };
        if found.iter().any(Option::is_none) {
            let mut index = self.index.write();
            for (slot, labels) in found.iter_mut().zip(labels).filter(|(slot, _)| slot.is_none()) {
                // A batch may name a new series twice.
                *slot = index.get(labels).or_else(|| (index.len() < self.max_series).then(|| index.insert(labels)));
                if slot.is_none() {
                    self.refused_series.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        found
    }

    /// Adds samples to a series.
    pub(crate) fn append(&self, series: &Series, samples: &[Sample], start: Option<i64>) -> Outcome {
        let (outcome, added) = series.append(samples, start, self.window_ms);
        self.samples.fetch_add(added as u64, Ordering::Relaxed);
        outcome
    }

    /// Adds native histograms to a series.
    pub(crate) fn append_native(&self, series: &Series, points: &[HistogramPoint], start: Option<i64>) -> Outcome {
        let (outcome, added) = series.append_native(points, start, self.window_ms);
        self.samples.fetch_add(added as u64, Ordering::Relaxed);
        outcome
    }

    /// Keeps metadata, and says which of it is news.
    pub(crate) fn news<'a>(&self, meta: &'a [MetricMeta]) -> Vec<&'a MetricMeta> {
        let known = self.meta.read();
        let room = known.len() < META_LIMIT;
        meta.iter().filter(|m| known.get(&m.name).map_or(room, |k| k != *m)).collect()
    }

    pub(crate) fn describe(&self, meta: impl IntoIterator<Item = MetricMeta>) {
        let mut known = self.meta.write();
        for one in meta {
            if known.len() < META_LIMIT || known.contains_key(&one.name) {
                known.insert(Arc::clone(&one.name), one);
            }
        }
    }

    pub(crate) fn keep_exemplars(&self, exemplars: Vec<Exemplar>) {
        let mut kept = self.exemplars.lock();
        for exemplar in exemplars {
            if kept.len() == EXEMPLAR_LIMIT {
                kept.pop_front();
            }
            kept.push_back(exemplar);
        }
    }

    /// The label sets of the matching series that have samples within the window.
    pub(crate) fn series(&self, matchers: &[Matcher], start: i64, end: i64) -> Vec<Labels> {
        let found = self.index.read().matching(matchers);
        let mut out: Vec<Labels> =
            found.iter().filter(|s| s.overlaps(start, end)).map(|s| s.labels().clone()).collect();
        out.sort_unstable();
        out
    }

    pub(crate) fn label_names(&self) -> Vec<Arc<str>> {
        self.index.read().names()
    }

    pub(crate) fn label_values(&self, name: &str) -> Vec<Arc<str>> {
        self.index.read().values(name)
    }

    pub(crate) fn meta(&self) -> Vec<MetricMeta> {
        let mut out: Vec<MetricMeta> = self.meta.read().values().cloned().collect();
        out.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        out
    }

    pub(crate) fn exemplars(&self, matchers: &[Matcher], start: i64, end: i64) -> Vec<Exemplar> {
        let kept = self.exemplars.lock();
        kept.iter()
            .filter(|e| (start..=end).contains(&e.t) && matchers.iter().all(|m| m.matches(&e.labels)))
            .cloned()
            .collect()
    }

    /// Drops chunks that end before the cutoff, and series that have none left.
    pub(crate) fn drop_before(&self, cutoff: i64) {
        let all = self.index.read().all();
        let mut empty = Vec::new();
        for series in all {
            let (dropped, left) = series.drop_before(cutoff);
            self.samples.fetch_sub(dropped as u64, Ordering::Relaxed);
            if !left {
                empty.push(series);
            }
        }
        if !empty.is_empty() {
            self.index.write().remove(&empty);
        }
        self.exemplars.lock().retain(|e| e.t >= cutoff);
    }

    /// Series, samples, and series refused by the cap.
    pub(crate) fn counts(&self) -> (usize, u64, u64) {
        (self.index.read().len(), self.samples.load(Ordering::Relaxed), self.refused_series.load(Ordering::Relaxed))
    }
}

impl SeriesSource for Head {
    fn select(&self, matchers: &[Matcher], start: i64, end: i64) -> Result<Vec<SeriesData>, QueryError> {
        let series = self.index.read().matching(matchers);
        let mut left = SELECT_LIMIT;
        let mut out = Vec::new();
        for one in series {
            let samples = one.read(start, end);
            left = left.checked_sub(samples.len()).ok_or_else(too_many)?;
            if !samples.is_empty() {
                out.push(SeriesData { labels: one.labels().clone(), samples });
            }
        }
        out.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        Ok(out)
    }

    fn points(&self, matchers: &[Matcher], start: i64, end: i64) -> Result<Vec<SeriesPoints>, QueryError> {
        let series = self.index.read().matching(matchers);
        let mut left = SELECT_LIMIT;
        let mut out = Vec::new();
        for one in series {
            let points = one.points(start, end);
            // A histogram takes ten times the memory of a number, and each of its buckets as much as one.
            let buckets = |h: &HistogramSample| 10 + h.histogram.positive.len() + h.histogram.negative.len();
            let read = points.samples.len() + points.histograms.iter().map(buckets).sum::<usize>();
            left = left.checked_sub(read).ok_or_else(too_many)?;
            if read > 0 {
                out.push(points);
            }
        }
        out.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        Ok(out)
    }
}

fn too_many() -> QueryError {
    QueryError::Limit {
        what: "samples that a selector reads".to_owned(),
        limit: format!("{SELECT_LIMIT} samples; a native histogram counts as ten and one for each of its buckets"),
    }
}
