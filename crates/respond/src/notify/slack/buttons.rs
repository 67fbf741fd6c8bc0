//! What a button carries: the two ends of the same string, written into a message and read back when it is pressed.
//!
//! Not a permission: whoever may press is decided where the press arrives, and the value is only believed because the
//! whole request is signed by Slack.

use serde::{Deserialize, Serialize};
use watchkeeper_domain::ids::{AlertId, IncidentId};

use super::blocks::VALUE;

/// Takes the alerts or the incident.
pub const ACKNOWLEDGE: &str = "acknowledge";
/// Silences the alerts for an hour.
pub const SILENCE: &str = "silence";
/// Resolves the incident, or the alerts by hand.
pub const RESOLVE: &str = "resolve";
/// Starts a workflow; its name follows.
pub const RUN_WORKFLOW: &str = "run_workflow:";

/// More alerts than these do not fit a button's value (2,000 characters); their incident stands for the rest.
const MOST_ALERTS: usize = 40;

/// What a button is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The incident, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// The alerts that the message told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertId>,
    /// The workflow to start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
}

impl Target {
    /// As a button's value.
    #[must_use]
    pub fn write(&self) -> String {
        let mut fitting = self.clone();
        fitting.alerts.truncate(MOST_ALERTS);
        loop {
            let text = serde_json::to_string(&fitting).unwrap_or_default();
            if text.chars().count() <= VALUE || fitting.alerts.pop().is_none() {
                return text;
            }
        }
    }

    /// From a button's value; the error does not repeat it.
    pub fn read(value: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(value)
    }
}
