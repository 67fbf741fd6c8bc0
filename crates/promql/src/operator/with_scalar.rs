//! A vector and a scalar: each value is combined with the scalar of its step.
//!
//! Not the match of two vectors.

use super::BinaryOp;
use crate::ast::Node;
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::value::{Cell, GAP, Value, Vector};

/// Evaluates in place. `scalar_first` tells which operand stands on the left.
pub(super) fn evaluate(
    evaluator: &mut Evaluator<'_>,
    node: &Node,
    mut vector: Vector,
    scalar: &[f64],
    (op, return_bool): (BinaryOp, bool),
    scalar_first: bool,
) -> Result<Value, EvalError> {
    // A filter keeps the vector's value, also where it stands on the right.
    let filters = matches!(op, BinaryOp::Comparison(_)) && !return_bool;
    let other = |step: usize| scalar.get(step).copied().unwrap_or(f64::NAN);
    if vector.has_histograms() || matches!(op, BinaryOp::Trim(_)) {
        let remarks = &mut evaluator.remarks;
        vector.map_cells(|_, step, cell| {
            let scalar = Cell::Float(other(step));
            let (lhs, rhs) = if scalar_first { (&scalar, &cell) } else { (&cell, &scalar) };
            let result = op.combine(lhs, rhs, return_bool, remarks, node)?;
            Some(if filters { cell } else { result })
        });
    } else {
        vector.map_steps(|step, v| {
            let (lhs, rhs) = if scalar_first { (other(step), v) } else { (v, other(step)) };
            match op.apply(lhs, rhs, return_bool) {
                Some(_) if filters => v,
                Some(result) => result,
                None => GAP,
            }
        });
    }
    vector.compact();
    if op.drops_name(return_bool) { evaluator.drop_names(node, vector) } else { Ok(vector) }.map(Value::Vector)
}
