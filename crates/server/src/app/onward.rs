//! From a signal to whoever is told, in the transaction of whoever found it.
//!
//! Not another path: these are the reconcilers' own steps, over the same rows, taken before the commit instead of after
//! it. What they leave undone, and everything after a crash, is found by the reconcilers as ever (ADR 0016).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use watchkeeper_alert::{AlertReconciler, Alerts};
use watchkeeper_domain::Signal;
use watchkeeper_incident::{EscalationReconciler, IncidentReconciler};
use watchkeeper_respond::notify::deliver::Deliverer;
use watchkeeper_state::signal::{CarryingOn, Recording};
use watchkeeper_state::{ReconcileError, SignalSink, StateError, Tx, Wake};

use crate::http::dto::session::ChangeKind;
use crate::http::events::Hub;

/// Records signals, routes and triages them, and claims what is to be said at once.
pub(super) struct Onward {
    pub(super) alerts: Alerts,
    pub(super) alert_reconciler: Arc<AlertReconciler>,
    pub(super) incident_reconciler: Arc<IncidentReconciler>,
    pub(super) escalation_reconciler: Arc<EscalationReconciler>,
    pub(super) deliverer: Arc<Deliverer>,
    /// Wakes the workflows, which triage may have asked for.
    pub(super) workflows: Wake,
    pub(super) changes: Hub,
}

impl Onward {
    async fn steps(&self, tx: Tx) -> Result<Tx, StateError> {
        let (mut tx, routed) = self.alert_reconciler.pass_in(tx).await?;
        // Before anything leaves, so that the first message can speak of the incident.
        let triaged = self.incident_reconciler.pass_in(&mut tx).await?;
        let called = self.escalation_reconciler.pass_in(&mut tx).await?;
        self.deliverer.claim_in(&mut tx).await?;
        let (workflows, changes) = (self.workflows.clone(), self.changes.clone());
        tx.after_commit(move || {
            if routed.processed > 0 {
                changes.changed(&[ChangeKind::Alert, ChangeKind::Notification]);
            }
            if triaged.processed > 0 {
                workflows.wake();
                changes.changed(&[ChangeKind::Incident, ChangeKind::Run]);
            }
            if called.processed > 0 {
                changes.changed(&[ChangeKind::OnCall]);
            }
        });
        Ok(tx)
    }
}

impl SignalSink for Onward {
    fn record<'a>(&'a self, tx: &'a mut Tx, signals: &'a [Signal]) -> Recording<'a> {
        self.alerts.record(tx, signals)
    }

    fn carry_on(&self, tx: Tx) -> CarryingOn<'_> {
        Box::pin(async {
            match AssertUnwindSafe(self.steps(tx)).catch_unwind().await {
                Ok(carried) => Ok(carried?),
                Err(_) => Err(ReconcileError::Other("it panicked; this is a defect, please report it".to_owned())),
            }
        })
    }

    fn committed(&self) {
        self.alerts.committed();
    }
}
