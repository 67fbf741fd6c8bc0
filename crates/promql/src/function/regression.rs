//! `deriv` and `predict_linear`: a straight line through the samples by least squares.
//!
//! Not robust against outliers; `double_exponential_smoothing` weighs newer samples more.

use super::call::{Call, at};
use crate::compensated::Sum;
use crate::error::EvalError;
use crate::value::Value;
use crate::window::Window;

/// The line: its slope per second, and its value at `origin_ms`.
#[expect(clippy::float_cmp, reason = "a series is constant where its values are equal; NaN is equal to nothing")]
fn line(window: &Window<'_>, origin_ms: i64) -> Option<(f64, f64)> {
    let first = window.samples.first()?;
    if window.samples.len() < 2 {
        return None;
    }
    let (mut x_sum, mut y_sum, mut xy_sum, mut xx_sum) =
        (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    let mut level = true;
    for sample in window.samples {
        level &= sample.v == first.v;
        let x = (sample.t - origin_ms) as f64 / 1000.0;
        x_sum.add(x);
        y_sum.add(sample.v);
        xy_sum.add(x * sample.v);
        xx_sum.add(x * x);
    }
    if level {
        // Rounding must not give a constant series a slope.
        return Some(if first.v.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first.v) });
    }
    let full = |sum: Sum| sum.value + sum.compensation;
    let (x, y, xy, xx) = (full(x_sum), full(y_sum), full(xy_sum), full(xx_sum));
    let count = window.samples.len() as f64;
    let slope = (xy - x * y / count) / (xx - x * x / count);
    Some((slope, y / count - slope * x / count))
}

/// `deriv(v[d])`: per second.
pub(super) fn deriv(window: &Window<'_>) -> Option<f64> {
    // From the first sample on, so that times stay small numbers.
    line(window, window.samples.first()?.t).map(|(slope, _)| slope)
}

/// `predict_linear(v[d], t)`: the value `t` seconds after the moment of evaluation.
pub(super) fn predict_linear(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let ahead = call.scalar(1)?;
    let vector = call.map_floats(0, |window| {
        line(window, window.at_ms).map(|(slope, intercept)| slope * at(&ahead, window.step) + intercept)
    })?;
    call.unnamed(vector)
}
