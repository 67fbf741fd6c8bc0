//! The tree of an expression, as the evaluator walks it: every node with its place in the text.
//!
//! Not its meaning: `function`, `aggregation` and `operator` hold that.

mod display;
mod lengths;
mod walk;

use regex::Regex;
use watchkeeper_domain::matcher::Matcher;

use crate::aggregation::Aggregator;
use crate::function::Function;
use crate::operator::{BinaryOp, Matching};

pub(crate) use lengths::{Length, LengthExpr, LengthOp};

/// A part of the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

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
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Timing {
    pub(crate) offset: Length,
    pub(crate) at: Option<At>,
}

/// How a selector looks at the ends of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Ends {
    /// At the samples inside only.
    #[default]
    Inside,
    /// From the last sample at or before the window's start.
    Anchored,
    /// Values at both ends are interpolated from the samples around them.
    Smoothed,
}

/// Which series, and when.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SeriesSelector {
    /// All conditions, the metric name included.
    pub(crate) matchers: Vec<Matcher>,
    /// Whether the name was written before the braces; `{__name__="a"}` is printed as it was written.
    pub(crate) named: bool,
    pub(crate) timing: Timing,
    pub(crate) ends: Ends,
}

/// How an aggregation groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

/// One node with its place. Depth is bounded by `parse`.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) span: Span,
    /// How many nodes deep it is; 1 for a leaf.
    depth: usize,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum NodeKind {
    /// Stands where the text has an error, so that the rest of it can be looked at.
    Broken,
    /// A number; the flag tells that it was written as a duration.
    Number(f64, bool),
    Text(String),
    Selector(SeriesSelector),
    Matrix {
        selector: SeriesSelector,
        range: Length,
    },
    Subquery {
        expr: Box<Node>,
        range: Length,
        step: Option<Length>,
        timing: Timing,
    },
    Call {
        function: &'static Function,
        args: Vec<Node>,
        regex: Option<Regex>,
    },
    Aggregate {
        aggregator: &'static Aggregator,
        grouping: Grouping,
        param: Option<Box<Node>>,
        expr: Box<Node>,
    },
    Binary {
        op: BinaryOp,
        lhs: Box<Node>,
        rhs: Box<Node>,
        matching: Matching,
        return_bool: bool,
    },
    Unary {
        negative: bool,
        expr: Box<Node>,
    },
    Paren(Box<Node>),
}

impl Node {
    pub(crate) fn new(kind: NodeKind, span: Span) -> Self {
        let depth = kind.children().into_iter().map(|child| child.depth).max().unwrap_or(0) + 1;
        Self { kind, span, depth }
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// The type of its value. A broken node takes the type of an instant vector, which fits at most places.
    pub(crate) fn kind(&self) -> Kind {
        match &self.kind {
            NodeKind::Number(..) => Kind::Scalar,
            NodeKind::Text(_) => Kind::Text,
            NodeKind::Selector(_) | NodeKind::Aggregate { .. } | NodeKind::Broken => Kind::Vector,
            NodeKind::Matrix { .. } | NodeKind::Subquery { .. } => Kind::Matrix,
            NodeKind::Call { function, .. } => function.returns,
            NodeKind::Binary { lhs, rhs, .. } => match (lhs.kind(), rhs.kind()) {
                (Kind::Scalar, Kind::Scalar) => Kind::Scalar,
                _ => Kind::Vector,
            },
            NodeKind::Unary { expr, .. } | NodeKind::Paren(expr) => expr.kind(),
        }
    }

    /// The node without the parentheses around it.
    pub(crate) fn bare(&self) -> &Self {
        match &self.kind {
            NodeKind::Paren(inner) => inner.bare(),
            _ => self,
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.kind, NodeKind::Broken)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Text => "string",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
        })
    }
}
