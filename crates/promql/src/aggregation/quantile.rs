//! `quantile`, also for `quantile_over_time`: the value at a rank, interpolated between neighbours.
//!
//! Not `histogram_quantile`, which estimates from buckets.

use crate::annotation::text;
use crate::ast::Node;
use crate::engine::Evaluator;
use crate::order;

/// The φ-quantile. Reorders the values. Outside of 0 to 1 it is infinite.
pub(crate) fn quantile(phi: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(|a, b| order::nan_first(*a, *b));
    let rank = phi * (values.len() - 1) as f64;
    let lower = rank.floor();
    let weight = rank - lower;
    let at = |index: usize| values.get(index.min(values.len() - 1)).copied().unwrap_or(f64::NAN);
    at(lower as usize) * (1.0 - weight) + at(lower as usize + 1) * weight
}

/// Remarks that φ is out of its range.
pub(crate) fn warn(evaluator: &mut Evaluator<'_>, node: &Node, numbers: &[f64]) {
    for phi in numbers.iter().filter(|phi| !(0.0..=1.0).contains(*phi)) {
        evaluator.remarks.warn(text::invalid_quantile(*phi), node);
    }
}
