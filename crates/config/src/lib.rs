//! Configuration: YAML files become typed values, or diagnostics with `file:line:column` and the way to fix them.
//!
//! Not the meaning of what is configured: rules are evaluated in `detect`, routes walked in `alert`, receivers spoken to
//! in `respond`. Nothing here touches the network; files and environment are read through [`source::Source`].

pub mod model;
pub mod secret;

pub use model::Config;
pub use secret::Secret;
