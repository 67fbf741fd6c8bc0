//! Instant selectors: the newest sample of each series at each step, not older than the lookback.
//!
//! Not range selectors: those are in `window`.

use watchkeeper_domain::telemetry::{Sample, is_stale};

use crate::ast::{Node, SeriesSelector};
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::value::{GAP, Grid, Row, Vector};

/// Evaluates a selector; `pick` says what of the sample is wanted (its value, or its time for `timestamp()`).
pub(crate) fn evaluate(
    evaluator: &mut Evaluator<'_>,
    node: &Node,
    selector: &SeriesSelector,
    grid: Grid,
    pick: impl Fn(&Sample) -> f64,
) -> Result<Vector, EvalError> {
    let lookback = evaluator.lookback_ms();
    let mut out = Vector::new(grid.steps);
    if grid.steps == 0 {
        return Ok(out);
    }
    let first = evaluator.reference(&selector.timing, grid.start_ms);
    let last = evaluator.reference(&selector.timing, grid.end_ms());
    let found = evaluator.select(node, selector, first.saturating_sub(lookback).saturating_add(1), last)?;
    evaluator.check_points(node, found.len().saturating_mul(grid.steps))?;
    out.rows.reserve(found.len());
    out.values.reserve(found.len() * grid.steps);
    for series in found {
        let samples = series.samples.as_slice();
        let mut seen = 0;
        let values = grid.times().map(|t| {
            let at = evaluator.reference(&selector.timing, t);
            seen = advance(samples, seen, at);
            let newest = seen.checked_sub(1).and_then(|i| samples.get(i));
            match newest {
                Some(s) if s.t > at.saturating_sub(lookback) && !is_stale(s.v) => pick(s),
                _ => GAP,
            }
        });
        out.push(Row::new(series.labels), values);
    }
    Ok(out)
}

/// How many samples are not after `t`, going on from an earlier answer.
pub(crate) fn advance(samples: &[Sample], from: usize, t: i64) -> usize {
    let rest = samples.get(from..).unwrap_or(&[]);
    // Steps are mostly near each other; a long way is halved instead of walked.
    let near = rest.iter().take(8).position(|s| s.t > t);
    from + near.unwrap_or_else(|| rest.partition_point(|s| s.t <= t))
}
