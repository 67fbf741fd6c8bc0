//! Instant selectors: the newest sample of each series at each step, not older than the lookback.
//!
//! Not range selectors: those are in `window`. Interpolating selectors are in `smoothing`.

use std::sync::Arc;

use watchkeeper_domain::query::{HistogramSample, SeriesPoints};
use watchkeeper_domain::telemetry::{Sample, is_stale};

use crate::ast::{Ends, Node, SeriesSelector};
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::smoothing;
use crate::value::{Cell, GAP, Grid, Row, Vector};

/// What of the sample is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    Value,
    /// Its time in seconds.
    Time,
    /// From when it counts, in seconds; 0 where that is not known.
    Start,
}

/// Evaluates a selector.
pub(crate) fn evaluate(
    evaluator: &mut Evaluator<'_>,
    node: &Node,
    selector: &SeriesSelector,
    grid: Grid,
    pick: Pick,
) -> Result<Vector, EvalError> {
    if selector.ends == Ends::Smoothed {
        return smoothing::evaluate(evaluator, node, selector, grid);
    }
    let lookback = evaluator.lookback_ms();
    let mut out = Vector::new(grid.steps);
    if grid.steps == 0 {
        return Ok(out);
    }
    let first = evaluator.reference(&selector.timing, grid.start_ms);
    let last = evaluator.reference(&selector.timing, grid.end_ms());
    let found = evaluator.select(node, selector, first.saturating_sub(lookback).saturating_add(1), last)?;
    evaluator.check_points(node, found.len().saturating_mul(grid.steps))?;
    out.reserve(found.len());
    for series in found {
        let moments = grid.times().map(|t| evaluator.reference(&selector.timing, t));
        if series.histograms.is_empty() {
            let mut seen = 0;
            let values = moments.map(|at| {
                seen = advance(&series.samples, seen, at);
                let newest = seen.checked_sub(1).and_then(|i| series.samples.get(i));
                match newest {
                    Some(s) if s.t > at.saturating_sub(lookback) && !is_stale(s.v) => match pick {
                        Pick::Value => s.v,
                        Pick::Time => seconds(s.t),
                        Pick::Start => seconds(series.starts.get(seen - 1).copied().unwrap_or(0)),
                    },
                    _ => GAP,
                }
            });
            out.push(Row::new(series.labels.clone()), values);
        } else {
            let cells: Vec<_> = moments.map(|at| newest(&series, at, lookback, pick)).collect();
            out.push_cells(Row::new(series.labels), cells.into_iter());
        }
    }
    Ok(out)
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// The newest of numbers and histograms.
fn newest(series: &SeriesPoints, at: i64, lookback: i64, pick: Pick) -> Option<Cell> {
    let float_at = advance(&series.samples, 0, at).checked_sub(1);
    let histogram_at = advance(&series.histograms, 0, at).checked_sub(1);
    let float = float_at.and_then(|i| series.samples.get(i));
    let histogram = histogram_at.and_then(|i| series.histograms.get(i));
    let fresh = |t: i64| t > at.saturating_sub(lookback);
    match (float, histogram) {
        (Some(s), h) if h.is_none_or(|h| h.t < s.t) => {
            (fresh(s.t) && !is_stale(s.v)).then_some(Cell::Float(match pick {
                Pick::Value => s.v,
                Pick::Time => seconds(s.t),
                Pick::Start => seconds(float_at.and_then(|i| series.starts.get(i)).copied().unwrap_or(0)),
            }))
        }
        (_, Some(h)) => (fresh(h.t) && !is_stale(h.histogram.sum)).then(|| match pick {
            Pick::Value => Cell::Histogram(Arc::clone(&h.histogram)),
            Pick::Time => Cell::Float(seconds(h.t)),
            Pick::Start => Cell::Float(seconds(h.start)),
        }),
        _ => None,
    }
}

/// What has a time.
pub(crate) trait Timed {
    fn time(&self) -> i64;
}

impl Timed for Sample {
    fn time(&self) -> i64 {
        self.t
    }
}

impl Timed for HistogramSample {
    fn time(&self) -> i64 {
        self.t
    }
}

/// How many samples are not after `t`, going on from an earlier answer.
pub(crate) fn advance<T: Timed>(samples: &[T], from: usize, t: i64) -> usize {
    let rest = samples.get(from..).unwrap_or(&[]);
    // Steps are mostly near each other; a long way is halved instead of walked.
    let near = rest.iter().take(8).position(|s| s.time() > t);
    from + near.unwrap_or_else(|| rest.partition_point(|s| s.time() <= t))
}
