//! Receivers (Azure: action groups; Grafana: contact points) and their integrations.
//!
//! Not the sending: `respond::notify` does that.

use std::collections::BTreeMap;

use watchkeeper_domain::{Integration, Span};

use super::person::RECEIVER_PREFIX;
use crate::secret::Secret;

/// Who or what is told, over one or more integrations.
#[derive(Debug, Clone, Default)]
pub struct Receiver {
    /// Its name in routes.
    pub name: String,
    /// Labels of the receiver itself, for those who look for receivers: `owner`, `kind`, …
    pub labels: BTreeMap<String, String>,
    /// Slack incoming webhooks.
    pub slack: Vec<SlackIntegration>,
    /// E-mail.
    pub email: Vec<EmailIntegration>,
    /// Webhooks.
    pub webhook: Vec<WebhookIntegration>,
    /// Everything else, in the order of the file.
    pub services: Vec<ServiceIntegration>,
    /// The escalation policy by which people are called.
    pub escalation_policy: Option<String>,
    /// How many messages each integration takes in which time.
    pub rate: Option<Rate>,
    /// For how long a message is tried. Default, and at most, 24 h.
    pub total_time: Option<Span>,
    /// The receiver that is told of what this one could not be told.
    pub fallback: Option<String>,
    /// How messages about alerts are worded, where it is not as built in.
    pub templates: Templates,
}

/// Templates (Jinja) for messages about alerts; what is absent stays as built in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    /// The first line.
    pub title: Option<String>,
    /// What follows it, instead of summary, facts and list.
    pub body: Option<String>,
    /// The subject of e-mails; the title when absent.
    pub subject: Option<String>,
    /// More fields of webhooks' bodies, below `fields`.
    pub fields: BTreeMap<String, String>,
}

impl Templates {
    /// Whether everything is as built in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// So many messages in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub messages: u32,
    /// In which time.
    pub per: Span,
}

/// A service with an API of its own, or a program.
#[derive(Debug, Clone)]
pub struct ServiceIntegration {
    /// Which, with its settings.
    pub service: Service,
    /// Whether resolved is told.
    pub send_resolved: bool,
}

/// The services.
#[derive(Debug, Clone)]
pub enum Service {
    /// PagerDuty's Events API v2.
    PagerDuty {
        /// The service's integration key.
        routing_key: Secret,
        /// Where events go. Default `https://events.pagerduty.com/v2/enqueue`.
        url: String,
    },
    /// Opsgenie's Alert API, also as Jira Service Management has it.
    Opsgenie {
        /// The integration's key.
        api_key: Secret,
        /// Default `https://api.opsgenie.com`.
        api_url: String,
        /// Names of teams that are told.
        teams: Vec<String>,
        /// Tags of its alerts.
        tags: Vec<String>,
    },
    /// Microsoft Teams, over a workflow or an incoming webhook.
    Teams {
        /// The webhook's URL.
        webhook_url: Secret,
    },
    /// A Discord webhook.
    Discord {
        /// The webhook's URL.
        webhook_url: Secret,
    },
    /// A Telegram bot.
    Telegram {
        /// The bot's token.
        bot_token: Secret,
        /// The chat: a number, or `@channel`.
        chat_id: String,
        /// The topic of a forum.
        message_thread_id: Option<u32>,
        /// Default `https://api.telegram.org`.
        api_url: String,
    },
    /// A topic of ntfy.
    Ntfy {
        /// Server and topic: `https://ntfy.sh/my-topic`; the topic is the secret.
        url: Secret,
        /// An access token.
        token: Option<Secret>,
    },
    /// Text messages to one number.
    Sms {
        /// The number, as E.164 has it.
        to: String,
        /// Whose account.
        twilio: Twilio,
    },
    /// Calls to one number.
    Voice {
        /// The number, as E.164 has it.
        to: String,
        /// Whose account.
        twilio: Twilio,
    },
    /// A program of this machine.
    Exec {
        /// The program and its arguments; no shell.
        command: Vec<String>,
        /// Its environment, beside `PATH`.
        env: BTreeMap<String, Secret>,
        /// How long it may take. Default 30 s.
        timeout: Span,
    },
}

/// An account for text messages and calls.
#[derive(Debug, Clone)]
pub struct Twilio {
    /// The account's SID.
    pub account_sid: String,
    /// Its token; it also signs what people answer.
    pub auth_token: Secret,
    /// The number that tells, or a messaging service.
    pub from: String,
    /// The API's address. No slash at its end.
    pub api_url: String,
}

impl Service {
    /// The word in files, keys and answers.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PagerDuty { .. } => "pagerduty",
            Self::Opsgenie { .. } => "opsgenie",
            Self::Teams { .. } => "teams",
            Self::Discord { .. } => "discord",
            Self::Telegram { .. } => "telegram",
            Self::Ntfy { .. } => "ntfy",
            Self::Sms { .. } => "sms",
            Self::Voice { .. } => "voice",
            Self::Exec { .. } => "exec",
        }
    }

    /// Where it leads, without secrets.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::PagerDuty { routing_key, .. } => routing_key.reference().to_owned(),
            Self::Opsgenie { api_key, teams, .. } if teams.is_empty() => api_key.reference().to_owned(),
            Self::Opsgenie { teams, .. } => teams.join(", "),
            Self::Teams { webhook_url } | Self::Discord { webhook_url } => webhook_url.reference().to_owned(),
            Self::Telegram { chat_id, .. } => chat_id.clone(),
            Self::Ntfy { url, .. } => url.reference().to_owned(),
            Self::Sms { to, .. } | Self::Voice { to, .. } => to.clone(),
            Self::Exec { command, .. } => command.first().cloned().unwrap_or_default(),
        }
    }
}

/// A Slack incoming webhook.
#[derive(Debug, Clone)]
pub struct SlackIntegration {
    /// The webhook's URL.
    pub webhook_url: Secret,
    /// Whether resolved is told. Default true.
    pub send_resolved: bool,
    /// Whether the message refers to a chart by URL: Slack fetches it, so `external_url` must be reachable from Slack.
    pub chart: ChartPolicy,
}

/// When a message refers to a chart by URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartPolicy {
    /// When Slack can fetch it: `external_url` is public, or the webhook itself is on loopback. The default.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// An e-mail receiver.
#[derive(Debug, Clone)]
pub struct EmailIntegration {
    /// Addresses.
    pub to: Vec<String>,
    /// Whether resolved is told. Default true.
    pub send_resolved: bool,
}

/// A generic webhook: Alertmanager's body, version 4.
#[derive(Debug, Clone)]
pub struct WebhookIntegration {
    /// The URL; may hold a token, so it is a secret.
    pub url: Secret,
    /// Signs bodies by Standard Webhooks when set (`whsec_…` or any text).
    pub signing_secret: Option<Secret>,
    /// Sent as `Authorization: Bearer …` when set.
    pub bearer_token: Option<Secret>,
    /// Whether resolved is told. Default true.
    pub send_resolved: bool,
    /// How long one attempt may take. Default 10 s.
    pub timeout: Span,
}

/// The mail server.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    /// Host name.
    pub host: String,
    /// Port. Default 587, 465 with `tls`, 25 with `none`.
    pub port: u16,
    /// Encryption. Default `starttls`.
    pub tls: SmtpTls,
    /// The sender's address.
    pub from: String,
    /// User name, with the password.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
}

/// How the connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// Not at all; allowed for loopback only.
    None,
    /// Upgraded by STARTTLS, required.
    Starttls,
    /// From the start.
    Tls,
}

impl Receiver {
    /// Whether it is a person's own: nobody wrote it, and no route can name it.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.name.starts_with(RECEIVER_PREFIX)
    }

    /// The keys and wishes of its integrations, as the outbox needs them: `slack`, `slack:1`, `email`, `webhook`, …
    #[must_use]
    pub fn integrations(&self) -> Vec<Integration> {
        let key = |kind: &str, at: usize| if at == 0 { kind.to_owned() } else { format!("{kind}:{at}") };
        let all = |kind: &'static str, wishes: Vec<bool>| {
            wishes
                .into_iter()
                .enumerate()
                .map(move |(at, send_resolved)| Integration { key: key(kind, at), send_resolved })
        };
        all("slack", self.slack.iter().map(|i| i.send_resolved).collect())
            .chain(all("email", self.email.iter().map(|i| i.send_resolved).collect()))
            .chain(all("webhook", self.webhook.iter().map(|i| i.send_resolved).collect()))
            .chain(self.services().map(|(key, i)| Integration { key, send_resolved: i.send_resolved }))
            .chain(all(Integration::ON_CALL, self.escalation_policy.iter().map(|_| true).collect()))
            .collect()
    }

    /// Its services with their keys: `pagerduty`, `discord`, `discord:1`, …
    pub fn services(&self) -> impl Iterator<Item = (String, &ServiceIntegration)> {
        self.services.iter().enumerate().map(|(at, integration)| {
            let kind = integration.service.kind();
            let before = self.services.iter().take(at).filter(|other| other.service.kind() == kind).count();
            (if before == 0 { kind.to_owned() } else { format!("{kind}:{before}") }, integration)
        })
    }
}
