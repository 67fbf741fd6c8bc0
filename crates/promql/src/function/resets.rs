//! `resets`: how often a counter started anew.
//!
//! Not `changes`, which counts any change.

use super::pairwise;
use crate::window::Window;

/// `resets(v[d])`
pub(super) fn resets(window: &Window<'_>) -> Option<f64> {
    Some(pairwise::count(window, |earlier, later| later < earlier))
}
