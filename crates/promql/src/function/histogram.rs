//! Classic histograms: rows that differ in `le` only, put together again to buckets.
//!
//! Not native histograms, which this evaluator does not have.

use std::collections::HashMap;

use watchkeeper_domain::labels::{Labels, NAME};

use super::call::Call;
use crate::annotation::Severity;
use crate::ast::Node;
use crate::value::{Row, Vector, is_gap};

/// The label with a bucket's upper bound.
const BOUND: &str = "le";

/// A bucket: how many observations were at most `upper`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub(super) upper: f64,
    pub(super) count: f64,
}

/// One histogram: its rows, ordered by their bounds.
#[derive(Debug)]
pub(super) struct Histogram {
    pub(super) row: Row,
    pub(super) name: String,
    bounds: Vec<(f64, usize)>,
}

/// Puts the rows together. Rows without a usable bound are left out, with a remark.
pub(super) fn histograms(call: &mut Call<'_, '_>, vector: &Vector, arg: &Node) -> Vec<Histogram> {
    let mut found: Vec<Histogram> = Vec::new();
    let mut by_labels: HashMap<Labels, usize> = HashMap::new();
    for (at, row) in vector.rows.iter().enumerate() {
        let text = row.labels.get(BOUND).unwrap_or("");
        let name = row.labels.get(NAME).unwrap_or("");
        let Some(upper) = bound(text) else {
            let message =
                format!("bucket label \"le\" is missing or has a malformed value of {text:?} for metric name {name:?}");
            call.evaluator.note(Severity::Warning, message, arg);
            continue;
        };
        let rest = row.labels.without(|n| n == BOUND);
        let place = match by_labels.get(&rest) {
            Some(place) => *place,
            None => {
                let mut own = Row { labels: rest.clone(), drop_name: row.drop_name };
                own.drop_name(false);
                found.push(Histogram { row: own, name: name.to_owned(), bounds: Vec::new() });
                by_labels.insert(rest, found.len() - 1);
                found.len() - 1
            }
        };
        if let Some(histogram) = found.get_mut(place) {
            histogram.bounds.push((upper, at));
        }
    }
    for histogram in &mut found {
        histogram.bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    found
}

fn bound(text: &str) -> Option<f64> {
    // Rust reads some spellings of infinity that differ from Go's in nothing that matters here.
    text.parse().ok().filter(|upper: &f64| !upper.is_nan())
}

impl Histogram {
    /// The buckets at a step, cumulative and by ascending bounds; equal bounds are added up.
    pub(super) fn buckets(&self, vector: &Vector, step: usize, buckets: &mut Vec<Bucket>) {
        buckets.clear();
        for (upper, row) in &self.bounds {
            let count = vector.value(*row, step);
            if is_gap(count) {
                continue;
            }
            match buckets.last_mut() {
                Some(last) if last.upper.total_cmp(upper).is_eq() => last.count += count,
                _ => buckets.push(Bucket { upper: *upper, count }),
            }
        }
    }
}

/// What was wrong with the counts of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repair {
    /// Nothing beyond rounding.
    None,
    /// A bucket held less than the one below it.
    Monotonicity,
}

/// Differences up to this share are rounding.
const TOLERANCE: f64 = 1e-12;

/// Makes the counts grow from bucket to bucket: scrapes and rules are not atomic, and rates round.
pub(super) fn make_monotonic(buckets: &mut [Bucket]) -> Repair {
    let mut repair = Repair::None;
    let mut previous: Option<f64> = None;
    for bucket in buckets {
        match previous {
            Some(before) if nearly(before, bucket.count) => bucket.count = before,
            Some(before) if bucket.count < before => {
                bucket.count = before;
                repair = Repair::Monotonicity;
            }
            _ => previous = Some(bucket.count),
        }
    }
    repair
}

#[expect(clippy::float_cmp, reason = "equal infinities have no difference to measure")]
fn nearly(a: f64, b: f64) -> bool {
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == b || a.is_nan() && b.is_nan() {
        return true;
    }
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}
