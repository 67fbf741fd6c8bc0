//! Telling people: receivers, notifications, delivery attempts and their receipts.
//!
//! Not routing: why a receiver was chosen stands in an alert's explanation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::alerts::ExplainStep;
use super::words::{DeliveryState, ReceiverHealth};

list! {
    /// All receivers, by name.
    ReceiverList of Receiver;
}

counted_list! {
    /// Notifications, newest first.
    NotificationList of Notification;
}

/// One receiver (action group).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// Its channels.
    pub channels: Vec<Channel>,
    /// Its health: the worst of its channels.
    pub health: ReceiverHealth,
    /// When something last reached it.
    pub last_delivered_at: Option<Time>,
    /// When something last failed to.
    pub last_failed_at: Option<Time>,
    /// What failed. Hostile text.
    pub last_error: Option<String>,
    /// How many notifications wait for it.
    pub queued: u32,
}

/// One way to a receiver.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Channel {
    /// `slack`, `email`, `sms`, `voice`, `webhook`, `pagerduty`, `teams`, `workflow`.
    pub kind: String,
    /// Where to, without secrets, for example `#payments-alerts`.
    pub target: String,
    /// Its health.
    pub health: ReceiverHealth,
    /// When something last arrived.
    pub last_delivered_at: Option<Time>,
    /// When an attempt last failed.
    pub last_failed_at: Option<Time>,
    /// Since when nothing arrives; absent when the last attempt was fine.
    pub failing_since: Option<Time>,
    /// What failed last. Hostile text.
    pub last_error: Option<String>,
}

/// One thing said to one channel of one receiver, however many attempts it took.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// `ntf_…`.
    pub id: String,
    /// The receiver's name.
    pub receiver: String,
    /// The channel's kind.
    pub channel: String,
    /// Where to, without secrets.
    pub target: String,
    /// What it says: `firing`, `resolved`, `update`, `test`.
    pub reason: String,
    /// Its first line. Hostile text.
    pub title: String,
    /// How it stands.
    pub state: DeliveryState,
    /// When it was intended.
    pub created_at: Time,
    /// When it was delivered.
    pub delivered_at: Option<Time>,
    /// When it is tried next.
    pub next_attempt_at: Option<Time>,
    /// The incident, `inc_…`.
    pub incident_id: Option<String>,
    /// The alerts that it speaks of, `alr_…`.
    pub alert_ids: Vec<String>,
    /// Its attempts, oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// What became of a notification: every hop in order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NotificationExplanation {
    /// The notification, `ntf_…`.
    pub notification_id: String,
    /// The answer in one sentence.
    pub verdict: String,
    /// What led to it, each attempt, who took it, and what was called off beside it and why.
    pub steps: Vec<ExplainStep>,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeliveryAttempt {
    /// From 1.
    pub number: u32,
    /// When it began.
    pub at: Time,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<f64>,
    /// What came of it: `delivered`, `retrying`, `failed`, `uncertain`.
    pub state: DeliveryState,
    /// The status that the peer gave, for HTTP peers.
    pub status: Option<u16>,
    /// What the peer gave as proof, for example Slack's message timestamp. Hostile text.
    pub receipt: Option<String>,
    /// What went wrong. Hostile text.
    pub error: Option<String>,
}

/// Which notifications.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NotificationQuery {
    /// The receiver's name.
    pub receiver: Option<String>,
    /// The channel's kind: `slack`, `email`, `webhook`.
    pub channel: Option<String>,
    /// States, comma-separated.
    pub state: Option<String>,
    /// Text that must occur in what is said; letter case does not matter.
    pub q: Option<String>,
    /// Intended from then on: RFC 3339 or Unix seconds.
    pub since: Option<String>,
    /// Intended before then: RFC 3339 or Unix seconds.
    pub until: Option<String>,
    /// The incident, `inc_…`.
    pub incident_id: Option<String>,
    /// The alert, `alr_…`.
    pub alert_id: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which past alert a message would be about, and with which templates.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MessageTrial {
    /// The alert, `alr_…`.
    pub alert_id: String,
    /// Templates to try; the receiver's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<MessageTemplates>,
}

/// Templates (Jinja) for messages about alerts; what is absent stays as built in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageTemplates {
    /// The first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What follows it, instead of summary, facts and list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The subject of e-mails; the title when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// More fields of webhooks' bodies, below `fields`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// What a receiver would be told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MessagePreview {
    /// The templates that were used.
    pub templates: MessageTemplates,
    /// What they gave. Hostile text.
    pub rendered: MessageTemplates,
    /// Those that failed, and why; in their place stands the built-in text. Hostile text.
    pub errors: Vec<String>,
    /// What each channel would send.
    pub channels: Vec<ChannelPreview>,
}

/// What one channel would send.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChannelPreview {
    /// The channel: `slack`, `email:1`, …
    pub channel: String,
    /// The body as it would leave; secrets are taken out. Hostile text.
    pub body: Option<String>,
    /// Why there is none. Hostile text.
    pub error: Option<String>,
}
