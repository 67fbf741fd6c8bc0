//! What the pipeline needs of the configuration, taken out of it once per load.
//!
//! Not the receivers' settings: the pipeline knows their integrations by key and nothing else.

use std::collections::BTreeMap;

use watchkeeper_config::model::{Config, InhibitRule, Route};
use watchkeeper_domain::Integration;

/// Routes, inhibition and the integrations of each receiver.
#[derive(Debug, Clone)]
pub struct Routing {
    /// The root of the route tree.
    pub route: Route,
    /// Alerts that mute others.
    pub inhibit_rules: Vec<InhibitRule>,
    /// The integrations of each receiver, by its name.
    pub receivers: BTreeMap<String, Vec<Integration>>,
}

impl From<&Config> for Routing {
    fn from(config: &Config) -> Self {
        Self {
            route: config.route.clone(),
            inhibit_rules: config.inhibit_rules.clone(),
            receivers: config.receivers.iter().map(|(name, r)| (name.clone(), r.integrations())).collect(),
        }
    }
}
