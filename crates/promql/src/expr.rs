//! A parsed expression, and what schedulers and charts ask of it without evaluating.
//!
//! Not evaluation: see [`instant`](crate::instant) and [`range`](crate::range).

mod comparison;
mod learnt;
mod starved;

use std::fmt;

use watchkeeper_domain::matcher::Matcher;

use crate::ast::{At, Node, NodeKind, SeriesSelector};
use crate::error::{Diagnostic, ParseError};
use crate::limits::LOOKBACK_MS;
use crate::parse;

pub use crate::operator::comparison::ComparisonOp;
pub use comparison::Comparison;
pub use learnt::Learnt;

/// A checked expression. Displays as canonical text, which parses back to an equal one.
#[derive(Debug, Clone)]
pub struct Expr {
    node: Node,
    /// What it was parsed from: remarks tell their places in it.
    text: std::sync::Arc<str>,
}

/// One selector of an expression: which series, and how far back it looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// All conditions, the metric name among them.
    pub matchers: Vec<Matcher>,
    /// The range in brackets, in milliseconds; 0 for an instant selector.
    pub range_ms: i64,
    /// Its own `offset`, in milliseconds; negative looks ahead.
    pub offset_ms: i64,
    /// How far before the moment of evaluation its samples may lie, in milliseconds: range or lookback, offsets and
    /// the subqueries around it. Meaningless where `pinned`.
    pub lookback_ms: i64,
    /// Whether `@` pins it, or a subquery around it, to a moment of its own.
    pub pinned: bool,
}

impl Expr {
    /// Parses and checks a text. Wrong types, unknown functions and regular expressions that do not compile are refused
    /// here, not at evaluation.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::parse(text).map(|node| Self { node, text: text.into() })
    }

    /// All that is wrong with a text; empty for an expression. For editors: [`parse`](Self::parse) tells the first only.
    #[must_use]
    pub fn diagnose(text: &str) -> Vec<Diagnostic> {
        parse::diagnose(text)
    }

    /// The text that it was parsed from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// All selectors, in the order of the text.
    #[must_use]
    pub fn selectors(&self) -> Vec<Selector> {
        let mut found = Vec::new();
        self.node.visit(&mut Vec::new(), &mut |path, node| match &node.kind {
            NodeKind::Selector(series) => found.push(selector(series, 0, path)),
            NodeKind::Matrix { selector: series, range } => found.push(selector(series, range.ms, path)),
            _ => {}
        });
        found
    }

    /// How far before the moment of evaluation samples can matter, in milliseconds; 0 where none do.
    #[must_use]
    pub fn lookback_ms(&self) -> i64 {
        self.selectors().iter().filter(|s| !s.pinned).map(|s| s.lookback_ms).max().unwrap_or(0)
    }

    /// The left-most comparison with a number that decides the answer: the outermost node, or the one that parentheses
    /// and the left sides of `and` and `unless` lead to.
    #[must_use]
    pub fn comparison(&self) -> Option<Comparison> {
        comparison::find(&self.node)
    }

    /// The selectors because of which there can be no result, when these are the ones that select something; empty when
    /// there can be one.
    #[must_use]
    pub fn starved(&self, mut selects: impl FnMut(&Selector) -> bool) -> Vec<Selector> {
        starved::find(&self.node, &mut Vec::new(), &mut selects).unwrap_or_default()
    }

    /// Its dynamic thresholds, each once, in the order of the text.
    #[must_use]
    pub fn learnt(&self) -> Vec<Learnt> {
        learnt::find(&self.node)
    }

    /// Whether the answer can move while no sample arrives: windows slide, offsets catch up, `time()` runs,
    /// `absent()` appears. A plain instant selector counts as steady: it moves only once, when its newest sample gets
    /// older than the lookback, at the latest [`lookback_ms`](Self::lookback_ms) after it.
    #[must_use]
    pub fn is_time_dependent(&self) -> bool {
        self.node.any(&|node| match &node.kind {
            NodeKind::Call { function, args, .. } => function.reads_clock(args.len()),
            NodeKind::Selector(series) => series.timing.at.is_none() && series.timing.offset.ms != 0,
            NodeKind::Matrix { selector: series, .. } => !matches!(series.timing.at, Some(At::Time(_))),
            NodeKind::Subquery { timing, .. } => !matches!(timing.at, Some(At::Time(_))),
            _ => false,
        })
    }

    /// Whether the answer at a moment depends on the range that it is asked in: `start()`, `end()`, `step()`, `range()`,
    /// `@ start()`, `@ end()`, and lengths that are reckoned from them.
    #[must_use]
    pub fn depends_on_range(&self) -> bool {
        self.node.has_reckoned_lengths()
            || self.node.any(&|node| match &node.kind {
                NodeKind::Call { function, .. } => matches!(function.name, "start" | "end" | "step" | "range"),
                NodeKind::Selector(SeriesSelector { timing, .. })
                | NodeKind::Matrix { selector: SeriesSelector { timing, .. }, .. }
                | NodeKind::Subquery { timing, .. } => matches!(timing.at, Some(At::Start | At::End)),
                _ => false,
            })
    }
}

fn selector(series: &SeriesSelector, range_ms: i64, path: &[&Node]) -> Selector {
    let own = if range_ms > 0 { range_ms } else { LOOKBACK_MS };
    let mut lookback_ms = own.saturating_add(series.timing.offset.ms);
    let mut pinned = matches!(series.timing.at, Some(At::Time(_)));
    for node in path {
        if let NodeKind::Subquery { range, timing, .. } = &node.kind {
            lookback_ms = lookback_ms.saturating_add(range.ms).saturating_add(timing.offset.ms);
            pinned |= matches!(timing.at, Some(At::Time(_)));
        }
    }
    let matchers = series.matchers.clone();
    Selector { matchers, range_ms, offset_ms: series.timing.offset.ms, lookback_ms: lookback_ms.max(0), pinned }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl std::str::FromStr for Expr {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
