//! `watchkeeper test rules FILE…`: promtool's unit tests, over the rule engine and on a clock of their own. Needs no server.
//!
//! Not the run itself: `detect::trial` does that.

use std::path::PathBuf;

use watchkeeper_config::{FileSystem, load_rule_tests, render};
use watchkeeper_detect::trial::unit::{self, Outcome as CaseOutcome};

use crate::app::check_expr;
use crate::cli::output;
use crate::cli::{Failure, Outcome};

pub(in crate::cli) fn run(files: &[PathBuf]) -> Outcome {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for file in files {
        let tests = match load_rule_tests(file, &FileSystem, &check_expr) {
            Ok((tests, _)) => tests,
            Err(problems) => {
                output::diagnostics(&render(&problems, output::colours()));
                output::line(&format!("{}: {} problems", file.display(), problems.len()));
                failed += 1;
                continue;
            }
        };
        for verdict in unit::run(&tests) {
            match verdict.outcome {
                CaseOutcome::Passed => passed += 1,
                CaseOutcome::Skipped => skipped += 1,
                CaseOutcome::Failed(reason) => {
                    failed += 1;
                    let (file, line, test) = (file.display(), verdict.line, verdict.test);
                    output::line(&format!("{file}:{line}: {test}: {}: {reason}", verdict.subject));
                }
            }
        }
    }
    output::line(&format!("{passed} passed, {failed} failed, {skipped} skipped"));
    if failed == 0 { Ok(()) } else { Err(Failure::Finding(String::new())) }
}
