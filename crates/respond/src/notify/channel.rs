//! What every channel can do: take one message and say what became of it.
//!
//! Not retries, leases or records: a channel makes one attempt and knows nothing of others.

use futures::future::BoxFuture;
use watchkeeper_domain::ids::{AlertId, IncidentId, NotificationId};
use watchkeeper_domain::{Span, Timestamp};

use super::content::Content;
use super::context::{IncidentLink, WorkflowOffer};
use super::scrub::Scrub;
use super::wording::Wording;
use crate::chart::Chart;
use crate::client::Left;

/// One message on its way, complete.
#[derive(Debug)]
pub struct Outgoing {
    /// The notification; also the idempotency key, the same for every attempt.
    pub id: NotificationId,
    /// `firing`, `resolved` or `info`.
    pub status: String,
    /// The receiver's name.
    pub receiver: String,
    /// Messages of one thread belong together.
    pub thread: String,
    /// The alerts that it tells of.
    pub alerts: Vec<AlertId>,
    /// The incident that it is about, if it says so itself.
    pub incident_id: Option<IncidentId>,
    /// What is said.
    pub content: Content,
    /// In the receiver's own words, where it has some.
    pub wording: Wording,
    /// Why now.
    pub reason: String,
    /// Now.
    pub now: Timestamp,
    /// The incident that its alerts belong to.
    pub incident: Option<IncidentLink>,
    /// Workflows to offer.
    pub workflows: Vec<WorkflowOffer>,
    /// The first alert's chart, for channels that embed it.
    pub chart: Option<Chart>,
    /// Where the first alert's chart may be fetched without logging in, for channels that refer to it.
    pub chart_path: Option<String>,
    /// Marked by the channel when the message starts to leave.
    pub left: Left,
}

impl Outgoing {
    /// The first line: the receiver's own, or the built-in one. Hostile text.
    #[must_use]
    pub fn title(&self) -> String {
        self.wording.title.clone().unwrap_or_else(|| self.content.title(&self.status))
    }
}

/// What became of an attempt. Texts come from the peer: hostile, and capped by who makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendResult {
    /// The peer has taken it.
    Delivered {
        /// HTTP or SMTP status.
        status: u16,
        /// What it said.
        receipt: String,
    },
    /// Not taken, but it may be later.
    Retry {
        /// HTTP or SMTP status, if it answered.
        status: Option<u16>,
        /// Why.
        error: String,
        /// When the peer wants to hear of it again (`Retry-After`).
        after: Option<Span>,
    },
    /// Not taken, and it never will be.
    Failed {
        /// HTTP or SMTP status, if it answered.
        status: Option<u16>,
        /// Why.
        error: String,
    },
    /// Nobody knows.
    Unknown {
        /// Why not.
        error: String,
    },
}

/// One way to one destination, with its settings and secrets.
pub trait Channel: Send + Sync {
    /// Makes one attempt. Marks [`Outgoing::left`] before the first byte of the message leaves.
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, SendResult>;
    /// What would leave for this message, for people to look at: a body as it is sent, or its fields. Sends nothing; may
    /// hold secrets, which the caller takes out.
    fn preview(&self, message: &Outgoing) -> Result<String, String>;
    /// The longest that one attempt may take.
    fn timeout(&self) -> Span;
    /// Its secrets, to be taken out of everything that is written down.
    fn secrets(&self) -> &Scrub;
    /// Whether it shows [`Outgoing::incident`] and [`Outgoing::workflows`]; else nobody looks them up.
    fn wants_context(&self) -> bool {
        true
    }
    /// Whether it shows [`Outgoing::chart`]; else nobody draws one.
    fn wants_chart(&self) -> bool {
        false
    }
}
