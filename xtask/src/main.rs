//! Project chores: `cargo xtask tidy` checks what the compiler does not, `cargo xtask sim` runs simulated worlds.
//!
//! Not a build system: `make` calls cargo and npm.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore reports on the terminal")]

mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;

#[derive(Parser)]
#[command(name = "xtask")]
enum Chore {
    /// Check the architecture's invariants and the house rules.
    Tidy,
    /// Run simulated worlds of the server; one alone also prints what happened in it.
    Sim {
        /// How many.
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        from: u64,
    },
}

fn main() -> ExitCode {
    // The manifest's folder is known at compile time, so the chore works from any folder.
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match Chore::parse() {
        Chore::Tidy => tidy(&root),
        Chore::Sim { seeds, from } => sim(&root, seeds, from),
    }
}

/// The worlds are a test of the server, so that they are its real code.
fn sim(root: &Path, seeds: u64, from: u64) -> ExitCode {
    let ended = Command::new("cargo")
        .args(["test", "--quiet", "-p", "watchkeeper-server", "--test", "sim", "--", "every_seed", "--nocapture"])
        .current_dir(root)
        .env("WATCHKEEPER_SIM_SEEDS", seeds.to_string())
        .env("WATCHKEEPER_SIM_FROM", from.to_string())
        .status();
    match ended {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sim cannot start cargo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tidy(root: &Path) -> ExitCode {
    match tidy::run(root) {
        Ok(report) if report.findings.is_empty() => {
            println!("tidy: {} files, {} checks, nothing to mend", report.files, report.checks);
            ExitCode::SUCCESS
        }
        Ok(report) => {
            for finding in &report.findings {
                eprintln!("{finding}");
            }
            eprintln!("tidy: {} findings", report.findings.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tidy could not look: {error:#}");
            ExitCode::FAILURE
        }
    }
}
