//! `histogram_quantile` and `histogram_quantiles`: within the bucket that holds the rank observations are spread evenly.
//!
//! Not exact quantiles: no better than the buckets are.

use super::call::{Call, at};
use super::histogram::{At, Bucket, Decreases, histograms, make_monotonic};
use crate::aggregation::quantile;
use crate::annotation::{Repairs, text};
use crate::error::EvalError;
use crate::histogram::distribution::{self, Skew};
use crate::order::open_metrics;
use crate::value::{Cell, Value, Vector};

/// `histogram_quantile(φ, v)`
pub(super) fn histogram_quantile(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let mut out = Vector::new(call.grid.steps);
    let input = call.vector(1)?;
    quantiles(call, &input, (0, 1), None, &mut out)?;
    call.unnamed(out)
}

/// `histogram_quantiles(v, "label", φ…)`: one row a quantile, which the label tells.
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
    call.unnamed(out)
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
    // Where Prometheus puts its remarks on native histograms.
    let first_arg = call.arg(0)?;
    let mut buckets = Vec::new();
    for histogram in histograms(call, input, input_arg) {
        let cells: Vec<_> = (0..input.steps)
            .map(|step| {
                let phi = at(&phi, step);
                Some(Cell::Float(match histogram.at(call, input, step, input_arg, &mut buckets)? {
                    At::Classic(buckets) => {
                        let (value, decreases) = bucket_quantile(phi, buckets);
                        if let Some(decreases) = decreases {
                            let repairs = repairs(decreases, call.grid.at(step));
                            let message = text::repaired_buckets(histogram.row.metric());
                            call.evaluator.remarks.repaired(message, repairs, input_arg);
                        }
                        value
                    }
                    At::Native(native) => {
                        let (value, skew) = distribution::quantile(phi, &native);
                        let metric = histogram.row.metric();
                        match skew {
                            Skew::None => {}
                            Skew::Nan => call.evaluator.remarks.info(text::quantile_is_nan(metric), first_arg),
                            Skew::Skewed => call.evaluator.remarks.info(text::quantile_is_skewed(metric), first_arg),
                        }
                        value
                    }
                }))
            })
            .collect();
        match label {
            None => out.push_cells(histogram.row, cells.into_iter()),
            Some(label) => labelled(&histogram.row, label, &phi, cells, out),
        }
    }
    Ok(())
}

/// Adds a row for each value that φ has over the steps.
fn labelled(row: &crate::value::Row, label: &str, phi: &[f64], cells: Vec<Option<Cell>>, out: &mut Vector) {
    let mut shown: Vec<String> = phi.iter().map(|phi| open_metrics(*phi)).collect();
    let of_step = shown.clone();
    shown.sort();
    shown.dedup();
    for text in shown {
        let mut own = row.clone();
        own.labels = own.labels.with(label, &text);
        let cells = cells.iter().zip(&of_step).map(|(cell, of)| cell.clone().filter(|_| *of == text));
        out.push_cells(own, cells);
    }
}

fn repairs(decreases: Decreases, t_ms: i64) -> Repairs {
    Repairs {
        least_bound: decreases.least_bound,
        greatest_bound: decreases.greatest_bound,
        greatest_difference: decreases.greatest,
        first_ms: t_ms,
        last_ms: t_ms,
        count: 1,
    }
}

/// The φ-quantile of buckets that are not empty and ordered by their bounds.
fn bucket_quantile(phi: f64, buckets: &mut [Bucket]) -> (f64, Option<Decreases>) {
    if phi.is_nan() {
        return (f64::NAN, None);
    }
    if phi < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if phi > 1.0 {
        return (f64::INFINITY, None);
    }
    // Without the bucket of all observations their number is unknown.
    if buckets.last().is_none_or(|b| b.upper < f64::INFINITY) {
        return (f64::NAN, None);
    }
    let decreases = make_monotonic(buckets);
    (at_rank(phi, buckets), decreases)
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
