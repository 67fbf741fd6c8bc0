//! `rate`: how fast a counter grows, per second, over the window.
//!
//! Not `irate`, which is about the last two samples.

use super::extrapolation::{Reading, change};
use crate::window::Window;

/// `rate(v[d])`
pub(super) fn rate(window: &Window<'_>) -> Option<f64> {
    change(window, Reading::Counter).map(|change| change / window.range_seconds())
}
