//! `irate` and `idelta`: the change between the last two samples of the window.
//!
//! Not extrapolated.

use watchkeeper_domain::histogram::{CounterReset, Histogram};

use super::call::Notes;
use super::histogram_change::told;
use super::pairwise::{SampleValue, merged};
use super::start_of_counting::restarted;
use crate::annotation::text;
use crate::histogram::{combine, divided, reset};
use crate::value::Cell;
use crate::window::Window;

/// `irate(v[d])`: per second; a fall is a restart from zero.
pub(super) fn irate(window: &Window<'_>, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    change(window, true, notes)
}

/// `idelta(v[d])`
pub(super) fn idelta(window: &Window<'_>, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    change(window, false, notes)
}

fn change(window: &Window<'_>, rate: bool, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    let last_two = |len: usize| len.saturating_sub(2);
    let tail = Window {
        samples: window.samples.get(last_two(window.samples.len())..)?,
        starts: window.starts.get(last_two(window.starts.len())..)?,
        histograms: window.histograms.get(last_two(window.histograms.len())..)?,
        ..*window
    };
    let samples = merged(&tail)?;
    let [.., before, after] = samples.as_slice() else { return None };
    let seconds = (after.t - before.t) as f64 / 1000.0;
    if seconds <= 0.0 {
        return None;
    }
    let anew = rate && restarted((before.start, before.t), (after.start, after.t));
    let metric = window.row.metric();
    match (before.value, after.value) {
        (SampleValue::Float(a), SampleValue::Float(b)) => {
            let change = if rate && (b < a || anew) { b } else { b - a };
            Some(Cell::Float(if rate { change / seconds } else { change }))
        }
        (SampleValue::Histogram(a), SampleValue::Histogram(b)) => {
            let gauges = [a, b].into_iter().filter(|h| h.reset == CounterReset::Gauge).count();
            if rate && gauges > 0 {
                notes.warn(text::not_counter_histogram(metric));
            }
            if !rate && gauges < 2 {
                notes.warn(text::not_gauge_histogram(metric));
            }
            let change = if rate && (anew || reset::restarted(b, a)) {
                Histogram::clone(b)
            } else {
                told(combine(b, a, -1.0), -1.0, window, notes)?
            };
            let change = Histogram { reset: CounterReset::Gauge, ..change.compact() };
            Some(Cell::histogram(if rate { divided(&change, seconds) } else { change }))
        }
        _ => {
            notes.warn(text::mixed_floats_histograms(metric));
            None
        }
    }
}
