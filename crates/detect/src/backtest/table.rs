//! One expression at all moments of a part of a backtest, and where its answer changes in a way that a rule could notice.
//!
//! Not a cache: a table lives as long as its part is replayed.

use std::collections::HashMap;

use watchkeeper_domain::Labels;
use watchkeeper_domain::query::{Element, Query, QueryError, SeriesData};
use watchkeeper_domain::telemetry::Sample;
use watchkeeper_promql::ComparisonOp;

use super::grid::{Grid, Steps};

/// Range queries that are spent on finding the moments at which an expression fails.
const MOST_QUERIES: usize = 200;

/// An expression's answers.
#[derive(Debug)]
pub(super) struct Table {
    grid: Grid,
    rows: Vec<SeriesData>,
    failed: Vec<Failed>,
    changes: Steps,
}

/// A step at which the expression has no answer but an error.
#[derive(Debug)]
struct Failed {
    step: usize,
    error: QueryError,
}

/// What a value is compared with, where that matters.
pub(super) type Condition = (ComparisonOp, f64);

impl Table {
    /// Evaluates an expression over a grid. An expression that fails at some moments, as one does whose labels do not match
    /// there, has answers at all others; none where it fails so often that each moment is better asked for by itself. The
    /// error is that of an engine that cannot answer at all.
    pub(super) async fn fetch(
        query: &dyn Query,
        expr: &str,
        grid: Grid,
        condition: Option<Condition>,
    ) -> Result<Option<Self>, QueryError> {
        let mut found: Vec<Vec<SeriesData>> = Vec::new();
        let mut failed = Vec::new();
        let mut left = MOST_QUERIES;
        let mut open = vec![(0, grid.steps.saturating_sub(1))];
        while let Some((first, last)) = open.pop() {
            if grid.steps == 0 {
                break;
            }
            if left == 0 {
                return Ok(None);
            }
            left -= 1;
            match query.range(expr, grid.at(first), grid.at(last), grid.step_ms).await {
                Ok(series) => found.push(series),
                Err(error @ QueryError::Unavailable(_)) => return Err(error),
                Err(error) if first == last => failed.push(Failed { step: first, error }),
                Err(_) => {
                    let middle = first + (last - first) / 2;
                    open.extend([(middle + 1, last), (first, middle)]);
                }
            }
        }
        let rows = joined(found);
        let mut changes = Steps::none(grid.steps);
        for failed in &failed {
            changes.insert(failed.step);
            changes.insert(failed.step + 1);
        }
        for row in &rows {
            mark(&mut changes, &row.samples, grid, condition);
        }
        Ok(Some(Self { grid, rows, failed, changes }))
    }

    /// The answer at a step, as an instant query gives it.
    pub(super) fn elements(&self, step: usize) -> Result<Vec<Element>, QueryError> {
        if let Some(failed) = self.failed.iter().find(|f| f.step == step) {
            return Err(failed.error.clone());
        }
        let at = self.grid.ms(step);
        let element = |row: &SeriesData| value(&row.samples, step, at).map(|v| (row.labels.clone(), v));
        Ok(self.rows.iter().filter_map(element).map(|(labels, value)| Element { labels, value }).collect())
    }

    /// The first step after this one at which the answer differs from that of the step before: a series comes or goes,
    /// or its value crosses the condition.
    pub(super) fn next_change(&self, step: usize) -> Option<usize> {
        self.changes.after(step)
    }

    pub(super) fn rows(&self) -> &[SeriesData] {
        &self.rows
    }
}

fn value(samples: &[Sample], step: usize, at: i64) -> Option<f64> {
    // A series without gaps has its samples where they are expected.
    if let Some(sample) = samples.get(step).filter(|s| s.t == at) {
        return Some(sample.v);
    }
    samples.binary_search_by_key(&at, |s| s.t).ok().and_then(|found| samples.get(found)).map(|s| s.v)
}

/// Series from several queries as one list.
fn joined(mut found: Vec<Vec<SeriesData>>) -> Vec<SeriesData> {
    if found.len() <= 1 {
        return found.pop().unwrap_or_default();
    }
    let mut rows: HashMap<Labels, Vec<Sample>> = HashMap::new();
    for series in found.into_iter().flatten() {
        rows.entry(series.labels).or_default().extend(series.samples);
    }
    let mut rows: Vec<SeriesData> = rows
        .into_iter()
        .map(|(labels, mut samples)| {
            samples.sort_by_key(|s| s.t);
            SeriesData { labels, samples }
        })
        .collect();
    rows.sort_by(|a, b| a.labels.cmp(&b.labels));
    rows
}

/// Marks where a row begins, ends, or crosses the condition.
fn mark(changes: &mut Steps, samples: &[Sample], grid: Grid, condition: Option<Condition>) {
    let holds = |v: f64| condition.is_none_or(|(op, threshold)| op.holds(v, threshold));
    let mut expected = grid.start_ms;
    let mut before = None;
    for sample in samples {
        let now = holds(sample.v);
        if sample.t != expected {
            changes.insert(grid.step(expected));
            changes.insert(grid.step(sample.t));
        } else if before != Some(now) {
            changes.insert(grid.step(sample.t));
        }
        before = Some(now);
        expected = sample.t.saturating_add(grid.step_ms);
    }
    changes.insert(grid.step(expected));
}
