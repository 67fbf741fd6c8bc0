//! Rules as they run: state, cost, what is due next.
//!
//! Not rule files: those are configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::words::{AlertState, Category, Priority, RuleState};

counted_list! {
    /// Rules in the order of `sort`.
    RuleList of Rule;
}

/// In which order rules are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleSort {
    /// By group and name.
    #[default]
    Name,
    /// What needs somebody first: firing, unknown, pending, ok; then by group and name.
    State,
}

/// Which rules.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RuleQuery {
    /// States, comma-separated; all when absent.
    pub state: Option<String>,
    /// Priorities, comma-separated.
    pub priority: Option<String>,
    /// Categories, comma-separated.
    pub category: Option<String>,
    /// Only those that can never fire, when true.
    pub never: Option<bool>,
    /// Text that must occur in the name, the group or the expression; letter case does not matter.
    pub q: Option<String>,
    /// In which order; `name` when absent.
    pub sort: Option<RuleSort>,
    /// At most this many, 1 to 1,000; 1,000 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleOrigin {
    /// A rule file.
    File,
    /// The console or the API.
    Stored,
}

/// Something that a rule selects and that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleMismatch {
    /// The selector.
    pub selector: String,
    /// What does not exist: `metric`, `label`, `value` or `combination`.
    pub missing: String,
    /// The name or value as the rule has it.
    pub wanted: String,
    /// The nearest that exists.
    pub nearest: Option<String>,
    /// All of it in a sentence.
    pub reason: String,
}

/// What became of a rule lately.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleHistory {
    /// What became of its instances, newest first, at most 200; from the ledger.
    pub transitions: Vec<RuleTransition>,
    /// Its last evaluations since the start, newest first, at most 30.
    pub evaluations: Vec<RuleEvaluation>,
}

/// One change of one instance.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleTransition {
    /// Its place in the ledger.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// `pending`, `inactive`, `firing`, `unknown` or `resolved`.
    pub state: String,
    /// The instance's labels. Hostile text.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: Option<f64>,
    /// Why.
    pub reason: String,
}

/// One evaluation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleEvaluation {
    /// When.
    pub at: Time,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// How many series it saw.
    pub series: u64,
    /// The rule's state after it.
    pub state: RuleState,
}

/// One rule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    /// `group/name`.
    pub id: String,
    /// The group's name.
    pub group: String,
    /// The rule's name.
    pub name: String,
    /// The file that it stands in, relative to the configuration folder; none for a stored one.
    pub file: Option<String>,
    /// The line on which it stands in its file or text.
    pub line: u64,
    /// Where it comes from.
    pub origin: RuleOrigin,
    /// Whether it writes a series instead of raising alerts.
    pub recording: bool,
    /// The expression.
    pub expr: String,
    /// How long the condition must hold, for example `1m`.
    pub hold_for: Option<String>,
    /// How long it goes on firing after the condition ended.
    pub keep_firing_for: Option<String>,
    /// The labels that it adds, as written.
    pub labels: BTreeMap<String, String>,
    /// Its annotations, as written. Hostile text.
    pub annotations: BTreeMap<String, String>,
    /// The comparison with a number that decides it, if there is one.
    pub comparison: Option<super::rule_groups::ExpressionComparison>,
    /// Why it can never fire as things are; empty when it can.
    pub never: Vec<RuleMismatch>,
    /// Since when it is in its state.
    pub since: Time,
    /// How many series its last evaluation saw.
    pub series: u64,
    /// What it is about.
    pub category: Category,
    /// How urgent.
    pub priority: Priority,
    /// Its state.
    pub state: RuleState,
    /// Why it is `unknown`.
    pub unknown_reason: Option<String>,
    /// The `summary` annotation as written.
    pub summary: Option<String>,
    /// The `runbook_url` annotation. Hostile text: follow only http and https.
    pub runbook_url: Option<String>,
    /// When it was last evaluated.
    pub last_evaluated_at: Option<Time>,
    /// How long that took, in microseconds.
    pub last_duration_us: Option<u64>,
    /// How often it was evaluated since the start.
    pub evaluations: u64,
    /// How often that failed.
    pub failures: u64,
    /// When it is due at the latest; it is evaluated sooner when a sample arrives that it depends on.
    pub next_due_at: Option<Time>,
    /// Its instances that are not ok; at most 100.
    pub instances: Vec<RuleInstance>,
}

/// One label set for which a rule's condition holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleInstance {
    /// The alert, `alr_…`; absent while it is not yet recorded.
    pub alert_id: Option<String>,
    /// The labels. Hostile text.
    pub labels: BTreeMap<String, String>,
    /// The state.
    pub state: AlertState,
    /// The value.
    pub value: Option<f64>,
    /// Since when.
    pub since: Time,
}
