//! `changes`: how often a value changed. From NaN to NaN is no change.
//!
//! Not `resets`, which counts falls only.

use super::call::Notes;
use super::pairwise::{self, SampleValue};
use crate::histogram;
use crate::value::Cell;
use crate::window::Window;

/// `changes(v[d])`
#[expect(clippy::float_cmp, reason = "any difference is a change")]
pub(super) fn changes(window: &Window<'_>, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    pairwise::count(window, notes, |earlier, later, _| match (earlier.value, later.value) {
        (SampleValue::Float(a), SampleValue::Float(b)) => a != b && !(a.is_nan() && b.is_nan()),
        (SampleValue::Histogram(a), SampleValue::Histogram(b)) => !histogram::equal(a, b),
        _ => true,
    })
}
