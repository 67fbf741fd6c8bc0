//! Binary operators: what they are, and which file evaluates which pair of operand types.
//!
//! Not precedence: the parser has settled that.

pub(crate) mod arithmetic;
pub(crate) mod between_vectors;
pub(crate) mod comparison;
mod of_histograms;
pub(crate) mod set;
pub(crate) mod with_scalar;

use crate::annotation::Remarks;
use crate::ast::{Kind, Node, NodeKind};
use crate::engine::{Detail, Evaluator};
use crate::error::EvalError;
use crate::histogram::trim::Side;
use crate::value::{Cell, Grid, Value};

/// A binary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Arithmetic(arithmetic::Arithmetic),
    Comparison(comparison::ComparisonOp),
    Set(set::SetOp),
    /// `</` and `>/`: the part of a native histogram on one side of a number.
    Trim(Side),
}

impl BinaryOp {
    /// The operator as PromQL writes it.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Arithmetic(op) => op.sign(),
            Self::Comparison(op) => op.sign(),
            Self::Set(op) => op.sign(),
            Self::Trim(Side::Below) => "</",
            Self::Trim(Side::Above) => ">/",
        }
    }

    /// Reads the operator as the parser prints it.
    pub(crate) fn from_sign(sign: &str) -> Option<Self> {
        let arithmetic = arithmetic::Arithmetic::ALL.into_iter().map(Self::Arithmetic);
        let comparison = comparison::ComparisonOp::ALL.into_iter().map(Self::Comparison);
        let set = set::SetOp::ALL.into_iter().map(Self::Set);
        let trim = [Side::Below, Side::Above].into_iter().map(Self::Trim);
        arithmetic.chain(comparison).chain(set).chain(trim).find(|op| op.sign() == sign)
    }

    /// The result for two numbers; `None` where a filtering comparison does not hold.
    fn apply(self, lhs: f64, rhs: f64, return_bool: bool) -> Option<f64> {
        match self {
            Self::Arithmetic(op) => Some(op.apply(lhs, rhs)),
            Self::Comparison(op) if return_bool => Some(f64::from(op.holds(lhs, rhs))),
            Self::Comparison(op) => op.holds(lhs, rhs).then_some(lhs),
            Self::Set(_) | Self::Trim(_) => None,
        }
    }

    /// The result for two values of which one may be a native histogram.
    fn combine(
        self,
        lhs: &Cell,
        rhs: &Cell,
        return_bool: bool,
        remarks: &mut Remarks<'_>,
        node: &Node,
    ) -> Option<Cell> {
        match (self, lhs, rhs) {
            (Self::Trim(_), _, _) | (_, Cell::Histogram(_), _) | (_, _, Cell::Histogram(_)) => {
                of_histograms::combine(self, lhs, rhs, return_bool, remarks, node)
            }
            (_, Cell::Float(lhs), Cell::Float(rhs)) => self.apply(*lhs, *rhs, return_bool).map(Cell::Float),
        }
    }

    /// Whether results lose the metric name.
    fn drops_name(self, return_bool: bool) -> bool {
        return_bool || matches!(self, Self::Arithmetic(_))
    }
}

/// By which labels two vectors match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MatchLabels {
    On(Vec<String>),
    Ignoring(Vec<String>),
}

/// How many rows of one side match how many of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cardinality {
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// The matching of two vectors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matching {
    pub(crate) labels: MatchLabels,
    pub(crate) cardinality: Cardinality,
    /// Labels that `group_left` or `group_right` takes from the "one" side.
    pub(crate) include: Vec<String>,
    /// Stands in for a row that the left side lacks.
    pub(crate) fill_left: Option<f64>,
    /// Stands in for a row that the right side lacks.
    pub(crate) fill_right: Option<f64>,
}

/// Evaluates `lhs op rhs`.
pub(crate) fn evaluate(evaluator: &mut Evaluator<'_>, node: &Node, grid: Grid) -> Result<Value, EvalError> {
    let NodeKind::Binary { op, lhs, rhs, matching, return_bool } = &node.kind else {
        return Err(EvalError::execution(node, "not a binary expression"));
    };
    if let (BinaryOp::Set(set), Kind::Vector, Kind::Vector) = (op, lhs.kind(), rhs.kind()) {
        return set::evaluate(evaluator, node, *set, lhs, rhs, &matching.labels, grid).map(Value::Vector);
    }
    let operands = |evaluator: &mut Evaluator<'_>| -> Result<(Value, Value), EvalError> {
        Ok((evaluator.evaluate(lhs, grid)?, evaluator.evaluate(rhs, grid)?))
    };
    let (left, right) = if matches!(op, BinaryOp::Trim(_)) {
        evaluator.with_detail(Detail::Buckets, operands)?
    } else {
        operands(evaluator)?
    };
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Ok(Value::Scalar(
            left.iter().zip(&right).map(|(l, r)| op.apply(*l, *r, *return_bool).unwrap_or(f64::NAN)).collect(),
        )),
        (Value::Vector(vector), Value::Scalar(scalar)) => {
            with_scalar::evaluate(evaluator, node, vector, &scalar, (*op, *return_bool), false)
        }
        (Value::Scalar(scalar), Value::Vector(vector)) => {
            with_scalar::evaluate(evaluator, node, vector, &scalar, (*op, *return_bool), true)
        }
        (Value::Vector(left), Value::Vector(right)) => {
            between_vectors::evaluate(evaluator, node, &left, &right, *op, matching, *return_bool).map(Value::Vector)
        }
        _ => Err(EvalError::execution(node, "binary operators take scalars and instant vectors only")),
    }
}
