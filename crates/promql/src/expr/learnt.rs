//! The dynamic thresholds of an expression, so that a chart can show the band, and evidence the parameters behind it.
//!
//! Not their learning: see [`crate::band`].

use std::fmt;

use crate::ast::{Node, NodeKind};
use crate::band::{Sensitivity, VERSION};

/// One dynamic threshold: what it measures, and expressions for its edges.
#[derive(Debug, Clone, PartialEq)]
pub struct Learnt {
    /// What is measured by it, as an instant vector.
    pub measured: String,
    /// The history that it is learnt from, as a range vector.
    pub history: String,
    /// How small a deviation counts.
    pub sensitivity: Sensitivity,
}

impl Learnt {
    /// An expression for the upper edge.
    #[must_use]
    pub fn upper(&self) -> String {
        format!("wk_band_upper({}, {:?})", self.history, self.sensitivity.as_str())
    }

    /// An expression for the lower edge.
    #[must_use]
    pub fn lower(&self) -> String {
        format!("wk_band_lower({}, {:?})", self.history, self.sensitivity.as_str())
    }
}

impl fmt::Display for Learnt {
    /// The parameters, as they are written down: they are frozen with the version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, width) = (self.sensitivity.as_str(), self.sensitivity.width());
        write!(
            f,
            "band of {}, version {VERSION}, sensitivity {word} ({width} robust standard deviations)",
            self.history
        )
    }
}

pub(super) fn find(node: &Node) -> Vec<Learnt> {
    let mut found: Vec<Learnt> = Vec::new();
    node.visit(&mut Vec::new(), &mut |_, node| {
        let NodeKind::Call { function, args, .. } = &node.kind else { return };
        if !function.name.starts_with("wk_band_") {
            return;
        }
        let (Some(history), Some(NodeKind::Text(word))) = (args.first(), args.get(1).map(|a| &a.bare().kind)) else {
            return;
        };
        let (Some(measured), Some(sensitivity)) = (measured(history.bare()), Sensitivity::parse(word)) else { return };
        let learnt = Learnt { measured, history: history.bare().to_string(), sensitivity };
        if !found.contains(&learnt) {
            found.push(learnt);
        }
    });
    found
}

/// What a range vector is the past of.
fn measured(history: &Node) -> Option<String> {
    match &history.kind {
        NodeKind::Subquery { expr, .. } => Some(expr.bare().to_string()),
        NodeKind::Matrix { selector, .. } => {
            Some(Node::new(NodeKind::Selector(selector.clone()), history.span).to_string())
        }
        _ => None,
    }
}
