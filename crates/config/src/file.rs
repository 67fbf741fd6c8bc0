//! The shape of the YAML files, one module per subject, each with the way from its file types to the model.
//!
//! Not the model: that is complete and valid; here everything may be absent.

pub(crate) mod app_insights;
pub(crate) mod heartbeat;
pub(crate) mod incident;
pub(crate) mod input;
pub(crate) mod integration;
pub(crate) mod main;
pub(crate) mod names;
pub(crate) mod oncall;
pub(crate) mod person;
pub(crate) mod probe;
pub(crate) mod receiver;
pub(crate) mod relabel;
pub(crate) mod route;
pub(crate) mod rule;
pub(crate) mod rule_test;
pub(crate) mod scrape;
pub(crate) mod self_watch;
pub(crate) mod server;
pub(crate) mod time_interval;
pub(crate) mod tls;
pub(crate) mod workflow;
