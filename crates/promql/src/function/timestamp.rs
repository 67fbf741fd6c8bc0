//! `timestamp`: when each sample was taken, in seconds.
//!
//! Not the moment of evaluation, except for values that were computed at it.

use watchkeeper_domain::telemetry::Sample;

use super::call::Call;
use crate::ast::Node;
use crate::error::EvalError;
use crate::selector;
use crate::value::Value;

/// A sample's time in seconds.
pub(super) fn seconds(sample: &Sample) -> f64 {
    sample.t as f64 / 1000.0
}

/// `timestamp(v)`
pub(super) fn timestamp(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let arg = call.arg(0)?;
    let vector = if let Node::Selector(series) = arg.bare() {
        selector::evaluate(call.evaluator, arg, series, call.grid, seconds)?
    } else {
        let mut vector = call.vector(0)?;
        let grid = call.grid;
        vector.map_steps(|step, _| grid.at(step) as f64 / 1000.0);
        vector
    };
    call.unnamed(vector)
}
