//! A verdict about one label set, on its way from whoever found it (a rule, another tool) to the alert that it changes.
//!
//! Not an alert: that is a row with a life; a signal is one message about it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::labels::Labels;
use crate::priority::{Category, Priority};
use crate::time::Timestamp;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The condition holds and has held long enough.
    Firing,
    /// The condition no longer holds.
    Resolved,
    /// Nobody can tell any more; an alert that fires goes on firing.
    Unknown {
        /// Why, for people.
        reason: String,
    },
}

/// One verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// `rule`, or the tool that it came from.
    pub source: String,
    /// The rule's id (`group/name`), when a rule found it.
    pub rule_id: Option<String>,
    /// The alert's name (also the label `alertname`).
    pub name: String,
    /// The alert's whole label set; its fingerprint identifies the alert while it fires.
    pub labels: Labels,
    /// Rendered annotations: `summary`, `description`, `runbook_url`, `impact`, …
    pub annotations: BTreeMap<String, String>,
    /// What it is about.
    pub category: Category,
    /// How bad it is.
    pub priority: Priority,
    /// The verdict.
    pub verdict: Verdict,
    /// The expression's value, if there is one.
    pub value: Option<f64>,
    /// The rule's expression.
    pub expr: Option<String>,
    /// The number that the value is compared with, when the expression is a comparison.
    pub threshold: Option<f64>,
    /// The comparison operator, for example `>`.
    pub comparison: Option<String>,
    /// When the condition became true.
    pub started_at: Timestamp,
    /// When this verdict was reached.
    pub at: Timestamp,
    /// What it rests on: `{"lhs": "…", "points": [[t_ms, value], …], "series": {…}}` and the like.
    pub evidence: Value,
    /// Why, in words: `held for 1m`, `condition ended`, `no data`.
    pub reason: String,
}
