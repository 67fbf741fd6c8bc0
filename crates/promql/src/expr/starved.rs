//! Which selectors keep an expression empty: `a and b` gives nothing when `a` or `b` selects nothing, `a or b` when neither
//! does, `absent(a)` always gives something.
//!
//! Not evaluation: what is told holds at every moment, whatever the values are.

use super::{Selector, selector};
use crate::ast::{Kind, Node, NodeKind};
use crate::operator::BinaryOp;
use crate::operator::set::SetOp;

/// The selectors to blame when the node can have no element; none when it can.
pub(super) fn find<'n>(
    node: &'n Node,
    path: &mut Vec<&'n Node>,
    selects: &mut dyn FnMut(&Selector) -> bool,
) -> Option<Vec<Selector>> {
    path.push(node);
    let found = match &node.kind {
        NodeKind::Selector(series) => starving(selector(series, 0, path), selects),
        NodeKind::Matrix { selector: series, range } => starving(selector(series, range.ms, path), selects),
        NodeKind::Broken | NodeKind::Number(..) | NodeKind::Text(_) => None,
        NodeKind::Subquery { expr, .. } | NodeKind::Aggregate { expr, .. } | NodeKind::Unary { expr, .. } => {
            find(expr, path, selects)
        }
        NodeKind::Paren(inner) => find(inner, path, selects),
        NodeKind::Call { function, args, .. } => match function.name {
            // These say something about nothing, too.
            "absent" | "absent_over_time" | "scalar" => None,
            // What `info` adds may be missing.
            "info" => args.first().and_then(|arg| find(arg, path, selects)),
            _ => args
                .iter()
                .filter(|arg| matches!(arg.kind(), Kind::Vector | Kind::Matrix))
                .find_map(|arg| find(arg, path, selects)),
        },
        NodeKind::Binary { op, lhs, rhs, matching, .. } => {
            let filled = matching.fill_left.is_some() || matching.fill_right.is_some();
            match op {
                BinaryOp::Set(SetOp::Unless) => find(lhs, path, selects),
                BinaryOp::Set(SetOp::Or) => both(lhs, rhs, path, selects),
                _ if filled => both(lhs, rhs, path, selects),
                _ => find(lhs, path, selects).or_else(|| find(rhs, path, selects)),
            }
        }
    };
    path.pop();
    found
}

fn both<'n>(
    lhs: &'n Node,
    rhs: &'n Node,
    path: &mut Vec<&'n Node>,
    selects: &mut dyn FnMut(&Selector) -> bool,
) -> Option<Vec<Selector>> {
    let mut left = find(lhs, path, selects)?;
    left.extend(find(rhs, path, selects)?);
    Some(left)
}

fn starving(selector: Selector, selects: &mut dyn FnMut(&Selector) -> bool) -> Option<Vec<Selector>> {
    (!selects(&selector)).then(|| vec![selector])
}
