//! Counting neighbouring samples that differ in some way: what `resets` and `changes` share.
//!
//! Not extrapolated.

use crate::window::Window;

/// How many neighbours `differ(earlier, later)`.
pub(super) fn count(window: &Window<'_>, differ: impl Fn(f64, f64) -> bool) -> f64 {
    window.values().zip(window.values().skip(1)).filter(|(earlier, later)| differ(*earlier, *later)).count() as f64
}
