//! `histogram_fraction`: the estimated share of observations between two values.
//!
//! Not exact: no better than the buckets, as `histogram_quantile`.

use super::call::{Call, at};
use super::histogram::{At, Bucket, histograms, make_monotonic};
use crate::annotation::text;
use crate::error::EvalError;
use crate::histogram::distribution::{self, Skew};
use crate::value::{Cell, Value, Vector};

/// `histogram_fraction(lower, upper, v)`
pub(super) fn histogram_fraction(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let (lower, upper) = (call.scalar(0)?, call.scalar(1)?);
    let input = call.vector(2)?;
    let (arg, first) = (call.arg(2)?, call.arg(0)?);
    let mut out = Vector::new(call.grid.steps);
    let mut buckets = Vec::new();
    for histogram in histograms(call, &input, arg) {
        let cells: Vec<_> = (0..input.steps)
            .map(|step| {
                let (lower, upper) = (at(&lower, step), at(&upper, step));
                Some(Cell::Float(match histogram.at(call, &input, step, arg, &mut buckets)? {
                    At::Classic(buckets) => fraction(lower, upper, buckets),
                    At::Native(native) => {
                        let (share, skew) = distribution::fraction(lower, upper, &native);
                        if skew != Skew::None {
                            let message = text::fraction_without_nan(histogram.row.metric());
                            call.evaluator.remarks.info(message, first);
                        }
                        share
                    }
                }))
            })
            .collect();
        out.push_cells(histogram.row.clone(), cells.into_iter());
    }
    call.unnamed(out)
}

fn fraction(lower: f64, upper: f64, buckets: &mut [Bucket]) -> f64 {
    if buckets.last().is_none_or(|b| b.upper < f64::INFINITY) {
        return f64::NAN;
    }
    make_monotonic(buckets);
    let all = buckets.last().map_or(0.0, |b| b.count);
    if all == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank(upper, buckets, all) - rank(lower, buckets, all)) / all
}

/// How many observations are at most `v`, by estimate.
fn rank(v: f64, buckets: &[Bucket], all: f64) -> f64 {
    let mut below: Option<Bucket> = None;
    for bucket in buckets {
        // The lowest bucket starts at zero, unless it is for negative values.
        let start = below.map_or(if bucket.upper > 0.0 { 0.0 } else { f64::NEG_INFINITY }, |b| b.upper);
        let count = below.map_or(0.0, |b| b.count);
        if v <= start {
            return count;
        }
        if v < bucket.upper {
            // Within a bucket without a lower end nothing is known, so all of it counts.
            let share = if start.is_infinite() { 1.0 } else { (v - start) / (bucket.upper - start) };
            return count + (bucket.count - count) * share;
        }
        below = Some(*bucket);
    }
    all
}
