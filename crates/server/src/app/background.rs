//! Which reconcilers run, in which chains, and what each wakes.
//!
//! Not their work.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use watchkeeper_domain::telemetry::TelemetrySink;
use watchkeeper_domain::{Env, Span, Timestamp};
use watchkeeper_state::{ReconcileError, Reconciler, Report, StateError, Wake};

use super::{Progress, Shared, Wakes};
use crate::http::dto::session::ChangeKind;
use crate::http::events::Hub;
use crate::supervisor::chain;

/// Background work that one task does, one stage after the other.
pub struct Chain {
    /// For logs and metrics.
    pub name: &'static str,
    /// What wakes it.
    pub wake: Wake,
    /// In the order in which an alert goes through them.
    pub stages: Vec<Arc<dyn Reconciler>>,
}

/// All chains, in the order of an alert's life.
pub(super) fn chains(shared: &Arc<Shared>, wakes: &Wakes) -> Vec<Chain> {
    let stage = |inner: Arc<dyn Reconciler>, next: &[&Wake], kinds: &'static [ChangeKind]| -> Arc<dyn Reconciler> {
        Arc::new(Stage {
            inner,
            next: next.iter().map(|w| (*w).clone()).collect(),
            kinds,
            changes: shared.changes.clone(),
            progress: Arc::clone(&shared.progress),
            env: shared.env.clone(),
        })
    };
    let publish = Arc::clone(&shared.status_page);
    let chains = vec![
        Chain {
            name: "rules",
            wake: shared.scheduler.wake(),
            stages: vec![stage(Arc::clone(&shared.scheduler) as _, &[], &[ChangeKind::Rule])],
        },
        // Apart from the others: in a storm it has always something to do, and nobody waits for it to end.
        Chain {
            name: "intake",
            wake: shared.intake.wake(),
            stages: vec![stage(Arc::new(shared.intake.clone()) as _, &[&wakes.pipeline], &[ChangeKind::Alert])],
        },
        Chain {
            name: "pipeline",
            wake: wakes.pipeline.clone(),
            stages: vec![
                stage(Arc::clone(&shared.expiry) as _, &[], &[ChangeKind::Alert]),
                stage(Arc::clone(&shared.heartbeats) as _, &[], &[ChangeKind::Heartbeat, ChangeKind::Alert]),
                stage(
                    Arc::clone(&shared.on_call_watch) as _,
                    &[],
                    &[ChangeKind::OnCall, ChangeKind::Alert, ChangeKind::Notification],
                ),
                stage(
                    Arc::clone(&shared.alert_reconciler) as _,
                    &[],
                    &[ChangeKind::Alert, ChangeKind::Notification, ChangeKind::Silence],
                ),
                stage(
                    Arc::clone(&shared.incident_reconciler) as _,
                    &[&wakes.workflows],
                    &[ChangeKind::Incident, ChangeKind::Run],
                ),
                stage(
                    Arc::clone(&shared.escalation_reconciler) as _,
                    &[],
                    &[ChangeKind::OnCall, ChangeKind::Notification, ChangeKind::Incident],
                ),
                stage(Arc::clone(&shared.drills) as _, &[], &[ChangeKind::Drill, ChangeKind::Alert]),
                // Delivery begins when the incident is known, so that the first message can speak of it.
                Arc::new(Ring(wakes.outbox.clone())),
                stage(publish, &[], &[ChangeKind::Incident]),
            ],
        },
        Chain {
            name: "outbox",
            wake: wakes.outbox.clone(),
            stages: vec![stage(Arc::clone(&shared.deliverer) as _, &[], &[ChangeKind::Notification])],
        },
        Chain {
            name: "workflows",
            wake: wakes.workflows.clone(),
            stages: vec![stage(
                Arc::clone(&shared.engine) as _,
                &[&wakes.pipeline, &wakes.outbox],
                &[ChangeKind::Run, ChangeKind::Incident],
            )],
        },
        Chain {
            name: "receivers",
            wake: Wake::default(),
            stages: vec![stage(
                Arc::clone(&shared.receiver_watch) as _,
                &[],
                &[ChangeKind::Alert, ChangeKind::Notification],
            )],
        },
        Chain {
            name: "housekeeping",
            wake: Wake::default(),
            stages: vec![stage(Arc::new(Housekeeping::new(shared)), &[], &[])],
        },
    ];
    // What never comes to an end stands still from the beginning.
    for stage in chains.iter().flat_map(|chain| &chain.stages) {
        shared.progress.completed(stage.name(), shared.env.now());
    }
    chains
}

/// A reconciler that wakes others and tells live readers when it did something.
struct Stage {
    inner: Arc<dyn Reconciler>,
    next: Vec<Wake>,
    kinds: &'static [ChangeKind],
    changes: Hub,
    progress: Arc<Progress>,
    env: Env,
}

impl Reconciler for Stage {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async {
            let report = self.inner.reconcile().await?;
            self.progress.completed(self.inner.name(), self.env.now());
            if report.processed > 0 {
                self.next.iter().for_each(Wake::wake);
                self.changes.changed(self.kinds);
            }
            Ok(report)
        })
    }
}

/// Wakes the next chain at this place of this one. Waking one that has nothing to do costs a look.
struct Ring(Wake);

impl Reconciler for Ring {
    fn name(&self) -> &'static str {
        "ring"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        self.0.wake();
        Box::pin(std::future::ready(Ok(Report::default())))
    }
}

/// How often Watchkeeper's own figures are written into its store.
const OWN_FIGURES: Span = Span::from_secs(10);
/// How often telemetry past its retention is deleted.
const RETENTION: Span = Span::from_secs(60);

/// Own figures and retention. Weak, because the supervisor, which runs it, is a part itself.
struct Housekeeping {
    shared: Weak<Shared>,
    due: Mutex<(Timestamp, Timestamp)>,
}

impl Housekeeping {
    fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::downgrade(shared), due: Mutex::default() }
    }

    async fn pass(&self) -> Result<Report, ReconcileError> {
        let Some(shared) = self.shared.upgrade() else { return Ok(Report::default()) };
        let now = shared.env.now();
        let (figures_due, retention_due) = *self.due.lock();
        if now >= figures_due {
            let by_state: Vec<(String, i64)> =
                sqlx::query_as("SELECT state, count(*) FROM notification GROUP BY state")
                    .fetch_all(shared.state.read())
                    .await
                    .map_err(StateError::statement("count notifications by state"))?;
            shared.metrics.set_outbox(by_state);
            let batch = shared.metrics.batch(&shared);
            shared.store.append(batch).await.map_err(|error| ReconcileError::Other(error.to_string()))?;
            self.due.lock().0 = now + OWN_FIGURES;
        }
        if now >= retention_due {
            shared.store.enforce_retention(now).await.map_err(|error| ReconcileError::Other(chain(&error)))?;
            self.due.lock().1 = now + RETENTION;
        }
        let (figures_due, retention_due) = *self.due.lock();
        Ok(Report { processed: 0, next_due: Some(figures_due.min(retention_due)) })
    }
}

impl Reconciler for Housekeeping {
    fn name(&self) -> &'static str {
        "housekeeping"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(self.pass())
    }
}
