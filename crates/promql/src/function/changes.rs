//! `changes`: how often a value changed. From NaN to NaN is no change.
//!
//! Not `resets`, which counts falls only.

use super::pairwise;
use crate::window::Window;

/// `changes(v[d])`
#[expect(clippy::float_cmp, reason = "any difference is a change")]
pub(super) fn changes(window: &Window<'_>) -> Option<f64> {
    Some(pairwise::count(window, |earlier, later| earlier != later && !(earlier.is_nan() && later.is_nan())))
}
