//! `ts_of_min_over_time` and `ts_of_max_over_time`: when the least or greatest value was; of equal ones the last.
//!
//! Not the values themselves.

use watchkeeper_domain::telemetry::Sample;

use super::timestamp::seconds;
use crate::window::Window;

/// `ts_of_min_over_time(v[d])`, in seconds.
pub(super) fn of_min(window: &Window<'_>) -> Option<f64> {
    extremum(window, |v, best| v <= best)
}

/// `ts_of_max_over_time(v[d])`, in seconds.
pub(super) fn of_max(window: &Window<'_>) -> Option<f64> {
    extremum(window, |v, best| v >= best)
}

fn extremum(window: &Window<'_>, wins: impl Fn(f64, f64) -> bool) -> Option<f64> {
    let mut samples = window.samples.iter();
    let first = samples.next()?;
    let pick = |best: &'_ Sample, s: &'_ Sample| wins(s.v, best.v) || best.v.is_nan();
    let best = samples.fold(first, |best, s| if pick(best, s) { s } else { best });
    Some(seconds(best))
}
