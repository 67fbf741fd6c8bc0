//! A vector and a scalar: each value is combined with the scalar of its step.
//!
//! Not the match of two vectors.

use super::BinaryOp;
use crate::ast::Node;
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::value::{GAP, Value, Vector};

/// Evaluates in place; `operands` puts the row's value and the scalar into their order.
pub(super) fn evaluate(
    evaluator: &Evaluator<'_>,
    node: &Node,
    mut vector: Vector,
    op: BinaryOp,
    return_bool: bool,
    operands: impl Fn(usize, f64) -> (f64, f64),
) -> Result<Value, EvalError> {
    let filters = matches!(op, BinaryOp::Comparison(_)) && !return_bool;
    vector.map_steps(|step, v| {
        let (lhs, rhs) = operands(step, v);
        match op.apply(lhs, rhs, return_bool) {
            // A filter keeps the vector's value, also where it stands on the right.
            Some(_) if filters => v,
            Some(result) => result,
            None => GAP,
        }
    });
    vector.compact();
    if op.drops_name(return_bool) { evaluator.drop_names(node, vector) } else { Ok(vector) }.map(Value::Vector)
}
