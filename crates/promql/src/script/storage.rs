//! The series that a script loads, kept in memory as Prometheus's head would keep them.
//!
//! Not the product's store.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_domain::histogram::Histogram;
use watchkeeper_domain::labels::Labels;
use watchkeeper_domain::matcher::Matcher;
use watchkeeper_domain::query::{HistogramSample, QueryError, SeriesData, SeriesPoints, SeriesSource};
use watchkeeper_domain::telemetry::Sample;

use super::command::Load;
use super::custom_buckets;
use super::memory::{hint, selected};
use super::points::Point;

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

impl SeriesSource for Storage {
    fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesData>, QueryError> {
        let points = self.points(matchers, start_ms, end_ms)?;
        let floats = points.into_iter().filter(|s| !s.samples.is_empty());
        Ok(floats.map(|s| SeriesData { labels: s.labels, samples: s.samples }).collect())
    }

    fn points(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesPoints>, QueryError> {
        let series = self.series.iter().filter(|s| matchers.iter().all(|m| m.matches(&s.labels)));
        Ok(series.filter_map(|s| selected(s, start_ms, end_ms)).collect())
    }
}
