//! Series in memory that grow sample by sample, as Prometheus's head has them: what unit tests of rules run on.
//!
//! Not the product's store, and not a script's: `storage` takes samples of any time, this one only newer ones.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use watchkeeper_domain::histogram::{CounterReset, Histogram};
use watchkeeper_domain::labels::{Labels, NAME};
use watchkeeper_domain::matcher::{MatchOp, Matcher};
use watchkeeper_domain::query::{HistogramSample, QueryError, SeriesData, SeriesPoints, SeriesSource};
use watchkeeper_domain::telemetry::{Sample, is_stale};

use super::points::Point;
use crate::histogram::reset::restarted;
use crate::selector::advance;

/// The series, found by their metric's name.
#[derive(Debug, Default)]
pub struct Memory {
    series: Vec<SeriesPoints>,
    by_labels: BTreeMap<Labels, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Memory {
    /// Adds a sample, in milliseconds since the Unix epoch. One that is not newer than the last of its series is
    /// dropped, as Prometheus does; the answer tells whether it was taken.
    pub fn append(&mut self, labels: &Labels, t: i64, point: &Point) -> bool {
        if *point == Point::Missing {
            return true;
        }
        let at = self.place(labels);
        let Some(series) = self.series.get_mut(at) else { return false };
        let last = series.samples.last().map(|s| s.t);
        let last_histogram = series.histograms.last().map(|s| s.t);
        if last.max(last_histogram).is_some_and(|last| last >= t) {
            return false;
        }
        match point {
            Point::Missing => {}
            // A marker of staleness takes the kind of what it ends.
            Point::Float(v) if is_stale(*v) && last_histogram > last => {
                let end = Histogram { sum: *v, ..Histogram::default() };
                series.histograms.push(HistogramSample { t, histogram: Arc::new(end), start: 0 });
            }
            Point::Float(v) => series.samples.push(Sample { t, v: *v }),
            Point::Histogram(h, _) => {
                // A histogram after a number begins a chunk of its own.
                let previous = series.histograms.last().filter(|h| last.is_none_or(|float| h.t > float));
                let reset = hint(h, previous.map(|s| &*s.histogram));
                let histogram = Arc::new(Histogram { reset, ..Histogram::clone(h) });
                series.histograms.push(HistogramSample { t, histogram, start: 0 });
            }
        }
        true
    }

    fn place(&mut self, labels: &Labels) -> usize {
        if let Some(at) = self.by_labels.get(labels) {
            return *at;
        }
        let at = self.series.len();
        self.series.push(SeriesPoints { labels: labels.clone(), ..SeriesPoints::default() });
        self.by_labels.insert(labels.clone(), at);
        self.by_name.entry(labels.name().unwrap_or("").to_owned()).or_default().push(at);
        at
    }
}

impl SeriesSource for Memory {
    fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesData>, QueryError> {
        let points = self.points(matchers, start_ms, end_ms)?;
        let floats = points.into_iter().filter(|s| !s.samples.is_empty());
        Ok(floats.map(|s| SeriesData { labels: s.labels, samples: s.samples }).collect())
    }

    fn points(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesPoints>, QueryError> {
        let name = matchers.iter().find(|m| m.name == NAME && m.op == MatchOp::Equal);
        let fits = |s: &&SeriesPoints| matchers.iter().all(|m| m.matches(&s.labels));
        let mut found: Vec<SeriesPoints> = match name {
            Some(name) => {
                let named = self.by_name.get(&name.value).into_iter().flatten();
                let series = named.filter_map(|at| self.series.get(*at)).filter(fits);
                series.filter_map(|s| selected(s, start_ms, end_ms)).collect()
            }
            None => self.series.iter().filter(fits).filter_map(|s| selected(s, start_ms, end_ms)).collect(),
        };
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(found)
    }
}

/// What a series has in a window; nothing where it has nothing.
pub(super) fn selected(series: &SeriesPoints, start_ms: i64, end_ms: i64) -> Option<SeriesPoints> {
    let before = start_ms.saturating_sub(1);
    let floats = advance(&series.samples, 0, before)..advance(&series.samples, 0, end_ms);
    let histograms = advance(&series.histograms, 0, before)..advance(&series.histograms, 0, end_ms);
    if floats.is_empty() && histograms.is_empty() {
        return None;
    }
    Some(SeriesPoints {
        labels: series.labels.clone(),
        samples: series.samples.get(floats.clone()).unwrap_or(&[]).to_vec(),
        starts: series.starts.get(floats).unwrap_or(&[]).to_vec(),
        histograms: series.histograms.get(histograms).unwrap_or(&[]).to_vec(),
    })
}

/// What Prometheus's storage knows about a restart: that there was none, where a sample goes on in the chunk of the one
/// before. About the first one of a chunk it says nothing, even where the chunk began because of a restart.
pub(super) fn hint(current: &Histogram, previous: Option<&Histogram>) -> CounterReset {
    if current.reset == CounterReset::Gauge {
        return CounterReset::Gauge;
    }
    let goes_on = previous.is_some_and(|before| {
        before.reset != CounterReset::Gauge
            && current.reset != CounterReset::Reset
            && current.schema == before.schema
            && current.zero_threshold.total_cmp(&before.zero_threshold).is_eq()
            && current.bounds == before.bounds
            && !is_stale(before.sum)
            && !restarted(&Histogram { reset: CounterReset::Unknown, ..current.clone() }, before)
    });
    if goes_on { CounterReset::NotReset } else { CounterReset::Unknown }
}
