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
    let mut values = Vec::new();
    let vector = call.map_floats(1, |window| {
        values.clear();
        values.extend(window.values());
        Some(quantile::quantile(at(&phi, window.step), &mut values))
    })?;
    if !vector.rows.is_empty() {
        quantile::warn(call.evaluator, arg, &phi);
    }
    call.unnamed(vector)
}
