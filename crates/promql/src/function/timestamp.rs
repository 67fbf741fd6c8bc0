//! `timestamp` and `start_timestamp`: when each sample was taken, and from when it counts, in seconds.
//!
//! Not the moment of evaluation, except for values that were computed at it.

use watchkeeper_domain::telemetry::Sample;

use super::call::Call;
use crate::ast::NodeKind;
use crate::error::EvalError;
use crate::selector::{self, Pick};
use crate::value::{Cell, Value, Vector};

/// A sample's time in seconds.
pub(super) fn seconds(sample: &Sample) -> f64 {
    sample.t as f64 / 1000.0
}

/// `timestamp(v)`
pub(super) fn timestamp(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let arg = call.arg(0)?;
    let vector = if let NodeKind::Selector(series) = &arg.bare().kind {
        selector::evaluate(call.evaluator, arg, series, call.grid, Pick::Time)?
    } else {
        let mut vector = call.vector(0)?;
        let grid = call.grid;
        vector.map_cells(|_, step, _| Some(Cell::Float(grid.at(step) as f64 / 1000.0)));
        vector
    };
    call.unnamed(vector)
}

/// `start_timestamp(v)`: nothing for what is computed, which has no start.
pub(super) fn start_timestamp(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let arg = call.arg(0)?;
    let vector = if let NodeKind::Selector(series) = &arg.bare().kind {
        selector::evaluate(call.evaluator, arg, series, call.grid, Pick::Start)?
    } else {
        call.vector(0)?;
        Vector::new(call.grid.steps)
    };
    call.unnamed(vector)
}
