//! The seam to the workflow engine: `incident` asks for runs, `respond` implements them.
//!
//! Not the engine: nothing here runs a step.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use watchkeeper_domain::Labels;
use watchkeeper_domain::ids::{AlertId, IncidentId, RunId};
use watchkeeper_state::{StateError, Tx};

/// Why a run is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// The alert's labels. Hostile text.
    pub labels: Labels,
    /// Its annotations. Hostile text.
    pub annotations: BTreeMap<String, String>,
    /// The incident that the run is for.
    pub incident: IncidentId,
    /// The alert that asked for it.
    pub alert: AlertId,
}

/// What became of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueOutcome {
    /// The run is a row now, and will be carried out.
    Queued(RunId),
    /// A guard said no; why, in words.
    Refused(String),
}

/// Those who can start workflows.
pub trait Workflows: Send + Sync {
    /// Writes a queued run in the caller's transaction, or says why not. Must not wait for anything slow.
    fn queue<'a>(
        &'a self,
        tx: &'a mut Tx,
        workflow: &'a str,
        trigger: Trigger,
    ) -> BoxFuture<'a, Result<QueueOutcome, StateError>>;
}

/// A run that ended without having helped, as the engine tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// The run.
    pub run: RunId,
    /// Its workflow.
    pub workflow: String,
    /// The incident that it was for.
    pub incident: IncidentId,
    /// What came of it, in words.
    pub outcome: String,
}

/// No workflows at all: everything is handed over to people.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWorkflows;

impl Workflows for NoWorkflows {
    fn queue<'a>(
        &'a self,
        _: &'a mut Tx,
        workflow: &'a str,
        _: Trigger,
    ) -> BoxFuture<'a, Result<QueueOutcome, StateError>> {
        Box::pin(async move { Ok(QueueOutcome::Refused(format!("`{workflow}`: no workflow engine runs here"))) })
    }
}
