//! Counting neighbouring samples that differ in some way: what `resets` and `changes` share.
//!
//! Not extrapolated. A window may hold numbers and native histograms in turns.

use watchkeeper_domain::histogram::Histogram;

use super::call::Notes;
use super::extended;
use crate::ast::Ends;
use crate::value::Cell;
use crate::window::Window;

/// A sample with its start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampled<'a> {
    pub(super) t: i64,
    pub(super) start: i64,
    pub(super) value: SampleValue<'a>,
}

/// A number or a native histogram.
#[derive(Debug, Clone, Copy)]
pub(super) enum SampleValue<'a> {
    Float(f64),
    Histogram(&'a Histogram),
}

/// All samples of a window by time; those of an anchored one from the last before its start on.
pub(super) fn merged<'a>(window: &Window<'a>) -> Option<Vec<Sampled<'a>>> {
    let mut first = 0;
    let only_histograms = window.samples.is_empty() && !window.histograms.is_empty();
    if window.ends == Ends::Anchored && !only_histograms {
        first = extended::ends(window.samples, window)?.0;
    }
    let floats = window.samples.iter().enumerate().skip(first).map(|(at, s)| Sampled {
        t: s.t,
        start: window.starts.get(at).copied().unwrap_or(0),
        value: SampleValue::Float(s.v),
    });
    let histograms = window.histograms.iter().map(|h| Sampled {
        t: h.t,
        start: h.start,
        value: SampleValue::Histogram(&h.histogram),
    });
    let mut all: Vec<_> = floats.chain(histograms).collect();
    if !window.histograms.is_empty() {
        all.sort_by_key(|s| s.t);
    }
    Some(all)
}

/// How many neighbours `differ(earlier, later, notes)`.
pub(super) fn count<'a>(
    window: &Window<'a>,
    notes: &mut Notes<'_, '_>,
    mut differ: impl FnMut(&Sampled<'a>, &Sampled<'a>, &mut Notes<'_, '_>) -> bool,
) -> Option<Cell> {
    let all = merged(window)?;
    let mut count = 0_u32;
    for (earlier, later) in all.iter().zip(all.iter().skip(1)) {
        count += u32::from(differ(earlier, later, notes));
    }
    Some(Cell::Float(f64::from(count)))
}
