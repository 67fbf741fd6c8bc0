//! Prometheus's test scripts (`promqltest`): loads series, evaluates expressions, compares with what is expected.
//!
//! Not promtool's unit tests for rules. The format is that of Prometheus's `promql/promqltest/README.md`; two
//! differences: a `fail` message is compared with ours without the sub-expression that it begins with, and an annotation
//! may be expected without its position.

mod check;
mod command;
mod custom_buckets;
mod histogram;
mod memory;
mod points;
mod storage;

use crate::error::ParseError;
use crate::expr::Expr;
use crate::limits::{Limits, Settings};
use crate::script::command::{Command, Evaluation};
use crate::script::storage::Storage;

pub use memory::Memory;
pub use points::{Point, series};

/// The longest script, in bytes.
const MAX_SCRIPT_BYTES: usize = 8 << 20;

/// What became of a script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Evaluations that gave what was expected.
    pub passed: usize,
    /// Evaluations that did not, refused and unreadable ones included.
    pub failed: usize,
    /// Other commands that the runner could not read.
    pub skipped: usize,
    /// What failed or was skipped, in the order of the script.
    pub failures: Vec<Failure>,
}

/// One evaluation that failed, or one command that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line of the command, from 1.
    pub line: usize,
    /// The expression, or the command.
    pub expr: String,
    /// What is wrong.
    pub reason: String,
}

/// Runs a script. It never fails as a whole: what cannot be run is in the report.
#[must_use]
pub fn run(text: &str) -> Report {
    let mut report = Report::default();
    if text.len() > MAX_SCRIPT_BYTES {
        report.skip(1, "the script", format!("it is longer than {MAX_SCRIPT_BYTES} bytes"));
        return report;
    }
    let mut storage = Storage::default();
    for (line, command) in command::read(text) {
        match command {
            Ok(Command::Clear) => storage = Storage::default(),
            Ok(Command::Load(load)) => {
                if let Err(reason) = storage.load(&load) {
                    report.skip(line, "load", reason);
                }
            }
            Ok(Command::Evaluate(evaluation)) => match evaluate(&evaluation, &storage) {
                Ok(()) => report.passed += 1,
                Err(reason) => {
                    report.failed += 1;
                    report.failures.push(Failure { line, expr: evaluation.expr, reason });
                }
            },
            Err((command, reason)) if command.starts_with("eval") => {
                report.failed += 1;
                report.failures.push(Failure { line, expr: command, reason });
            }
            Err((command, reason)) => report.skip(line, &command, reason),
        }
    }
    report
}

impl Report {
    fn skip(&mut self, line: usize, what: &str, reason: String) {
        self.skipped += 1;
        self.failures.push(Failure { line, expr: what.to_owned(), reason });
    }
}

fn evaluate(evaluation: &Evaluation, storage: &Storage) -> Result<(), String> {
    let settings = Settings { delayed_name_removal: true, ..Settings::new(&Limits::default()) };
    let expr = match Expr::parse(&evaluation.expr) {
        Ok(expr) => expr,
        Err(error) => return refused(evaluation, &error),
    };
    match evaluation.range {
        None => {
            let at = evaluation.at_ms;
            match crate::engine::evaluate_instant(&expr, storage, at, settings) {
                Err(error) => check::failure(evaluation, &error.to_string(), &[&error.reason()]),
                Ok((answer, notes)) => {
                    check::instant(evaluation, &answer)?;
                    check::annotations(evaluation, &notes)?;
                    // The same moment as a step of a range query must give the same.
                    const STEP_MS: i64 = 60_000;
                    let around = (at - STEP_MS, at + STEP_MS, STEP_MS);
                    if !check::also_as_range(evaluation, expr.node()) {
                        return Ok(());
                    }
                    let (series, _) = crate::engine::evaluate_range(&expr, storage, around, settings)
                        .map_err(|error| format!("as a step of a range query: {error}"))?;
                    check::instant_of_range(evaluation, &series)
                        .map_err(|reason| format!("as a step of a range query: {reason}"))
                }
            }
        }
        Some((end_ms, step_ms)) => {
            let window = (evaluation.at_ms, end_ms, step_ms);
            match crate::engine::evaluate_range(&expr, storage, window, settings) {
                Err(error) => check::failure(evaluation, &error.to_string(), &[&error.reason()]),
                Ok((series, notes)) => {
                    check::range(evaluation, &series)?;
                    check::annotations(evaluation, &notes)
                }
            }
        }
    }
}

fn refused(evaluation: &Evaluation, error: &ParseError) -> Result<(), String> {
    match error {
        ParseError::Syntax { line, column, reason, .. } => {
            let placed = format!("{line}:{column}: parse error: {reason}");
            check::failure(evaluation, &error.to_string(), &[&placed, reason])
        }
        ParseError::TooLarge { .. } => check::failure(evaluation, &error.to_string(), &[]),
    }
}

#[cfg(test)]
mod tests;
