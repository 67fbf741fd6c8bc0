//! `wk_forecast` and `wk_time_to_limit`: where a robust trend leads, with its uncertainty.
//!
//! Not the line: see `crate::forecast`. Prometheus's `predict_linear` is the line of least squares, which one outlier bends.

use super::call::{Call, at};
use crate::error::EvalError;
use crate::forecast::Trend;
use crate::value::Value;

/// `wk_forecast(v[d], t, p)`: the value that is not exceeded with probability `p`, `t` seconds after the moment of
/// evaluation; without `p`, the one that is expected.
pub(super) fn forecast(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let ahead = call.scalar(1)?;
    let probability = probability(call)?;
    let vector = call.map_floats(0, |window| {
        Some(Trend::of(window.samples, window.at_ms)?.value(at(&ahead, window.step), at(&probability, window.step)))
    })?;
    call.unnamed(vector)
}

/// `wk_time_to_limit(v[d], limit, p)`: the seconds until the limit is reached with probability `p`; without `p`, until it
/// is expected to be. No value where the trend does not lead there, 0 where the limit is passed.
pub(super) fn time_to_limit(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let limit = call.scalar(1)?;
    let probability = probability(call)?;
    let vector = call.map_floats(0, |window| {
        Trend::of(window.samples, window.at_ms)?.until(at(&limit, window.step), at(&probability, window.step))
    })?;
    call.unnamed(vector)
}

fn probability(call: &mut Call<'_, '_>) -> Result<Vec<f64>, EvalError> {
    if call.args.len() < 3 {
        return Ok(vec![0.5; call.grid.steps]);
    }
    let given = call.scalar(2)?;
    match given.iter().find(|p| !(**p > 0.0 && **p < 1.0)) {
        Some(wrong) => Err(call.error(format!("a probability lies between 0 and 1, not at {wrong}"))),
        None => Ok(given),
    }
}
