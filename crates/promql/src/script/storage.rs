//! The series that a script loads, kept in memory as Prometheus's head would keep them.
//!
//! Not the product's store.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_domain::histogram::{CounterReset, Histogram};
use watchkeeper_domain::labels::Labels;
use watchkeeper_domain::matcher::Matcher;
use watchkeeper_domain::query::{HistogramSample, QueryError, SeriesData, SeriesPoints, SeriesSource};
use watchkeeper_domain::telemetry::{Sample, is_stale};

use super::command::Load;
use super::custom_buckets;
use super::points::Point;
use crate::histogram::reset::restarted;
use crate::selector::advance;

/// The most samples that one script may load.
const MAX_SAMPLES: usize = 5_000_000;

/// All series by labels.
#[derive(Debug, Default)]
pub(super) struct Storage {
    loaded: BTreeMap<Labels, BTreeMap<i64, Loaded>>,
    /// The same as the evaluator reads it.
    series: Vec<SeriesPoints>,
    samples: usize,
}

#[derive(Debug, Clone)]
struct Loaded {
    value: Value,
    /// From when it counts; 0 where that is not known.
    start: i64,
}

#[derive(Debug, Clone)]
enum Value {
    Float(f64),
    Histogram(Arc<Histogram>),
}

impl Storage {
    /// Adds what a `load` command says.
    pub(super) fn load(&mut self, load: &Load) -> Result<(), String> {
        for (labels, points) in &load.series {
            self.samples += points.len();
            if self.samples > MAX_SAMPLES {
                return Err(format!("the script loads more than {MAX_SAMPLES} samples"));
            }
            let starts = load.starts.iter().find(|(of, _)| of == labels).map_or(&[][..], |(_, starts)| starts);
            let into = self.loaded.entry(labels.clone()).or_default();
            for ((at, point), index) in points.iter().enumerate().zip(0_i64..) {
                let t = index.saturating_mul(load.step_ms);
                let value = match point {
                    Point::Missing => continue,
                    Point::Float(v) => Value::Float(*v),
                    Point::Histogram(h, _) => Value::Histogram(Arc::clone(h)),
                };
                let start = starts.get(at).copied().flatten().map_or(0, |offset| t.saturating_add(offset));
                into.insert(t, Loaded { value, start });
            }
        }
        if load.with_custom_buckets {
            for (labels, t, histogram) in custom_buckets::of_classic(&load.series, load.step_ms)? {
                let value = Value::Histogram(Arc::new(histogram));
                self.loaded.entry(labels).or_default().insert(t, Loaded { value, start: 0 });
            }
        }
        self.series = self.loaded.iter().map(|(labels, loaded)| points(labels, loaded)).collect();
        Ok(())
    }
}

fn points(labels: &Labels, loaded: &BTreeMap<i64, Loaded>) -> SeriesPoints {
    let mut out = SeriesPoints { labels: labels.clone(), ..SeriesPoints::default() };
    let mut previous: Option<Arc<Histogram>> = None;
    let any_start = loaded.values().any(|l| l.start != 0);
    for (t, Loaded { value, start }) in loaded {
        match value {
            Value::Float(v) => {
                out.samples.push(Sample { t: *t, v: *v });
                if any_start {
                    out.starts.push(*start);
                }
                // A histogram after a number begins a chunk of its own.
                previous = None;
            }
            Value::Histogram(h) => {
                let told = Arc::new(Histogram { reset: hint(h, previous.as_deref()), ..Histogram::clone(h) });
                previous = Some(Arc::clone(&told));
                out.histograms.push(HistogramSample { t: *t, histogram: told, start: *start });
            }
        }
    }
    out
}

/// What Prometheus's storage knows about a restart: that there was none, where a sample goes on in the chunk of the one
/// before. About the first one of a chunk it says nothing, even where the chunk began because of a restart.
fn hint(current: &Histogram, previous: Option<&Histogram>) -> CounterReset {
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

impl SeriesSource for Storage {
    fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesData>, QueryError> {
        let points = self.points(matchers, start_ms, end_ms)?;
        let floats = points.into_iter().filter(|s| !s.samples.is_empty());
        Ok(floats.map(|s| SeriesData { labels: s.labels, samples: s.samples }).collect())
    }

    fn points(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesPoints>, QueryError> {
        let mut found = Vec::new();
        for series in self.series.iter().filter(|s| matchers.iter().all(|m| m.matches(&s.labels))) {
            let before = start_ms.saturating_sub(1);
            let floats = advance(&series.samples, 0, before)..advance(&series.samples, 0, end_ms);
            let histograms = advance(&series.histograms, 0, before)..advance(&series.histograms, 0, end_ms);
            let points = SeriesPoints {
                labels: series.labels.clone(),
                samples: series.samples.get(floats.clone()).unwrap_or(&[]).to_vec(),
                starts: series.starts.get(floats).unwrap_or(&[]).to_vec(),
                histograms: series.histograms.get(histograms).unwrap_or(&[]).to_vec(),
            };
            if !points.samples.is_empty() || !points.histograms.is_empty() {
                found.push(points);
            }
        }
        Ok(found)
    }
}
