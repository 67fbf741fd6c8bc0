//! Between scalars and vectors: `scalar`, `vector`, `pi`, `max_of`, `min_of`.
//!
//! Not aggregation: `scalar` refuses to choose among several rows.

use watchkeeper_domain::labels::Labels;

use super::call::Call;
use crate::error::EvalError;
use crate::order::{greater, smaller};
use crate::value::{Row, Value, Vector, is_gap};

/// `scalar(v)`: the value of the only row, else NaN.
pub(super) fn scalar(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let vector = call.vector(0)?;
    let only = |step: usize| {
        let mut present = (0..vector.rows.len()).map(|row| vector.value(row, step)).filter(|v| !is_gap(*v));
        match (present.next(), present.next()) {
            (Some(v), None) => v,
            _ => f64::NAN,
        }
    };
    Ok(Value::Scalar((0..call.grid.steps).map(only).collect()))
}

/// `vector(s)`
pub(super) fn vector(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let values = call.scalar(0)?;
    let mut out = Vector::new(call.grid.steps);
    out.push(Row::new(Labels::empty()), values.into_iter());
    Ok(Value::Vector(out))
}

/// `pi()`
pub(super) fn pi(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    Ok(Value::Scalar(vec![std::f64::consts::PI; call.grid.steps]))
}

/// `max_of(a, b)`
pub(super) fn max_of(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let (a, b) = (call.scalar(0)?, call.scalar(1)?);
    Ok(Value::Scalar(a.into_iter().zip(b).map(|(a, b)| greater(a, b)).collect()))
}

/// `min_of(a, b)`
pub(super) fn min_of(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let (a, b) = (call.scalar(0)?, call.scalar(1)?);
    Ok(Value::Scalar(a.into_iter().zip(b).map(|(a, b)| smaller(a, b)).collect()))
}
