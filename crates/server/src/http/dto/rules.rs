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
    /// Text that must occur in the name, the group or the expression; letter case does not matter.
    pub q: Option<String>,
    /// In which order; `name` when absent.
    pub sort: Option<RuleSort>,
    /// At most this many, 1 to 1,000; 1,000 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
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
    /// The file that it stands in, relative to the configuration folder.
    pub file: Option<String>,
    /// The expression.
    pub expr: String,
    /// How long the condition must hold, for example `1m`.
    pub hold_for: Option<String>,
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
