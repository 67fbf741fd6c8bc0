//! `delta`: by how much a gauge changes over the window.
//!
//! Not for counters: a restart counts as a fall.

use super::extrapolation::{Reading, change};
use crate::window::Window;

/// `delta(v[d])`
pub(super) fn delta(window: &Window<'_>) -> Option<f64> {
    change(window, Reading::Gauge)
}
