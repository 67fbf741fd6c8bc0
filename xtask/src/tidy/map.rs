//! The map in ARCHITECTURE.md: its file and function names must exist.
//!
//! Not its prose.

use std::path::Path;

use anyhow::{Context as _, Result};
use regex::Regex;

use super::Source;

/// Finds each `path/to/file.rs::function` in the document and looks it up.
pub(super) fn life_of_one_alert(root: &Path, sources: &[Source]) -> Result<Vec<String>> {
    let document = std::fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    let place = Regex::new(r"`([a-z0-9_\-/]+\.rs)::([A-Za-z0-9_]+)`")?;
    let mut findings = Vec::new();
    let mut found = 0;
    for (at, line) in document.lines().enumerate() {
        for names in place.captures_iter(line) {
            found += 1;
            let (file, item) = (&names[1], &names[2]);
            let Some(source) = sources.iter().find(|s| s.path == *file || s.path == format!("crates/{file}")) else {
                findings.push(format!("ARCHITECTURE.md:{}: there is no file `{file}`", at + 1));
                continue;
            };
            let defined = Regex::new(&format!(r"\b(fn|struct|enum|trait|const|type|static)\s+{item}\b"))?;
            if !defined.is_match(&source.text) {
                findings.push(format!("ARCHITECTURE.md:{}: `{file}` has no `{item}`", at + 1));
            }
        }
    }
    if found < 10 {
        findings.push("ARCHITECTURE.md: the life of one alert names fewer than ten places".to_owned());
    }
    Ok(findings)
}
