//! What somebody in chat wants done.
//!
//! Not who may: the server decides that by the person.

use watchkeeper_domain::Span;
use watchkeeper_domain::ids::{AlertId, IncidentId};

/// One wish. Each is idempotent where it is carried out: twice is once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Take it.
    Acknowledge {
        /// The incident, if there is one.
        incident: Option<IncidentId>,
        /// The alerts of the message.
        alerts: Vec<AlertId>,
    },
    /// Make somebody the incident's commander.
    Assign {
        /// The incident, if there is one.
        incident: Option<IncidentId>,
        /// The alerts of the message.
        alerts: Vec<AlertId>,
        /// The chat's id of the person; none: whoever asks.
        to: Option<String>,
    },
    /// Be quiet about these alerts for a while.
    Silence {
        /// The alerts.
        alerts: Vec<AlertId>,
        /// For how long.
        duration: Span,
    },
    /// It is over.
    Resolve {
        /// The incident, if there is one.
        incident: Option<IncidentId>,
        /// The alerts of the message.
        alerts: Vec<AlertId>,
    },
    /// Start a workflow.
    RunWorkflow {
        /// Its name.
        workflow: String,
        /// The incident, if there is one.
        incident: Option<IncidentId>,
        /// The alerts of the message.
        alerts: Vec<AlertId>,
    },
}
