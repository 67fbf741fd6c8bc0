//! The checked tree of an expression, as the evaluator walks it.
//!
//! Not the parser's tree: `parse` turns that one into this one, so that nothing else knows the parser.

mod display;
mod walk;

use regex::Regex;
use watchkeeper_domain::matcher::Matcher;

use crate::aggregation::Aggregator;
use crate::function::Function;
use crate::operator::{BinaryOp, Matching};

/// The type of an expression's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Text,
    Vector,
    Matrix,
}

/// What `@` pins a selector to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Milliseconds since the Unix epoch.
    Time(i64),
    /// The start of the whole query.
    Start,
    /// The end of the whole query.
    End,
}

/// `offset` and `@` of a selector or subquery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Timing {
    pub(crate) offset_ms: i64,
    pub(crate) at: Option<At>,
}

/// Which series, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeriesSelector {
    /// All conditions, the metric name included.
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) timing: Timing,
}

/// How an aggregation groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

/// One node. Depth is bounded by `parse`.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Number(f64),
    Text(String),
    Selector(SeriesSelector),
    Matrix { selector: SeriesSelector, range_ms: i64 },
    Subquery { expr: Box<Node>, range_ms: i64, step_ms: Option<i64>, timing: Timing },
    Call { function: &'static Function, args: Vec<Node>, regex: Option<Regex> },
    Aggregate { aggregator: &'static Aggregator, grouping: Grouping, param: Option<Box<Node>>, expr: Box<Node> },
    Binary { op: BinaryOp, lhs: Box<Node>, rhs: Box<Node>, matching: Matching, return_bool: bool },
    Negate(Box<Node>),
    Paren(Box<Node>),
}

impl Node {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Number(_) => Kind::Scalar,
            Self::Text(_) => Kind::Text,
            Self::Selector(_) | Self::Aggregate { .. } => Kind::Vector,
            Self::Matrix { .. } | Self::Subquery { .. } => Kind::Matrix,
            Self::Call { function, .. } => function.returns,
            Self::Binary { lhs, rhs, .. } => match (lhs.kind(), rhs.kind()) {
                (Kind::Scalar, Kind::Scalar) => Kind::Scalar,
                _ => Kind::Vector,
            },
            Self::Negate(inner) | Self::Paren(inner) => inner.kind(),
        }
    }

    /// The node without the parentheses around it.
    pub(crate) fn bare(&self) -> &Self {
        match self {
            Self::Paren(inner) => inner.bare(),
            other => other,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Scalar => "a scalar",
            Self::Text => "a text",
            Self::Vector => "an instant vector",
            Self::Matrix => "a range vector",
        })
    }
}
