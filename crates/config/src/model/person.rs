//! People: who they are, how they can be reached, and in which order they want to be.
//!
//! Not who is on call: see [`super::oncall`].

use watchkeeper_domain::{Priority, Span};

/// The name of the receiver that a person is to delivery: `person:ana`. No written receiver may begin so.
pub const RECEIVER_PREFIX: &str = "person:";

/// A person.
#[derive(Debug, Clone)]
pub struct Person {
    /// The name used in roles, schedules and escalation policies.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Slack user id (`U…`), for mentions and to know who pressed a button.
    pub slack_id: Option<String>,
    /// How they want to be called. Empty: over everything at once.
    pub notify: Vec<NotificationRule>,
}

/// One of a person's own rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationRule {
    /// The kind of contact method: `email`, `slack`, `telegram`, `ntfy`, `webhook`, `sms`, `voice`.
    pub via: String,
    /// How long after they were called.
    pub after: Span,
    /// Only for these priorities; empty: for all.
    pub priorities: Vec<Priority>,
}

impl Person {
    /// The name of the receiver that holds their contact methods.
    #[must_use]
    pub fn receiver(&self) -> String {
        receiver_of(&self.name)
    }
}

/// The name of the receiver that a person of this name is.
#[must_use]
pub fn receiver_of(person: &str) -> String {
    format!("{RECEIVER_PREFIX}{person}")
}
