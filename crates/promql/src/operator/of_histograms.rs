//! Operators on native histograms: which of them there are, and what they answer with.
//!
//! Not the arithmetic itself, which is in `crate::histogram`. What does not exist has no answer, and a remark.

use watchkeeper_domain::histogram::{CounterReset, Histogram};

use super::BinaryOp;
use super::arithmetic::Arithmetic;
use super::comparison::ComparisonOp;
use crate::annotation::Remarks;
use crate::annotation::text::{self, Operation};
use crate::ast::Node;
use crate::histogram::{self, trim};
use crate::value::Cell;

/// The result for two values, or nothing.
pub(super) fn combine(
    op: BinaryOp,
    lhs: &Cell,
    rhs: &Cell,
    return_bool: bool,
    remarks: &mut Remarks<'_>,
    node: &Node,
) -> Option<Cell> {
    match (op, lhs, rhs) {
        (BinaryOp::Arithmetic(Arithmetic::Multiply), Cell::Float(factor), Cell::Histogram(h))
        | (BinaryOp::Arithmetic(Arithmetic::Multiply), Cell::Histogram(h), Cell::Float(factor)) => {
            Some(Cell::histogram(histogram::scaled(h, *factor).compact()))
        }
        (BinaryOp::Arithmetic(Arithmetic::Divide), Cell::Histogram(h), Cell::Float(divisor)) => {
            Some(Cell::histogram(histogram::divided(h, *divisor).compact()))
        }
        (BinaryOp::Trim(side), Cell::Histogram(h), Cell::Float(at)) => {
            Some(Cell::histogram(trim::trimmed(h, *at, side)))
        }
        (BinaryOp::Arithmetic(Arithmetic::Add), Cell::Histogram(a), Cell::Histogram(b)) => {
            sum(op, (a, b), Operation::Addition, remarks, node)
        }
        (BinaryOp::Arithmetic(Arithmetic::Subtract), Cell::Histogram(a), Cell::Histogram(b)) => {
            sum(op, (a, b), Operation::Subtraction, remarks, node)
        }
        (
            BinaryOp::Comparison(comparison @ (ComparisonOp::Equal | ComparisonOp::NotEqual)),
            Cell::Histogram(a),
            Cell::Histogram(b),
        ) => {
            let holds = histogram::equal(a, b) == (comparison == ComparisonOp::Equal);
            if return_bool { Some(Cell::Float(f64::from(holds))) } else { holds.then(|| lhs.clone()) }
        }
        _ => {
            remarks.info(text::incompatible_types(kind(lhs), op.sign(), kind(rhs)), node);
            None
        }
    }
}

fn kind(cell: &Cell) -> &'static str {
    match cell {
        Cell::Float(_) => "float",
        Cell::Histogram(_) => "histogram",
    }
}

fn sum(
    op: BinaryOp,
    (a, b): (&Histogram, &Histogram),
    operation: Operation,
    remarks: &mut Remarks<'_>,
    node: &Node,
) -> Option<Cell> {
    let sign = if operation == Operation::Subtraction { -1.0 } else { 1.0 };
    let Ok((mut result, reconciled)) = histogram::combine(a, b, sign) else {
        remarks.warn(text::incompatible_layout(op.sign()), node);
        return None;
    };
    if reconciled.conflicting_resets {
        remarks.warn(text::conflicting_resets(operation), node);
    }
    if reconciled.bounds {
        remarks.info(text::reconciled_bounds(operation), node);
    }
    if operation == Operation::Subtraction {
        // A difference may be less than nothing, so it is no counter.
        result.reset = CounterReset::Gauge;
    }
    Some(Cell::histogram(result.compact()))
}
