//! Project chores: `cargo xtask tidy` checks what the compiler does not, `cargo xtask bless` renews committed outputs.
//!
//! Not a build system: `make` calls cargo and npm.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore reports on the terminal")]

mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "xtask")]
enum Chore {
    /// Check the architecture's invariants and the house rules.
    Tidy,
}

fn main() -> ExitCode {
    let Chore::Tidy = Chore::parse();
    // The manifest's folder is known at compile time, so the chore works from any folder.
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match tidy::run(&root) {
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
