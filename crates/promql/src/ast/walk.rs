//! Visiting a tree: which nodes there are, and through which subqueries each is seen.
//!
//! Not evaluation.

use super::Node;

impl Node {
    /// The direct parts, left to right.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Number(_) | Self::Text(_) | Self::Selector(_) | Self::Matrix { .. } => Vec::new(),
            Self::Subquery { expr, .. } | Self::Negate(expr) | Self::Paren(expr) => vec![expr],
            Self::Call { args, .. } => args.iter().collect(),
            Self::Aggregate { param, expr, .. } => param.iter().map(AsRef::as_ref).chain([expr.as_ref()]).collect(),
            Self::Binary { lhs, rhs, .. } => vec![lhs, rhs],
        }
    }

    /// Visits the node and everything below it; `path` holds the nodes above, outermost first.
    pub(crate) fn visit<'a>(&'a self, path: &mut Vec<&'a Self>, seen: &mut impl FnMut(&[&'a Self], &'a Self)) {
        seen(path, self);
        path.push(self);
        for child in self.children() {
            child.visit(path, seen);
        }
        path.pop();
    }

    /// Whether `found` holds for the node or anything below it.
    pub(crate) fn any(&self, found: &impl Fn(&Self) -> bool) -> bool {
        found(self) || self.children().into_iter().any(|child| child.any(found))
    }
}
