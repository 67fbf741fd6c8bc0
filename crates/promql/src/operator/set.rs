//! `and`, `or` and `unless`: which rows stay, by whether the other side has a row in the same group.
//!
//! Values are never combined here.

use super::MatchLabels;
use crate::ast::Node;
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::grouping::Grouper;
use crate::value::{Grid, Vector};

/// A set operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetOp {
    And,
    Or,
    Unless,
}

impl SetOp {
    pub(crate) const ALL: [Self; 3] = [Self::And, Self::Or, Self::Unless];

    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
        }
    }
}

/// Evaluates `lhs op rhs`.
pub(super) fn evaluate(
    evaluator: &mut Evaluator<'_>,
    node: &Node,
    op: SetOp,
    lhs: &Node,
    rhs: &Node,
    labels: &MatchLabels,
    grid: Grid,
) -> Result<Vector, EvalError> {
    let left = evaluator.vector(lhs, grid)?;
    let right = evaluator.vector(rhs, grid)?;
    let mut grouper = Grouper::new(labels);
    let (left_groups, right_groups) = (grouper.numbers(&left.rows), grouper.numbers(&right.rows));
    let (mut result, filter) = match op {
        SetOp::And | SetOp::Unless => {
            let filter = Presence::new(&right, &right_groups, grouper.len());
            let mut kept = left;
            keep(&mut kept, &left_groups, |group, step| filter.has(group, step) == (op == SetOp::And));
            (kept, None)
        }
        SetOp::Or => {
            let taken = Presence::new(&left, &left_groups, grouper.len());
            (left, Some(taken))
        }
    };
    if let Some(taken) = filter {
        let mut added = right;
        keep(&mut added, &right_groups, |group, step| !taken.has(group, step));
        result.append(added);
        // The same series may come from the left at one step and from the right at another.
        result = evaluator.merged(node, result)?;
    }
    result.compact();
    Ok(result)
}

fn keep(vector: &mut Vector, groups: &[usize], stays: impl Fn(usize, usize) -> bool) {
    vector.keep(|row, step| groups.get(row).is_some_and(|group| stays(*group, step)));
}

/// Which groups have a value at which step.
struct Presence {
    cells: Vec<bool>,
    steps: usize,
}

impl Presence {
    fn new(vector: &Vector, groups: &[usize], count: usize) -> Self {
        let mut cells = vec![false; count * vector.steps];
        for (at, group) in groups.iter().enumerate() {
            let cells = cells.iter_mut().skip(group * vector.steps).take(vector.steps);
            cells.enumerate().for_each(|(step, cell)| *cell |= vector.has(at, step));
        }
        Self { cells, steps: vector.steps }
    }

    fn has(&self, group: usize, step: usize) -> bool {
        self.cells.get(group * self.steps + step).copied().unwrap_or(false)
    }
}
