//! What the nodes of an expression answer with: one value a row and step, in a flat table.
//!
//! Not the public answer types (`domain::query`): those are made from these once, at the end.

use std::collections::HashMap;

use watchkeeper_domain::labels::{Labels, NAME};
use watchkeeper_domain::telemetry::{STALE_NAN_BITS, is_stale};

/// Stands for "no value at this step". The stale marker never is a value: selectors end series there, and arithmetic
/// cannot make it, since it is a signalling NaN.
pub(crate) const GAP: f64 = f64::from_bits(STALE_NAN_BITS);

/// Whether a cell is empty.
pub(crate) fn is_gap(v: f64) -> bool {
    is_stale(v)
}

/// The moments that an evaluation answers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) start_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) steps: usize,
}

impl Grid {
    pub(crate) fn instant(at_ms: i64) -> Self {
        Self { start_ms: at_ms, step_ms: 1, steps: 1 }
    }

    pub(crate) fn at(&self, step: usize) -> i64 {
        self.start_ms.saturating_add(self.step_ms.saturating_mul(i64::try_from(step).unwrap_or(i64::MAX)))
    }

    pub(crate) fn end_ms(&self) -> i64 {
        self.at(self.steps.saturating_sub(1))
    }

    pub(crate) fn times(self) -> impl Iterator<Item = i64> {
        (0..self.steps).map(move |i| self.at(i))
    }
}

/// A row's identity.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) labels: Labels,
    /// The metric name is still in `labels`, but goes at the end (delayed name removal).
    pub(crate) drop_name: bool,
}

/// Labels that describe the metric rather than the series: they go together with its name.
pub(crate) fn is_metadata(label: &str) -> bool {
    matches!(label, NAME | "__type__" | "__unit__")
}

/// A label set without the metric's name and metadata.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    if labels.pairs().iter().any(|(name, _)| is_metadata(name)) { labels.without(is_metadata) } else { labels.clone() }
}

impl Row {
    pub(crate) fn new(labels: Labels) -> Self {
        Self { labels, drop_name: false }
    }

    /// Takes the metric name away, now or at the end.
    pub(crate) fn drop_name(&mut self, delayed: bool) {
        if delayed {
            self.drop_name = true;
        } else {
            self.labels = without_metadata(&self.labels);
        }
    }
}

/// A table of rows by steps. Empty cells hold [`GAP`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Vector {
    pub(crate) rows: Vec<Row>,
    /// `rows.len() * steps` cells, row after row.
    pub(crate) values: Vec<f64>,
    pub(crate) steps: usize,
}

/// Two rows have the same labels and both a value at one step.
#[derive(Debug)]
pub(crate) struct SameLabels(pub(crate) Labels);

impl Vector {
    pub(crate) fn new(steps: usize) -> Self {
        Self { rows: Vec::new(), values: Vec::new(), steps }
    }

    pub(crate) fn row(&self, at: usize) -> &[f64] {
        self.values.get(at * self.steps..(at + 1) * self.steps).unwrap_or(&[])
    }

    pub(crate) fn row_mut(&mut self, at: usize) -> &mut [f64] {
        self.values.get_mut(at * self.steps..(at + 1) * self.steps).unwrap_or(&mut [])
    }

    pub(crate) fn value(&self, row: usize, step: usize) -> f64 {
        self.values.get(row * self.steps + step).copied().unwrap_or(GAP)
    }

    pub(crate) fn set(&mut self, row: usize, step: usize, value: f64) {
        if let Some(cell) = self.values.get_mut(row * self.steps + step) {
            *cell = value;
        }
    }

    /// Adds an empty row and tells its index.
    pub(crate) fn push_empty(&mut self, row: Row) -> usize {
        self.rows.push(row);
        self.values.resize(self.rows.len() * self.steps, GAP);
        self.rows.len() - 1
    }

    /// Adds a row unless all its cells are empty.
    pub(crate) fn push(&mut self, row: Row, values: impl Iterator<Item = f64>) {
        let before = self.values.len();
        self.values.extend(values.take(self.steps));
        self.values.resize(before + self.steps, GAP);
        if self.values.iter().skip(before).all(|v| is_gap(*v)) {
            self.values.truncate(before);
        } else {
            self.rows.push(row);
        }
    }

    /// Replaces each value; empty cells stay empty, and what becomes [`GAP`] is removed.
    pub(crate) fn map(&mut self, f: impl Fn(f64) -> f64) {
        self.values.iter_mut().filter(|v| !is_gap(**v)).for_each(|v| *v = f(*v));
    }

    /// Replaces each value, knowing its step.
    pub(crate) fn map_steps(&mut self, mut f: impl FnMut(usize, f64) -> f64) {
        if self.steps == 0 {
            return;
        }
        for row in self.values.chunks_mut(self.steps) {
            for (step, v) in row.iter_mut().enumerate().filter(|(_, v)| !is_gap(**v)) {
                *v = f(step, *v);
            }
        }
    }

    /// Takes out rows without any value.
    pub(crate) fn compact(&mut self) {
        if self.steps == 0 || self.values.chunks(self.steps).all(|row| row.iter().any(|v| !is_gap(*v))) {
            return;
        }
        let mut kept = Vec::with_capacity(self.values.len());
        let mut chunks = self.values.chunks(self.steps);
        self.rows.retain(|_| {
            let row = chunks.next().unwrap_or(&[]);
            let keep = row.iter().any(|v| !is_gap(*v));
            if keep {
                kept.extend_from_slice(row);
            }
            keep
        });
        self.values = kept;
    }

    /// Takes the metric name from all rows. Where this makes rows equal, they become one; two values at one step are an error.
    pub(crate) fn drop_names(self, delayed: bool) -> Result<Self, SameLabels> {
        let mut out = self;
        if !delayed && out.names_differ() {
            out.rows.iter_mut().for_each(|r| r.drop_name(false));
            return out.merge_equal_rows();
        }
        out.rows.iter_mut().for_each(|r| r.drop_name(delayed));
        Ok(out)
    }

    /// Whether dropping the metadata labels can make two rows equal.
    fn names_differ(&self) -> bool {
        let Some(first) = self.rows.first() else { return false };
        let name = first.labels.get(NAME);
        self.rows.iter().any(|r| {
            r.labels.get(NAME) != name || r.labels.get("__type__").is_some() || r.labels.get("__unit__").is_some()
        })
    }

    /// Joins rows with equal labels.
    pub(crate) fn merge_equal_rows(self) -> Result<Self, SameLabels> {
        let mut seen: HashMap<&Labels, usize> = HashMap::with_capacity(self.rows.len());
        let mut target = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let next = seen.len();
            target.push(*seen.entry(&row.labels).or_insert(next));
        }
        if seen.len() == self.rows.len() {
            return Ok(self);
        }
        let mut out = Self::new(self.steps);
        for (at, (row, to)) in self.rows.iter().zip(target).enumerate() {
            if to == out.rows.len() {
                out.rows.push(row.clone());
                out.values.extend_from_slice(self.row(at));
                continue;
            }
            for (cell, v) in out.row_mut(to).iter_mut().zip(self.row(at)) {
                match (is_gap(*cell), is_gap(*v)) {
                    (true, _) => *cell = *v,
                    (false, true) => {}
                    (false, false) => return Err(SameLabels(row.labels.clone())),
                }
            }
        }
        Ok(out)
    }

    /// The finished table: delayed names removed, equal rows joined, empty rows gone.
    pub(crate) fn finish(mut self) -> Result<Self, SameLabels> {
        self.compact();
        for row in self.rows.iter_mut().filter(|r| r.drop_name) {
            row.drop_name = false;
            row.labels = without_metadata(&row.labels);
        }
        self.merge_equal_rows()
    }
}

/// What a node answers with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// One number a step.
    Scalar(Vec<f64>),
    /// A text.
    Text(String),
    /// A table.
    Vector(Vector),
}
