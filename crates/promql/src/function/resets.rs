//! `resets`: how often a counter started anew.
//!
//! Not `changes`, which counts any change.

use super::call::Notes;
use super::extrapolation::told_restart;
use super::pairwise::{self, SampleValue};
use crate::ast::Ends;
use crate::histogram::reset;
use crate::value::Cell;
use crate::window::Window;

/// `resets(v[d])`
pub(super) fn resets(window: &Window<'_>, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    pairwise::count(window, notes, |earlier, later, notes| {
        let by_value = match (earlier.value, later.value) {
            (SampleValue::Float(a), SampleValue::Float(b)) => b < a,
            (SampleValue::Histogram(a), SampleValue::Histogram(b)) => reset::restarted(b, a),
            _ => true,
        };
        let knows_starts = window.ends == Ends::Inside && later.start != 0;
        by_value || (knows_starts && told_restart(window, (earlier.start, earlier.t), (later.start, later.t), notes))
    })
}
