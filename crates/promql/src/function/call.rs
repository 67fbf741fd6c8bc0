//! One function call: how the bodies get at their arguments.
//!
//! Not the table of functions.

use regex::Regex;
use watchkeeper_domain::labels::NAME;

use super::{Eval, Function};
use crate::annotation::Severity;
use crate::ast::Node;
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::value::{Grid, Value, Vector};
use crate::window::Windows;

/// A call in evaluation.
#[derive(Debug)]
pub(crate) struct Call<'e, 's> {
    pub(super) evaluator: &'e mut Evaluator<'s>,
    pub(super) node: &'e Node,
    pub(super) args: &'e [Node],
    /// The compiled regular expression of `label_replace`.
    pub(super) regex: Option<&'e Regex>,
    pub(super) grid: Grid,
}

impl<'e> Call<'e, '_> {
    pub(super) fn arg(&self, at: usize) -> Result<&'e Node, EvalError> {
        self.args.get(at).ok_or_else(|| EvalError::execution(self.node, "an argument is missing"))
    }

    pub(super) fn vector(&mut self, at: usize) -> Result<Vector, EvalError> {
        let arg = self.arg(at)?;
        self.evaluator.vector(arg, self.grid)
    }

    pub(super) fn scalar(&mut self, at: usize) -> Result<Vec<f64>, EvalError> {
        let arg = self.arg(at)?;
        self.evaluator.scalar(arg, self.grid)
    }

    pub(super) fn text(&mut self, at: usize) -> Result<String, EvalError> {
        let arg = self.arg(at)?;
        self.evaluator.text(arg)
    }

    pub(super) fn windows(&mut self, at: usize) -> Result<Windows<'e>, EvalError> {
        let arg = self.arg(at)?;
        Windows::fetch(self.evaluator, arg, self.grid)
    }

    /// The answer of a function that makes new values: without metric names.
    pub(super) fn unnamed(&self, mut vector: Vector) -> Result<Value, EvalError> {
        vector.compact();
        self.evaluator.drop_names(self.node, vector).map(Value::Vector)
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> EvalError {
        EvalError::execution(self.node, reason)
    }
}

/// The value of a scalar argument at a step.
pub(super) fn at(values: &[f64], step: usize) -> f64 {
    values.get(step).copied().unwrap_or(f64::NAN)
}

/// Evaluates a call.
pub(crate) fn evaluate(evaluator: &mut Evaluator<'_>, node: &Node, grid: Grid) -> Result<Value, EvalError> {
    let Node::Call { function, args, regex } = node else {
        return Err(EvalError::execution(node, "not a call"));
    };
    let function: &'static Function = function;
    let mut call = Call { evaluator, node, args, regex: regex.as_ref(), grid };
    match function.eval {
        Eval::Map(f) => {
            let mut vector = call.vector(0)?;
            vector.map(f);
            call.unnamed(vector)
        }
        Eval::Window(f) => {
            let windows = call.windows(0)?;
            let vector = windows.map(call.evaluator, f)?;
            call.unnamed(vector)
        }
        Eval::NamedWindow(f) => call.windows(0)?.map(call.evaluator, f).map(Value::Vector),
        Eval::CounterWindow(f) => {
            let windows = call.windows(0)?;
            remark_no_counter(&mut call, &windows)?;
            let vector = windows.map(call.evaluator, f)?;
            call.unnamed(vector)
        }
        Eval::Custom(f) => f(&mut call),
        Eval::Refused(what) => Err(EvalError::Unsupported { expr: node.to_string(), what: what.to_owned() }),
    }
}

/// Counters are named `_total`, and the parts of histograms and summaries `_sum`, `_count` and `_bucket`.
fn remark_no_counter(call: &mut Call<'_, '_>, windows: &Windows<'_>) -> Result<(), EvalError> {
    let arg = call.arg(0)?;
    for (row, _) in &windows.series {
        let Some(name) = row.labels.get(NAME) else { continue };
        if !["_total", "_sum", "_count", "_bucket"].iter().any(|end| name.ends_with(end)) {
            let message =
                format!("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}");
            call.evaluator.note(Severity::Info, message, arg);
            break;
        }
    }
    Ok(())
}
