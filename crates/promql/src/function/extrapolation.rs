//! The change over a whole window from the samples inside of it: what `rate`, `increase` and `delta` share.
//!
//! Not `irate`, which looks at two samples only. The samples rarely lie on the window's ends, so the change between
//! them is extended to the ends, but not further than half a sampling interval where the series seems to begin or end
//! inside of the window, and for counters not below zero.

use crate::window::Window;

/// How the samples are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// May go up and down.
    Gauge,
    /// Only grows; a smaller value is a restart from zero.
    Counter,
}

/// The extrapolated change, or nothing for fewer than two samples.
pub(super) fn change(window: &Window<'_>, reading: Reading) -> Option<f64> {
    let (first, last) = (window.samples.first()?, window.samples.last()?);
    if window.samples.len() < 2 {
        return None;
    }
    let mut change = last.v - first.v;
    if reading == Reading::Counter {
        let mut previous = first.v;
        for v in window.values().skip(1) {
            if v < previous {
                change += previous;
            }
            previous = v;
        }
    }
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let sampled = seconds(last.t - first.t);
    let interval = sampled / (window.samples.len() - 1) as f64;
    // A gap of more than this means that the series begins or ends inside of the window.
    let threshold = interval * 1.1;
    let mut before = seconds(first.t - window.start_ms);
    if before >= threshold {
        before = interval / 2.0;
    }
    if reading == Reading::Counter && change > 0.0 && first.v >= 0.0 {
        before = before.min(sampled * (first.v / change));
    }
    let mut after = seconds(window.end_ms - last.t);
    if after >= threshold {
        after = interval / 2.0;
    }
    Some(change * ((sampled + before + after) / sampled))
}
