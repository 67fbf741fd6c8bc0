//! The series that a script loads, kept in memory.
//!
//! Not the product's store.

use std::collections::BTreeMap;

use watchkeeper_domain::labels::{Labels, NAME};
use watchkeeper_domain::matcher::Matcher;
use watchkeeper_domain::query::{QueryError, SeriesData, SeriesSource};
use watchkeeper_domain::telemetry::Sample;

use super::command::Load;
use super::points::Point;

/// The most samples that one script may load.
const MAX_SAMPLES: usize = 5_000_000;

/// All series by labels.
#[derive(Debug, Default)]
pub(super) struct Storage {
    series: BTreeMap<Labels, Series>,
    samples: usize,
}

#[derive(Debug, Default)]
struct Series {
    floats: BTreeMap<i64, f64>,
    /// When there are native histograms. They are known, so that reading them is an error and not a gap.
    histograms: Vec<i64>,
}

impl Storage {
    /// Adds what a `load` command says.
    pub(super) fn load(&mut self, load: &Load) -> Result<(), String> {
        for (labels, points) in &load.series {
            self.samples += points.len();
            if self.samples > MAX_SAMPLES {
                return Err(format!("the script loads more than {MAX_SAMPLES} samples"));
            }
            for (point, at) in points.iter().zip(0_i64..) {
                let t = at.saturating_mul(load.step_ms);
                match point {
                    Point::Missing => {}
                    Point::Float(v) => {
                        self.series.entry(labels.clone()).or_default().floats.insert(t, *v);
                        if let Some(histogram) = custom_bucket_histogram(labels).filter(|_| load.with_custom_buckets) {
                            self.series.entry(histogram).or_default().histograms.push(t);
                        }
                    }
                    Point::Histogram => self.series.entry(labels.clone()).or_default().histograms.push(t),
                }
            }
        }
        Ok(())
    }
}

/// The native histogram that `load_with_nhcb` makes of classic buckets.
fn custom_bucket_histogram(labels: &Labels) -> Option<Labels> {
    let base = labels.name()?.strip_suffix("_bucket")?;
    labels.get("le")?;
    Some(labels.without(|n| n == "le").with(NAME, base))
}

impl SeriesSource for Storage {
    fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesData>, QueryError> {
        let mut found = Vec::new();
        if start_ms > end_ms {
            return Ok(found);
        }
        for (labels, series) in &self.series {
            if !matchers.iter().all(|m| m.matches(labels)) {
                continue;
            }
            if series.histograms.iter().any(|t| (start_ms..=end_ms).contains(t)) {
                return Err(QueryError::Unavailable(format!(
                    "{labels} has native histograms, which are not supported"
                )));
            }
            let samples: Vec<_> =
                series.floats.range(start_ms..=end_ms).map(|(t, v)| Sample { t: *t, v: *v }).collect();
            if !samples.is_empty() {
                found.push(SeriesData { labels: labels.clone(), samples });
            }
        }
        Ok(found)
    }
}
