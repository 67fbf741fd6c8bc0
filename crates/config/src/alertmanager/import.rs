//! `watchkeeper import alertmanager`: a file of ours from one of Alertmanager's, and what a person has to know about it.
//!
//! Not the writing of the file to disk.

use std::path::Path;

use super::translate::{Mode, Translator};
use super::yaml;
use crate::decode::{Context, FromNode};
use crate::diagnostic::Diagnostic;
use crate::file::main::MainFile;
use crate::source::Source;
use crate::yaml::{Kind, Node};

/// What became of a file.
#[derive(Debug, Clone)]
pub struct Imported {
    /// Our main file.
    pub yaml: String,
    /// What must be set in the environment: each was a secret in plain text.
    pub variables: Vec<Variable>,
    /// What was not carried over, each with its place in Alertmanager's file.
    pub notes: Vec<Diagnostic>,
}

/// An environment variable that takes a secret out of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The key of Alertmanager's file that held the secret.
    pub key: String,
    /// Where it stands, from 1.
    pub line: usize,
    /// Where it stands, from 1.
    pub column: usize,
}

/// Reads a file of Alertmanager's and writes it as one of ours. What Alertmanager refuses is refused, with all problems.
pub fn import(file: &Path, source: &dyn Source) -> Result<Imported, Vec<Diagnostic>> {
    // Secrets are elsewhere: those that are missing here are taken for granted.
    let granted = Granted(source);
    let mut cx = Context::new(&granted, file.parent().unwrap_or(Path::new("")));
    let root = match crate::load::read(file, &cx) {
        Ok(root) => root,
        Err(problem) => {
            cx.error(*problem);
            return Err(crate::load::finish(cx).1);
        }
    };
    let (pairs, variables) = {
        let mut translator = Translator::new(&mut cx, Mode::Import, Path::new(""), &root);
        let pairs = translator.file(&root);
        (pairs, translator.variables)
    };
    let tree = Node { place: root.place.clone(), kind: Kind::Mapping(pairs) };
    // What reads our own file finds what is wrong with routes, times and names.
    if let Some(main) = MainFile::from_node(&tree, &mut cx) {
        main.build(&[], &[], &|_| Ok(()), &mut cx);
    }
    let (mut notes, errors) = crate::load::finish(cx);
    if !errors.is_empty() {
        return Err(errors);
    }
    notes.retain(|note| note.code == watchkeeper_domain::Code::NotCarriedOver);
    let shown = file.display().to_string();
    Ok(Imported { yaml: yaml::file(&tree, &shown, &variables, &notes), variables, notes })
}

/// A source in which every secret exists.
struct Granted<'a>(&'a dyn Source);

/// Something that is a URL and a text.
const STANDS_IN: &str = "https://secret.invalid/";

impl Source for Granted<'_> {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        self.0.read(path).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied if self.is_secret(path) => {
                Ok(STANDS_IN.to_owned())
            }
            _ => Err(error),
        })
    }
    fn list(&self, folder: &Path) -> std::io::Result<Vec<(String, bool)>> {
        self.0.list(folder)
    }
    fn variable(&self, name: &str) -> Option<String> {
        self.0.variable(name).or_else(|| Some(STANDS_IN.to_owned()))
    }
}

impl Granted<'_> {
    fn is_secret(&self, path: &Path) -> bool {
        !path.extension().is_some_and(|ext| ext == "yml" || ext == "yaml")
    }
}
