//! `quantile_over_time`: the φ-quantile of the values in the window.
//!
//! Not `histogram_quantile`.

use super::call::{Call, at};
use crate::aggregation::quantile;
use crate::error::EvalError;
use crate::value::Value;

/// `quantile_over_time(φ, v[d])`
pub(super) fn quantile_over_time(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let phi = call.scalar(0)?;
    let arg = call.arg(0)?;
    let windows = call.windows(1)?;
    if !windows.series.is_empty() {
        quantile::warn(call.evaluator, arg, &phi);
    }
    let mut values = Vec::new();
    let vector = windows.map(call.evaluator, |window| {
        values.clear();
        values.extend(window.values());
        Some(quantile::quantile(at(&phi, window.step), &mut values))
    })?;
    call.unnamed(vector)
}
