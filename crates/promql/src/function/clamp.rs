//! `clamp`, `clamp_min` and `clamp_max`: values kept within bounds. A bound that is NaN makes the value NaN.
//!
//! Not filters: no row goes, except where the bounds of `clamp` are the wrong way round.

use super::call::{Call, at};
use crate::error::EvalError;
use crate::order::{greater, smaller};
use crate::value::{GAP, Value};

/// `clamp(v, min, max)`
pub(super) fn clamp(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let mut vector = call.vector(0)?;
    let (min, max) = (call.scalar(1)?, call.scalar(2)?);
    vector.map_steps(|step, v| {
        let (min, max) = (at(&min, step), at(&max, step));
        if max < min { GAP } else { greater(min, smaller(max, v)) }
    });
    call.unnamed(vector)
}

/// `clamp_min(v, min)`
pub(super) fn clamp_min(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let mut vector = call.vector(0)?;
    let min = call.scalar(1)?;
    vector.map_steps(|step, v| greater(at(&min, step), v));
    call.unnamed(vector)
}

/// `clamp_max(v, max)`
pub(super) fn clamp_max(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let mut vector = call.vector(0)?;
    let max = call.scalar(1)?;
    vector.map_steps(|step, v| smaller(at(&max, step), v));
    call.unnamed(vector)
}
