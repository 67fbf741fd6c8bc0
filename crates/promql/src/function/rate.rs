//! `rate`: how fast a counter grows, per second, over the window.
//!
//! Not `irate`, which is about the last two samples.

use super::call::Notes;
use super::extrapolation::{Reading, change};
use crate::value::Cell;
use crate::window::Window;

/// `rate(v[d])`
pub(super) fn rate(window: &Window<'_>, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    let seconds = window.range_seconds();
    Some(match change(window, Reading::Counter, notes)? {
        Cell::Float(change) => Cell::Float(change / seconds),
        Cell::Histogram(change) => Cell::histogram(crate::histogram::divided(&change, seconds)),
    })
}
