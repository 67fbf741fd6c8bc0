//! The table of an instant vector over all steps.
//!
//! Numbers lie in one flat array. Native histograms are rare, so they lie beside it, and only where there are any.

use std::collections::HashMap;
use std::sync::Arc;

use watchkeeper_domain::histogram::Histogram;
use watchkeeper_domain::labels::{Labels, NAME};

use super::{Cell, GAP, Row, is_gap, without_metadata};

/// A table of rows by steps. A cell holds a number, a histogram, or nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Vector {
    pub(crate) rows: Vec<Row>,
    /// `rows.len() * steps` numbers, row after row; [`GAP`] where there is none.
    values: Vec<f64>,
    /// As `values`, for histograms; empty where the table holds none.
    histograms: Vec<Option<Arc<Histogram>>>,
    pub(crate) steps: usize,
}

/// Two rows have the same labels and both a value at one step.
#[derive(Debug)]
pub(crate) struct SameLabels;

impl Vector {
    pub(crate) fn new(steps: usize) -> Self {
        Self { rows: Vec::new(), values: Vec::new(), histograms: Vec::new(), steps }
    }

    /// A single row without labels.
    pub(crate) fn of_scalar(values: Vec<f64>) -> Self {
        Self { rows: vec![Row::new(Labels::empty())], steps: values.len(), values, histograms: Vec::new() }
    }

    pub(crate) fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows);
        self.values.reserve(rows.saturating_mul(self.steps));
    }

    /// How many cells there are.
    pub(crate) fn points(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    /// The numbers of a row.
    pub(crate) fn row(&self, at: usize) -> &[f64] {
        self.values.get(at * self.steps..(at + 1) * self.steps).unwrap_or(&[])
    }

    /// The number of a cell; a gap where there is none.
    pub(crate) fn value(&self, row: usize, step: usize) -> f64 {
        self.values.get(row * self.steps + step).copied().unwrap_or(GAP)
    }

    /// The histogram of a cell.
    pub(crate) fn histogram(&self, row: usize, step: usize) -> Option<&Arc<Histogram>> {
        self.histograms.get(row * self.steps + step)?.as_ref()
    }

    pub(crate) fn cell(&self, row: usize, step: usize) -> Option<Cell> {
        let v = self.value(row, step);
        if !is_gap(v) {
            return Some(Cell::Float(v));
        }
        self.histogram(row, step).map(|h| Cell::Histogram(Arc::clone(h)))
    }

    /// Whether a cell holds anything.
    pub(crate) fn has(&self, row: usize, step: usize) -> bool {
        !is_gap(self.value(row, step)) || self.histogram(row, step).is_some()
    }

    pub(crate) fn set(&mut self, row: usize, step: usize, value: f64) {
        if let Some(cell) = self.values.get_mut(row * self.steps + step) {
            *cell = value;
        }
    }

    /// Puts a value into a cell, or empties it.
    pub(crate) fn put(&mut self, row: usize, step: usize, cell: Option<Cell>) {
        let at = row * self.steps + step;
        let (value, histogram) = match cell {
            None => (GAP, None),
            Some(Cell::Float(v)) => (v, None),
            Some(Cell::Histogram(h)) => (GAP, Some(h)),
        };
        if histogram.is_some() && self.histograms.is_empty() {
            self.histograms.resize(self.values.len(), None);
        }
        if let Some(slot) = self.values.get_mut(at) {
            *slot = value;
        }
        if let Some(slot) = self.histograms.get_mut(at) {
            *slot = histogram;
        }
    }

    /// Adds an empty row and tells its index.
    pub(crate) fn push_empty(&mut self, row: Row) -> usize {
        self.rows.push(row);
        self.values.resize(self.rows.len() * self.steps, GAP);
        if self.has_histograms() {
            self.histograms.resize(self.values.len(), None);
        }
        self.rows.len() - 1
    }

    /// Adds a row of numbers unless all are gaps.
    pub(crate) fn push(&mut self, row: Row, values: impl Iterator<Item = f64>) {
        let before = self.values.len();
        self.values.extend(values.take(self.steps));
        self.values.resize(before + self.steps, GAP);
        if self.values.iter().skip(before).all(|v| is_gap(*v)) {
            self.values.truncate(before);
        } else {
            self.rows.push(row);
            if self.has_histograms() {
                self.histograms.resize(self.values.len(), None);
            }
        }
    }

    /// Adds a row unless all its cells are empty.
    pub(crate) fn push_cells(&mut self, row: Row, cells: impl Iterator<Item = Option<Cell>>) {
        let at = self.push_empty(row);
        let mut any = false;
        for (step, cell) in cells.take(self.steps).enumerate() {
            if cell.is_some() {
                any = true;
                self.put(at, step, cell);
            }
        }
        if !any {
            self.rows.pop();
            self.values.truncate(at * self.steps);
            self.histograms.truncate(at * self.steps);
        }
    }

    /// A table with the same rows and no values.
    pub(crate) fn emptied(&self) -> Self {
        let mut out = Self::new(self.steps);
        out.rows.clone_from(&self.rows);
        out.values.resize(self.values.len(), GAP);
        out
    }

    /// Keeps the cells that `stays` names.
    pub(crate) fn keep(&mut self, mut stays: impl FnMut(usize, usize) -> bool) {
        for row in 0..self.rows.len() {
            for step in 0..self.steps {
                if self.has(row, step) && !stays(row, step) {
                    self.put(row, step, None);
                }
            }
        }
    }

    /// Adds the rows of another table.
    pub(crate) fn append(&mut self, other: Self) {
        for (at, row) in other.rows.iter().enumerate() {
            self.push_cells(row.clone(), (0..other.steps).map(|step| other.cell(at, step)));
        }
    }

    /// Takes the rows at these places, in this order.
    pub(crate) fn pick(&self, order: &[usize]) -> Self {
        let mut out = Self::new(self.steps);
        for at in order {
            if let Some(row) = self.rows.get(*at) {
                out.push_cells(row.clone(), (0..self.steps).map(|step| self.cell(*at, step)));
            }
        }
        out
    }

    /// Drops all histograms: functions on numbers do not see them.
    pub(crate) fn only_floats(&mut self) {
        self.histograms = Vec::new();
    }

    /// Replaces each number; gaps stay, what becomes [`GAP`] is removed, and histograms go.
    pub(crate) fn map(&mut self, f: impl Fn(f64) -> f64) {
        self.only_floats();
        self.values.iter_mut().filter(|v| !is_gap(**v)).for_each(|v| *v = f(*v));
    }

    /// Replaces each number, knowing its step; histograms go.
    pub(crate) fn map_steps(&mut self, mut f: impl FnMut(usize, f64) -> f64) {
        self.only_floats();
        if self.steps == 0 {
            return;
        }
        for row in self.values.chunks_mut(self.steps) {
            for (step, v) in row.iter_mut().enumerate().filter(|(_, v)| !is_gap(**v)) {
                *v = f(step, *v);
            }
        }
    }

    /// Replaces each value.
    pub(crate) fn map_cells(&mut self, mut f: impl FnMut(&Row, usize, Cell) -> Option<Cell>) {
        for row in 0..self.rows.len() {
            for step in 0..self.steps {
                if let (Some(cell), Some(name)) = (self.cell(row, step), self.rows.get(row)) {
                    let new = f(name, step, cell);
                    self.put(row, step, new);
                }
            }
        }
    }

    /// Takes out rows without any value.
    pub(crate) fn compact(&mut self) {
        let filled: Vec<usize> =
            (0..self.rows.len()).filter(|row| (0..self.steps).any(|step| self.has(*row, step))).collect();
        if filled.len() < self.rows.len() {
            *self = self.pick(&filled);
        }
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
                out.push_empty(row.clone());
            }
            for step in 0..self.steps {
                let Some(cell) = self.cell(at, step) else { continue };
                if out.has(to, step) {
                    return Err(SameLabels);
                }
                out.put(to, step, Some(cell));
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
