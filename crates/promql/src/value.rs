//! What the nodes of an expression answer with: one value a row and step, in a flat table.
//!
//! Not the public answer types (`domain::query`, `answer`): those are made from these once, at the end.

use std::sync::Arc;

use watchkeeper_domain::histogram::Histogram;
use watchkeeper_domain::labels::{Labels, NAME};
use watchkeeper_domain::telemetry::{STALE_NAN_BITS, is_stale};

mod table;

pub(crate) use table::{SameLabels, Vector};

/// Stands for "no number at this step". The stale marker never is a value: selectors end series there, and arithmetic
/// cannot make it, since it is a signalling NaN.
pub(crate) const GAP: f64 = f64::from_bits(STALE_NAN_BITS);

/// Whether a number is none.
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

    /// The metric's name, as remarks show it.
    pub(crate) fn metric(&self) -> &str {
        self.labels.name().unwrap_or("")
    }
}

/// A value of one row at one step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Float(f64),
    Histogram(Arc<Histogram>),
}

impl Cell {
    pub(crate) fn histogram(h: Histogram) -> Self {
        Self::Histogram(Arc::new(h))
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
