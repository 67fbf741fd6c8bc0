//! Names of objects: unique among their kind, and found again by those who refer to them.
//!
//! Not the objects.

use std::collections::BTreeMap;

use watchkeeper_domain::Code;

use crate::decode::{At, Context};
use crate::diagnostic::Diagnostic;
use crate::place::Place;
use crate::suggest;

/// The names of one kind of object.
#[derive(Debug)]
pub(crate) struct Names {
    /// What they name, for example `receiver`.
    kind: &'static str,
    known: BTreeMap<String, Option<Place>>,
}

impl Names {
    pub(crate) fn new(kind: &'static str) -> Self {
        Self { kind, known: BTreeMap::new() }
    }

    /// Takes a name that is there without being written.
    pub(crate) fn given(&mut self, name: &str) {
        self.known.entry(name.to_owned()).or_default();
    }

    /// Takes a name; false, with a problem that shows both places, when it is taken already.
    pub(crate) fn define(&mut self, name: &At<String>, cx: &mut Context<'_>) -> bool {
        if name.value.trim().is_empty() {
            cx.invalid(&name.place, format!("the name of a {} is empty", self.kind), None);
            return false;
        }
        if let Some(Some(first)) = self.known.get(&name.value) {
            let stem = self.kind.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']));
            let many = stem.map_or_else(|| format!("{}s", self.kind), |it| format!("{it}ies"));
            let message = format!("there are two {many} named `{}`", name.value);
            cx.error(
                Diagnostic::at(Code::ConfigDuplicate, &name.place, message)
                    .other(first)
                    .help("rename or remove one of them"),
            );
            return false;
        }
        self.known.insert(name.value.clone(), Some(name.place.clone()));
        true
    }

    /// Whether a name is known; a problem with the nearest one when it is not.
    pub(crate) fn refer(&self, name: &str, place: &Place, cx: &mut Context<'_>) {
        if self.known.contains_key(name) {
            return;
        }
        let shown: String = name.chars().take(80).collect();
        let message = format!("there is no {} named `{shown}`", self.kind);
        let help = match suggest::nearest(name, self.known.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.known.is_empty() => format!("define a {} with this name", self.kind),
            None => {
                let known: Vec<&str> = self.known.keys().map(String::as_str).take(20).collect();
                format!("known: {}", known.join(", "))
            }
        };
        cx.error(Diagnostic::at(Code::ConfigUnknownReference, place, message).help(help));
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }
}
