//! The post-mortem: drafted from the ledger, finished by people.
//!
//! Not the Markdown export: that is made from the same facts on the server.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;
use super::incidents::TimelineEntry;
use super::overview::Tried;
use super::words::ActionItemState;

/// One post-mortem.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PostMortem {
    /// The incident, `inc_…`.
    pub incident_id: String,
    /// What happened, in a few sentences: drafted, then edited.
    pub summary: String,
    /// What happened when, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// Mean time to detect of this incident: from the first bad sample to the alert, in seconds.
    pub mttd_seconds: Option<f64>,
    /// From the alert to the acknowledgement, in seconds.
    pub mtta_seconds: Option<f64>,
    /// From the first bad sample to the resolution, in seconds.
    pub mttr_seconds: Option<f64>,
    /// What it cost.
    pub impact: Impact,
    /// What was tried, oldest first.
    pub tried: Vec<Tried>,
    /// Why it happened; empty until people say.
    pub root_cause: String,
    /// What was learnt; empty until people say.
    pub lessons: String,
    /// What is to be done.
    pub action_items: Vec<ActionItem>,
    /// Who edited it last.
    pub edited_by: Option<String>,
    /// When.
    pub edited_at: Option<Time>,
}

/// What an incident cost its users.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Impact {
    /// Failed requests in the incident's time; absent when it cannot be known.
    pub failed_requests: Option<f64>,
    /// All requests in that time.
    pub total_requests: Option<f64>,
    /// The query that was used, so that anybody can repeat it.
    pub query: Option<String>,
    /// In words, or why it is not known.
    pub summary: String,
}

/// The parts that people write; an absent part stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PostMortemEdit {
    /// What happened.
    pub summary: Option<String>,
    /// Why.
    pub root_cause: Option<String>,
    /// What was learnt.
    pub lessons: Option<String>,
}

/// One thing to be done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ActionItem {
    /// `act_…`.
    pub id: String,
    /// What. Hostile text.
    pub title: String,
    /// Who does it.
    pub owner: Option<String>,
    /// By which day, `YYYY-MM-DD`.
    pub due: Option<String>,
    /// Whether it is done.
    pub state: ActionItemState,
}

/// An action item to add, or an existing one to change when `id` is given.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewActionItem {
    /// The item to change; absent to add one.
    pub id: Option<String>,
    /// What.
    pub title: String,
    /// Who.
    pub owner: Option<String>,
    /// By which day, `YYYY-MM-DD`.
    pub due: Option<String>,
    /// `open` when absent.
    pub state: Option<ActionItemState>,
}
