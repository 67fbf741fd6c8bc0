//! `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`: the order of an instant query's answer.
//!
//! No effect on range queries, whose answers are ordered by labels: those get a remark.

use std::cmp::Ordering;

use super::call::Call;
use crate::annotation::Severity;
use crate::error::EvalError;
use crate::order;
use crate::value::{Row, Value, Vector};

/// `sort(v)`: NaN last.
pub(super) fn sort(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    sorted(call, |a, b| order::nan_last(a.1, b.1))
}

/// `sort_desc(v)`: NaN last.
pub(super) fn sort_desc(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    sorted(call, |a, b| a.1.is_nan().cmp(&b.1.is_nan()).then_with(|| order::nan_last(b.1, a.1)))
}

/// `sort_by_label(v, label…)`: in natural order, then by all labels.
pub(super) fn sort_by_label(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    by_label(call, false)
}

/// `sort_by_label_desc(v, label…)`
pub(super) fn sort_by_label_desc(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    by_label(call, true)
}

fn by_label(call: &mut Call<'_, '_>, descending: bool) -> Result<Value, EvalError> {
    let names = (1..call.args.len()).map(|at| call.text(at)).collect::<Result<Vec<_>, _>>()?;
    sorted(call, |a, b| {
        let label = |row: &Row, name: &str| row.labels.get(name).unwrap_or("").to_owned();
        let by_names = names.iter().map(|name| order::natural(&label(&a.0, name), &label(&b.0, name)));
        let order = by_names.fold(Ordering::Equal, Ordering::then).then_with(|| a.0.labels.cmp(&b.0.labels));
        if descending { order.reverse() } else { order }
    })
}

fn sorted(call: &mut Call<'_, '_>, order: impl Fn(&(Row, f64), &(Row, f64)) -> Ordering) -> Result<Value, EvalError> {
    let vector = call.vector(0)?;
    if vector.steps != 1 {
        let message = "sort is ineffective for range queries since results are always ordered by labels";
        call.evaluator.note(Severity::Warning, message.to_owned(), call.node);
        return Ok(Value::Vector(vector));
    }
    let mut elements: Vec<(Row, f64)> = vector.rows.into_iter().zip(vector.values).collect();
    elements.sort_by(order);
    let (rows, values) = elements.into_iter().unzip();
    Ok(Value::Vector(Vector { rows, values, steps: 1 }))
}
