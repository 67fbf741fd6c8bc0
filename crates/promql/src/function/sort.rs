//! `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`: the order of an instant query's answer.
//!
//! No effect on range queries, whose answers are ordered by labels: those get a remark. Native histograms have no
//! order by value, so `sort` and `sort_desc` leave them out.

use std::cmp::Ordering;

use super::call::Call;
use crate::annotation::text;
use crate::error::EvalError;
use crate::order;
use crate::value::{Row, Value, Vector};

/// `sort(v)`: NaN last.
pub(super) fn sort(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    by_value(call, order::nan_last)
}

/// `sort_desc(v)`: NaN last.
pub(super) fn sort_desc(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    by_value(call, |a, b| a.is_nan().cmp(&b.is_nan()).then_with(|| order::nan_last(b, a)))
}

fn by_value(call: &mut Call<'_, '_>, order: impl Fn(f64, f64) -> Ordering) -> Result<Value, EvalError> {
    let mut vector = call.vector(0)?;
    vector.only_floats();
    vector.compact();
    sorted(call, &vector, |a, b| order(vector.value(a, 0), vector.value(b, 0)))
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
    let vector = call.vector(0)?;
    let label = |row: Option<&Row>, name: &str| row.and_then(|r| r.labels.get(name)).unwrap_or("").to_owned();
    sorted(call, &vector, |a, b| {
        let (a, b) = (vector.rows.get(a), vector.rows.get(b));
        let by_names = names.iter().map(|name| order::natural(&label(a, name), &label(b, name)));
        let all = || a.map(|r| &r.labels).cmp(&b.map(|r| &r.labels));
        let order = by_names.fold(Ordering::Equal, Ordering::then).then_with(all);
        if descending { order.reverse() } else { order }
    })
}

fn sorted(
    call: &mut Call<'_, '_>,
    vector: &Vector,
    order: impl Fn(usize, usize) -> Ordering,
) -> Result<Value, EvalError> {
    if vector.steps != 1 {
        call.evaluator.remarks.warn(text::sort_without_effect(), call.node);
        return Ok(Value::Vector(vector.clone()));
    }
    let mut places: Vec<usize> = (0..vector.rows.len()).collect();
    places.sort_by(|a, b| order(*a, *b));
    Ok(Value::Vector(vector.pick(&places)))
}
