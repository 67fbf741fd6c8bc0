//! What a message may say beyond its row: looked up when it is sent, so that it is true then.
//!
//! Not needed for delivery: every answer may be empty, and the message leaves all the same.

use futures::future::BoxFuture;
use watchkeeper_domain::ids::{AlertId, IncidentId};

use crate::chart::Chart;

/// An incident, as a message refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentLink {
    /// Its id.
    pub id: IncidentId,
    /// The number that people say.
    pub number: i64,
    /// Its title. Hostile text.
    pub title: String,
}

/// A workflow that a person may start from a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowOffer {
    /// Its name.
    pub name: String,
}

/// What is looked up for a message about alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The open incident that they belong to.
    pub incident: Option<IncidentLink>,
    /// Workflows that would help with them, best first; a message offers the first few.
    pub workflows: Vec<WorkflowOffer>,
}

/// The other parts of the product, as a message needs them. Answers come from memory or the state database: a lookup
/// that waits for the network would delay every message.
pub trait Context: Send + Sync {
    /// The incident that these alerts belong to, and what may help with them.
    fn about<'a>(&'a self, alerts: &'a [AlertId]) -> BoxFuture<'a, About> {
        let _ = alerts;
        Box::pin(std::future::ready(About::default()))
    }

    /// The path of the alert's chart as a picture, below the external URL, for those who cannot log in.
    fn chart_path(&self, alert: AlertId) -> Option<String> {
        let _ = alert;
        None
    }

    /// What the alert's chart shows now.
    fn chart_for(&self, alert: AlertId) -> BoxFuture<'_, Option<Chart>> {
        let _ = alert;
        Box::pin(std::future::ready(None))
    }
}
