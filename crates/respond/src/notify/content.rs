//! What a notification says, as data: read from the row's JSON, rendered by each channel in its own way.
//!
//! Not trusted: labels, annotations and titles are other people's text, to be encoded where they leave.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use watchkeeper_domain::ids::{AlertId, IncidentId, RunId};
use watchkeeper_domain::{Category, Priority, Span, Timestamp};

/// The three shapes.
#[derive(Debug, Clone)]
pub enum Content {
    /// Alerts of one group.
    Alerts(Alerts),
    /// Something about an incident; also a hand-over from a workflow to people.
    Incident(Box<Incident>),
    /// A text.
    Text(Text),
}

/// Alerts of one group.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// Route and group labels, as Alertmanager writes it.
    pub group_key: String,
    /// The labels that the alerts share by `group_by`.
    pub group_labels: BTreeMap<String, String>,
    /// The alerts, the most urgent first.
    pub alerts: Vec<Alert>,
}

/// One alert.
#[derive(Debug, Clone, Deserialize)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// `firing` or `resolved`.
    pub status: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// What it is about.
    pub category: Category,
    /// How bad it is.
    pub priority: Priority,
    /// The expression's value.
    #[serde(default)]
    pub value: Option<f64>,
    /// The expression.
    #[serde(default)]
    pub expr: Option<String>,
    /// What the value is compared with.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// How.
    #[serde(default)]
    pub comparison: Option<String>,
    /// When the condition became true.
    pub started_at: Timestamp,
    /// When it fired.
    pub fired_at: Timestamp,
    /// When it resolved.
    #[serde(default)]
    pub resolved_at: Option<Timestamp>,
    /// Of its labels, 16 hexadecimal digits.
    #[serde(default)]
    pub fingerprint: String,
    /// Its incident.
    #[serde(default)]
    pub incident_id: Option<IncidentId>,
    /// Who has it.
    #[serde(default)]
    pub acknowledged_by: Option<String>,
}

/// Something about an incident.
#[derive(Debug, Clone, Deserialize)]
pub struct Incident {
    /// The incident.
    pub incident: IncidentFacts,
    /// The first line.
    #[serde(default)]
    pub headline: String,
    /// What workflows have tried.
    #[serde(default)]
    pub tried: Vec<Tried>,
    /// More.
    #[serde(default)]
    pub text: String,
}

/// An incident, as a message shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct IncidentFacts {
    /// Its id.
    pub id: IncidentId,
    /// The number that people say.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// `operational` or `security`.
    #[serde(default)]
    pub kind: String,
    /// Its state.
    #[serde(default)]
    pub state: String,
    /// How bad it is.
    pub priority: Priority,
    /// What it is about.
    pub category: Category,
    /// When it opened.
    pub opened_at: Timestamp,
    /// Role, person.
    #[serde(default)]
    pub roles: BTreeMap<String, Value>,
}

/// One thing that was tried.
#[derive(Debug, Clone, Deserialize)]
pub struct Tried {
    /// The workflow.
    pub workflow: String,
    /// How it ended.
    #[serde(default)]
    pub outcome: String,
    /// When.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// What was seen.
    #[serde(default)]
    pub detail: String,
}

/// A text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Text {
    /// The text.
    pub text: String,
    /// The workflow that says it.
    pub workflow: Option<String>,
    /// Its run.
    pub run_id: Option<RunId>,
}

impl Content {
    /// Reads a row's content by its kind. The error says what is wrong, without the content.
    pub fn read(kind: &str, json: &str) -> Result<Self, serde_json::Error> {
        match kind {
            "alert" => serde_json::from_str(json).map(Self::Alerts),
            "handover" | "incident" => serde_json::from_str(json).map(|it| Self::Incident(Box::new(it))),
            _ => serde_json::from_str(json).map(Self::Text),
        }
    }

    /// The first line, for subjects and fallbacks. Hostile text.
    #[must_use]
    pub fn title(&self, status: &str) -> String {
        match self {
            Self::Alerts(alerts) => alerts.title(status),
            Self::Incident(it) => {
                let what = if it.headline.is_empty() { &it.incident.title } else { &it.headline };
                format!("Incident #{}: {what}", it.incident.number)
            }
            Self::Text(text) => match &text.workflow {
                Some(workflow) => format!("Workflow {workflow}: {}", first_line(&text.text)),
                None => first_line(&text.text).to_owned(),
            },
        }
    }
}

impl Alerts {
    /// `[FIRING:2] HighErrorRate checkout (Critical)`.
    #[must_use]
    pub fn title(&self, status: &str) -> String {
        let count = self.alerts.len();
        let mark = match status {
            "resolved" if count > 1 => format!("RESOLVED:{count}"),
            "resolved" => "RESOLVED".to_owned(),
            _ => format!("FIRING:{}", self.firing().count().max(1)),
        };
        let name = self.common(|a| Some(&a.name)).map_or_else(|| format!("{count} alerts"), str::to_owned);
        let place = self.place().map(|p| format!(" {p}")).unwrap_or_default();
        let priority = self.priority().map(|p| format!(" ({})", capital(p.as_str()))).unwrap_or_default();
        format!("[{mark}] {name}{place}{priority}")
    }

    /// Those that fire.
    pub fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().filter(|a| a.status == "firing")
    }

    /// The most urgent priority.
    #[must_use]
    pub fn priority(&self) -> Option<Priority> {
        self.alerts.iter().map(|a| a.priority).min()
    }

    /// Where, in one word: the first of the labels by which people call a place, if all alerts share it.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        ["service", "service_name", "app", "component", "job", "instance", "probe"]
            .iter()
            .find_map(|label| self.common(|a| a.labels.get(*label)))
    }

    /// A text that all alerts share.
    pub fn common<'a>(&'a self, of: impl Fn(&'a Alert) -> Option<&'a String>) -> Option<&'a str> {
        let mut all = self.alerts.iter().map(of);
        let first = all.next()??;
        all.all(|it| it == Some(first)).then_some(first.as_str())
    }

    /// What all alerts share of their labels or annotations.
    pub fn common_map<'a>(
        &'a self,
        of: impl Fn(&'a Alert) -> &'a BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut all = self.alerts.iter().map(of);
        let mut common = all.next().cloned().unwrap_or_default();
        for map in all {
            common.retain(|name, value| map.get(name) == Some(value));
        }
        common
    }
}

impl Alert {
    /// For how long it has been bad, or was.
    #[must_use]
    pub fn lasted(&self, now: Timestamp) -> Span {
        self.resolved_at.unwrap_or(now).since(self.started_at)
    }

    /// `7.3 (> 5)`, if there is a value.
    #[must_use]
    pub fn measured(&self) -> Option<String> {
        let value = number(self.value?);
        Some(match (&self.comparison, self.threshold) {
            (Some(comparison), Some(threshold)) => format!("{value} ({comparison} {})", number(threshold)),
            _ => value,
        })
    }
}

/// At most four significant digits, without trailing zeros: `0.0734`, `1.5`, `12340`.
#[must_use]
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string().trim_start_matches('-').to_owned();
    }
    #[expect(clippy::cast_possible_truncation, reason = "the logarithm of an f64 is below 309")]
    let decimals = 3 - value.abs().log10().floor() as i32;
    if !(-12..=12).contains(&decimals) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.*}", usize::try_from(decimals.max(0)).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// To whole seconds when it is longer than one: `7m12s`.
#[must_use]
pub fn length(span: Span) -> String {
    if span >= Span::from_secs(1) { Span::from_secs(span.as_millis() / 1_000).to_string() } else { span.to_string() }
}

/// `Critical`.
#[must_use]
pub fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_not_wrong() {
        for (value, text) in
            [(0.07341, "0.07341"), (1.5, "1.5"), (12_340.0, "12340"), (0.0, "0"), (-2.0, "-2"), (99.996, "100")]
        {
            assert_eq!(number(value), text);
        }
        assert_eq!(number(1.5e-20), "1.500e-20");
        assert_eq!(number(f64::NAN), "NaN");
    }
}
