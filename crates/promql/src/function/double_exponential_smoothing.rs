//! `double_exponential_smoothing` (Holt's linear trend), which Prometheus 2 called `holt_winters`.
//!
//! No seasons, in spite of the old name.

use super::call::{Call, at};
use crate::error::EvalError;
use crate::order::shown;
use crate::value::Value;

/// `double_exponential_smoothing(v[d], sf, tf)`
pub(super) fn double_exponential_smoothing(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let (smoothing, trend) = (call.scalar(1)?, call.scalar(2)?);
    for (name, letters, factors) in [("smoothing", "sf", &smoothing), ("trend", "tf", &trend)] {
        if let Some(wrong) = factors.iter().find(|f| **f <= 0.0 || **f >= 1.0 || f.is_nan()) {
            let reason = format!("invalid {name} factor. Expected: 0 < {letters} < 1, got: {}", shown(*wrong));
            return Err(call.error(reason));
        }
    }
    let vector = call.map_floats(0, |window| {
        let (sf, tf) = (at(&smoothing, window.step), at(&trend, window.step));
        let [first, second, ..] = window.samples else { return None };
        let (mut before, mut level, mut slope) = (0.0, first.v, second.v - first.v);
        for (i, sample) in window.samples.iter().enumerate().skip(1) {
            if i > 1 {
                slope = tf * (level - before) + (1.0 - tf) * slope;
            }
            (before, level) = (level, sf * sample.v + (1.0 - sf) * (level + slope));
        }
        Some(level)
    })?;
    call.unnamed(vector)
}
