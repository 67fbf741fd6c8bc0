//! `topk` and `bottomk`: the rows with the greatest or least values of each group, with all their labels.
//!
//! Not `limitk`, which does not look at values. NaN is the last choice of both.

use std::cmp::Ordering;

use super::{Aggregation, histograms};
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::order;
use crate::value::{Vector, is_gap};

/// `topk(k, v)`
pub(super) fn topk(evaluator: &mut Evaluator<'_>, aggregation: &Aggregation<'_>) -> Result<Vector, EvalError> {
    histograms::ignored(&mut evaluator.remarks, aggregation);
    ranked(aggregation, |a, b| order::nan_last(b, a))
}

/// `bottomk(k, v)`
pub(super) fn bottomk(evaluator: &mut Evaluator<'_>, aggregation: &Aggregation<'_>) -> Result<Vector, EvalError> {
    histograms::ignored(&mut evaluator.remarks, aggregation);
    ranked(aggregation, order::nan_last)
}

fn ranked(aggregation: &Aggregation<'_>, best_first: impl Fn(f64, f64) -> Ordering) -> Result<Vector, EvalError> {
    let input = aggregation.input;
    let counts = counts(aggregation)?;
    let members = aggregation.members();
    let mut out = input.emptied();
    let mut order_of_rows = Vec::new();
    let mut candidates: Vec<(usize, f64)> = Vec::new();
    for members in &members {
        for (step, count) in counts.iter().enumerate() {
            candidates.clear();
            candidates.extend(members.iter().map(|at| (*at, input.value(*at, step))).filter(|(_, v)| !is_gap(*v)));
            // NaN is the worst choice of topk as well, so it goes last whichever way the values run.
            candidates.sort_by(|a, b| a.1.is_nan().cmp(&b.1.is_nan()).then_with(|| best_first(a.1, b.1)));
            for (row, v) in candidates.iter().take(*count) {
                out.set(*row, step, *v);
            }
            if input.steps == 1 {
                order_of_rows.extend(candidates.iter().take(*count).map(|(row, _)| *row));
            }
        }
    }
    if input.steps == 1 {
        // The answer of an instant query is ordered by value.
        return Ok(out.pick(&order_of_rows));
    }
    out.compact();
    Ok(out)
}

/// How many rows are wanted at each step.
pub(super) fn counts(aggregation: &Aggregation<'_>) -> Result<Vec<usize>, EvalError> {
    (0..aggregation.grid.steps)
        .map(|step| {
            let k = aggregation.number(step);
            if k.is_nan() {
                return Err(EvalError::execution(aggregation.node, "Parameter value is NaN"));
            }
            if k >= 9.3e18 || k <= -9.3e18 {
                let reason = format!("Scalar value {} overflows int64", order::shown(k));
                return Err(EvalError::execution(aggregation.node, reason));
            }
            // A cast cuts the fraction off and takes what is below zero as zero.
            Ok(k as usize)
        })
        .collect()
}
