//! One expression at all moments of a part of a backtest, and where its answer changes in a way that a rule could notice.
//!
//! Not a cache: a table lives as long as its part is replayed.

use std::collections::HashMap;

use watchkeeper_domain::query::{Element, Query, QueryError, SeriesData};
use watchkeeper_domain::telemetry::Sample;
use watchkeeper_domain::{Labels, Timestamp};
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

/// Steps at which the expression has no answer but an error.
#[derive(Debug)]
struct Failed {
    first: usize,
    last: usize,
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
                Err(error @ QueryError::TooLittleHistory { .. }) if first != last => {
                    let (blind, rest) = without_history(&error, (first, last), grid);
                    if !blind.is_empty() {
                        failed.push(Failed { first: blind.start, last: blind.end - 1, error });
                    }
                    open.extend(rest.into_iter().filter(|(first, last)| first <= last));
                }
                Err(error) if first == last => failed.push(Failed { first, last, error }),
                Err(_) => {
                    let middle = first + (last - first) / 2;
                    open.extend([(middle + 1, last), (first, middle)]);
                }
            }
        }
        failed.sort_by_key(|f| f.first);
        let rows = joined(found);
        let mut changes = Steps::none(grid.steps);
        for failed in &failed {
            changes.insert(failed.first);
            changes.insert(failed.last + 1);
        }
        for row in &rows {
            mark(&mut changes, &row.samples, grid, condition);
        }
        Ok(Some(Self { grid, rows, failed, changes }))
    }

    /// The answer at a step, as an instant query gives it.
    pub(super) fn elements(&self, step: usize) -> Result<Vec<Element>, QueryError> {
        let before = self.failed.partition_point(|f| f.first <= step);
        let failed = before.checked_sub(1).and_then(|at| self.failed.get(at));
        if let Some(failed) = failed.filter(|f| step <= f.last) {
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

    pub(super) fn into_rows(self) -> Vec<SeriesData> {
        self.rows
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

/// The steps in which history is too little, and the parts that are still to be asked for.
fn without_history(
    error: &QueryError,
    (first, last): (usize, usize),
    grid: Grid,
) -> (std::ops::Range<usize>, Vec<(usize, usize)>) {
    let QueryError::TooLittleHistory { from_ms, until_ms, .. } = error else { return (0..0, Vec::new()) };
    let step = |ms: i64| grid.not_before(Timestamp::from_millis(ms));
    let (from, until) = (step(*from_ms), until_ms.map_or(last + 1, step).min(last + 1));
    if from < first || from >= until || from > last {
        // What fails is inside of a subquery, at moments of its own.
        let middle = first + (last - first) / 2;
        return (0..0, vec![(middle + 1, last), (first, middle)]);
    }
    let mut rest = vec![(until, last)];
    if from > first {
        rest.push((first, from - 1));
    }
    (from..until, rest)
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
