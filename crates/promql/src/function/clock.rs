//! The moment of evaluation: `time`, `start`, `end`, `step`, `range`, and the parts of a date.
//!
//! Not the machine's clock: the caller says when it is. All dates are UTC.

use watchkeeper_domain::labels::Labels;

use super::calendar::Date;
use super::call::Call;
use crate::error::EvalError;
use crate::value::{Row, Value, Vector};

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

fn constant(call: &Call<'_, '_>, ms: i64) -> Result<Value, EvalError> {
    Ok(Value::Scalar(vec![seconds(ms); call.grid.steps]))
}

/// `time()`
pub(super) fn time(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    Ok(Value::Scalar(call.grid.times().map(seconds).collect()))
}

/// `start()`: of the whole query.
pub(super) fn start(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    constant(call, call.evaluator.query().start_ms)
}

/// `end()`: of the whole query.
pub(super) fn end(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    constant(call, call.evaluator.query().end_ms())
}

/// `step()`: of the whole query; 0 for an instant query.
pub(super) fn step(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let query = call.evaluator.query();
    constant(call, if query.steps > 1 { query.step_ms } else { 0 })
}

/// `range()`: from the start to the end of the whole query.
pub(super) fn range(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let query = call.evaluator.query();
    constant(call, query.end_ms().saturating_sub(query.start_ms))
}

/// A part of a date: of the values, as Unix times in seconds, or of the moment of evaluation.
pub(super) fn of_time(call: &mut Call<'_, '_>, part: fn(&Date) -> i64) -> Result<Value, EvalError> {
    let of = |seconds: f64| Date::from_unix(seconds).map_or(f64::NAN, |date| part(&date) as f64);
    if call.args.is_empty() {
        let mut out = Vector::new(call.grid.steps);
        out.push(Row::new(Labels::empty()), call.grid.times().map(|t| of(seconds(t))));
        return Ok(Value::Vector(out));
    }
    let mut vector = call.vector(0)?;
    vector.map(of);
    call.unnamed(vector)
}
