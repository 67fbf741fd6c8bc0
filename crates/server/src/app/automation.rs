//! The seam between incidents and workflows: who starts runs, and who hears that one did not help.
//!
//! Not the engine and not triage: `respond` and `incident` do not know each other this way round.

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures::future::BoxFuture;
use watchkeeper_config::Config;
use watchkeeper_domain::{Actor, Env, Integration};
use watchkeeper_incident::{Incidents, QueueOutcome, RunEnd, Trigger, Workflows};
use watchkeeper_respond::workflow::{self, HandOver, Queued, RunRow};
use watchkeeper_state::{StateError, Tx};

/// Starts runs of the workflows that are configured at that moment.
pub(super) struct Starter {
    config: Arc<ArcSwap<Config>>,
    env: Env,
}

impl Starter {
    pub(super) fn new(config: Arc<ArcSwap<Config>>, env: Env) -> Self {
        Self { config, env }
    }
}

impl Workflows for Starter {
    fn queue<'a>(
        &'a self,
        tx: &'a mut Tx,
        workflow: &'a str,
        trigger: Trigger,
    ) -> BoxFuture<'a, Result<QueueOutcome, StateError>> {
        Box::pin(async move {
            let config = self.config.load_full();
            let Some(configured) = config.workflows.get(workflow) else {
                return Ok(QueueOutcome::Refused(format!("there is no workflow `{workflow}` any more")));
            };
            let trigger = workflow::Trigger {
                labels: trigger.labels,
                annotations: trigger.annotations,
                incident: Some(trigger.incident),
                alert: Some(trigger.alert),
            };
            Ok(match workflow::queue(tx, &self.env, configured, &trigger, &Actor::System).await? {
                Queued::Queued(run) => QueueOutcome::Queued(run),
                Queued::Refused { reason, .. } => QueueOutcome::Refused(reason),
            })
        })
    }
}

/// Calls people when a run did not help.
pub(super) struct HandOverToPeople(Incidents);

impl HandOverToPeople {
    pub(super) fn new(incidents: Incidents) -> Self {
        Self(incidents)
    }
}

impl HandOver for HandOverToPeople {
    fn handed_over<'a>(&'a self, tx: &'a mut Tx, run: &'a RunRow) -> BoxFuture<'a, Result<(), StateError>> {
        Box::pin(async move {
            // A run that was started by hand, without an incident, is watched by whoever started it.
            let Some(incident) = run.incident else { return Ok(()) };
            let end = RunEnd { run: run.id, workflow: run.workflow.clone(), incident, outcome: run.outcome.clone() };
            self.0.run_handed_over(tx, &end).await
        })
    }
}

/// What looks up a receiver's integrations.
pub(super) type Receivers = Arc<dyn Fn(&str) -> Option<Vec<Integration>> + Send + Sync>;

/// Looks in the configuration of that moment.
pub(super) fn receivers(config: Arc<ArcSwap<Config>>) -> Receivers {
    Arc::new(move |name| config.load().receivers.get(name).map(watchkeeper_config::model::Receiver::integrations))
}
