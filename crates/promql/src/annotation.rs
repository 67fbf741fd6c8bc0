//! Remarks on an answer that is right but may surprise, with Prometheus's wording.
//!
//! Not errors: an evaluation that gives annotations has an answer.

use std::fmt;

/// How serious a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Likely harmless.
    Info,
    /// The query probably does not do what its author wants.
    Warning,
}

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How serious it is.
    pub severity: Severity,
    /// What there is to know.
    pub message: String,
    /// The sub-expression it is about.
    pub expr: String,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
        };
        write!(f, "PromQL {kind}: {} (in `{}`)", self.message, self.expr)
    }
}

/// How many different remarks are kept.
const MAX_ANNOTATIONS: usize = 32;

/// The remarks on one answer, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

    pub(crate) fn add(&mut self, severity: Severity, message: String, expr: impl fmt::Display) {
        if self.0.len() < MAX_ANNOTATIONS && !self.0.iter().any(|a| a.message == message) {
            self.0.push(Annotation { severity, message, expr: expr.to_string() });
        }
    }
}
