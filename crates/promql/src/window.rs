//! Range vectors: the samples of each series in the window that ends at each step, from a selector or a subquery.
//!
//! Not the functions over them. Windows are left-open: a window of `range` at `t` holds `(t - range, t]`. Those of
//! `anchored` and `smoothed` selectors reach further, by the lookback, and the functions over them know that.

use std::sync::Arc;

use watchkeeper_domain::histogram::{CounterReset, Histogram};
use watchkeeper_domain::query::{HistogramSample, SeriesPoints};
use watchkeeper_domain::telemetry::{Sample, is_stale};

use crate::annotation::Remarks;
use crate::ast::{Ends, Node, NodeKind, Timing};
use crate::engine::{Detail, Evaluator};
use crate::error::EvalError;
use crate::selector::advance;
use crate::smoothing;
use crate::value::{Cell, Grid, Row, Value, Vector, is_gap};

/// The samples of one series in one window; never empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    pub(crate) row: &'a Row,
    pub(crate) samples: &'a [Sample],
    /// From when each sample counts; empty where none is known.
    pub(crate) starts: &'a [i64],
    pub(crate) histograms: &'a [HistogramSample],
    /// The window's start, which is outside of it.
    pub(crate) start_ms: i64,
    /// The window's end, which is inside of it.
    pub(crate) end_ms: i64,
    /// The step that the window is for; apart from `end_ms` where there is an offset or `@`.
    pub(crate) step: usize,
    /// The time of that step.
    pub(crate) at_ms: i64,
    pub(crate) ends: Ends,
}

impl Window<'_> {
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|s| s.v)
    }

    pub(crate) fn range_seconds(&self) -> f64 {
        (self.end_ms - self.start_ms) as f64 / 1000.0
    }
}

/// All windows of one series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowWindows<'a> {
    /// What any of the windows holds.
    pub(crate) samples: &'a [Sample],
    /// The end of each step's window.
    pub(crate) ends: &'a [i64],
    pub(crate) range_ms: i64,
}

impl<'a> RowWindows<'a> {
    /// The samples up to the end of a window, those before its start included.
    pub(crate) fn until(&self, end: i64) -> &'a [Sample] {
        self.samples.get(..self.samples.partition_point(|s| s.t <= end)).unwrap_or(&[])
    }

    /// Whether the window has a sample.
    pub(crate) fn present(&self, end: i64) -> bool {
        self.until(end).last().is_some_and(|s| s.t > end.saturating_sub(self.range_ms))
    }
}

/// A series with all samples that any of its windows holds.
#[derive(Debug)]
pub(crate) struct WindowSeries {
    pub(crate) row: Row,
    points: SeriesPoints,
}

/// A range vector over a whole grid.
#[derive(Debug)]
pub(crate) struct Windows<'n> {
    node: &'n Node,
    pub(crate) series: Vec<WindowSeries>,
    range_ms: i64,
    timing: Timing,
    ends: Ends,
    grid: Grid,
}

impl<'n> Windows<'n> {
    /// Reads the samples for a range selector, or evaluates a subquery.
    pub(crate) fn fetch(evaluator: &mut Evaluator<'_>, node: &'n Node, grid: Grid) -> Result<Self, EvalError> {
        match &node.kind {
            NodeKind::Paren(inner) => Self::fetch(evaluator, inner, grid),
            NodeKind::Matrix { selector, range } => {
                let (first, last) = span(evaluator, &selector.timing, grid);
                let (before, after) = reach(evaluator, selector.ends);
                let from = first.saturating_sub(range.ms).saturating_sub(before).saturating_add(1);
                let found = evaluator.select(node, selector, from, last.saturating_add(after))?;
                let series = found.into_iter().map(|mut points| {
                    smoothing::without_stale(&mut points);
                    WindowSeries { row: Row::new(points.labels.clone()), points }
                });
                let series =
                    series.filter(|s| !s.points.samples.is_empty() || !s.points.histograms.is_empty()).collect();
                let (range_ms, timing, ends) = (range.ms, selector.timing.clone(), selector.ends);
                Ok(Self { node, series, range_ms, timing, ends, grid })
            }
            NodeKind::Subquery { expr, range, step, timing } => {
                let step = step.as_ref().map_or_else(|| evaluator.subquery_step_ms(), |step| step.ms).max(1);
                let (first, last) = span(evaluator, timing, grid);
                let inner = subquery_grid(first.saturating_sub(range.ms), last, step);
                // Its steps pick samples out, so restarts between these are found from the buckets.
                let value = evaluator.with_detail(Detail::Buckets, |evaluator| evaluator.evaluate(expr, inner))?;
                let vector = match value {
                    Value::Vector(vector) => vector,
                    Value::Scalar(values) => Vector::of_scalar(values),
                    Value::Text(_) => return Err(EvalError::execution(node, "a subquery over a text")),
                };
                let series = (0..vector.rows.len()).filter_map(|at| subquery_series(&vector, at, inner)).collect();
                Ok(Self { node, series, range_ms: range.ms, timing: timing.clone(), ends: Ends::Inside, grid })
            }
            _ => Err(EvalError::execution(node, "expected a range vector")),
        }
    }

    /// Applies a function to each window that is not empty. The rows keep their names.
    pub(crate) fn map(
        self,
        evaluator: &mut Evaluator<'_>,
        mut f: impl FnMut(&Window<'_>, &mut Remarks<'_>) -> Option<Cell>,
    ) -> Result<Vector, EvalError> {
        let grid = self.grid;
        evaluator.check_points(self.node, self.series.len().saturating_mul(grid.steps))?;
        let mut out = Vector::new(grid.steps);
        out.reserve(self.series.len());
        let (before, after) = reach(evaluator, self.ends);
        let ends: Vec<i64> = grid.times().map(|t| evaluator.reference(&self.timing, t)).collect();
        for WindowSeries { row, points } in &self.series {
            let (mut from, mut to, mut visits) = (0, 0, 0_usize);
            let most = evaluator.visits_left();
            let remarks = &mut evaluator.remarks;
            let cells = ends.iter().enumerate().map(|(step, end_ms)| {
                let start_ms = end_ms.saturating_sub(self.range_ms);
                let (first, last) = (start_ms.saturating_sub(before), end_ms.saturating_add(after));
                from = advance(&points.samples, from, first);
                to = advance(&points.samples, to.max(from), last);
                let samples = points.samples.get(from..to).unwrap_or(&[]);
                let starts = points.starts.get(from..to).unwrap_or(&[]);
                let histograms = if points.histograms.is_empty() {
                    &[]
                } else {
                    let (from, to) = (advance(&points.histograms, 0, first), advance(&points.histograms, 0, last));
                    points.histograms.get(from..to).unwrap_or(&[])
                };
                visits = visits.saturating_add(samples.len()).saturating_add(histograms.len().saturating_mul(16));
                // Past the limit the answer is an error anyway, so no more time goes into it.
                if (samples.is_empty() && histograms.is_empty()) || visits > most {
                    return None;
                }
                let (end_ms, at_ms, ends) = (*end_ms, grid.at(step), self.ends);
                f(&Window { row, samples, starts, histograms, start_ms, end_ms, step, at_ms, ends }, remarks)
            });
            out.push_cells(row.clone(), cells);
            evaluator.visit(self.node, visits)?;
        }
        Ok(out)
    }

    /// Applies a function to each series as a whole, which answers for all steps at once: for what looks at a small part of
    /// a long window. The function counts as visiting each sample once.
    pub(crate) fn map_rows(
        self,
        evaluator: &mut Evaluator<'_>,
        mut f: impl FnMut(&RowWindows<'_>) -> Vec<Option<Cell>>,
    ) -> Result<Vector, EvalError> {
        let grid = self.grid;
        evaluator.check_points(self.node, self.series.len().saturating_mul(grid.steps))?;
        let mut out = Vector::new(grid.steps);
        out.reserve(self.series.len());
        let ends: Vec<i64> = grid.times().map(|t| evaluator.reference(&self.timing, t)).collect();
        for WindowSeries { row, points } in &self.series {
            evaluator.visit(self.node, points.samples.len())?;
            let cells = f(&RowWindows { samples: &points.samples, ends: &ends, range_ms: self.range_ms });
            out.push_cells(row.clone(), cells.into_iter());
        }
        Ok(out)
    }

    /// The samples in the window of a grid with a single step.
    pub(crate) fn raw(self, evaluator: &Evaluator<'_>) -> Vec<SeriesPoints> {
        let end = evaluator.reference(&self.timing, self.grid.start_ms);
        let start = end.saturating_sub(self.range_ms);
        let ends = self.ends;
        let series = self.series.into_iter().map(|s| SeriesPoints { labels: s.row.labels, ..s.points });
        series
            .filter_map(|points| if ends == Ends::Inside { Some(points) } else { bounded(points, start, end, ends) })
            .collect()
    }
}

/// A window with a sample at each of its ends: the last one before it, or one that is interpolated.
fn bounded(mut points: SeriesPoints, start: i64, end: i64, ends: Ends) -> Option<SeriesPoints> {
    let smoothed = ends == Ends::Smoothed;
    let samples = std::mem::take(&mut points.samples);
    let first = samples.partition_point(|s| s.t <= start).saturating_sub(1);
    let mut last = samples.len().checked_sub(1)?;
    if smoothed {
        last = samples.partition_point(|s| s.t < end).min(last);
    }
    let (first, last) = (samples.get(first..=last)?, samples.get(last)?);
    if last.t <= start {
        return None;
    }
    let left = match first {
        [a, b, ..] if smoothed && a.t < start => smoothing::between(a, b, start, false),
        [a, ..] => a.v,
        [] => return None,
    };
    let right = match first {
        [.., a, b] if smoothed && b.t > end => smoothing::between(a, b, end, false),
        _ => last.v,
    };
    points.samples = vec![Sample { t: start, v: left }];
    points.samples.extend(first.iter().filter(|s| s.t > start && s.t < end).copied());
    points.samples.push(Sample { t: end, v: right });
    points.starts = Vec::new();
    Some(points)
}

/// How far before and after its window a selector reads.
fn reach(evaluator: &Evaluator<'_>, ends: Ends) -> (i64, i64) {
    let lookback = evaluator.lookback_ms();
    match ends {
        Ends::Inside => (0, 0),
        Ends::Anchored => (lookback, 0),
        Ends::Smoothed => (lookback, lookback),
    }
}

fn subquery_series(vector: &Vector, at: usize, grid: Grid) -> Option<WindowSeries> {
    let row = vector.rows.get(at)?.clone();
    let cells = grid.times().zip(vector.row(at)).filter(|(_, v)| !is_gap(**v) && !is_stale(**v));
    let samples: Vec<Sample> = cells.map(|(t, v)| Sample { t, v: *v }).collect();
    let mut histograms = Vec::new();
    if vector.has_histograms() {
        for (step, t) in grid.times().enumerate() {
            if let Some(h) = vector.histogram(at, step) {
                histograms.push(HistogramSample { t, histogram: without_neighbour(h), start: 0 });
            }
        }
    }
    if samples.is_empty() && histograms.is_empty() {
        return None;
    }
    let points = SeriesPoints { labels: row.labels.clone(), samples, starts: Vec::new(), histograms };
    Some(WindowSeries { row, points })
}

/// What a sample tells of a restart is about its neighbour in the series, which the steps of a subquery may have left
/// out, or about itself, which they may have taken twice.
fn without_neighbour(histogram: &Arc<Histogram>) -> Arc<Histogram> {
    match histogram.reset {
        CounterReset::Unknown | CounterReset::Gauge => Arc::clone(histogram),
        CounterReset::Reset | CounterReset::NotReset => {
            Arc::new(Histogram { reset: CounterReset::Unknown, ..Histogram::clone(histogram) })
        }
    }
}

/// The ends of the first and of the last window.
fn span(evaluator: &Evaluator<'_>, timing: &Timing, grid: Grid) -> (i64, i64) {
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
