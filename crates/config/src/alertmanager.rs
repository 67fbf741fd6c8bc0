//! Alertmanager's own notation of routes, receivers and times: read, translated, written.
//!
//! Not its sending: what a receiver says and how is `respond`'s.
//!
//! One translation serves two ends: [`import()`] writes what came out as a file of ours, and `alertmanager_config` in the
//! main file uses it as it is. It works on the tree, so that every problem still shows the line of Alertmanager's file.

mod import;
mod keys;
mod mail;
mod receiver;
mod secret;
mod service;
mod translate;
mod write;
mod yaml;

pub use import::{Imported, Variable, import};
pub(crate) use translate::merge;
pub use write::shown;
