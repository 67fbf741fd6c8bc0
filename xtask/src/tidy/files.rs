//! Rules about single files.
//!
//! Not about what is in them beyond their first line, their length and their names.

use std::path::Path;

use anyhow::Result;
use regex::Regex;

use super::Source;

/// The longest file, in lines, tests apart.
const LONGEST: usize = 500;

/// Files that may be longer, each with its reason.
const LONGER: &[(&str, &str)] = &[];

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs") && !path.starts_with("crates/workspace-hack/")
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/benches/")
        || path.contains(".test.")
        || path.contains("_tests.rs")
}

fn is_generated(path: &str) -> bool {
    path.contains(".gen.") || path.ends_with(".lock") || path.ends_with("package-lock.json")
}

pub(super) fn headers(_: &Path, sources: &[Source]) -> Result<Vec<String>> {
    Ok(sources
        .iter()
        .filter(|s| is_rust(&s.path) && !s.text.starts_with("//!"))
        .map(|s| format!("{}:1: begin with `//!`: one sentence what it is, one what it is not", s.path))
        .collect())
}

pub(super) fn lengths(_: &Path, sources: &[Source]) -> Result<Vec<String>> {
    let code = |path: &str| is_rust(path) || path.ends_with(".ts") || path.ends_with(".tsx");
    Ok(sources
        .iter()
        .filter(|s| code(&s.path) && !is_test(&s.path) && !is_generated(&s.path))
        .filter(|s| !LONGER.iter().any(|(path, _)| *path == s.path))
        .filter_map(|s| {
            // Tests at the end of a file do not count.
            let body = s.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
            let lines = body.lines().count();
            (lines > LONGEST).then(|| format!("{}: {lines} lines without tests; split it by what it does", s.path))
        })
        .collect())
}

pub(super) fn names(_: &Path, sources: &[Source]) -> Result<Vec<String>> {
    const DRAWERS: [&str; 6] = ["utils", "util", "common", "helpers", "helper", "manager"];
    let mut findings = Vec::new();
    for source in sources {
        let parts: Vec<&str> = source.path.split('/').collect();
        if parts.last() == Some(&"mod.rs") {
            findings.push(format!("{}: use `foo.rs` beside `foo/`", source.path));
        }
        let stems = parts.iter().map(|part| part.split('.').next().unwrap_or(part));
        if (is_rust(&source.path) || source.path.starts_with("ui/src"))
            && stems.clone().any(|stem| DRAWERS.contains(&stem))
        {
            findings.push(format!("{}: name it for what it holds, not for being a drawer", source.path));
        }
    }
    Ok(findings)
}

pub(super) fn traces(_: &Path, sources: &[Source]) -> Result<Vec<String>> {
    // Spelt in pieces, so that this file does not find itself.
    let pattern = Regex::new(&format!(
        "(^|[^a-zA-Z0-9_])/({}|{})/[a-z.]|registry\\.{}|index\\.{}",
        "work", "root", "npmjs", "crates\\.io"
    ))?;
    let mut findings = Vec::new();
    for source in sources.iter().filter(|s| s.path != "Cargo.lock") {
        for (at, line) in source.text.lines().enumerate() {
            if pattern.is_match(line) {
                findings.push(format!("{}:{}: a path of one machine or the host of a registry", source.path, at + 1));
            }
        }
    }
    Ok(findings)
}

pub(super) fn changelog(_: &Path, sources: &[Source]) -> Result<Vec<String>> {
    let name = Regex::new(r"^changelog\.d/(README|[a-z0-9-]+\.(added|changed|fixed|removed|security))\.md$")?;
    Ok(sources
        .iter()
        .filter(|s| s.path.starts_with("changelog.d/") && !name.is_match(&s.path))
        .map(|s| format!("{}: name it `slug.added.md` (or changed, fixed, removed, security)", s.path))
        .collect())
}
