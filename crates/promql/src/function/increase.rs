//! `increase`: by how much a counter grows over the window.
//!
//! Not an exact count: it is extrapolated to the window's ends and need not be whole.

use super::call::Notes;
use super::extrapolation::{Reading, change};
use crate::value::Cell;
use crate::window::Window;

/// `increase(v[d])`
pub(super) fn increase(window: &Window<'_>, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    change(window, Reading::Counter, notes)
}
