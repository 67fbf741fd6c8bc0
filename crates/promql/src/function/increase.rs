//! `increase`: by how much a counter grows over the window.
//!
//! Not an exact count: it is extrapolated to the window's ends and need not be whole.

use super::extrapolation::{Reading, change};
use crate::window::Window;

/// `increase(v[d])`
pub(super) fn increase(window: &Window<'_>) -> Option<f64> {
    change(window, Reading::Counter)
}
