//! Why an expression is refused or has no answer.
//!
//! Not annotations: those come with an answer.

use std::fmt;

use watchkeeper_domain::query::QueryError;

/// One thing that is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends, in bytes.
    pub end: usize,
    /// What is wrong, in Prometheus's words where it has some.
    pub message: String,
}

/// The line and column of a place in a text, both from 1; columns count bytes, as in Prometheus's messages.
#[must_use]
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..offset.min(text.len())).unwrap_or(&[]);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    (line, column)
}

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text is longer, or nested deeper, than the parser takes.
    #[error("the expression is too large: {what}; split it with recording rules")]
    TooLarge {
        /// What there is too much of, with the limit.
        what: String,
    },
    /// The text does not follow the grammar, or its types do not fit.
    #[error("{line}:{column}: parse error: {reason} (at `{part}`)")]
    Syntax {
        /// The line of the part that is wrong, from 1.
        line: usize,
        /// Its column in bytes, from 1.
        column: usize,
        /// The part that is wrong with what follows it, cut to a readable length.
        part: String,
        /// What is wrong.
        reason: String,
    },
}

impl ParseError {
    /// What is wrong, without the place.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Syntax { part, reason, .. } => format!("{reason} (at `{part}`)"),
            Self::TooLarge { .. } => self.to_string(),
        }
    }

    /// Where in the text, in bytes from its start, that was refused; nothing where it is refused as a whole.
    #[must_use]
    pub fn offset(&self, text: &str) -> Option<usize> {
        let Self::Syntax { line, column, .. } = self else { return None };
        let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        Some(start.saturating_add(column.saturating_sub(1)))
    }

    pub(crate) fn syntax(text: &str, diagnostic: Diagnostic) -> Self {
        let (line, column) = line_and_column(text, diagnostic.start);
        let from = |start: usize| text.get(start..diagnostic.end.max(start)).filter(|part| !part.is_empty());
        let part = from(diagnostic.start).unwrap_or(text).chars().take(200).collect();
        Self::Syntax { line, column, part, reason: diagnostic.message }
    }
}

/// Why an evaluation has no answer. Never to be read as "nothing found".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The source of the series failed.
    #[error("reading the series of `{expr}` failed: {source}")]
    Source {
        /// The selector.
        expr: String,
        /// What the source says.
        source: QueryError,
    },
    /// The data do not fit the expression, for example many-to-many matching.
    #[error("`{expr}`: {reason}")]
    Execution {
        /// The sub-expression.
        expr: String,
        /// Why, in Prometheus's words where it has some.
        reason: String,
    },
    /// The query costs more than it may.
    #[error("`{expr}` is over the limit of {limit}: {what}; narrow the selector, the range or the step")]
    Limit {
        /// The sub-expression.
        expr: String,
        /// What there was too much of.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// The window of a range query is not usable.
    #[error("the range of the query is refused: {0}")]
    Window(String),
}

impl EvalError {
    /// Why, without the sub-expression: Prometheus's words where it has some.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Execution { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    pub(crate) fn execution(expr: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self::Execution { expr: expr.to_string(), reason: reason.into() }
    }
}

impl From<EvalError> for QueryError {
    fn from(error: EvalError) -> Self {
        match error {
            EvalError::Source { source: QueryError::Unavailable(reason), expr } => {
                Self::Unavailable(format!("reading the series of `{expr}` failed: {reason}"))
            }
            EvalError::Source {
                source: source @ (QueryError::Limit { .. } | QueryError::TooLittleHistory { .. }),
                ..
            } => source,
            EvalError::Limit { expr, what, limit } => Self::Limit { what: format!("{what} in `{expr}`"), limit },
            other => Self::Invalid(other.to_string()),
        }
    }
}

impl From<ParseError> for QueryError {
    fn from(error: ParseError) -> Self {
        Self::Invalid(error.to_string())
    }
}
