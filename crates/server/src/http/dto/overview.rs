//! The first screen: what is wrong now, since when, who has it, what was tried.
//!
//! Not a statistic: everything here is about this moment.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;
use super::alerts::Alert;
use super::deliveries::Receiver;
use super::oncall::OnCallAnswer;
use super::rules::Rule;
use super::words::{Category, IncidentKind, IncidentState, Priority, RunState};

/// What is wrong now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// When this was put together.
    pub at: Time,
    /// Incidents that are neither resolved nor closed, most urgent first.
    pub incidents: Vec<OpenIncident>,
    /// Who is on call now, by schedule.
    pub on_call: Vec<OnCallAnswer>,
    /// Firing or unknown alerts that belong to no incident.
    pub alerts: Vec<Alert>,
    /// Rules that could not be evaluated: nobody knows what they would say.
    pub unknown_rules: Vec<Rule>,
    /// Receivers whose last attempts failed: whom a page may not reach.
    pub failing_receivers: Vec<Receiver>,
    /// Probes in numbers.
    pub probes: ProbeCounts,
    /// Active (firing or unknown) alerts by priority.
    pub counts: PriorityCounts,
    /// How many rules are loaded; 0 means that nothing is watched.
    pub rules_total: u32,
    /// When the last telemetry arrived; absent when none ever did.
    pub last_telemetry_at: Option<Time>,
}

/// One open incident.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OpenIncident {
    /// `inc_…`.
    pub id: String,
    /// The short number that people say: `INC-12`.
    pub number: u64,
    /// Its title. Hostile text.
    pub title: String,
    /// How urgent.
    pub priority: Priority,
    /// What it is about.
    pub category: Category,
    /// Its state.
    pub state: IncidentState,
    /// Operational or security.
    pub kind: IncidentKind,
    /// When it began.
    pub since: Time,
    /// Who has it: the incident commander, else who acknowledged it.
    pub owner: Option<String>,
    /// What was tried last.
    pub tried: Option<Tried>,
    /// How many of its alerts are active.
    pub active_alerts: u32,
    /// What users feel, in words.
    pub impact: Option<String>,
}

/// What was tried last.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Tried {
    /// The run, `run_…`.
    pub run_id: String,
    /// The workflow's name.
    pub workflow: String,
    /// How it stands.
    pub state: RunState,
    /// What came of it, in words.
    pub outcome: String,
    /// When it began.
    pub at: Time,
}

/// Probes in numbers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ProbeCounts {
    /// Up.
    pub up: u32,
    /// Down.
    pub down: u32,
    /// Not known.
    pub unknown: u32,
}

/// Numbers by priority.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct PriorityCounts {
    /// Critical.
    pub critical: u32,
    /// High.
    pub high: u32,
    /// Medium.
    pub medium: u32,
    /// Low.
    pub low: u32,
}
