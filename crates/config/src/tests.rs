//! Whole configurations, good and bad, with the texts that people read.

mod alertmanager;
mod app_insights;
mod corpora;
mod errors;
mod groups;
mod hostile;
mod inputs;
mod oncall;
mod valid;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::*;

/// Files and variables in memory.
#[derive(Default)]
pub(crate) struct Memory {
    files: BTreeMap<PathBuf, String>,
    variables: BTreeMap<String, String>,
}

impl Memory {
    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.to_owned());
        self
    }
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl Source for Memory {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<(String, bool)>> {
        let mut names = BTreeMap::new();
        for path in self.files.keys() {
            let Ok(rest) = path.strip_prefix(folder) else { continue };
            let mut parts = rest.components();
            if let Some(first) = parts.next() {
                names.insert(first.as_os_str().to_string_lossy().into_owned(), parts.next().is_some());
            }
        }
        Ok(names.into_iter().collect())
    }
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
}

/// Stands for PromQL's parser: parentheses must close, and `!!` is a mistake at its place.
fn check(expr: &str) -> Result<(), ExprProblem> {
    if let Some(at) = expr.find("!!") {
        return Err(ExprProblem { message: "unexpected `!!`".to_owned(), offset: Some(at) });
    }
    if expr.matches('(').count() != expr.matches(')').count() {
        return Err(ExprProblem { message: "a parenthesis is not closed".to_owned(), offset: None });
    }
    Ok(())
}

fn load_memory(memory: &Memory) -> Result<Loaded, Vec<Diagnostic>> {
    load(Path::new("wk.yaml"), memory, &check)
}

fn good(text: &str) -> Loaded {
    match load_memory(&Memory::default().file("wk.yaml", text)) {
        Ok(loaded) => loaded,
        Err(problems) => panic!("{}", plain(&problems)),
    }
}

/// The problems as lines.
fn problems(memory: &Memory) -> String {
    match load_memory(memory) {
        Ok(_) => "no problem".to_owned(),
        Err(problems) => plain(&problems),
    }
}

fn plain(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_committed_json_schema_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config.schema.json");
    if std::env::var_os("WATCHKEEPER_BLESS").is_some() {
        std::fs::write(path, schema::schema_text()).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == schema::schema_text(), "config.schema.json is old; run `make bless`");
}
