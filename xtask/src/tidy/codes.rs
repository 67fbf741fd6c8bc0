//! Problem codes and their pages.
//!
//! Not the wording of the pages beyond their title.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use regex::Regex;

use super::Source;

pub(super) fn pages(root: &Path, _: &[Source]) -> Result<Vec<String>> {
    let problem = std::fs::read_to_string(root.join("crates/domain/src/problem.rs"))?;
    let code = Regex::new(r#"= "(WK\d{4})""#)?;
    let codes: BTreeSet<String> = code.captures_iter(&problem).map(|c| c[1].to_owned()).collect();
    let mut pages = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("docs/errors"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(stem) = name.strip_suffix(".md").filter(|stem| *stem != "README") {
            pages.insert(stem.to_owned());
        }
    }
    let missing = codes.difference(&pages).map(|c| format!("docs/errors/{c}.md: the page of {c} is missing"));
    let orphaned = pages.difference(&codes).map(|c| format!("docs/errors/{c}.md: no code {c} exists"));
    Ok(missing.chain(orphaned).collect())
}
