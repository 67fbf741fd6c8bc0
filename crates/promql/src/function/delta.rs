//! `delta`: by how much a gauge changes over the window.
//!
//! Not for counters: a restart counts as a fall.

use super::call::Notes;
use super::extrapolation::{Reading, change};
use crate::value::Cell;
use crate::window::Window;

/// `delta(v[d])`
pub(super) fn delta(window: &Window<'_>, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    change(window, Reading::Gauge, notes)
}
