//! `round` and `sgn`.
//!
//! Not IEEE rounding: ties go up.

use super::call::{Call, at};
use crate::error::EvalError;
use crate::value::Value;

/// `round(v, to_nearest = 1)`
pub(super) fn round(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let mut vector = call.vector(0)?;
    let nearest = if call.args.len() > 1 { call.scalar(1)? } else { vec![1.0; call.grid.steps] };
    vector.map_steps(|step, v| {
        // As Prometheus does it: with the inverse, which is the more exact one for 0.1 and the like.
        let inverse = 1.0 / at(&nearest, step);
        (v * inverse + 0.5).floor() / inverse
    });
    call.unnamed(vector)
}

/// `sgn(v)`: -1, 1, or the value itself where it is zero or NaN.
pub(super) fn sign(v: f64) -> f64 {
    if v < 0.0 {
        -1.0
    } else if v > 0.0 {
        1.0
    } else {
        v
    }
}
