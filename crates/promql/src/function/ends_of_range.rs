//! The first and the last sample of a window, their times, and how many there are. A sample may be a native histogram.
//!
//! Not extremes of value.

use std::sync::Arc;

use super::call::Notes;
use crate::value::Cell;
use crate::window::Window;

/// `count_over_time(v[d])`
pub(super) fn count(window: &Window<'_>, _: &mut Notes<'_, '_>) -> Option<Cell> {
    Some(Cell::Float((window.samples.len() + window.histograms.len()) as f64))
}

/// `first_over_time(v[d])`
pub(super) fn first(window: &Window<'_>, _: &mut Notes<'_, '_>) -> Option<Cell> {
    match (window.samples.first(), window.histograms.first()) {
        (Some(s), h) if h.is_none_or(|h| s.t < h.t) => Some(Cell::Float(s.v)),
        (_, h) => h.map(|h| Cell::Histogram(Arc::clone(&h.histogram))),
    }
}

/// `last_over_time(v[d])`
pub(super) fn last(window: &Window<'_>, _: &mut Notes<'_, '_>) -> Option<Cell> {
    match (window.samples.last(), window.histograms.last()) {
        (Some(s), h) if h.is_none_or(|h| h.t < s.t) => Some(Cell::Float(s.v)),
        (_, h) => h.map(|h| Cell::Histogram(Arc::clone(&h.histogram))),
    }
}

/// `ts_of_first_over_time(v[d])`, in seconds.
pub(super) fn time_of_first(window: &Window<'_>, _: &mut Notes<'_, '_>) -> Option<Cell> {
    let times = [window.samples.first().map(|s| s.t), window.histograms.first().map(|h| h.t)];
    times.into_iter().flatten().min().map(seconds)
}

/// `ts_of_last_over_time(v[d])`, in seconds.
pub(super) fn time_of_last(window: &Window<'_>, _: &mut Notes<'_, '_>) -> Option<Cell> {
    let times = [window.samples.last().map(|s| s.t), window.histograms.last().map(|h| h.t)];
    times.into_iter().flatten().max().map(seconds)
}

fn seconds(ms: i64) -> Cell {
    Cell::Float(ms as f64 / 1000.0)
}
