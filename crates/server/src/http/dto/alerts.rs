//! Alerts: the list, one alert with its evidence, its chart, and the explanation step by step.
//!
//! Not rules: see `rules`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::words::{AlertState, Category, Comparison, ExplainStage, Outcome, Priority};

counted_list! {
    /// Alerts in the order of `sort`.
    AlertList of Alert;
}

/// One alert as a list shows it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// `alr_…`.
    pub id: String,
    /// The rule's name.
    pub name: String,
    /// One line for people: the `summary` annotation, or else the rule's name with its main labels. Hostile text.
    pub title: String,
    /// Its state.
    pub state: AlertState,
    /// Why the state is `unknown`; absent otherwise.
    pub unknown_reason: Option<String>,
    /// How urgent.
    pub priority: Priority,
    /// What it is about.
    pub category: Category,
    /// The identifying labels. Hostile text.
    pub labels: BTreeMap<String, String>,
    /// The last compared value; absent before the first evaluation, or when it is not a finite number.
    pub value: Option<f64>,
    /// What the value is compared with; absent for an expression without a constant comparison.
    pub threshold: Option<f64>,
    /// When it entered its present state.
    pub since: Time,
    /// When it first became pending or firing.
    pub started_at: Time,
    /// When it resolved.
    pub resolved_at: Option<Time>,
    /// Who acknowledged it.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<Time>,
    /// Whether a silence or an inhibition holds its notifications back.
    pub suppressed: bool,
    /// The incident that it belongs to, `inc_…`.
    pub incident_id: Option<String>,
    /// Who has it: the incident's commander, else whom it was given to, else who acknowledged it.
    pub owner: Option<String>,
    /// The service that it is about: its label `service`, else `service_name`, else `job`. Hostile text.
    pub service: Option<String>,
}

/// One alert in full.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AlertDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub alert: Alert,
    /// Annotations, expanded. Hostile text.
    pub annotations: BTreeMap<String, String>,
    /// The rule's id, `group/name`.
    pub rule_id: String,
    /// The rule's expression.
    pub expr: String,
    /// How long the condition must hold, for example `1m`.
    pub hold_for: Option<String>,
    /// How the value is compared with the threshold.
    pub comparison: Option<Comparison>,
    /// What stood beside it when it fired.
    pub evidence: Vec<Evidence>,
    /// Each change of its state, oldest first.
    pub transitions: Vec<Transition>,
    /// The silences that match it now, `sil_…`.
    pub silenced_by: Vec<String>,
    /// The alerts that inhibit it now, `alr_…`.
    pub inhibited_by: Vec<String>,
}

/// One piece of evidence.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// What kind: `value`, `dimension`, `log_pattern`, `trace`, `change`, `past_incident`, `neighbour`.
    pub kind: String,
    /// One line.
    pub title: String,
    /// More, as plain text. Hostile text.
    pub detail: Option<String>,
    /// When it was observed.
    pub at: Option<Time>,
    /// A path of the console (`/telemetry/traces/…`) or an http(s) address where to look.
    pub link: Option<String>,
}

/// One change of state.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Transition {
    /// When.
    pub at: Time,
    /// The state before; absent for the first.
    pub from: Option<AlertState>,
    /// The state after.
    pub to: AlertState,
    /// Why, in words.
    pub reason: String,
    /// The value then.
    pub value: Option<f64>,
}

/// The compared value around an alert, ready to draw.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AlertChart {
    /// The window's start.
    pub start: Time,
    /// The window's end.
    pub end: Time,
    /// The query that made the series: the rule's expression without its comparison.
    pub query: String,
    /// The unit, where it is known: `ratio`, `seconds`, `bytes`, `count`.
    pub unit: Option<String>,
    /// What the value is compared with.
    pub threshold: Option<f64>,
    /// How.
    pub comparison: Option<Comparison>,
    /// The series; at most 20.
    pub series: Vec<ChartSeries>,
    /// When the alert was in which state, within the window.
    pub spans: Vec<StateSpan>,
}

/// One line of a chart.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChartSeries {
    /// Its labels. Hostile text.
    pub labels: BTreeMap<String, String>,
    /// `[milliseconds since the epoch, value]`; a null value is a gap.
    #[schema(value_type = Vec<Vec<Option<f64>>>, example = json!([[1_795_376_458_123_i64, 0.02]]))]
    pub points: Vec<(i64, Option<f64>)>,
}

/// A stretch of time in one state.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StateSpan {
    /// The state.
    pub state: AlertState,
    /// From.
    pub start: Time,
    /// To; absent when it lasts.
    pub end: Option<Time>,
}

/// Why somebody was, or was not, told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The alert, `alr_…`.
    pub alert_id: String,
    /// The answer in one sentence.
    pub verdict: String,
    /// Every hop in order.
    pub steps: Vec<ExplainStep>,
}

/// One hop of an explanation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExplainStep {
    /// When; absent for what has not happened yet.
    pub at: Option<Time>,
    /// Which hop.
    pub stage: ExplainStage,
    /// One line.
    pub title: String,
    /// More, as plain text. Hostile text.
    pub detail: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// The facts behind it, as they are stored. Secrets are left out. Hostile text.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub data: Option<Value>,
}

/// An acknowledgement.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AcknowledgeAlert {
    /// A note for the timeline; at most 4,000 characters.
    pub note: Option<String>,
}

/// An acknowledgement of many.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AcknowledgeAlerts {
    /// The alerts, `alr_…`; 1 to 1,000.
    pub alert_ids: Vec<String>,
    /// A note for the timeline; at most 4,000 characters.
    pub note: Option<String>,
}

/// Whom alerts are given to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AssignAlerts {
    /// The alerts, `alr_…`; 1 to 1,000. For one that belongs to an open incident, the incident gets its commander.
    pub alert_ids: Vec<String>,
    /// The person's name; absent: nobody.
    pub person: Option<String>,
}

/// What became of a command about many alerts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AlertsChanged {
    /// The alerts as they stand now, in the order of the command.
    pub items: Vec<Alert>,
    /// Those for which it was refused; the others went through.
    pub refused: Vec<AlertRefused>,
}

/// Why a command about many alerts was refused for one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AlertRefused {
    /// The alert, `alr_…`.
    pub id: String,
    /// Why, and what to do.
    pub detail: String,
}

/// How many alerts there are of each kind. Each number counts what the rest of the filter leaves, so that it says what
/// choosing that word would show. Words without alerts are absent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AlertCounts {
    /// By state; resolved ones only when `state` asks for them.
    pub states: BTreeMap<String, u64>,
    /// By priority.
    pub priorities: BTreeMap<String, u64>,
    /// By category.
    pub categories: BTreeMap<String, u64>,
    /// By service; the 200 with the most.
    pub services: BTreeMap<String, u64>,
}

/// In which order alerts are listed. `urgency`: most urgent first, then the longest-lasting first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertSort {
    /// The most urgent first, then the longest-lasting first.
    #[default]
    Urgency,
    /// The newest first.
    Newest,
    /// The longest-lasting first.
    Oldest,
    /// By name.
    Name,
}

/// Which alerts.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AlertQuery {
    /// States, comma-separated; `pending,firing,unknown` when absent.
    pub state: Option<String>,
    /// Categories, comma-separated.
    pub category: Option<String>,
    /// Priorities, comma-separated.
    pub priority: Option<String>,
    /// Services, comma-separated.
    pub service: Option<String>,
    /// Who has it, by name; `nobody`: those that nobody has.
    pub owner: Option<String>,
    /// In which order; `urgency` when absent.
    pub sort: Option<AlertSort>,
    /// Text that must occur in the name, the title or a label; letter case does not matter.
    pub q: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}
