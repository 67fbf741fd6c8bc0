//! Which crate may use which, and which third-party crates stay behind a fence.
//!
//! Not versions and licences: `cargo deny` checks those.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use regex::Regex;

use super::Source;

/// Each crate with the crates of ours that it may use. Nothing points back. Development dependencies are free.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("promql", &["domain"]),
    ("lang", &["domain"]),
    ("config", &["domain", "lang"]),
    ("state", &["domain"]),
    ("ingest", &["domain"]),
    ("store", &["domain", "promql"]),
    ("scrape", &["domain", "lang", "config", "ingest"]),
    ("logs", &["domain", "config", "ingest", "state"]),
    ("detect", &["domain", "promql", "lang", "config", "state"]),
    ("alert", &["domain", "lang", "config", "state"]),
    ("incident", &["domain", "lang", "config", "state", "alert"]),
    ("respond", &["domain", "promql", "lang", "config", "state", "alert", "incident"]),
    ("publish", &["domain", "lang", "config", "state", "alert", "incident"]),
    ("testkit", &["domain"]),
    (
        "server",
        &[
            "domain", "promql", "lang", "config", "state", "ingest", "store", "detect", "alert", "incident", "respond",
            "publish", "scrape", "logs",
        ],
    ),
];

/// Third-party crates that change often or weigh much, with the only crates (folders) that may name them.
const FENCES: &[(&str, &[&str])] = &[
    ("opentelemetry_proto", &["crates/ingest/", "crates/server/tests/"]),
    (
        "serde_saphyr",
        &[
            "crates/config/src/",
            "crates/server/src/cli/output.rs",
            "crates/scrape/src/discovery.rs",
            "crates/detect/src/scheduler/tests/",
        ],
    ),
    ("datafusion", &["crates/store/"]),
    ("lettre", &["crates/respond/src/notify/"]),
    ("tiny_skia", &["crates/respond/src/chart"]),
];

pub(super) fn arrows(root: &Path, _: &[Source]) -> Result<Vec<String>> {
    let dependency = Regex::new(r"^watchkeeper-([a-z]+)(\.workspace)?\s*[=.]")?;
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "workspace-hack" {
            continue;
        }
        let Some(may_use) = allowed.get(name.as_str()) else {
            findings.push(format!(
                "crates/{name}: it is not in ARCHITECTURE.md's list of arrows (xtask/src/tidy/arrows.rs)"
            ));
            continue;
        };
        let manifest = std::fs::read_to_string(entry.path().join("Cargo.toml"))
            .with_context(|| format!("crates/{name}/Cargo.toml"))?;
        let section = manifest.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
        for used in section.lines().filter_map(|line| dependency.captures(line)).map(|c| c[1].to_owned()) {
            if !may_use.contains(&used.as_str()) {
                findings.push(format!("crates/{name}/Cargo.toml: `{name}` must not use `{used}`"));
            }
        }
    }
    Ok(findings)
}

pub(super) fn fences(_: &Path, sources: &[Source]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (name, folders) in FENCES {
        let path = Regex::new(&format!(r"\b{name}::"))?;
        for source in sources.iter().filter(|s| s.path.ends_with(".rs") && s.path.starts_with("crates/")) {
            if !folders.iter().any(|folder| source.path.starts_with(folder))
                && let Some(at) =
                    source.text.lines().position(|line| !line.trim_start().starts_with("//") && path.is_match(line))
            {
                findings.push(format!(
                    "{}:{}: `{name}` may be named only in {}",
                    source.path,
                    at + 1,
                    folders.join(", ")
                ));
            }
        }
    }
    Ok(findings)
}
