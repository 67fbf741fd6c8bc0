//! The comparison that makes an expression a condition, so that a chart can show the value and its threshold.
//!
//! Not every condition: one between two vectors has no single threshold.

use super::Expr;
use crate::ast::Node;
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
    match node {
        Node::Paren(inner) => find(inner),
        Node::Binary { op: BinaryOp::Comparison(op), lhs, rhs, .. } => {
            if let Some(threshold) = constant(rhs) {
                return Some(Comparison { lhs: expr(lhs), op: *op, threshold });
            }
            constant(lhs).map(|threshold| Comparison { lhs: expr(rhs), op: op.mirrored(), threshold })
        }
        Node::Binary { op: BinaryOp::Set(SetOp::And), lhs, rhs, .. } => find(lhs).or_else(|| find(rhs)),
        // What is after `unless` says when the condition does not hold.
        Node::Binary { op: BinaryOp::Set(SetOp::Unless), lhs, .. } => find(lhs),
        _ => None,
    }
}

fn expr(node: &Node) -> Expr {
    Expr { node: node.bare().clone() }
}

/// The value of an expression of numbers only, such as `14.4 * 0.001`.
fn constant(node: &Node) -> Option<f64> {
    match node {
        Node::Number(n) => Some(*n),
        Node::Paren(inner) => constant(inner),
        Node::Negate(inner) => constant(inner).map(|n| -n),
        Node::Binary { op: BinaryOp::Arithmetic(op), lhs, rhs, .. } => Some(op.apply(constant(lhs)?, constant(rhs)?)),
        _ => None,
    }
}
