//! Why an expression is refused or has no answer.
//!
//! Not annotations: those come with an answer.

use std::fmt;

use watchkeeper_domain::query::QueryError;

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
    #[error("`{expr}` is not a PromQL expression: {reason}")]
    Syntax {
        /// The text, cut to a readable length.
        expr: String,
        /// What is wrong.
        reason: String,
    },
    /// One part of a well-formed expression is refused.
    #[error("`{expr}`: {reason}")]
    Refused {
        /// The sub-expression.
        expr: String,
        /// Why.
        reason: String,
    },
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
    /// The expression uses what this evaluator does not have.
    #[error("`{expr}`: {what} not supported")]
    Unsupported {
        /// The sub-expression.
        expr: String,
        /// The missing feature with its verb: "native histograms are".
        what: String,
    },
    /// The window of a range query is not usable.
    #[error("the range of the query is refused: {0}")]
    Window(String),
}

impl EvalError {
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
            EvalError::Source { source: source @ QueryError::Limit { .. }, .. } => source,
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
