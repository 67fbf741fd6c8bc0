//! `mad_over_time`: the median absolute deviation, a spread that outliers do not move.
//!
//! Not the mean absolute deviation.

use crate::aggregation::quantile::quantile;
use crate::window::Window;

/// `mad_over_time(v[d])`: NaN where one value is NaN.
pub(super) fn mad_over_time(window: &Window<'_>) -> Option<f64> {
    let mut values: Vec<f64> = window.values().collect();
    if values.iter().any(|v| v.is_nan()) {
        return Some(f64::NAN);
    }
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|v| *v = (*v - median).abs());
    Some(quantile(0.5, &mut values))
}
