//! `watchkeeper import …`: configuration of other tools, and rule packs, written as ours. Needs no server.
//!
//! Not a takeover of state: silences and alerts come over the API.

mod pack;

use std::path::PathBuf;

use serde_json::json;
use watchkeeper_config::alertmanager::{self, Imported};
use watchkeeper_config::{FileSystem, render};

use super::output::{self, Format};
use super::{Failure, Outcome};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Write Alertmanager's configuration as Watchkeeper's.
    #[command(
        after_help = "The configuration goes to the standard output; what was not carried over, and which variables to set, \
                      to the standard error.\n\nExample:\n  watchkeeper import alertmanager alertmanager.yml > watchkeeper.yaml\n\n\
                      Exit status: 0 fine, 1 the file is refused, 2 wrong usage."
    )]
    Alertmanager {
        /// Alertmanager's file.
        file: PathBuf,
    },
    /// Write a rule pack that ships with Watchkeeper, with its unit tests, as files of your own.
    #[command(after_help = "Examples:\n  watchkeeper import pack --list\n  watchkeeper import pack database\n\n\
                      Exit status: 0 fine, 1 a file is there already, 2 wrong usage.")]
    Pack(pack::Args),
}

pub(super) fn run(command: Command, format: Format) -> Outcome {
    let file = match command {
        Command::Alertmanager { file } => file,
        Command::Pack(args) => return pack::run(&args, format),
    };
    let imported = alertmanager::import(&file, &FileSystem).map_err(|problems| {
        output::aside(&render(&problems, output::colours()));
        Failure::Finding(format!("{} problems in {}", problems.len(), file.display()))
    })?;
    let Imported { yaml, variables, notes } = &imported;
    if !notes.is_empty() {
        output::aside(&render(notes, output::colours()));
    }
    let variable =
        |v: &alertmanager::Variable| json!({"name": v.name, "key": v.key, "line": v.line, "column": v.column});
    let note = |n: &watchkeeper_config::Diagnostic| json!({"file": n.file, "line": n.line, "column": n.column, "message": n.message});
    let answer = json!({
        "configuration": yaml,
        "variables": variables.iter().map(variable).collect::<Vec<_>>(),
        "not_carried_over": notes.iter().map(note).collect::<Vec<_>>(),
    });
    output::show(format, &answer, |_| output::text(yaml.trim_end()))?;
    for variable in variables {
        output::aside(&format!(
            "set {} in the server's environment: it was `{}` at {}:{}:{}\n",
            variable.name,
            variable.key,
            file.display(),
            variable.line,
            variable.column
        ));
    }
    Ok(())
}
