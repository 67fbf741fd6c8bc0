//! `watchkeeper check [FILE]`: all that is wrong with the configuration, with `file:line:column`. Needs no server.
//!
//! Not a dry run of notifications: references to secrets are resolved, nothing is contacted.

use std::path::PathBuf;

use watchkeeper_config::{Diagnostic, FileSystem, load, render};

use super::output;
use super::{Failure, Outcome, default_config};
use crate::app::check_expr;

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 nothing wrong, 1 something is, 2 wrong usage.")]
pub(super) struct Args {
    /// The main file; `watchkeeper.yaml` when there is one.
    file: Option<PathBuf>,
    /// One line for each problem, as compilers and editors have it.
    #[arg(long)]
    lines: bool,
    /// Print the JSON schema of the main file instead, for editors.
    #[arg(long, exclusive = true)]
    schema: bool,
}

pub(super) fn run(args: &Args) -> Outcome {
    if args.schema {
        output::text(watchkeeper_config::schema::schema_text().trim_end());
        return Ok(());
    }
    let Some(file) = args.file.clone().or_else(default_config) else {
        return Err(Failure::Usage(
            "there is no `watchkeeper.yaml` here; name the file: `watchkeeper check FILE`".to_owned(),
        ));
    };
    let loaded = load(&file, &FileSystem, &check_expr).and_then(|loaded| match crate::tls::load(&loaded.config) {
        Ok(_) => Ok(loaded),
        Err(problem) => Err(vec![*problem]),
    });
    match loaded {
        Ok(loaded) => {
            show(&loaded.warnings, args.lines);
            let c = &loaded.config;
            let rules: usize = c.rule_groups.iter().map(|g| g.rules.len()).sum();
            let theirs = c.alertmanager_config.as_ref().map(|file| format!(" (with {file})")).unwrap_or_default();
            output::coloured(
                &format!(
                    "{}{theirs} is fine: {rules} rules, {} probes, {} receivers, {} workflows, {} warnings",
                    file.display(),
                    c.probes.len(),
                    c.receivers.len(),
                    c.workflows.len(),
                    loaded.warnings.len()
                ),
                Some(true),
            );
            Ok(())
        }
        Err(problems) => {
            show(&problems, args.lines);
            Err(Failure::Finding(format!("{} problems in {}", problems.len(), file.display())))
        }
    }
}

fn show(problems: &[Diagnostic], lines: bool) {
    if problems.is_empty() {
        return;
    }
    if lines {
        for problem in problems {
            output::line(&problem.to_string());
        }
    } else {
        output::diagnostics(&render(problems, output::colours()));
    }
}
