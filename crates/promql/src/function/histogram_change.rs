//! The change between the first and the last native histogram of a window, restarts made up for.
//!
//! Not extended to the window's ends: `extrapolation` does that.

use std::sync::Arc;

use watchkeeper_domain::histogram::{CounterReset, Histogram};
use watchkeeper_domain::query::HistogramSample;

use super::call::Notes;
use super::extrapolation::told_restart;
use crate::annotation::text::{self, Operation};
use crate::histogram::{Incompatible, Reconciled, combine, reset};
use crate::window::Window;

/// The change, as a gauge; nothing where the histograms cannot be compared. There are at least two.
pub(super) fn change(window: &Window<'_>, counter: bool, notes: &mut Notes<'_, '_>) -> Option<Histogram> {
    let [first, second, ..] = window.histograms else { return None };
    let last = window.histograms.last()?;
    let gauge = |s: &HistogramSample| s.histogram.reset == CounterReset::Gauge;
    if counter && window.histograms.iter().any(gauge) {
        notes.warn(text::not_counter_histogram(window.row.metric()));
    }
    let gauges = gauge(first) && gauge(last);
    if !counter && !gauges {
        notes.warn(text::not_gauge_histogram(window.row.metric()));
    }
    let mut previous = Arc::clone(&first.histogram);
    let by_start = |a: &HistogramSample, b: &HistogramSample, notes: &mut Notes<'_, '_>| {
        told_restart(window, (a.start, a.t), (b.start, b.t), notes)
    };
    if counter && (by_start(first, second, notes) || reset::restarted(&second.histogram, &previous)) {
        // What was before the restart is made up for by nothing, so its layout need not fit.
        let empty = Histogram {
            schema: second.histogram.schema,
            bounds: Arc::clone(&second.histogram.bounds),
            ..Histogram::default()
        };
        previous = Arc::new(empty);
    }
    let custom = previous.has_custom_buckets();
    let all = if counter { window.histograms.get(1..).unwrap_or(&[]) } else { std::slice::from_ref(last) };
    if all.iter().any(|s| s.histogram.has_custom_buckets() != custom) {
        notes.warn(text::mixed_schemas(window.row.metric()));
        return None;
    }
    let mut change = told(combine(&last.histogram, &previous, -1.0), -1.0, window, notes)?;
    if counter {
        for pair in window.histograms.windows(2) {
            let [before, after] = pair else { continue };
            if by_start(before, after, notes) || reset::restarted(&after.histogram, &previous) {
                change = told(combine(&change, &previous, 1.0), 1.0, window, notes)?;
            }
            previous = Arc::clone(&after.histogram);
        }
    }
    change.reset = CounterReset::Gauge;
    Some(change.compact())
}

/// A sum or difference, with the remarks that it takes.
pub(super) fn told(
    combined: Result<(Histogram, Reconciled), Incompatible>,
    sign: f64,
    window: &Window<'_>,
    notes: &mut Notes<'_, '_>,
) -> Option<Histogram> {
    match combined {
        Ok((histogram, reconciled)) => {
            if reconciled.bounds {
                let operation = if sign < 0.0 { Operation::Subtraction } else { Operation::Addition };
                notes.info(text::reconciled_bounds(operation));
            }
            Some(histogram)
        }
        Err(Incompatible) => {
            notes.warn(text::mixed_schemas(window.row.metric()));
            None
        }
    }
}
