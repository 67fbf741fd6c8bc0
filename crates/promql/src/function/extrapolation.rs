//! The change over a whole window from the samples inside of it: what `rate`, `increase` and `delta` share.
//!
//! Not `irate`, which looks at two samples only, and not `anchored` or `smoothed` windows, which have values at their
//! ends. The samples rarely lie on the window's ends, so the change between them is extended to the ends, but not
//! further than half a sampling interval where the series seems to begin or end inside of the window, and for counters
//! not below zero. A counter whose start is known to lie inside of the window was zero there.

use std::sync::Arc;

use watchkeeper_domain::histogram::{CounterReset, Histogram};

use super::call::Notes;
use super::start_of_counting::{Started, overlaps, restarted};
use super::{extended, histogram_change};
use crate::annotation::text;
use crate::ast::Ends;
use crate::histogram::{combine, scaled};
use crate::value::Cell;
use crate::window::Window;

/// How the samples are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// May go up and down.
    Gauge,
    /// Only grows; a smaller value is a restart from zero.
    Counter,
}

/// The extrapolated change, or nothing for too few samples.
pub(super) fn change(window: &Window<'_>, reading: Reading, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    if !window.samples.is_empty() && !window.histograms.is_empty() {
        notes.warn(text::mixed_floats_histograms(window.row.metric()));
        return None;
    }
    if window.ends != Ends::Inside {
        return extended::change(window, reading, notes);
    }
    if window.histograms.is_empty() { of_floats(window, reading, notes) } else { of_histograms(window, reading, notes) }
}

fn of_floats(window: &Window<'_>, reading: Reading, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    let (first, last) = (window.samples.first()?, window.samples.last()?);
    let mut change = last.v - first.v;
    if reading == Reading::Counter {
        let started =
            |at: usize| (window.starts.get(at).copied().unwrap_or(0), window.samples.get(at).map_or(0, |s| s.t));
        for (at, pair) in window.samples.windows(2).enumerate() {
            let [before, after] = pair else { continue };
            let by_start = !window.starts.is_empty() && told_restart(window, started(at), started(at + 1), notes);
            if after.v < before.v || by_start {
                change += before.v;
            }
        }
    }
    let times = Times { first: first.t, last: last.t, gaps: window.samples.len() - 1 };
    let known_start =
        if reading == Reading::Counter { start_inside(window, window.starts.first(), first.t) } else { None };
    let counter = reading == Reading::Counter && change > 0.0 && first.v >= 0.0;
    let to_zero = counter.then(|| first.v / change);
    let factor = times.factor(window, known_start, to_zero)?;
    if known_start.is_some() {
        change += first.v;
    }
    Some(Cell::Float(change * factor))
}

fn of_histograms(window: &Window<'_>, reading: Reading, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    let (first, last) = (window.histograms.first()?, window.histograms.last()?);
    let counter = reading == Reading::Counter;
    let mut change: Option<Histogram> =
        if window.histograms.len() > 1 { Some(histogram_change::change(window, counter, notes)?) } else { None };
    let times = Times { first: first.t, last: last.t, gaps: window.histograms.len() - 1 };
    let known_start = if counter { start_inside(window, Some(&first.start), first.t) } else { None };
    let total = change.as_ref().map_or(0.0, |c| c.count);
    let to_zero = (counter && total > 0.0 && first.histogram.count >= 0.0).then(|| first.histogram.count / total);
    let factor = times.factor(window, known_start, to_zero)?;
    if known_start.is_some() {
        change = Some(match change {
            None => Histogram { reset: CounterReset::Gauge, ..Histogram::clone(&first.histogram) },
            Some(change) => histogram_change::told(combine(&change, &first.histogram, 1.0), 1.0, window, notes)?,
        });
    }
    change.map(|change| Cell::Histogram(Arc::new(scaled(&change, factor))))
}

/// Whether the start times tell of a restart. One that contradicts the sample before gets a remark.
pub(super) fn told_restart(window: &Window<'_>, before: Started, after: Started, notes: &mut Notes<'_, '_>) -> bool {
    if overlaps(before, after) {
        notes.warn(text::overlapping_starts(window.row.metric()));
    }
    restarted(before, after)
}

/// The start of the first sample, where it lies inside of the window.
fn start_inside(window: &Window<'_>, start: Option<&i64>, first: i64) -> Option<i64> {
    start.copied().filter(|start| *start != 0 && *start > window.start_ms && *start < first)
}

/// When the samples are, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Times {
    first: i64,
    last: i64,
    /// How many intervals lie between them.
    gaps: usize,
}

impl Times {
    /// By how much the change between the samples is to be extended. `to_zero` is how many times the sampled interval
    /// a counter lies behind its zero.
    fn factor(self, window: &Window<'_>, known_start: Option<i64>, to_zero: Option<f64>) -> Option<f64> {
        let seconds = |ms: i64| ms as f64 / 1000.0;
        let sampled = seconds(self.last - self.first);
        let interval = if self.gaps > 0 { sampled / self.gaps as f64 } else { 0.0 };
        // A gap of more than this means that the series begins or ends inside of the window.
        let threshold = interval * 1.1;
        let mut after = seconds(window.end_ms - self.last);
        if after >= threshold {
            after = interval / 2.0;
        }
        if let Some(start) = known_start {
            let sampled = seconds(self.last - start);
            return Some((sampled + after) / sampled);
        }
        if self.gaps == 0 {
            return None;
        }
        let mut before = seconds(self.first - window.start_ms);
        if before >= threshold {
            before = interval / 2.0;
        }
        if let Some(intervals) = to_zero {
            before = before.min(sampled * intervals);
        }
        Some((sampled + before + after) / sampled)
    }
}
