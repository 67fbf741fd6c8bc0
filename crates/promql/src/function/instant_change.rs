//! `irate` and `idelta`: the change between the last two samples of the window.
//!
//! Not extrapolated.

use watchkeeper_domain::telemetry::Sample;

use crate::window::Window;

fn last_two<'a>(window: &Window<'a>) -> Option<(&'a Sample, &'a Sample)> {
    match window.samples {
        [.., previous, last] => Some((previous, last)),
        _ => None,
    }
}

/// `irate(v[d])`: per second; a fall is a restart from zero.
pub(super) fn irate(window: &Window<'_>) -> Option<f64> {
    let (previous, last) = last_two(window)?;
    let change = if last.v < previous.v { last.v } else { last.v - previous.v };
    let seconds = (last.t - previous.t) as f64 / 1000.0;
    (seconds > 0.0).then(|| change / seconds)
}

/// `idelta(v[d])`
pub(super) fn idelta(window: &Window<'_>) -> Option<f64> {
    last_two(window).filter(|(previous, last)| last.t > previous.t).map(|(previous, last)| last.v - previous.v)
}
