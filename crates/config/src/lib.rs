//! Configuration: YAML files become typed values, or diagnostics with `file:line:column` and the way to fix them.
//!
//! Not the meaning of what is configured: rules are evaluated in `detect`, routes walked in `alert`, receivers spoken to
//! in `respond`. Nothing here touches the network; files and environment are read through [`source::Source`].
//!
//! Flow: `yaml` makes a tree that remembers places; `decode` reads the types under `file` from it and gathers problems;
//! `file` turns those into the [`model`], which is complete and valid. [`load()`] runs all of it over all files and gives
//! every problem at once.

pub mod alertmanager;
mod decode;
pub mod diagnostic;
mod file;
mod load;
pub mod model;
mod place;
pub mod reference;
pub mod schema;
pub mod secret;
pub mod source;
mod suggest;
mod yaml;

pub use diagnostic::{Diagnostic, Severity, render};
pub use file::rule::ExprProblem;
pub use load::{Loaded, defaults, load, load_rule_tests, load_rule_text, load_rules};
pub use model::Config;
pub use secret::Secret;
pub use source::{FileSystem, Source};

#[cfg(test)]
mod tests;
