//! Visiting a tree: which nodes there are, and through which subqueries each is seen.
//!
//! Not evaluation.

use super::{Node, NodeKind};

impl NodeKind {
    /// The direct parts, left to right.
    pub(crate) fn children(&self) -> Vec<&Node> {
        match self {
            Self::Broken | Self::Number(..) | Self::Text(_) | Self::Selector(_) | Self::Matrix { .. } => Vec::new(),
            Self::Subquery { expr, .. } | Self::Unary { expr, .. } | Self::Paren(expr) => vec![expr],
            Self::Call { args, .. } => args.iter().collect(),
            Self::Aggregate { param, expr, .. } => param.iter().map(AsRef::as_ref).chain([expr.as_ref()]).collect(),
            Self::Binary { lhs, rhs, .. } => vec![lhs, rhs],
        }
    }

    pub(super) fn children_mut(&mut self) -> Vec<&mut Node> {
        match self {
            Self::Broken | Self::Number(..) | Self::Text(_) | Self::Selector(_) | Self::Matrix { .. } => Vec::new(),
            Self::Subquery { expr, .. } | Self::Unary { expr, .. } | Self::Paren(expr) => vec![expr],
            Self::Call { args, .. } => args.iter_mut().collect(),
            Self::Aggregate { param, expr, .. } => param.iter_mut().map(AsMut::as_mut).chain([expr.as_mut()]).collect(),
            Self::Binary { lhs, rhs, .. } => vec![lhs, rhs],
        }
    }
}

impl Node {
    /// Visits the node and everything below it; `path` holds the nodes above, outermost first.
    pub(crate) fn visit<'a>(&'a self, path: &mut Vec<&'a Self>, seen: &mut impl FnMut(&[&'a Self], &'a Self)) {
        seen(path, self);
        path.push(self);
        for child in self.kind.children() {
            child.visit(path, seen);
        }
        path.pop();
    }

    /// Whether `found` holds for the node or anything below it.
    pub(crate) fn any(&self, found: &impl Fn(&Self) -> bool) -> bool {
        found(self) || self.kind.children().into_iter().any(|child| child.any(found))
    }
}
