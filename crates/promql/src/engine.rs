//! Evaluation: the entry points, and the walk over the tree.
//!
//! Not the meaning of the nodes: each kind has a file of its own.

use std::fmt;

use watchkeeper_domain::query::{HistogramSample, Instant, SeriesData, SeriesPoints, SeriesSource};
use watchkeeper_domain::telemetry::Sample;

use crate::annotation::{Annotations, Remarks};
use crate::answer::{self, Answer, Entry, Point};
use crate::ast::{At, Kind, Node, NodeKind, SeriesSelector, Timing};
use crate::error::EvalError;
use crate::expr::Expr;
use crate::limits::{Limits, Settings, UnknownHistory};
use crate::value::{Cell, Grid, SameLabels, Value, Vector, is_gap};
use crate::window::Windows;
use crate::{aggregation, function, histogram, operator, selector};

/// Evaluates an expression at one moment, in milliseconds since the Unix epoch, to numbers. An answer with native
/// histograms is an error: [`instant_answer`] has them.
///
/// A range vector answers with its raw samples, without stale markers. A dynamic threshold for which no series has enough
/// history fails ([`Settings::of_rules`]).
pub fn instant(
    expr: &Expr,
    source: &dyn SeriesSource,
    at_ms: i64,
    limits: &Limits,
) -> Result<(Instant, Annotations), EvalError> {
    let (answer, notes) = evaluate_instant(expr, source, at_ms, Settings::of_rules(limits))?;
    Ok((answer.floats().map_err(|_| no_histograms(expr.node()))?, notes))
}

/// Evaluates an expression at one moment, in milliseconds since the Unix epoch.
pub fn instant_answer(
    expr: &Expr,
    source: &dyn SeriesSource,
    at_ms: i64,
    limits: &Limits,
) -> Result<(Answer, Annotations), EvalError> {
    evaluate_instant(expr, source, at_ms, Settings::new(limits))
}

/// Evaluates an expression at each step from `start_ms` to `end_ms`, both included, to numbers. Each selector is
/// fetched once. The series are ordered by their labels. An answer with native histograms is an error:
/// [`range_answer`] has them. A dynamic threshold for which no series has enough history at some step fails.
pub fn range(
    expr: &Expr,
    source: &dyn SeriesSource,
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
    limits: &Limits,
) -> Result<(Vec<SeriesData>, Annotations), EvalError> {
    let (series, notes) = evaluate_range(expr, source, (start_ms, end_ms, step_ms), Settings::of_rules(limits))?;
    Ok((answer::floats(series).map_err(|_| no_histograms(expr.node()))?, notes))
}

/// As [`range`], with native histograms.
pub fn range_answer(
    expr: &Expr,
    source: &dyn SeriesSource,
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
    limits: &Limits,
) -> Result<(Vec<SeriesPoints>, Annotations), EvalError> {
    evaluate_range(expr, source, (start_ms, end_ms, step_ms), Settings::new(limits))
}

fn no_histograms(node: &Node) -> EvalError {
    EvalError::execution(
        node,
        "the answer has native histograms where numbers are needed; take histogram_count(), histogram_sum(), \
         histogram_avg() or histogram_quantile() of it",
    )
}

/// As [`instant_answer`], with settings that differ from a server's.
pub fn evaluate_instant(
    expr: &Expr,
    source: &dyn SeriesSource,
    at_ms: i64,
    settings: Settings,
) -> Result<(Answer, Annotations), EvalError> {
    let grid = Grid::instant(at_ms);
    let resolved = resolved(expr.node(), grid)?;
    let node = resolved.as_ref().unwrap_or(expr.node());
    let mut evaluator = Evaluator::new(source, settings, grid, expr.text());
    let answer = match node.kind() {
        Kind::Matrix => {
            let mut series = Windows::fetch(&mut evaluator, node, grid)?.raw(&evaluator);
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            Answer::Matrix(series)
        }
        Kind::Text => Answer::Text(evaluator.text(node)?),
        Kind::Scalar => Answer::Scalar(evaluator.scalar(node, grid)?.first().copied().unwrap_or(f64::NAN)),
        Kind::Vector => {
            let vector = evaluator.vector(node, grid)?;
            let vector = vector.finish().map_err(|e| same_labels(node, e))?;
            let entries = vector.rows.iter().enumerate().filter_map(|(at, row)| {
                let value = match vector.cell(at, 0)? {
                    Cell::Float(v) => Point::Float(v),
                    Cell::Histogram(h) => Point::Histogram(h),
                };
                Some(Entry { labels: row.labels.clone(), value })
            });
            Answer::Vector(entries.collect())
        }
    };
    Ok((answer, evaluator.remarks.finish()))
}

pub(crate) fn evaluate_range(
    expr: &Expr,
    source: &dyn SeriesSource,
    (start_ms, end_ms, step_ms): (i64, i64, i64),
    settings: Settings,
) -> Result<(Vec<SeriesPoints>, Annotations), EvalError> {
    let grid = range_grid(expr.node(), start_ms, end_ms, step_ms, &settings.limits)?;
    let resolved = resolved(expr.node(), grid)?;
    let node = resolved.as_ref().unwrap_or(expr.node());
    let mut evaluator = Evaluator::new(source, settings, grid, expr.text());
    let vector = match node.kind() {
        Kind::Scalar => Vector::of_scalar(evaluator.scalar(node, grid)?),
        Kind::Vector => evaluator.vector(node, grid)?.finish().map_err(|e| same_labels(node, e))?,
        Kind::Matrix | Kind::Text => {
            return Err(EvalError::execution(
                node,
                "a range query takes a scalar or an instant vector; wrap a range vector in a function such as rate()",
            ));
        }
    };
    let mut series: Vec<SeriesPoints> = (0..vector.rows.len()).map(|row| points(&vector, row, grid)).collect();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok((series, evaluator.remarks.finish()))
}

/// A row of a table as a series.
fn points(vector: &Vector, row: usize, grid: Grid) -> SeriesPoints {
    let labels = vector.rows.get(row).map(|r| r.labels.clone()).unwrap_or_default();
    let cells = grid.times().zip(vector.row(row)).filter(|(_, v)| !is_gap(**v));
    let samples = cells.map(|(t, v)| Sample { t, v: *v }).collect();
    let histogram = |(step, t): (usize, i64)| {
        let histogram = vector.histogram(row, step)?;
        Some(HistogramSample { t, histogram: std::sync::Arc::clone(histogram), start: 0 })
    };
    let histograms =
        if vector.has_histograms() { grid.times().enumerate().filter_map(histogram).collect() } else { Vec::new() };
    SeriesPoints { labels, samples, starts: Vec::new(), histograms }
}

/// The tree with lengths such as `step() * 2` reckoned, where there are any.
fn resolved(node: &Node, grid: Grid) -> Result<Option<Node>, EvalError> {
    if !node.has_reckoned_lengths() {
        return Ok(None);
    }
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let step = if grid.steps > 1 { seconds(grid.step_ms) } else { 0.0 };
    let mut out = node.clone();
    let range = seconds(grid.end_ms().saturating_sub(grid.start_ms));
    out.resolve(step, range).map_err(|reason| EvalError::execution(node, reason))?;
    Ok(Some(out))
}

fn range_grid(node: &Node, start_ms: i64, end_ms: i64, step_ms: i64, limits: &Limits) -> Result<Grid, EvalError> {
    if step_ms <= 0 {
        return Err(EvalError::Window("the step must be greater than zero".to_owned()));
    }
    let span = end_ms.checked_sub(start_ms).filter(|span| *span >= 0);
    let Some(span) = span else {
        return Err(EvalError::Window("the end must not be before the start".to_owned()));
    };
    let steps = usize::try_from(span / step_ms).unwrap_or(usize::MAX).saturating_add(1);
    if steps > limits.max_steps {
        return Err(EvalError::Limit {
            expr: node.to_string(),
            what: format!("the range has {steps} steps"),
            limit: format!("{} steps", limits.max_steps),
        });
    }
    Ok(Grid { start_ms, step_ms, steps })
}

fn same_labels(node: &Node, _: SameLabels) -> EvalError {
    EvalError::execution(node, "vector cannot contain metrics with the same labelset")
}

/// One running evaluation.
pub(crate) struct Evaluator<'a> {
    source: &'a dyn SeriesSource,
    settings: Settings,
    /// The window of the whole query, whatever subquery is being evaluated.
    query: Grid,
    pub(crate) remarks: Remarks<'a>,
    /// How much of native histograms is looked at where the evaluation is now.
    detail: Detail,
    samples: usize,
    visits: usize,
}

/// How much of native histograms is looked at. Where only their counts and sums are, Prometheus finds restarts while
/// it reads, so that sums can tell of contradicting ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// All of them, as far as is known.
    Whole,
    /// Count and sum.
    Totals,
    /// All of them, whatever is further inside.
    Buckets,
}

impl fmt::Debug for Evaluator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluator")
            .field("settings", &self.settings)
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

impl<'a> Evaluator<'a> {
    fn new(source: &'a dyn SeriesSource, settings: Settings, query: Grid, text: &'a str) -> Self {
        Self { source, settings, query, remarks: Remarks::new(text), detail: Detail::Whole, samples: 0, visits: 0 }
    }

    /// Evaluates a node at all steps of a grid.
    pub(crate) fn evaluate(&mut self, node: &Node, grid: Grid) -> Result<Value, EvalError> {
        self.check_points(node, grid.steps)?;
        match &node.kind {
            NodeKind::Broken => Err(EvalError::execution(node, "not an expression")),
            NodeKind::Number(n, _) => Ok(Value::Scalar(vec![*n; grid.steps])),
            NodeKind::Text(text) => Ok(Value::Text(text.clone())),
            NodeKind::Paren(inner) => self.evaluate(inner, grid),
            NodeKind::Unary { negative, expr } => {
                let value = self.evaluate(expr, grid)?;
                if *negative { self.negated(node, value) } else { Ok(value) }
            }
            NodeKind::Selector(series) => {
                selector::evaluate(self, node, series, grid, selector::Pick::Value).map(Value::Vector)
            }
            NodeKind::Matrix { .. } | NodeKind::Subquery { .. } => {
                Err(EvalError::execution(node, "a range vector stands where an instant vector is needed"))
            }
            NodeKind::Call { .. } => function::evaluate(self, node, grid),
            NodeKind::Aggregate { .. } => aggregation::evaluate(self, node, grid).map(Value::Vector),
            NodeKind::Binary { .. } => operator::evaluate(self, node, grid),
        }
    }

    fn negated(&self, node: &Node, value: Value) -> Result<Value, EvalError> {
        match value {
            Value::Scalar(values) => Ok(Value::Scalar(values.into_iter().map(|v| -v).collect())),
            Value::Vector(mut vector) => {
                vector.map_cells(|_, _, cell| {
                    Some(match cell {
                        Cell::Float(v) => Cell::Float(-v),
                        Cell::Histogram(h) => Cell::histogram(crate::histogram::scaled(&h, -1.0)),
                    })
                });
                self.drop_names(node, vector).map(Value::Vector)
            }
            Value::Text(_) => Err(EvalError::execution(node, "a text has no sign")),
        }
    }

    pub(crate) fn vector(&mut self, node: &Node, grid: Grid) -> Result<Vector, EvalError> {
        match self.evaluate(node, grid)? {
            Value::Vector(vector) => Ok(vector),
            _ => Err(EvalError::execution(node, "expected an instant vector")),
        }
    }

    pub(crate) fn scalar(&mut self, node: &Node, grid: Grid) -> Result<Vec<f64>, EvalError> {
        match self.evaluate(node, grid)? {
            Value::Scalar(values) => Ok(values),
            _ => Err(EvalError::execution(node, "expected a scalar")),
        }
    }

    pub(crate) fn text(&mut self, node: &Node) -> Result<String, EvalError> {
        match &node.bare().kind {
            NodeKind::Text(text) => Ok(text.clone()),
            _ => Err(EvalError::execution(node, "expected a text")),
        }
    }

    /// Takes the metric names away, joining rows that become equal.
    pub(crate) fn drop_names(&self, node: &Node, vector: Vector) -> Result<Vector, EvalError> {
        vector.drop_names(self.settings.delayed_name_removal).map_err(|e| same_labels(node, e))
    }

    /// Joins rows that are equal.
    pub(crate) fn merged(&self, node: &Node, vector: Vector) -> Result<Vector, EvalError> {
        vector.merge_equal_rows().map_err(|e| same_labels(node, e))
    }

    pub(crate) fn delayed_name_removal(&self) -> bool {
        self.settings.delayed_name_removal
    }

    pub(crate) fn lookback_ms(&self) -> i64 {
        self.settings.lookback_ms
    }

    pub(crate) fn unknown_history(&self) -> UnknownHistory {
        self.settings.unknown_history
    }

    pub(crate) fn subquery_step_ms(&self) -> i64 {
        self.settings.subquery_step_ms
    }

    /// The window of the whole query.
    pub(crate) fn query(&self) -> Grid {
        self.query
    }

    /// The moment that a selector looks from, at a step at `t_ms`.
    pub(crate) fn reference(&self, timing: &Timing, t_ms: i64) -> i64 {
        let base = match timing.at {
            None => t_ms,
            Some(At::Time(at)) => at,
            Some(At::Start) => self.query.start_ms,
            Some(At::End) => self.query.end_ms(),
        };
        base.saturating_sub(timing.offset.ms)
    }

    /// Evaluates a part of which only so much of native histograms is looked at.
    pub(crate) fn with_detail<T>(&mut self, detail: Detail, inner: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.detail;
        if before != Detail::Buckets {
            self.detail = detail;
        }
        let result = inner(self);
        self.detail = before;
        result
    }

    /// Reads series with samples in `first_ms..=last_ms`.
    pub(crate) fn select(
        &mut self,
        node: &Node,
        series: &SeriesSelector,
        first_ms: i64,
        last_ms: i64,
    ) -> Result<Vec<SeriesPoints>, EvalError> {
        let mut found = self
            .source
            .points(&series.matchers, first_ms, last_ms)
            .map_err(|source| EvalError::Source { expr: node.to_string(), source })?;
        let read = found.iter().map(|s| s.samples.len().saturating_add(s.histograms.len().saturating_mul(16)));
        self.samples = read.fold(self.samples, usize::saturating_add);
        let max = self.settings.limits.max_samples;
        self.within(node, self.samples, max, "samples", "the query reads too many samples")?;
        if self.detail == Detail::Totals {
            found.iter_mut().for_each(|series| histogram::reset::tell(&mut series.histograms));
        }
        Ok(found)
    }

    /// Refuses an answer with too many points before it is made.
    pub(crate) fn check_points(&self, node: &Node, points: usize) -> Result<(), EvalError> {
        self.within(node, points, self.settings.limits.max_points, "points", "the answer has too many points")
    }

    /// How many samples functions over time may still look at.
    pub(crate) fn visits_left(&self) -> usize {
        self.settings.limits.max_visits.saturating_sub(self.visits)
    }

    /// Counts samples that a function over time looks at.
    pub(crate) fn visit(&mut self, node: &Node, samples: usize) -> Result<(), EvalError> {
        self.visits = self.visits.saturating_add(samples);
        let max = self.settings.limits.max_visits;
        self.within(node, self.visits, max, "visits to samples", "the windows are too long for so many steps")
    }

    fn within(&self, node: &Node, count: usize, max: usize, unit: &str, what: &str) -> Result<(), EvalError> {
        if count <= max {
            return Ok(());
        }
        Err(EvalError::Limit { expr: node.to_string(), what: what.to_owned(), limit: format!("{max} {unit}") })
    }
}
