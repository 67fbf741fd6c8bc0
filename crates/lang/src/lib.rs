//! Small languages inside configuration: Go templates in Prometheus rules, Jinja in workflows and messages.
//!
//! Not query languages: PromQL is in `promql`. Nothing here does IO; both engines are bounded in size, depth and output,
//! and values are data: a label that holds `{{ … }}` is printed, never run.
#![warn(missing_docs)]

pub mod go_template;
pub mod jinja;
