//! `min` and `max`, also over time: NaN only where all values are NaN.
//!
//! Not `min_of` or `clamp`, where NaN wins.

/// The least value.
pub(crate) fn min(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NAN, |best, v| if v < best || best.is_nan() { v } else { best })
}

/// The greatest value.
pub(crate) fn max(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NAN, |best, v| if v > best || best.is_nan() { v } else { best })
}
