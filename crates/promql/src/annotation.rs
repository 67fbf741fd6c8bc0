//! Remarks on an answer that is right but may surprise, with Prometheus's wording.
//!
//! Not errors: an evaluation that gives annotations has an answer.

pub(crate) mod text;

use std::fmt;

use crate::ast::Node;
use crate::error::line_and_column;

/// How serious a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Likely harmless.
    Info,
    /// The query probably does not do what its author wants.
    Warning,
}

/// One remark.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// How serious it is.
    pub severity: Severity,
    /// What there is to know.
    pub message: String,
    /// The sub-expression it is about.
    pub expr: String,
    /// The line of the sub-expression in the query, from 1.
    pub line: usize,
    /// Its column in bytes, from 1.
    pub column: usize,
    /// What is told after the message, once it is known in full.
    detail: Option<Repairs>,
}

/// How counts of classic buckets were repaired, over all steps and series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Repairs {
    pub(crate) least_bound: f64,
    pub(crate) greatest_bound: f64,
    pub(crate) greatest_difference: f64,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) count: usize,
}

impl Repairs {
    fn merge(&mut self, other: Self) {
        self.least_bound = self.least_bound.min(other.least_bound);
        self.greatest_bound = self.greatest_bound.max(other.greatest_bound);
        self.greatest_difference = self.greatest_difference.max(other.greatest_difference);
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
        self.count += other.count;
    }
}

impl fmt::Display for Annotation {
    /// As Prometheus's API tells it: `PromQL info: … (1:6)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
        };
        write!(f, "PromQL {kind}: {}", self.message)?;
        if let Some(detail) = &self.detail {
            f.write_str(&text::repairs(detail))?;
        }
        write!(f, " ({}:{})", self.line, self.column)
    }
}

/// How many different remarks are kept.
const MAX_ANNOTATIONS: usize = 32;

/// The remarks on one answer, each once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotations(Vec<Annotation>);

impl Annotations {
    /// The remarks in the order in which they came up.
    pub fn iter(&self) -> impl Iterator<Item = &Annotation> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Collects remarks while a query runs.
#[derive(Debug)]
pub(crate) struct Remarks<'t> {
    /// The text of the query, for places.
    text: &'t str,
    found: Annotations,
}

impl<'t> Remarks<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, found: Annotations::default() }
    }

    pub(crate) fn finish(self) -> Annotations {
        self.found
    }

    pub(crate) fn info(&mut self, message: String, node: &Node) {
        self.add(Severity::Info, message, node, None);
    }

    pub(crate) fn warn(&mut self, message: String, node: &Node) {
        self.add(Severity::Warning, message, node, None);
    }

    pub(crate) fn repaired(&mut self, message: String, repairs: Repairs, node: &Node) {
        self.add(Severity::Info, message, node, Some(repairs));
    }

    fn add(&mut self, severity: Severity, message: String, node: &Node, detail: Option<Repairs>) {
        let kept = &mut self.found.0;
        if let Some(known) = kept.iter_mut().find(|a| a.message == message && a.severity == severity) {
            if let (Some(known), Some(detail)) = (&mut known.detail, detail) {
                known.merge(detail);
            }
            return;
        }
        if kept.len() >= MAX_ANNOTATIONS {
            return;
        }
        let (line, column) = line_and_column(self.text, node.span.start);
        kept.push(Annotation { severity, message, expr: node.to_string(), line, column, detail });
    }
}
