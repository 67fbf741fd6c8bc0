//! Tools that send alerts in their own way, each over a path of its own.
//!
//! Not their bodies: `alert::incoming` reads those. And not telemetry.

use std::collections::BTreeMap;

use watchkeeper_domain::{Priority, Span};

use crate::secret::Secret;

/// A tool that sends alerts.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Its name: the last part of its path, and the source of its alerts.
    pub name: String,
    /// What it speaks.
    pub kind: IntegrationKind,
    /// What a sender must show: as a bearer token, as the password of basic authentication, as `?token=`, or as
    /// PagerDuty's routing key.
    pub token: Option<Secret>,
    /// Signs bodies: GitHub, Sentry, Standard Webhooks.
    pub signing_secret: Option<Secret>,
    /// Labels that its alerts get; they outweigh what the body says.
    pub labels: BTreeMap<String, String>,
    /// After how long an alert ends that nobody ends. None: when its sender ends it, or a day for senders that never do.
    pub resolve_after: Option<Span>,
    /// SNS topics that may deliver here; empty: every one that is signed and shows the token.
    pub topics: Vec<String>,
    /// Azure's secure webhook: whose tokens are taken.
    pub entra: Option<Entra>,
}

/// Whose tokens an Azure secure webhook must show.
#[derive(Debug, Clone)]
pub struct Entra {
    /// The tenant's id.
    pub tenant: String,
    /// The application that the action group names: its identifier, `api://…`.
    pub audience: String,
    /// Where the tenant's keys are. Default `https://login.microsoftonline.com`.
    pub authority: String,
}

/// What a tool speaks.
#[derive(Debug, Clone)]
pub enum IntegrationKind {
    /// PagerDuty's Events API v2.
    PagerDuty,
    /// Alertmanager's webhook, version 4.
    Alertmanager,
    /// Grafana, of either alerting.
    Grafana,
    /// Azure Monitor's common alert schema.
    Azure,
    /// Datadog.
    Datadog,
    /// Sentry.
    Sentry,
    /// GitHub.
    GitHub,
    /// CloudWatch's alarms over Amazon SNS.
    CloudWatch,
    /// Uptime Kuma.
    UptimeKuma,
    /// Anything else that sends JSON.
    Mapping(Box<Mapping>),
}

impl IntegrationKind {
    /// The word in files and answers.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::PagerDuty => "pagerduty",
            Self::Alertmanager => "alertmanager",
            Self::Grafana => "grafana",
            Self::Azure => "azure",
            Self::Datadog => "datadog",
            Self::Sentry => "sentry",
            Self::GitHub => "github",
            Self::CloudWatch => "cloudwatch",
            Self::UptimeKuma => "uptime_kuma",
            Self::Mapping(_) => "mapping",
        }
    }
}

/// How a body of any other tool is read: expressions of minijinja over it.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Gives the list of alerts; none: the body is one.
    pub each: Option<String>,
    /// Which of them count; none: all.
    pub when: Option<String>,
    /// The alert's name.
    pub title: String,
    /// The tool's own name for the alert; none: the title.
    pub key: Option<String>,
    /// Whether it is over; none: the tool never says so.
    pub resolved: Option<String>,
    /// Whose it is.
    pub service: Option<String>,
    /// How urgent; a word of ours, of `priorities`, or one that is commonly known.
    pub priority: Option<String>,
    /// The tool's words for priorities.
    pub priorities: BTreeMap<String, Priority>,
    /// What it is about.
    pub category: Option<String>,
    /// One line.
    pub summary: Option<String>,
    /// More.
    pub description: Option<String>,
    /// Where the tool shows it.
    pub url: Option<String>,
    /// When it began: RFC 3339, or seconds or milliseconds since 1970.
    pub starts_at: Option<String>,
    /// More labels.
    pub labels: BTreeMap<String, String>,
    /// More annotations.
    pub annotations: BTreeMap<String, String>,
}
