//! Evaluation: the two entry points, and the walk over the tree.
//!
//! Not the meaning of the nodes: each kind has a file of its own.

use std::fmt;

use watchkeeper_domain::query::{Element, Instant, SeriesData, SeriesSource};
use watchkeeper_domain::telemetry::Sample;

use crate::annotation::{Annotations, Severity};
use crate::ast::{At, Kind, Node, SeriesSelector, Timing};
use crate::error::EvalError;
use crate::expr::Expr;
use crate::limits::{Limits, Settings};
use crate::value::{Grid, SameLabels, Value, Vector, is_gap};
use crate::window::Windows;
use crate::{aggregation, function, operator, selector};

/// Evaluates an expression at one moment, in milliseconds since the Unix epoch.
///
/// A range vector answers with its raw samples, without stale markers.
pub fn instant(
    expr: &Expr,
    source: &dyn SeriesSource,
    at_ms: i64,
    limits: &Limits,
) -> Result<(Instant, Annotations), EvalError> {
    evaluate_instant(expr.node(), source, at_ms, Settings::new(limits))
}

/// Evaluates an expression at each step from `start_ms` to `end_ms`, both included. Each selector is fetched once.
/// The series are ordered by their labels.
pub fn range(
    expr: &Expr,
    source: &dyn SeriesSource,
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
    limits: &Limits,
) -> Result<(Vec<SeriesData>, Annotations), EvalError> {
    evaluate_range(expr.node(), source, (start_ms, end_ms, step_ms), Settings::new(limits))
}

pub(crate) fn evaluate_instant(
    node: &Node,
    source: &dyn SeriesSource,
    at_ms: i64,
    settings: Settings,
) -> Result<(Instant, Annotations), EvalError> {
    let grid = Grid::instant(at_ms);
    let mut evaluator = Evaluator::new(source, settings, grid);
    let answer = match node.kind() {
        Kind::Matrix => {
            let mut series = Windows::fetch(&mut evaluator, node, grid)?.raw();
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            Instant::Matrix(series)
        }
        Kind::Text => Instant::Text(evaluator.text(node)?),
        Kind::Scalar => Instant::Scalar(evaluator.scalar(node, grid)?.first().copied().unwrap_or(f64::NAN)),
        Kind::Vector => {
            let vector = evaluator.vector(node, grid)?;
            let vector = vector.finish().map_err(|e| same_labels(node, &e))?;
            let elements = vector.rows.into_iter().zip(vector.values);
            Instant::Vector(elements.map(|(row, value)| Element { labels: row.labels, value }).collect())
        }
    };
    Ok((answer, evaluator.annotations))
}

pub(crate) fn evaluate_range(
    node: &Node,
    source: &dyn SeriesSource,
    (start_ms, end_ms, step_ms): (i64, i64, i64),
    settings: Settings,
) -> Result<(Vec<SeriesData>, Annotations), EvalError> {
    let grid = range_grid(node, start_ms, end_ms, step_ms, &settings.limits)?;
    let mut evaluator = Evaluator::new(source, settings, grid);
    let points = |values: &[f64]| {
        let cells = grid.times().zip(values).filter(|(_, v)| !is_gap(**v));
        cells.map(|(t, v)| Sample { t, v: *v }).collect::<Vec<_>>()
    };
    let answer = match node.kind() {
        Kind::Scalar => {
            let values = evaluator.scalar(node, grid)?;
            vec![SeriesData { labels: watchkeeper_domain::labels::Labels::empty(), samples: points(&values) }]
        }
        Kind::Vector => {
            let vector = evaluator.vector(node, grid)?.finish().map_err(|e| same_labels(node, &e))?;
            let mut series: Vec<SeriesData> = vector
                .rows
                .iter()
                .enumerate()
                .map(|(at, row)| SeriesData { labels: row.labels.clone(), samples: points(vector.row(at)) })
                .collect();
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            series
        }
        Kind::Matrix | Kind::Text => {
            return Err(EvalError::execution(
                node,
                "a range query takes a scalar or an instant vector; wrap a range vector in a function such as rate()",
            ));
        }
    };
    Ok((answer, evaluator.annotations))
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

fn same_labels(node: &Node, same: &SameLabels) -> EvalError {
    EvalError::execution(node, format!("vector cannot contain metrics with the same labelset ({})", same.0))
}

/// One running evaluation.
pub(crate) struct Evaluator<'a> {
    source: &'a dyn SeriesSource,
    settings: Settings,
    /// The window of the whole query, whatever subquery is being evaluated.
    query: Grid,
    annotations: Annotations,
    samples: usize,
    visits: usize,
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
    fn new(source: &'a dyn SeriesSource, settings: Settings, query: Grid) -> Self {
        Self { source, settings, query, annotations: Annotations::default(), samples: 0, visits: 0 }
    }

    /// Evaluates a node at all steps of a grid.
    pub(crate) fn evaluate(&mut self, node: &Node, grid: Grid) -> Result<Value, EvalError> {
        self.check_points(node, grid.steps)?;
        match node {
            Node::Number(n) => Ok(Value::Scalar(vec![*n; grid.steps])),
            Node::Text(text) => Ok(Value::Text(text.clone())),
            Node::Paren(inner) => self.evaluate(inner, grid),
            Node::Negate(inner) => match self.evaluate(inner, grid)? {
                Value::Scalar(values) => Ok(Value::Scalar(values.into_iter().map(|v| -v).collect())),
                Value::Vector(mut vector) => {
                    vector.map(|v| -v);
                    self.drop_names(node, vector).map(Value::Vector)
                }
                Value::Text(_) => Err(EvalError::execution(node, "a text has no sign")),
            },
            Node::Selector(series) => selector::evaluate(self, node, series, grid, |s| s.v).map(Value::Vector),
            Node::Matrix { .. } | Node::Subquery { .. } => {
                Err(EvalError::execution(node, "a range vector stands where an instant vector is needed"))
            }
            Node::Call { .. } => function::evaluate(self, node, grid),
            Node::Aggregate { .. } => aggregation::evaluate(self, node, grid).map(Value::Vector),
            Node::Binary { .. } => operator::evaluate(self, node, grid),
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
        match node.bare() {
            Node::Text(text) => Ok(text.clone()),
            other => Err(EvalError::execution(other, "expected a text")),
        }
    }

    /// Takes the metric names away, joining rows that become equal.
    pub(crate) fn drop_names(&self, node: &Node, vector: Vector) -> Result<Vector, EvalError> {
        vector.drop_names(self.settings.delayed_name_removal).map_err(|e| same_labels(node, &e))
    }

    /// Joins rows that are equal.
    pub(crate) fn merged(&self, node: &Node, vector: Vector) -> Result<Vector, EvalError> {
        vector.merge_equal_rows().map_err(|e| same_labels(node, &e))
    }

    pub(crate) fn delayed_name_removal(&self) -> bool {
        self.settings.delayed_name_removal
    }

    pub(crate) fn lookback_ms(&self) -> i64 {
        self.settings.lookback_ms
    }

    pub(crate) fn subquery_step_ms(&self) -> i64 {
        self.settings.subquery_step_ms
    }

    /// The window of the whole query.
    pub(crate) fn query(&self) -> Grid {
        self.query
    }

    pub(crate) fn note(&mut self, severity: Severity, message: String, node: &Node) {
        self.annotations.add(severity, message, node);
    }

    /// The moment that a selector looks from, at a step at `t_ms`.
    pub(crate) fn reference(&self, timing: &Timing, t_ms: i64) -> i64 {
        let base = match timing.at {
            None => t_ms,
            Some(At::Time(at)) => at,
            Some(At::Start) => self.query.start_ms,
            Some(At::End) => self.query.end_ms(),
        };
        base.saturating_sub(timing.offset_ms)
    }

    /// Reads series with samples in `first_ms..=last_ms`.
    pub(crate) fn select(
        &mut self,
        node: &Node,
        series: &SeriesSelector,
        first_ms: i64,
        last_ms: i64,
    ) -> Result<Vec<SeriesData>, EvalError> {
        let found = self
            .source
            .select(&series.matchers, first_ms, last_ms)
            .map_err(|source| EvalError::Source { expr: node.to_string(), source })?;
        self.samples = found.iter().fold(self.samples, |sum, s| sum.saturating_add(s.samples.len()));
        let max = self.settings.limits.max_samples;
        self.within(node, self.samples, max, "samples", "the query reads too many samples")?;
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
