//! Incidents: the response of people and workflows to one or more alerts.
//!
//! Not the post-mortem: see `post_mortem`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::alerts::Alert;
use super::changes::Change;
use super::deliveries::Notification;
use super::words::{Category, IncidentKind, IncidentState, Priority, Role};
use super::workflows::Run;

counted_list! {
    /// Incidents, open ones first, then in the order of `sort`.
    IncidentList of Incident;
}

/// One incident as a list shows it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    /// `inc_…`.
    pub id: String,
    /// The short number that people say: `INC-12`.
    pub number: u64,
    /// Its title. Hostile text.
    pub title: String,
    /// Its state.
    pub state: IncidentState,
    /// Operational or security.
    pub kind: IncidentKind,
    /// Whether only its responders see it. A reader without the right gets the list entry without title and owner.
    pub restricted: bool,
    /// How urgent.
    pub priority: Priority,
    /// What it is about.
    pub category: Category,
    /// When the first alert began, or it was declared.
    pub started_at: Time,
    /// When it was acknowledged.
    pub acknowledged_at: Option<Time>,
    /// When it was mitigated.
    pub mitigated_at: Option<Time>,
    /// When it was resolved.
    pub resolved_at: Option<Time>,
    /// When it was closed.
    pub closed_at: Option<Time>,
    /// Who has it: the incident commander, else who acknowledged it.
    pub owner: Option<String>,
    /// How many alerts it has.
    pub alert_count: u32,
    /// How many of them are active.
    pub active_alerts: u32,
}

/// One incident in full.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IncidentDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub incident: Incident,
    /// Who has which role; a role without a person is absent. Keys are the words of `Role`.
    pub roles: BTreeMap<String, String>,
    /// The component of the status page that it concerns.
    pub status_page_component: Option<String>,
    /// What users feel, in words.
    pub impact: Option<String>,
    /// Its alerts.
    pub alerts: Vec<Alert>,
    /// What changed just before and since: of its services, from two hours before it began. Oldest first.
    pub changes: Vec<Change>,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// The workflow runs for it, newest first.
    pub runs: Vec<Run>,
    /// Who was told, newest first.
    pub notifications: Vec<Notification>,
    /// The Slack thread, when there is one: an https address.
    pub chat_url: Option<String>,
}

/// One entry of the timeline.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// `ent_…`.
    pub id: String,
    /// When.
    pub at: Time,
    /// Who: `system`, `rule:…`, `user:…`, `workflow:…`.
    pub actor: String,
    /// What kind: `state`, `alert`, `role`, `note`, `notification`, `workflow`, `status_page`, `change`.
    pub kind: String,
    /// What happened, in words. Hostile text.
    pub text: String,
}

/// An incident that a person declares.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewIncident {
    /// What is wrong, in one line.
    pub title: String,
    /// How urgent.
    pub priority: Priority,
    /// What it is about.
    pub category: Category,
    /// `operational` when absent.
    pub kind: Option<IncidentKind>,
    /// What is known.
    pub description: Option<String>,
    /// Alerts to take in, `alr_…`.
    #[serde(default)]
    pub alert_ids: Vec<String>,
}

/// A step to the next state, with a note for the timeline.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct IncidentStep {
    /// What was done or found.
    pub note: Option<String>,
}

/// Who takes which role.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AssignRole {
    /// The role.
    pub role: Role,
    /// The person; null frees the role.
    pub person: Option<String>,
}

/// A note for the timeline.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewNote {
    /// The text, at most 4,000 characters.
    pub text: String,
}

/// In which order incidents are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentSort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// The most urgent first, then the newest first.
    Urgency,
}

/// Which incidents.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct IncidentQuery {
    /// States, comma-separated; all when absent.
    pub state: Option<String>,
    /// Priorities, comma-separated.
    pub priority: Option<String>,
    /// Categories, comma-separated.
    pub category: Option<String>,
    /// Who has it, by name; `nobody`: those that nobody has.
    pub owner: Option<String>,
    /// In which order, open ones always first; `newest` when absent.
    pub sort: Option<IncidentSort>,
    /// Text that must occur in the title or the number.
    pub q: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}
