//! Groups that hold native histograms, alone or beside numbers.
//!
//! Not their sums themselves: those are in `crate::histogram`.

use std::sync::Arc;

use watchkeeper_domain::histogram::{CounterReset, Histogram};

use super::{Aggregation, OfHistograms};
use crate::annotation::Remarks;
use crate::annotation::text::{self, Operation};
use crate::histogram::sum::{HistogramMean, HistogramSum};
use crate::histogram::{Incompatible, Reconciled};
use crate::value::{Cell, Vector, is_gap};

/// As `fold_groups` of numbers.
pub(super) fn fold_groups(
    remarks: &mut Remarks<'_>,
    aggregation: &Aggregation<'_>,
    fold: fn(&[f64]) -> f64,
    of_histograms: OfHistograms,
) -> Vector {
    let input = aggregation.input;
    let mut out = Vector::new(input.steps);
    let mut values = Vec::with_capacity(input.rows.len());
    let mut histograms: Vec<(usize, &Arc<Histogram>)> = Vec::new();
    for (group, members) in aggregation.members().into_iter().enumerate() {
        let row = out.push_empty(aggregation.group_row(group));
        for step in 0..input.steps {
            values.clear();
            histograms.clear();
            for at in &members {
                let v = input.value(*at, step);
                match input.histogram(*at, step) {
                    _ if !is_gap(v) => values.push(v),
                    Some(h) if of_histograms == OfHistograms::Count => values.push(h.count),
                    Some(h) => histograms.push((*at, h)),
                    None => {}
                }
            }
            let cell = match (of_histograms, histograms.is_empty()) {
                (OfHistograms::Sum | OfHistograms::Mean, false) => {
                    if values.is_empty() {
                        sum(remarks, aggregation, &histograms, of_histograms == OfHistograms::Mean)
                    } else {
                        remarks.warn(text::mixed_in_aggregation(), aggregation.expr);
                        None
                    }
                }
                (_, any) => {
                    if !any {
                        let name = aggregation.aggregator.name;
                        remarks.info(text::histogram_ignored_in_aggregation(name), aggregation.expr);
                    }
                    (!values.is_empty()).then(|| Cell::Float(fold(&values)))
                }
            };
            out.put(row, step, cell);
        }
    }
    out.compact();
    out
}

/// The sum or mean of at least one histogram; nothing where they cannot be brought together.
fn sum(
    remarks: &mut Remarks<'_>,
    aggregation: &Aggregation<'_>,
    histograms: &[(usize, &Arc<Histogram>)],
    mean: bool,
) -> Option<Cell> {
    let ((_, first), rest) = histograms.split_first()?;
    let mut reconciled = Reconciled::default();
    let mut add = |at: usize, added: Result<Reconciled, Incompatible>, remarks: &mut Remarks<'_>| match added {
        Ok(more) => {
            reconciled |= more;
            Some(())
        }
        Err(Incompatible) => {
            let metric = aggregation.input.rows.get(at).map_or("", |row| row.metric());
            remarks.warn(text::mixed_schemas(metric), aggregation.expr);
            None
        }
    };
    let total = if mean {
        let mut mean = HistogramMean::from(&***first);
        rest.iter().try_for_each(|(at, h)| add(*at, mean.add(h), remarks))?;
        mean.mean()
    } else {
        let mut sum = HistogramSum::from(&***first);
        rest.iter().try_for_each(|(at, h)| add(*at, sum.add(h, 1.0), remarks))?;
        sum.total()
    };
    let says = |reset| histograms.iter().any(|(_, h)| h.reset == reset);
    if says(CounterReset::Reset) && says(CounterReset::NotReset) {
        remarks.warn(text::conflicting_resets(Operation::Aggregation), aggregation.expr);
    }
    if reconciled.bounds {
        remarks.info(text::reconciled_bounds(Operation::Aggregation), aggregation.expr);
    }
    Some(Cell::histogram(total.compact()))
}

/// Remarks that native histograms are left out, where there are any.
pub(super) fn ignored(remarks: &mut Remarks<'_>, aggregation: &Aggregation<'_>) {
    let input = aggregation.input;
    let holds = |row: usize| (0..input.steps).any(|step| input.histogram(row, step).is_some());
    if input.has_histograms() && (0..input.rows.len()).any(holds) {
        remarks.info(text::histogram_ignored_in_aggregation(aggregation.aggregator.name), aggregation.expr);
    }
}
