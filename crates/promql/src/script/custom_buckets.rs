//! Native histograms with custom buckets from classic ones, for `load_with_nhcb`.
//!
//! Not a conversion at ingest: this sees a whole script at once.

use std::collections::BTreeMap;

use watchkeeper_domain::histogram::{BucketCount, CUSTOM_BUCKETS, Histogram};
use watchkeeper_domain::labels::{Labels, NAME};

use super::points::Point;

/// The parts of one classic histogram at one moment.
#[derive(Debug, Default)]
struct Classic {
    /// Upper bounds with cumulative counts, ascending.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// What a row is for a histogram.
#[derive(Debug, Clone, Copy)]
enum Part {
    Bucket(f64),
    Count,
    Sum,
}

/// The native histograms of all classic ones, each with its labels and time in milliseconds.
pub(super) fn of_classic(
    series: &[(Labels, Vec<Point>)],
    step_ms: i64,
) -> Result<Vec<(Labels, i64, Histogram)>, String> {
    let mut found: BTreeMap<(Labels, i64), Classic> = BTreeMap::new();
    for (labels, points) in series {
        let Some((base, part)) = part(labels) else { continue };
        for (point, at) in points.iter().zip(0_i64..) {
            let Point::Float(v) = point else { continue };
            let classic = found.entry((base.clone(), at.saturating_mul(step_ms))).or_default();
            match part {
                Part::Bucket(bound) => classic.buckets.push((bound, *v)),
                Part::Count => classic.count = Some(*v),
                Part::Sum => classic.sum = *v,
            }
        }
    }
    found
        .into_iter()
        .filter(|(_, classic)| !classic.buckets.is_empty() || classic.count.is_some())
        .map(|((labels, t), classic)| Ok((labels, t, classic.native()?)))
        .collect()
}

fn part(labels: &Labels) -> Option<(Labels, Part)> {
    let name = labels.name()?;
    let (base, part) = if let Some(base) = name.strip_suffix("_bucket") {
        (base, Part::Bucket(labels.get("le")?.parse().ok()?))
    } else if let Some(base) = name.strip_suffix("_count") {
        (base, Part::Count)
    } else {
        (name.strip_suffix("_sum")?, Part::Sum)
    };
    Some((labels.without(|n| n == "le").with(NAME, base), part))
}

impl Classic {
    fn native(mut self) -> Result<Histogram, String> {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let last = self.buckets.last().map_or(0.0, |b| b.1);
        let count = self.count.unwrap_or(last);
        if self.buckets.last().is_none_or(|b| b.0 < f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        } else if last.total_cmp(&count).is_ne() {
            return Err(format!("a classic histogram counts {count} and has {last} in its buckets"));
        }
        let mut positive = Vec::with_capacity(self.buckets.len());
        let mut before = 0.0;
        for (index, (_, cumulative)) in (0_i32..).zip(&self.buckets) {
            if *cumulative < before {
                return Err("the counts of a classic histogram do not grow from bucket to bucket".to_owned());
            }
            positive.push(BucketCount { index, count: cumulative - before });
            before = *cumulative;
        }
        let bounds = self.buckets.iter().map(|b| b.0).filter(|bound| bound.is_finite()).collect();
        let histogram =
            Histogram { schema: CUSTOM_BUCKETS, count, sum: self.sum, positive, bounds, ..Histogram::default() };
        Ok(histogram.compact())
    }
}
