//! Range vectors: the samples of each series in the window that ends at each step, from a selector or a subquery.
//!
//! Not the functions over them. Windows are left-open: a window of `range` at `t` holds `(t - range, t]`.

use watchkeeper_domain::query::SeriesData;
use watchkeeper_domain::telemetry::{Sample, is_stale};

use crate::ast::{Node, Timing};
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::selector::advance;
use crate::value::{GAP, Grid, Row, Vector, is_gap};

/// The samples of one series in one window; never empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    pub(crate) samples: &'a [Sample],
    /// The window's start, which is outside of it.
    pub(crate) start_ms: i64,
    /// The window's end, which is inside of it.
    pub(crate) end_ms: i64,
    /// The step that the window is for; apart from `end_ms` where there is an offset or `@`.
    pub(crate) step: usize,
    /// The time of that step.
    pub(crate) at_ms: i64,
}

impl Window<'_> {
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|s| s.v)
    }

    pub(crate) fn range_seconds(&self) -> f64 {
        (self.end_ms - self.start_ms) as f64 / 1000.0
    }
}

/// A range vector over a whole grid: all samples that any of its windows holds.
#[derive(Debug)]
pub(crate) struct Windows<'n> {
    node: &'n Node,
    pub(crate) series: Vec<(Row, Vec<Sample>)>,
    range_ms: i64,
    timing: Timing,
    grid: Grid,
}

impl<'n> Windows<'n> {
    /// Reads the samples for a range selector, or evaluates a subquery.
    pub(crate) fn fetch(evaluator: &mut Evaluator<'_>, node: &'n Node, grid: Grid) -> Result<Self, EvalError> {
        match node {
            Node::Paren(inner) => Self::fetch(evaluator, inner, grid),
            Node::Matrix { selector, range_ms } => {
                let (first, last) = ends(evaluator, &selector.timing, grid);
                let from = first.saturating_sub(*range_ms).saturating_add(1);
                let found = evaluator.select(node, selector, from, last)?;
                let series = found.into_iter().map(|mut s| {
                    s.samples.retain(|sample| !is_stale(sample.v));
                    (Row::new(s.labels), s.samples)
                });
                let series = series.filter(|(_, samples)| !samples.is_empty()).collect();
                Ok(Self { node, series, range_ms: *range_ms, timing: selector.timing, grid })
            }
            Node::Subquery { expr, range_ms, step_ms, timing } => {
                let step = step_ms.unwrap_or_else(|| evaluator.subquery_step_ms()).max(1);
                let (first, last) = ends(evaluator, timing, grid);
                let inner = subquery_grid(first.saturating_sub(*range_ms), last, step);
                let vector = match evaluator.evaluate(expr, inner)? {
                    crate::value::Value::Vector(vector) => vector,
                    crate::value::Value::Scalar(values) => {
                        let row = Row::new(watchkeeper_domain::labels::Labels::empty());
                        Vector { rows: vec![row], values, steps: inner.steps }
                    }
                    crate::value::Value::Text(_) => {
                        return Err(EvalError::execution(node, "a subquery over a text"));
                    }
                };
                let series = vector.rows.iter().enumerate().map(|(at, row)| {
                    let cells = inner.times().zip(vector.row(at)).filter(|(_, v)| !is_gap(**v));
                    (row.clone(), cells.map(|(t, v)| Sample { t, v: *v }).collect::<Vec<_>>())
                });
                let series = series.filter(|(_, samples)| !samples.is_empty()).collect();
                Ok(Self { node, series, range_ms: *range_ms, timing: *timing, grid })
            }
            other => Err(EvalError::execution(other, "expected a range vector")),
        }
    }

    /// Applies a function to each window that is not empty. The rows keep their names.
    pub(crate) fn map(
        self,
        evaluator: &mut Evaluator<'_>,
        mut f: impl FnMut(&Window<'_>) -> Option<f64>,
    ) -> Result<Vector, EvalError> {
        let grid = self.grid;
        let node = self.node;
        evaluator.check_points(self.node, self.series.len().saturating_mul(grid.steps))?;
        let mut out = Vector::new(grid.steps);
        out.values.reserve(self.series.len() * grid.steps);
        for (row, samples) in self.series {
            let (mut from, mut to, mut visits) = (0, 0, 0_usize);
            let most = evaluator.visits_left();
            let values = (0..grid.steps).map(|step| {
                let at_ms = grid.at(step);
                let end_ms = evaluator.reference(&self.timing, at_ms);
                let start_ms = end_ms.saturating_sub(self.range_ms);
                from = advance(&samples, from, start_ms);
                to = advance(&samples, to.max(from), end_ms);
                let window = samples.get(from..to).unwrap_or(&[]);
                visits = visits.saturating_add(window.len());
                // Past the limit the answer is an error anyway, so no more time goes into it.
                if window.is_empty() || visits > most {
                    return GAP;
                }
                f(&Window { samples: window, start_ms, end_ms, step, at_ms }).unwrap_or(GAP)
            });
            out.push(row, values);
            evaluator.visit(node, visits)?;
        }
        Ok(out)
    }

    /// The samples in the window of a grid with a single step.
    pub(crate) fn raw(self) -> Vec<SeriesData> {
        self.series.into_iter().map(|(row, samples)| SeriesData { labels: row.labels, samples }).collect()
    }
}

/// The ends of the first and of the last window.
fn ends(evaluator: &Evaluator<'_>, timing: &Timing, grid: Grid) -> (i64, i64) {
    (evaluator.reference(timing, grid.start_ms), evaluator.reference(timing, grid.end_ms()))
}

/// The steps of a subquery in `(after, last]`: at multiples of the step, whatever the moment of the query.
fn subquery_grid(after: i64, last: i64, step_ms: i64) -> Grid {
    let mut start_ms = after / step_ms * step_ms;
    if start_ms <= after {
        start_ms = start_ms.saturating_add(step_ms);
    }
    let steps = if last < start_ms { 0 } else { (last.saturating_sub(start_ms) / step_ms).saturating_add(1) };
    Grid { start_ms, step_ms, steps: usize::try_from(steps).unwrap_or(usize::MAX) }
}
