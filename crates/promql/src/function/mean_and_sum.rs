//! `avg_over_time` and `sum_over_time`, on numbers or on native histograms. A window that has both has neither.
//!
//! Not `avg` and `sum`, which go over rows.

use watchkeeper_domain::histogram::CounterReset;

use super::call::Notes;
use crate::annotation::text::{self, Operation};
use crate::compensated;
use crate::histogram::sum::{HistogramMean, HistogramSum};
use crate::histogram::{Incompatible, Reconciled};
use crate::value::Cell;
use crate::window::Window;

/// `avg_over_time(v[d])`
pub(super) fn avg_over_time(window: &Window<'_>, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    if is_mixed(window, notes) {
        return None;
    }
    let Some((first, rest)) = window.histograms.split_first() else {
        return Some(Cell::Float(compensated::mean(window.values())));
    };
    let mut mean = HistogramMean::from(&*first.histogram);
    let added = rest.iter().map(|h| mean.add(&h.histogram)).try_fold(Reconciled::default(), joined);
    told(window, added, notes).then(|| Cell::histogram(mean.mean()))
}

/// `sum_over_time(v[d])`
pub(super) fn sum_over_time(window: &Window<'_>, notes: &mut Notes<'_, '_>) -> Option<Cell> {
    if is_mixed(window, notes) {
        return None;
    }
    let Some((first, rest)) = window.histograms.split_first() else {
        return Some(Cell::Float(compensated::sum(window.values())));
    };
    let mut sum = HistogramSum::from(&*first.histogram);
    let added = rest.iter().map(|h| sum.add(&h.histogram, 1.0)).try_fold(Reconciled::default(), joined);
    told(window, added, notes).then(|| Cell::histogram(sum.total()))
}

fn is_mixed(window: &Window<'_>, notes: &mut Notes<'_, '_>) -> bool {
    let mixed = !window.samples.is_empty() && !window.histograms.is_empty();
    if mixed {
        notes.warn(text::mixed_floats_histograms(window.row.metric()));
    }
    mixed
}

fn joined(mut all: Reconciled, one: Result<Reconciled, Incompatible>) -> Result<Reconciled, Incompatible> {
    all |= one?;
    Ok(all)
}

/// Tells what was done with histograms that do not agree; says whether there is an answer.
fn told(window: &Window<'_>, added: Result<Reconciled, Incompatible>, notes: &mut Notes<'_, '_>) -> bool {
    let says = |reset| window.histograms.iter().any(|h| h.histogram.reset == reset);
    if says(CounterReset::Reset) && says(CounterReset::NotReset) {
        notes.warn(text::conflicting_resets(Operation::Aggregation));
    }
    match added {
        Ok(reconciled) => {
            if reconciled.bounds {
                notes.info(text::reconciled_bounds(Operation::Aggregation));
            }
            true
        }
        Err(Incompatible) => {
            notes.warn(text::mixed_schemas(window.row.metric()));
            false
        }
    }
}
