//! `smoothed`: values between samples, interpolated from the one before and the one after.
//!
//! Not smoothing of noise. Beyond the last sample its value goes on for the lookback; before the first there is none.

use std::sync::Arc;

use watchkeeper_domain::histogram::{CounterReset, Histogram};
use watchkeeper_domain::query::{HistogramSample, SeriesPoints};
use watchkeeper_domain::telemetry::{Sample, is_stale};

use crate::annotation::Remarks;
use crate::annotation::text::{self, Operation};
use crate::ast::{Node, SeriesSelector};
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::histogram::{self, Incompatible};
use crate::selector::{Timed, advance};
use crate::value::{Cell, Grid, Row, Vector};

/// Evaluates a smoothed instant selector.
pub(crate) fn evaluate(
    evaluator: &mut Evaluator<'_>,
    node: &Node,
    selector: &SeriesSelector,
    grid: Grid,
) -> Result<Vector, EvalError> {
    let lookback = evaluator.lookback_ms();
    let mut out = Vector::new(grid.steps);
    let first = evaluator.reference(&selector.timing, grid.start_ms);
    let last = evaluator.reference(&selector.timing, grid.end_ms());
    let from = first.saturating_sub(lookback).saturating_add(1);
    let found = evaluator.select(node, selector, from, last.saturating_add(lookback))?;
    evaluator.check_points(node, found.len().saturating_mul(grid.steps))?;
    for mut series in found {
        without_stale(&mut series);
        let moments: Vec<i64> = grid.times().map(|t| evaluator.reference(&selector.timing, t)).collect();
        let cells = moments.into_iter().map(|at| at_moment(&series, at, lookback, &mut evaluator.remarks, node));
        out.push_cells(Row::new(series.labels.clone()), cells.collect::<Vec<_>>().into_iter());
    }
    Ok(out)
}

/// Takes out stale markers: what is between samples is all that counts here.
pub(crate) fn without_stale(series: &mut SeriesPoints) {
    if series.samples.iter().any(|s| is_stale(s.v)) {
        let stale: Vec<bool> = series.samples.iter().map(|s| is_stale(s.v)).collect();
        let mut at = stale.iter();
        series.starts.retain(|_| !at.next().copied().unwrap_or(false));
        series.samples.retain(|s| !is_stale(s.v));
    }
    series.histograms.retain(|h| !is_stale(h.histogram.sum));
}

fn at_moment(series: &SeriesPoints, at: i64, lookback: i64, remarks: &mut Remarks<'_>, node: &Node) -> Option<Cell> {
    let (start, end) = (at.saturating_sub(lookback), at.saturating_add(lookback));
    let floats = within(&series.samples, start, end);
    let histograms = within(&series.histograms, start, end);
    let metric = series.labels.name().unwrap_or("");
    match (floats, histograms) {
        ([], []) => None,
        (_, []) => {
            let after = floats.partition_point(|s| s.t < at);
            match (after.checked_sub(1).and_then(|i| floats.get(i)), floats.get(after)) {
                (_, Some(s)) if s.t == at => Some(Cell::Float(s.v)),
                (Some(before), Some(after)) => Some(Cell::Float(between(before, after, at, false))),
                (Some(before), None) => Some(Cell::Float(before.v)),
                (None, _) => None,
            }
        }
        ([], _) => {
            let after = histograms.partition_point(|s| s.t < at);
            match (after.checked_sub(1).and_then(|i| histograms.get(i)), histograms.get(after)) {
                (_, Some(s)) if s.t == at => Some(Cell::Histogram(Arc::clone(&s.histogram))),
                (Some(before), Some(after)) => {
                    let gauge = |s: &HistogramSample| s.histogram.reset == CounterReset::Gauge;
                    match histogram_between(before, after, at, !(gauge(before) && gauge(after)), remarks, node) {
                        Ok(h) => Some(Cell::histogram(h)),
                        Err(Incompatible) => {
                            remarks.warn(text::mixed_schemas(metric), node);
                            None
                        }
                    }
                }
                (Some(before), None) => {
                    // Nothing follows, so nothing is known about a restart.
                    let carried = Histogram { reset: CounterReset::Unknown, ..Histogram::clone(&before.histogram) };
                    Some(Cell::histogram(carried))
                }
                (None, _) => None,
            }
        }
        _ => {
            remarks.warn(text::mixed_floats_histograms(metric), node);
            None
        }
    }
}

fn within<T: Timed>(samples: &[T], start: i64, end: i64) -> &[T] {
    let (from, to) = (advance(samples, 0, start), advance(samples, 0, end));
    samples.get(from..to).unwrap_or(&[])
}

/// The value between two samples. A counter that restarted is taken to have begun anew at the first of them.
pub(crate) fn between(before: &Sample, after: &Sample, at: i64, counter: bool) -> f64 {
    let from = if counter && after.v < before.v { 0.0 } else { before.v };
    from + (after.v - from) * (at - before.t) as f64 / (after.t - before.t) as f64
}

/// As [`between`], for histograms.
pub(crate) fn histogram_between(
    before: &HistogramSample,
    after: &HistogramSample,
    at: i64,
    counter: bool,
    remarks: &mut Remarks<'_>,
    node: &Node,
) -> Result<Histogram, Incompatible> {
    if at == before.t {
        return Ok(Histogram::clone(&before.histogram));
    }
    if at == after.t {
        return Ok(Histogram::clone(&after.histogram));
    }
    let share = (at - before.t) as f64 / (after.t - before.t) as f64;
    if before.histogram.has_custom_buckets() == after.histogram.has_custom_buckets()
        && counter
        && histogram::reset::restarted(&after.histogram, &before.histogram)
    {
        return Ok(histogram::scaled(&after.histogram, share));
    }
    let (change, reconciled) = histogram::combine(&after.histogram, &before.histogram, -1.0)?;
    if reconciled.bounds {
        remarks.info(text::reconciled_bounds(Operation::Subtraction), node);
    }
    let (sum, reconciled) = histogram::combine(&histogram::scaled(&change, share), &before.histogram, 1.0)?;
    if reconciled.bounds {
        remarks.info(text::reconciled_bounds(Operation::Addition), node);
    }
    Ok(sum)
}
