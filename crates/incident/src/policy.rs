//! What incidents need of the configuration, taken out of it once per load.
//!
//! Not the workflows themselves: only which of them an alert starts.

use std::collections::BTreeMap;

use watchkeeper_config::model::{Component, Config, WorkflowKind};
use watchkeeper_domain::{Integration, Labels, Matcher, Priority};

use crate::incident::IncidentKind;

/// A workflow that alerts can start.
#[derive(Debug, Clone)]
pub struct Starter {
    /// Its name.
    pub name: String,
    /// Remediation or containment.
    pub kind: WorkflowKind,
    /// All matchers of one entry must match; any entry suffices.
    pub on_alert: Vec<Vec<Matcher>>,
}

/// How alerts become incidents.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Alerts with the same values of these labels join one open incident.
    pub group_by: Vec<String>,
    /// The least urgent priority that opens an incident.
    pub open_from: Priority,
    /// Who hears of hand-overs.
    pub handover_receiver: String,
    /// How to reach each receiver.
    pub integrations: BTreeMap<String, Vec<Integration>>,
    /// What counts failed requests; `{{ window }}` stands for the incident's length.
    pub impact_query: Option<String>,
    /// Who takes a role when an incident opens.
    pub default_roles: BTreeMap<String, String>,
    /// The status page's components.
    pub components: Vec<Component>,
    /// Workflows, by name.
    pub starters: Vec<Starter>,
}

impl From<&Config> for Policy {
    fn from(config: &Config) -> Self {
        let incidents = &config.incidents;
        let receiver = incidents.handover_receiver.clone().unwrap_or_else(|| config.route.receiver.clone());
        let starter = |workflow: &watchkeeper_config::model::Workflow| Starter {
            name: workflow.name.clone(),
            kind: workflow.kind,
            // What does not parse was refused when the configuration was read; here it starts nothing.
            on_alert: workflow.on_alert.iter().filter_map(|entry| parse(entry)).collect(),
        };
        Self {
            group_by: incidents.group_by.clone(),
            open_from: incidents.open_from,
            integrations: config.receivers.iter().map(|(name, r)| (name.clone(), r.integrations())).collect(),
            handover_receiver: receiver,
            impact_query: incidents.impact_query.clone(),
            default_roles: incidents.default_roles.clone(),
            components: config.status_page.components.clone(),
            starters: config.workflows.values().map(starter).collect(),
        }
    }
}

fn parse(entry: &[String]) -> Option<Vec<Matcher>> {
    let matchers: Option<Vec<Matcher>> = entry.iter().map(|text| Matcher::parse(text).ok()).collect();
    matchers.filter(|matchers| !matchers.is_empty())
}

impl Policy {
    /// The workflows that an alert with these labels starts in an incident of this kind.
    pub fn starts<'a>(&'a self, kind: IncidentKind, labels: &'a Labels) -> impl Iterator<Item = &'a str> {
        let allowed = match kind {
            IncidentKind::Operational => WorkflowKind::Remediation,
            IncidentKind::Security => WorkflowKind::Containment,
        };
        let matches = move |entry: &Vec<Matcher>| entry.iter().all(|matcher| matcher.matches(labels));
        self.starters
            .iter()
            .filter(move |starter| starter.kind == allowed && starter.on_alert.iter().any(matches))
            .map(|starter| starter.name.as_str())
    }

    /// The component of the status page that an alert with these labels concerns: the first that matches.
    #[must_use]
    pub fn component(&self, labels: &Labels) -> Option<&str> {
        let concerns = |component: &&Component| {
            !component.matchers.is_empty() && component.matchers.iter().all(|m| m.matches(labels))
        };
        self.components.iter().find(concerns).map(|component| component.name.as_str())
    }
}
