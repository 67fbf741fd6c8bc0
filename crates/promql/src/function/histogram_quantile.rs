//! `histogram_quantile` and `histogram_quantiles` on classic buckets: linear within the bucket that holds the rank.
//!
//! Not exact quantiles: no better than the buckets are.

use super::call::{Call, at};
use super::histogram::{Bucket, Repair, histograms, make_monotonic};
use crate::aggregation::quantile;
use crate::annotation::Severity;
use crate::error::EvalError;
use crate::order::open_metrics;
use crate::value::{GAP, Value, Vector};

/// `histogram_quantile(φ, buckets)`
pub(super) fn histogram_quantile(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let mut out = Vector::new(call.grid.steps);
    let input = call.vector(1)?;
    quantiles(call, &input, (0, 1), None, &mut out)?;
    call.evaluator.merged(call.node, out).map(Value::Vector)
}

/// `histogram_quantiles(buckets, "label", φ…)`: one row a quantile, which the label tells.
pub(super) fn histogram_quantiles(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let mut out = Vector::new(call.grid.steps);
    let input = call.vector(0)?;
    let label = call.text(1)?;
    if label.is_empty() {
        return Err(call.error("invalid label name \"\""));
    }
    for phi in 2..call.args.len() {
        quantiles(call, &input, (phi, 0), Some(&label), &mut out)?;
    }
    call.evaluator.merged(call.node, out).map(Value::Vector)
}

/// Adds one row a histogram to `out`. `phi_at` and `input_at` are argument indices.
fn quantiles(
    call: &mut Call<'_, '_>,
    input: &Vector,
    (phi_at, input_at): (usize, usize),
    label: Option<&str>,
    out: &mut Vector,
) -> Result<(), EvalError> {
    let phi = call.scalar(phi_at)?;
    let (phi_arg, input_arg) = (call.arg(phi_at)?, call.arg(input_at)?);
    quantile::warn(call.evaluator, phi_arg, &phi);
    let mut buckets = Vec::new();
    for histogram in histograms(call, input, input_arg) {
        let mut repaired = false;
        let values: Vec<f64> = (0..input.steps)
            .map(|step| {
                histogram.buckets(input, step, &mut buckets);
                if buckets.is_empty() {
                    return GAP;
                }
                let (value, repair) = bucket_quantile(at(&phi, step), &mut buckets);
                repaired |= repair == Repair::Monotonicity;
                value
            })
            .collect();
        if repaired {
            let message = format!(
                "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/\
                 prometheus/latest/querying/functions/#histogram_quantile) for metric name {:?}",
                histogram.name
            );
            call.evaluator.note(Severity::Info, message, input_arg);
        }
        let mut row = histogram.row;
        if let Some(label) = label {
            row.labels = row.labels.with(label, &open_metrics(at(&phi, 0)));
        }
        out.push(row, values.into_iter());
    }
    Ok(())
}

/// The φ-quantile of buckets that are not empty and ordered by their bounds.
fn bucket_quantile(phi: f64, buckets: &mut [Bucket]) -> (f64, Repair) {
    let none = |value| (value, Repair::None);
    if phi.is_nan() {
        return none(f64::NAN);
    }
    if phi < 0.0 {
        return none(f64::NEG_INFINITY);
    }
    if phi > 1.0 {
        return none(f64::INFINITY);
    }
    // Without the bucket of all observations their number is unknown.
    if buckets.last().is_none_or(|b| b.upper < f64::INFINITY) {
        return none(f64::NAN);
    }
    let repair = make_monotonic(buckets);
    (at_rank(phi, buckets), repair)
}

fn at_rank(phi: f64, buckets: &[Bucket]) -> f64 {
    let [finite @ .., all] = buckets else { return f64::NAN };
    let (Some(lowest), Some(highest)) = (finite.first(), finite.last()) else { return f64::NAN };
    if all.count == 0.0 {
        return f64::NAN;
    }
    let rank = phi * all.count;
    // The first bucket that reaches the rank. NaN reaches nothing, so counts of NaN lead to the highest bound.
    let index = finite.partition_point(|b| b.count < rank || b.count.is_nan() || rank.is_nan());
    let Some(bucket) = finite.get(index) else { return highest.upper };
    if index == 0 && lowest.upper <= 0.0 {
        return lowest.upper;
    }
    let below = index.checked_sub(1).and_then(|i| finite.get(i)).copied();
    let below = below.unwrap_or(Bucket { upper: 0.0, count: 0.0 });
    below.upper + (bucket.upper - below.upper) * ((rank - below.count) / (bucket.count - below.count))
}
