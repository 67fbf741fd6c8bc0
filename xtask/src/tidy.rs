//! The checks behind `cargo xtask tidy`.
//!
//! Not a linter for Rust: clippy is. These rules are about the house: sizes, names, arrows, pages.

mod arrows;
mod codes;
mod files;
mod map;

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// What was found.
pub(crate) struct Report {
    pub(crate) files: usize,
    pub(crate) checks: usize,
    pub(crate) findings: Vec<String>,
}

/// A file that git knows, with its text when it is text.
pub(crate) struct Source {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

type Check = fn(&Path, &[Source]) -> Result<Vec<String>>;

/// All checks, with what each is for.
const CHECKS: &[(&str, Check)] = &[
    ("a file says what it is and what it is not", files::headers),
    ("a file stays within 500 lines", files::lengths),
    ("no mod.rs, no drawers", files::names),
    ("no path of a machine, no host of a registry", files::traces),
    ("changelog fragments name their kind", files::changelog),
    ("an arrow points where ARCHITECTURE.md allows", arrows::arrows),
    ("heavy or quick-moving crates are named in one place", arrows::fences),
    ("each problem code has a page, each page a code", codes::pages),
    ("the life of one alert names files and functions that exist", map::life_of_one_alert),
];

pub(crate) fn run(root: &Path) -> Result<Report> {
    let sources = sources(root)?;
    let mut findings = Vec::new();
    for (what, check) in CHECKS {
        for finding in check(root, &sources).with_context(|| format!("while checking that {what}"))? {
            findings.push(format!("{finding}\n    rule: {what}"));
        }
    }
    Ok(Report { files: sources.len(), checks: CHECKS.len(), findings })
}

fn sources(root: &Path) -> Result<Vec<Source>> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .context("git lists the files")?;
    ensure!(listed.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
    let mut sources = Vec::new();
    for path in String::from_utf8(listed.stdout)?.split('\0').filter(|p| !p.is_empty()) {
        // A file that was just deleted is still listed; a binary one has no lines.
        if let Ok(text) = std::fs::read_to_string(root.join(path)) {
            sources.push(Source { path: path.to_owned(), text });
        }
    }
    Ok(sources)
}
