//! `watchkeeper test …`: test files, in process, without a server.
//!
//! Not backtests: those need stored history.

mod mapping;
mod route;
mod rules;

use std::path::PathBuf;

use watchkeeper_promql::script;

use super::output::{self, Format};
use super::{Failure, Outcome};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Run Prometheus test scripts (`load`, `eval`, …). A refused case counts as failed.
    Promql {
        /// The scripts.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Run unit tests of rules, in promtool's format. A test that cannot go on counts as failed.
    Rules {
        /// The files of tests; they name the rule files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Say which way an alert with these labels would go, by the configuration.
    Route(route::Args),
    /// Say what an integration would make of a body that its tool sends.
    Mapping(mapping::Args),
}

pub(super) fn run(command: Command, format: Format) -> Outcome {
    match command {
        Command::Promql { files } => promql(&files),
        Command::Rules { files } => rules::run(&files),
        Command::Route(args) => route::run(&args, format),
        Command::Mapping(args) => mapping::run(&args, format),
    }
}

fn promql(files: &[PathBuf]) -> Outcome {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for file in files {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))?;
        let report = script::run(&text);
        for failure in &report.failures {
            output::line(&format!("{}:{}: {}: {}", file.display(), failure.line, failure.expr, failure.reason));
        }
        passed += report.passed;
        failed += report.failed;
        skipped += report.skipped;
    }
    output::line(&format!("{passed} passed, {failed} failed, {skipped} skipped"));
    if failed == 0 { Ok(()) } else { Err(Failure::Finding(String::new())) }
}
