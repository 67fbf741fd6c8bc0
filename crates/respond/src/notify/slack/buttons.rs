//! What a button or a menu carries: the two ends of the same string, written into a message and read back when it is
//! used.
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
/// Makes whoever presses the incident's commander.
pub const TAKE: &str = "assign_to_me";
/// Makes the person who is chosen in the menu the incident's commander.
pub const ASSIGN: &str = "assign";
/// Starts a workflow; its name follows.
pub const RUN_WORKFLOW: &str = "run_workflow:";
/// A row's id; a menu of people has no value of its own, so what it is about follows here.
pub const ROW: &str = "watchkeeper";

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

    /// As the id of the row that holds a menu (255 characters): the incident, or else the first alert.
    #[must_use]
    pub fn row(&self) -> String {
        let about = self.incident.map(|id| id.to_string()).or_else(|| self.alerts.first().map(ToString::to_string));
        about.map_or_else(|| ROW.to_owned(), |id| format!("{ROW}:{id}"))
    }

    /// From the id of a row; none where the row is about nothing or not ours.
    #[must_use]
    pub fn of_row(block_id: &str) -> Option<Self> {
        let id = block_id.strip_prefix(ROW)?.strip_prefix(':')?;
        match id.parse() {
            Ok(incident) => Some(Self { incident: Some(incident), ..Self::default() }),
            Err(_) => Some(Self { alerts: vec![id.parse().ok()?], ..Self::default() }),
        }
    }

    /// From a button's value; the error does not repeat it.
    pub fn read(value: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(value)
    }
}
