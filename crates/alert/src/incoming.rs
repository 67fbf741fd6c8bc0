//! What other tools send when something is wrong: each tool's body becomes the alerts that a person would expect.
//!
//! Not the HTTP and not the sender's credentials: `server` has both. And not storage: the result is [`Posted`], which
//! [`crate::Intake`] takes. Pure: bytes in, alerts or a reason out.
//!
//! A tool names its alert by a key of its own (an incident key, an alert id); with it the end finds the beginning, even
//! when the end says nothing else. Where a tool has no key, the labels are it.

mod azure;
mod cloudwatch;
mod datadog;
mod github;
mod grafana;
mod mapping;
pub mod pagerduty;
mod pick;
mod sentry;
mod uptime_kuma;

use std::collections::BTreeMap;

use serde_json::Value;
use watchkeeper_config::model::integration::{Integration, IntegrationKind};
use watchkeeper_domain::{Category, Labels, Priority, Span, Timestamp};

use crate::posted::{Origin, Posted};
pub use cloudwatch::Envelope;

/// How long an alert fires whose sender never says that it is over, when the configuration does not say.
const STATELESS: Span = Span::from_secs(24 * 3_600);
/// Until its sender says that it is over. A number, because rows hold one.
const LASTING: Span = Span::from_secs(100 * 365 * 24 * 3_600);
/// Most letters of a label's value and of an annotation.
const MOST_LABEL: usize = 1_000;
const MOST_NOTE: usize = 8_000;
/// Most alerts of one body.
pub const MOST_ALERTS: usize = 10_000;

/// What a sender wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It is wrong.
    Fire,
    /// It is over.
    Resolve,
    /// Somebody on the other side has it.
    Acknowledge,
}

/// One alert as a tool tells of it. Hostile text throughout.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// What the sender wants.
    pub act: Act,
    /// The sender's own name for this alert.
    pub key: Option<String>,
    /// The title.
    pub name: String,
    /// Whose it is.
    pub service: Option<String>,
    /// How urgent, if the sender says so.
    pub priority: Option<Priority>,
    /// What it is about, if that can be told.
    pub category: Option<Category>,
    /// More labels.
    pub labels: BTreeMap<String, String>,
    /// `summary`, `description`, links.
    pub annotations: BTreeMap<String, String>,
    /// Where the sender shows it.
    pub url: String,
    /// When it began.
    pub starts_at: Option<Timestamp>,
    /// When it ended.
    pub ends_at: Option<Timestamp>,
    /// Whether the sender never says that it is over.
    pub stateless: bool,
}

impl Incoming {
    fn new(act: Act, key: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            act,
            key: Some(key.into()),
            name: name.into(),
            service: None,
            priority: None,
            category: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            url: String::new(),
            starts_at: None,
            ends_at: None,
            stateless: false,
        }
    }

    fn label(&mut self, name: &str, value: Option<String>) {
        self.labels.extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value)));
    }

    fn note(&mut self, name: &str, text: Option<String>) {
        self.annotations.extend(text.filter(|text| !text.is_empty()).map(|text| (name.to_owned(), text)));
    }

    /// The alert as it is taken in. What the integration's settings say outweighs what the sender says.
    #[must_use]
    pub fn posted(self, integration: &Integration, now: Timestamp) -> Posted {
        let mut labels = self.labels;
        let key = self.key.as_deref().map(|key| format!("{}:{}", integration.name, pick::cut(key, MOST_LABEL)));
        let own = [
            ("alertname", Some(self.name)),
            ("service", self.service),
            ("severity", self.priority.map(|p| p.as_str().to_owned())),
            ("category", self.category.map(|c| c.as_str().to_owned())),
            ("dedup_key", self.key),
            ("integration", Some(integration.name.clone())),
        ];
        for (name, value) in own {
            labels.extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value)));
        }
        labels.extend(integration.labels.iter().map(|(name, value)| (name.clone(), value.clone())));
        let pairs = labels.into_iter().map(|(name, value)| (pick::cut(&name, 200), pick::cut(&value, MOST_LABEL)));
        let notes = self.annotations.into_iter();
        let starts_at = self.starts_at.map(|at| at.min(now)).or((self.act != Act::Resolve).then_some(now));
        let ends_at = match self.act {
            Act::Fire | Act::Acknowledge => {
                let without = if self.stateless { STATELESS } else { LASTING };
                now + integration.resolve_after.unwrap_or(without)
            }
            Act::Resolve => self.ends_at.map_or(now, |at| at.min(now)),
        };
        Posted {
            labels: Labels::from_pairs(pairs),
            annotations: notes.map(|(name, text)| (pick::cut(&name, 200), pick::cut(&text, MOST_NOTE))).collect(),
            starts_at: starts_at.filter(|start| *start <= ends_at),
            ends_at: Some(ends_at),
            generator_url: pick::cut(&self.url, MOST_NOTE),
            origin: Some(Origin { source: integration.name.clone(), key }),
        }
    }
}

/// What a body says.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// Alerts.
    Alerts(Vec<Incoming>),
    /// Nothing that anybody has to know of, and why.
    Nothing(String),
}

/// Why a body is refused, for whoever set up the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Refused {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

type Outcome = Result<Decoded, Refused>;

fn one(incoming: Incoming) -> Outcome {
    Ok(Decoded::Alerts(vec![incoming]))
}

/// Reads a body. `event` is what a header says of its kind (GitHub, Sentry).
pub fn decode(integration: &Integration, event: Option<&str>, body: &[u8]) -> Outcome {
    let value: Value = serde_json::from_slice(body)
        .map_err(|e| Refused(format!("the JSON is not usable at line {}, column {}: {e}", e.line(), e.column())))?;
    if !value.is_object() && !matches!(integration.kind, IntegrationKind::Mapping(_)) {
        return Err(Refused::new("the body must be a JSON object"));
    }
    let decoded = match &integration.kind {
        IntegrationKind::PagerDuty => pagerduty::decode(&value).map(|event| Decoded::Alerts(vec![event.incoming])),
        IntegrationKind::Alertmanager => grafana::alerts(&value),
        IntegrationKind::Grafana => grafana::decode(&value),
        IntegrationKind::Azure => azure::decode(&value),
        IntegrationKind::Datadog => datadog::decode(&value),
        IntegrationKind::Sentry => sentry::decode(event, &value),
        IntegrationKind::GitHub => github::decode(event, &value),
        IntegrationKind::CloudWatch => cloudwatch::decode(&value),
        IntegrationKind::UptimeKuma => uptime_kuma::decode(&value),
        IntegrationKind::Mapping(mapping) => mapping::decode(mapping, &value),
    }?;
    match &decoded {
        Decoded::Alerts(all) if all.len() > MOST_ALERTS => {
            Err(Refused(format!("at most {MOST_ALERTS} alerts are taken at once; send them in smaller parts")))
        }
        _ => Ok(decoded),
    }
}
