//! What on-call needs of the configuration, taken out of it once per load.
//!
//! Not secrets and addresses: only delivery reads those.

use std::collections::BTreeMap;

use watchkeeper_config::Config;
use watchkeeper_config::model::person::{NotificationRule, receiver_of};
use watchkeeper_config::model::{EscalationPolicy, Schedule};
use watchkeeper_domain::Integration;

/// On-call as configured.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Schedules, by name.
    pub schedules: BTreeMap<String, Schedule>,
    /// Escalation policies, by name.
    pub policies: BTreeMap<String, EscalationPolicy>,
    /// Everybody who is known, with their own notification rules.
    pub people: BTreeMap<String, Vec<NotificationRule>>,
    /// The policy of each receiver that calls people.
    pub paging: BTreeMap<String, String>,
    /// How to reach each receiver; people are receivers, too.
    pub integrations: BTreeMap<String, Vec<Integration>>,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        let receivers = &config.receivers;
        Self {
            schedules: config.schedules.clone(),
            policies: config.escalation_policies.clone(),
            people: config.people.iter().map(|person| (person.name.clone(), person.notify.clone())).collect(),
            paging: receivers
                .iter()
                .filter_map(|(name, r)| Some((name.clone(), r.escalation_policy.clone()?)))
                .collect(),
            integrations: receivers.iter().map(|(name, r)| (name.clone(), r.integrations())).collect(),
        }
    }
}

impl Settings {
    /// Whether a person can be called at all.
    #[must_use]
    pub fn reachable(&self, person: &str) -> bool {
        self.integrations.get(&receiver_of(person)).is_some_and(|known| !known.is_empty())
    }
}
