//! The comparison that makes an expression a condition, so that a chart can show the value and its threshold.
//!
//! Not every condition: one between two vectors has no single threshold.

use super::Expr;
use crate::ast::{Node, NodeKind};
use crate::operator::BinaryOp;
use crate::operator::comparison::ComparisonOp;
use crate::operator::set::SetOp;

/// `lhs op threshold`
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What is compared.
    pub lhs: Expr,
    /// How it is compared; turned round where the number stands on the left.
    pub op: ComparisonOp,
    /// The number that it is compared with.
    pub threshold: f64,
}

pub(super) fn find(node: &Node) -> Option<Comparison> {
    match &node.kind {
        NodeKind::Paren(inner) => find(inner),
        NodeKind::Binary { op: BinaryOp::Comparison(op), lhs, rhs, .. } => {
            if let Some(threshold) = constant(rhs) {
                return Some(Comparison { lhs: expr(lhs)?, op: *op, threshold });
            }
            Some(Comparison { lhs: expr(rhs)?, op: op.mirrored(), threshold: constant(lhs)? })
        }
        NodeKind::Binary { op: BinaryOp::Set(SetOp::And), lhs, rhs, .. } => find(lhs).or_else(|| find(rhs)),
        // What is after `unless` says when the condition does not hold.
        NodeKind::Binary { op: BinaryOp::Set(SetOp::Unless), lhs, .. } => find(lhs),
        _ => None,
    }
}

/// A part as an expression of its own, with places in a text of its own.
fn expr(node: &Node) -> Option<Expr> {
    Expr::parse(&node.bare().to_string()).ok()
}

/// The value of an expression of numbers only, such as `14.4 * 0.001`.
fn constant(node: &Node) -> Option<f64> {
    match &node.kind {
        NodeKind::Number(n, _) => Some(*n),
        NodeKind::Paren(inner) => constant(inner),
        NodeKind::Unary { negative, expr } => constant(expr).map(|n| if *negative { -n } else { n }),
        NodeKind::Binary { op: BinaryOp::Arithmetic(op), lhs, rhs, .. } => {
            Some(op.apply(constant(lhs)?, constant(rhs)?))
        }
        _ => None,
    }
}
