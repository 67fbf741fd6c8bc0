//! Histograms as `histogram_quantile` and its kin take them: native ones, and classic ones put together again from rows
//! that differ in `le` only.
//!
//! Not the estimates themselves.

use std::collections::HashMap;
use std::sync::Arc;

use watchkeeper_domain::histogram::Histogram as Native;
use watchkeeper_domain::labels::Labels;

use super::call::Call;
use crate::annotation::text;
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

/// What one histogram is at one step.
#[derive(Debug)]
pub(super) enum At<'b> {
    /// Cumulative buckets by ascending bounds.
    Classic(&'b mut [Bucket]),
    Native(Arc<Native>),
}

/// One histogram: its rows.
#[derive(Debug)]
pub(super) struct Histogram {
    pub(super) row: Row,
    /// The rows of classic buckets, ordered by their bounds.
    bounds: Vec<(f64, usize)>,
    /// The row of native histograms.
    native: Option<usize>,
}

/// Puts the rows together. Rows without a usable bound are left out, with a remark; so are moments at which a series
/// is both a classic and a native histogram.
pub(super) fn histograms(call: &mut Call<'_, '_>, vector: &Vector, arg: &Node) -> Vec<Histogram> {
    let mut found: Vec<Histogram> = Vec::new();
    let mut by_labels: HashMap<Labels, usize> = HashMap::new();
    let mut place = |labels: Labels, row: &Row, found: &mut Vec<Histogram>| {
        *by_labels.entry(labels.clone()).or_insert_with(|| {
            found.push(Histogram { row: Row { labels, drop_name: row.drop_name }, bounds: Vec::new(), native: None });
            found.len() - 1
        })
    };
    for (at, row) in vector.rows.iter().enumerate() {
        if vector.has_histograms() && (0..vector.steps).any(|step| vector.histogram(at, step).is_some()) {
            let place = place(row.labels.clone(), row, &mut found);
            if let Some(histogram) = found.get_mut(place) {
                histogram.native = Some(at);
            }
        }
        if vector.row(at).iter().all(|v| is_gap(*v)) {
            continue;
        }
        let bound = row.labels.get(BOUND).unwrap_or("");
        let Some(upper) = upper_bound(bound) else {
            call.evaluator.remarks.warn(text::bad_bucket_label(row.metric(), bound), arg);
            continue;
        };
        let place = place(row.labels.without(|n| n == BOUND), row, &mut found);
        if let Some(histogram) = found.get_mut(place) {
            histogram.bounds.push((upper, at));
        }
    }
    for histogram in &mut found {
        histogram.bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    found
}

fn upper_bound(text: &str) -> Option<f64> {
    // Rust reads some spellings of infinity that differ from Go's in nothing that matters here.
    text.parse().ok().filter(|upper: &f64| !upper.is_nan())
}

impl Histogram {
    /// What the histogram is at a step; `buckets` is room to work in.
    pub(super) fn at<'b>(
        &self,
        call: &mut Call<'_, '_>,
        vector: &Vector,
        step: usize,
        arg: &Node,
        buckets: &'b mut Vec<Bucket>,
    ) -> Option<At<'b>> {
        self.buckets(vector, step, buckets);
        let native = self.native.and_then(|row| vector.histogram(row, step));
        match (buckets.is_empty(), native) {
            (true, None) => None,
            (true, Some(native)) => Some(At::Native(Arc::clone(native))),
            (false, None) => Some(At::Classic(buckets)),
            (false, Some(_)) => {
                call.evaluator.remarks.warn(text::mixed_classic_native(self.row.metric()), arg);
                None
            }
        }
    }

    /// The buckets at a step, cumulative and by ascending bounds; equal bounds are added up.
    fn buckets(&self, vector: &Vector, step: usize, buckets: &mut Vec<Bucket>) {
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

/// Decreases that had to be taken out of the counts of a histogram, beyond rounding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decreases {
    pub(super) least_bound: f64,
    pub(super) greatest_bound: f64,
    pub(super) greatest: f64,
}

/// Differences up to this share are rounding.
const TOLERANCE: f64 = 1e-12;

/// Makes the counts grow from bucket to bucket: scrapes and rules are not atomic, and rates round.
pub(super) fn make_monotonic(buckets: &mut [Bucket]) -> Option<Decreases> {
    let mut decreases: Option<Decreases> = None;
    let mut previous: Option<f64> = None;
    for bucket in buckets {
        match previous {
            Some(before) if nearly(before, bucket.count) => bucket.count = before,
            Some(before) if bucket.count < before => {
                let difference = before - bucket.count;
                let all = decreases.get_or_insert(Decreases {
                    least_bound: bucket.upper,
                    greatest_bound: bucket.upper,
                    greatest: difference,
                });
                all.greatest_bound = bucket.upper;
                all.greatest = all.greatest.max(difference);
                bucket.count = before;
            }
            _ => previous = Some(bucket.count),
        }
    }
    decreases
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
