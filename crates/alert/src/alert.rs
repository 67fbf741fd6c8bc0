//! The alert as a row: what it is, how it is read from the table.
//!
//! Not how it changes: [`crate::lifecycle`] decides that and [`crate::sink`] writes it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_domain::{Category, Labels, Priority, Timestamp};
use watchkeeper_state::StateError;

/// Whether its condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// It holds, or held when somebody could last tell.
    Firing,
    /// It no longer holds. Final: the next firing is another alert.
    Resolved,
}

impl AlertState {
    /// The word in rows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// One alert: one firing of one label set, until it resolves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// The fingerprint of its labels, 16 hexadecimal digits, as Alertmanager has it.
    pub fingerprint: String,
    /// `rule`, or the tool that it came from.
    pub source: String,
    /// The rule's id, when a rule found it.
    pub rule_id: Option<String>,
    /// The alert's name.
    pub name: String,
    /// Its labels. Hostile text.
    pub labels: Labels,
    /// Its annotations, rendered. Hostile text.
    pub annotations: BTreeMap<String, String>,
    /// What it is about.
    pub category: Category,
    /// How bad it is.
    pub priority: Priority,
    /// Whether it fires.
    pub state: AlertState,
    /// Set while nobody can tell whether the condition still holds; the alert goes on firing.
    pub unknown_reason: Option<String>,
    /// The last value.
    pub value: Option<f64>,
    /// The rule's expression.
    pub expr: Option<String>,
    /// What the value is compared with.
    pub threshold: Option<f64>,
    /// How it is compared.
    pub comparison: Option<String>,
    /// When the condition became true.
    pub started_at: Timestamp,
    /// When it fired.
    pub fired_at: Timestamp,
    /// When it resolved.
    pub resolved_at: Option<Timestamp>,
    /// When somebody acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who, as an actor: `user:ana`.
    pub acknowledged_by: Option<String>,
    /// Who was given it, by name. Where it belongs to an incident, whoever has that has the alert.
    pub owner: Option<String>,
    /// The incident that it belongs to.
    pub incident_id: Option<IncidentId>,
    /// What the verdict rests on.
    pub evidence: Value,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

/// One change of an alert's state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transition {
    /// Its place among all transitions.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// `inactive`, `firing` or `unknown`.
    pub from: String,
    /// `firing`, `unknown` or `resolved`.
    pub to: String,
    /// The value then.
    pub value: Option<f64>,
    /// Why, in words.
    pub reason: String,
}

impl Alert {
    /// Reads the row. All columns of the table must have been selected, under their own names.
    pub fn from_row(row: &SqliteRow) -> Result<Self, StateError> {
        let id: String = row.get("id");
        let state: String = row.get("state");
        let incident: Option<String> = row.get("incident_id");
        Ok(Self {
            id: id.parse().map_err(|_| StateError::corrupt("alert", "id", &id))?,
            fingerprint: row.get("fingerprint"),
            source: row.get("source"),
            rule_id: row.get("rule_id"),
            name: row.get("name"),
            labels: json(row, "labels")?,
            annotations: json(row, "annotations")?,
            category: word(row, "category")?,
            priority: word(row, "priority")?,
            state: match state.as_str() {
                "firing" => AlertState::Firing,
                "resolved" => AlertState::Resolved,
                _ => return Err(StateError::corrupt("alert", "state", &state)),
            },
            unknown_reason: row.get("unknown_reason"),
            value: row.get("value"),
            expr: row.get("expr"),
            threshold: row.get("threshold"),
            comparison: row.get("comparison"),
            started_at: Timestamp::from_micros(row.get("started_at")),
            fired_at: Timestamp::from_micros(row.get("fired_at")),
            resolved_at: moment(row, "resolved_at"),
            acknowledged_at: moment(row, "acknowledged_at"),
            acknowledged_by: row.get("acknowledged_by"),
            owner: row.get("owner"),
            incident_id: match incident {
                Some(text) => Some(text.parse().map_err(|_| StateError::corrupt("alert", "incident_id", &text))?),
                None => None,
            },
            evidence: json(row, "evidence")?,
            updated_at: Timestamp::from_micros(row.get("updated_at")),
        })
    }

    /// The labels that routes match on: its own, and `category` and `priority` where the alert has no labels of those
    /// names. A route for security must not depend on every rule repeating its category as a label.
    #[must_use]
    pub fn routing_labels(&self) -> Labels {
        let mut labels = self.labels.clone();
        for (name, value) in [("category", self.category.as_str()), ("priority", self.priority.as_str())] {
            if labels.get(name).is_none() {
                labels = labels.with(name, value);
            }
        }
        labels
    }

    /// The service that it is about: its `service` label, else `service_name`, else `job`; the column `service` says the same.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        ["service", "service_name", "job"].iter().find_map(|name| self.labels.get(name)).filter(|name| !name.is_empty())
    }

    /// One line for people: the `summary` annotation, or else the name.
    #[must_use]
    pub fn headline(&self) -> &str {
        self.annotations.get("summary").filter(|text| !text.trim().is_empty()).unwrap_or(&self.name)
    }
}

fn moment(row: &SqliteRow, column: &str) -> Option<Timestamp> {
    row.get::<Option<i64>, _>(column).map(Timestamp::from_micros)
}

fn json<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<T, StateError> {
    let text: &str = row.get(column);
    serde_json::from_str(text).map_err(|_| StateError::corrupt("alert", column, text))
}

fn word<T: std::str::FromStr>(row: &SqliteRow, column: &'static str) -> Result<T, StateError> {
    let text: &str = row.get(column);
    text.parse().map_err(|_| StateError::corrupt("alert", column, text))
}
