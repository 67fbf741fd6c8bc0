//! One function call: how the bodies get at their arguments.
//!
//! Not the table of functions.

use regex::Regex;

use super::{Eval, Function};
use crate::annotation::{Remarks, text};
use crate::ast::{Node, NodeKind};
use crate::engine::{Detail, Evaluator};
use crate::error::EvalError;
use crate::value::{Cell, Grid, Value, Vector};
use crate::window::{Window, Windows};

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

    /// A function over the windows of a range vector.
    pub(super) fn map_windows(
        &mut self,
        at: usize,
        mut f: impl FnMut(&Window<'_>, &mut Notes<'_, '_>) -> Option<Cell>,
    ) -> Result<Vector, EvalError> {
        let arg = self.arg(at)?;
        let windows = self.windows(at)?;
        windows.map(self.evaluator, |window, remarks| f(window, &mut Notes { remarks, arg }))
    }

    /// A function over the numbers in the windows of a range vector. Native histograms beside them get a remark.
    pub(super) fn map_floats(
        &mut self,
        at: usize,
        mut f: impl FnMut(&Window<'_>) -> Option<f64>,
    ) -> Result<Vector, EvalError> {
        self.map_windows(at, |window, notes| {
            if window.samples.is_empty() {
                return None;
            }
            if !window.histograms.is_empty() {
                notes.info(text::histograms_ignored_in_range(window.row.metric()));
            }
            f(window).map(Cell::Float)
        })
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

/// Remarks about one argument.
#[derive(Debug)]
pub(crate) struct Notes<'r, 't> {
    remarks: &'r mut Remarks<'t>,
    arg: &'r Node,
}

impl<'t> Notes<'_, 't> {
    pub(super) fn info(&mut self, message: String) {
        self.remarks.info(message, self.arg);
    }

    pub(super) fn warn(&mut self, message: String) {
        self.remarks.warn(message, self.arg);
    }

    /// For what tells by itself what it does with histograms.
    pub(super) fn parts(&mut self) -> (&mut Remarks<'t>, &Node) {
        (self.remarks, self.arg)
    }
}

/// Evaluates a call.
pub(crate) fn evaluate(evaluator: &mut Evaluator<'_>, node: &Node, grid: Grid) -> Result<Value, EvalError> {
    let NodeKind::Call { function, args, regex } = &node.kind else {
        return Err(EvalError::execution(node, "not a call"));
    };
    let function: &'static Function = function;
    let call =
        |evaluator: &mut Evaluator<'_>| applied(function, Call { evaluator, node, args, regex: regex.as_ref(), grid });
    match function.name {
        "histogram_count" | "histogram_sum" | "histogram_avg" => evaluator.with_detail(Detail::Totals, call),
        "histogram_quantile" | "histogram_quantiles" | "histogram_fraction" => {
            evaluator.with_detail(Detail::Buckets, call)
        }
        _ => call(evaluator),
    }
}

fn applied(function: &'static Function, mut call: Call<'_, '_>) -> Result<Value, EvalError> {
    match function.eval {
        Eval::Map(f) => {
            let mut vector = call.vector(0)?;
            vector.map(f);
            call.unnamed(vector)
        }
        Eval::OfHistogram(f) => {
            let mut vector = call.vector(0)?;
            vector.map_cells(|_, _, cell| match cell {
                Cell::Histogram(h) => Some(Cell::Float(f(&h))),
                Cell::Float(_) => None,
            });
            call.unnamed(vector)
        }
        Eval::Floats(f) => {
            let vector = call.map_floats(0, f)?;
            call.unnamed(vector)
        }
        Eval::Window(f) => {
            let vector = call.map_windows(0, f)?;
            call.unnamed(vector)
        }
        Eval::NamedWindow(f) => call.map_windows(0, f).map(Value::Vector),
        Eval::CounterWindow(f) => {
            let vector = call.map_windows(0, |window, notes| {
                if !window.samples.is_empty() {
                    remark_no_counter(window, notes);
                }
                f(window, notes)
            })?;
            call.unnamed(vector)
        }
        Eval::Custom(f) => f(&mut call),
    }
}

/// Counters are named `_total`, and the parts of histograms and summaries `_sum`, `_count` and `_bucket`. Where the
/// type is known by its label, that counts.
fn remark_no_counter(window: &Window<'_>, notes: &mut Notes<'_, '_>) {
    let metric = window.row.metric();
    if metric.is_empty() {
        return;
    }
    match window.row.labels.get("__type__") {
        Some("counter" | "histogram") => {}
        Some(kind) => notes.info(text::no_counter_type(metric, kind)),
        None if ["_total", "_sum", "_count", "_bucket"].iter().any(|end| metric.ends_with(end)) => {}
        None => notes.info(text::no_counter_name(metric)),
    }
}
