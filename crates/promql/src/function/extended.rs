//! The change over `anchored` and `smoothed` windows, which have a value at each of their ends.
//!
//! Nothing is extrapolated: `anchored` takes the last sample at or before the window's start, `smoothed` interpolates
//! at both ends.

use std::sync::Arc;

use watchkeeper_domain::histogram::{CounterReset, Histogram};
use watchkeeper_domain::query::HistogramSample;

use super::call::Notes;
use super::extrapolation::Reading;
use super::histogram_change::told;
use crate::annotation::text;
use crate::ast::Ends;
use crate::histogram::{combine, reset};
use crate::selector::Timed;
use crate::smoothing::{between, histogram_between};
use crate::value::Cell;
use crate::window::Window;

/// The change, not per second.
pub(super) fn change(window: &Window<'_>, reading: Reading, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    let counter = reading == Reading::Counter;
    if window.histograms.is_empty() {
        of_floats(window, counter).map(Cell::Float)
    } else {
        of_histograms(window, counter, notes).map(Cell::histogram)
    }
}

/// Where the samples that matter begin and end; nothing where there are none.
pub(super) fn ends<T: Timed>(samples: &[T], window: &Window<'_>) -> Option<(usize, usize)> {
    let smoothed = window.ends == Ends::Smoothed;
    let mut last = samples.len().checked_sub(1)?;
    let first = samples.partition_point(|s| s.time() <= window.start_ms).min(last).saturating_sub(1);
    if smoothed {
        last = samples.partition_point(|s| s.time() < window.end_ms).min(last);
    }
    let time = |at: usize| samples.get(at).map_or(i64::MIN, Timed::time);
    let outside = time(last) <= window.start_ms || (smoothed && time(first) > window.end_ms);
    (!outside).then_some((first, last))
}

fn of_floats(window: &Window<'_>, counter: bool) -> Option<f64> {
    let samples = window.samples;
    let smoothed = window.ends == Ends::Smoothed;
    let (first, last) = ends(samples, window)?;
    let (begin, end) = (samples.get(first)?, samples.get(last)?);
    let left = match samples.get(first + 1) {
        Some(next) if smoothed && begin.t < window.start_ms => between(begin, next, window.start_ms, counter),
        _ => begin.v,
    };
    let right = match last.checked_sub(1).and_then(|at| samples.get(at)) {
        Some(before) if smoothed && end.t > window.end_ms => between(before, end, window.end_ms, counter),
        _ => end.v,
    };
    let mut change = right - left;
    if counter {
        let inside = samples.iter().filter(|s| s.t > window.start_ms && s.t < window.end_ms).map(|s| s.v);
        let mut previous = left;
        for v in inside.chain([right]) {
            if v < previous {
                change += previous;
            }
            previous = v;
        }
    }
    Some(change)
}

fn of_histograms(window: &Window<'_>, counter: bool, notes: &mut Notes<'_, '_>) -> Option<Histogram> {
    let all = window.histograms;
    let smoothed = window.ends == Ends::Smoothed;
    let (first, last) = ends(all, window)?;
    let metric = window.row.metric();
    let used = all.get(first..=last)?;
    let custom = used.first()?.histogram.has_custom_buckets();
    if used.iter().any(|s| s.histogram.has_custom_buckets() != custom) {
        notes.warn(text::mixed_schemas(metric));
        return None;
    }
    if counter && used.iter().any(|s| s.histogram.reset == CounterReset::Gauge) {
        notes.warn(text::not_counter_histogram(metric));
    }
    let (begin, end) = (all.get(first)?, all.get(last)?);
    let interpolated = |a: &HistogramSample, b: &HistogramSample, at: i64, notes: &mut Notes<'_, '_>| {
        let (remarks, arg) = notes.parts();
        histogram_between(a, b, at, counter, remarks, arg).ok().map(Arc::new)
    };
    let left = match all.get(first + 1) {
        Some(next) if smoothed && begin.t < window.start_ms => interpolated(begin, next, window.start_ms, notes)?,
        _ => Arc::clone(&begin.histogram),
    };
    let right = match last.checked_sub(1).and_then(|at| all.get(at)) {
        Some(before) if smoothed && end.t > window.end_ms => interpolated(before, end, window.end_ms, notes)?,
        _ => Arc::clone(&end.histogram),
    };
    if !counter && (left.reset != CounterReset::Gauge || right.reset != CounterReset::Gauge) {
        notes.warn(text::not_gauge_histogram(metric));
    }
    let mut change = told(combine(&right, &left, -1.0), -1.0, window, notes)?;
    if counter {
        for lost in lost_to_restarts(window, (first, last), &left, &right) {
            change = told(combine(&change, &lost, 1.0), 1.0, window, notes)?;
        }
    }
    change.reset = CounterReset::Gauge;
    Some(change.compact())
}

/// What the counter had reached at each restart inside of the window. A restart that an interpolation at the window's
/// start goes across is made up for there.
fn lost_to_restarts(
    window: &Window<'_>,
    (first, last): (usize, usize),
    left: &Arc<Histogram>,
    right: &Arc<Histogram>,
) -> Vec<Arc<Histogram>> {
    let all = window.histograms;
    let mut from = first + 1;
    let mut previous = Arc::clone(left);
    if let (Some(begin), Some(next)) = (all.get(first), all.get(first + 1))
        && window.ends == Ends::Smoothed
        && begin.t < window.start_ms
        && reset::restarted(&next.histogram, &begin.histogram)
    {
        previous = Arc::clone(&next.histogram);
        from += 1;
    }
    if from > last {
        return Vec::new();
    }
    let mut lost = Vec::new();
    let inside = all.get(from..last).unwrap_or(&[]).iter().map(|s| Arc::clone(&s.histogram));
    for current in inside.chain([Arc::clone(right)]) {
        if reset::restarted(&current, &previous) {
            lost.push(Arc::clone(&previous));
        }
        previous = current;
    }
    lost
}
