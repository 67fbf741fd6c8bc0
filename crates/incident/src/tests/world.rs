//! The world: a database in a folder, a clock that stands still, one workflow, one component.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use watchkeeper_alert::Alerts;
use watchkeeper_config::model::{Component, WorkflowKind};
use watchkeeper_domain::ids::{AlertId, Id, IncidentId, RunId};
use watchkeeper_domain::query::{Instant, Query, QueryError, SeriesData};
use watchkeeper_domain::{Category, Env, Integration, Labels, Matcher, Priority, Signal, Span, Timestamp, Verdict};
use watchkeeper_state::{Reconciler, Report, SignalSink, State, StateError, Tx, ledger};
use watchkeeper_testkit::VirtualClock;

use crate::policy::{Policy, Starter};
use crate::read::{self, Viewer};
use crate::{Incident, IncidentReconciler, Incidents, QueueOutcome, Trigger, Workflows};

/// The testkit's world, in the evening: 2026-11-22T19:40:00Z.
pub(super) fn env() -> (Env, Arc<VirtualClock>) {
    let (env, clock) = watchkeeper_testkit::env();
    clock.set(Timestamp::from_secs(1_795_376_400));
    (env, clock)
}

/// Queues every run as a row, or refuses all.
pub(crate) struct Engine {
    pub(crate) env: Env,
    pub(crate) refuses: Option<String>,
}

impl Workflows for Engine {
    fn queue<'a>(
        &'a self,
        tx: &'a mut Tx,
        workflow: &'a str,
        trigger: Trigger,
    ) -> BoxFuture<'a, Result<QueueOutcome, StateError>> {
        Box::pin(async move {
            if let Some(why) = &self.refuses {
                return Ok(QueueOutcome::Refused(why.clone()));
            }
            let id = RunId::new(&self.env);
            sqlx::query(
                "INSERT INTO run (id, workflow, definition, target, incident_id, alert_id, trigger, state, started_by, \
                 created_at) VALUES ($1, $2, '{}', 'x', $3, $4, '{}', 'queued', 'system', $5)",
            )
            .bind(id.to_string())
            .bind(workflow)
            .bind(trigger.incident.to_string())
            .bind(trigger.alert.to_string())
            .bind(self.env.now().as_micros())
            .execute(&mut **tx)
            .await
            .unwrap();
            Ok(QueueOutcome::Queued(id))
        })
    }
}

/// Prepared answers, in order; then none.
#[derive(Default)]
pub(crate) struct Answers {
    pub(super) prepared: Mutex<VecDeque<Result<Instant, QueryError>>>,
    pub(super) asked: Mutex<Vec<(String, Timestamp)>>,
}

impl Query for Answers {
    fn instant(
        &self,
        expr: &str,
        at: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Instant, QueryError>> + Send + '_>> {
        self.asked.lock().push((expr.to_owned(), at));
        let answer = self.prepared.lock().pop_front();
        Box::pin(async move { answer.unwrap_or_else(|| Err(QueryError::Unavailable("it is starting".into()))) })
    }
    fn range(
        &self,
        _: &str,
        _: Timestamp,
        _: Timestamp,
        _: i64,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<SeriesData>, QueryError>> + Send + '_>> {
        Box::pin(async { Ok(vec![]) })
    }
}

pub(super) fn policy() -> Policy {
    let starter = |name: &str, kind| Starter {
        name: name.into(),
        kind,
        on_alert: vec![vec![Matcher::equal("service", "payments")]],
    };
    Policy {
        group_by: vec!["service".into()],
        open_from: Priority::Medium,
        handover_receiver: "oncall".into(),
        integrations: [("oncall".to_owned(), vec![Integration { key: "slack".into(), send_resolved: true }])].into(),
        impact_query: Some("sum(increase(failed[{{ window }}]))".into()),
        default_roles: BTreeMap::from([("incident_commander".into(), "ana".into())]),
        components: vec![Component {
            name: "payments".into(),
            title: "Payments".into(),
            matchers: vec![Matcher::equal("service", "payments")],
        }],
        starters: vec![starter("restart", WorkflowKind::Remediation), starter("isolate", WorkflowKind::Containment)],
    }
}

pub(super) struct World {
    dir: tempfile::TempDir,
    pub(super) state: State,
    pub(super) env: Env,
    clock: Arc<VirtualClock>,
    policy: Policy,
    refuses: Option<String>,
    pub(super) answers: Arc<Answers>,
    pub(super) incidents: Incidents,
    reconciler: IncidentReconciler,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(policy(), None).await
    }

    pub(super) async fn with(policy: Policy, refuses: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (env, clock) = env();
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let answers = Arc::new(Answers::default());
        let refuses = refuses.map(ToOwned::to_owned);
        let (incidents, reconciler) = assemble(&state, &env, &policy, refuses.clone(), &answers);
        Self { dir, state, env, clock, policy, refuses, answers, incidents, reconciler }
    }

    pub(super) async fn restart(&mut self) {
        self.state.close().await;
        self.state = State::open(&self.dir.path().join("state.db")).await.unwrap();
        let (incidents, reconciler) =
            assemble(&self.state, &self.env, &self.policy, self.refuses.clone(), &self.answers);
        (self.incidents, self.reconciler) = (incidents, reconciler);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.env.now()
    }

    pub(super) fn advance(&self, by: Span) {
        self.clock.advance(by);
    }

    async fn record(&self, signal: Signal) -> Option<AlertId> {
        let mut tx = self.state.write().await.unwrap();
        let ids = Alerts::new(self.env.clone(), vec![]).record(&mut tx, &[signal]).await.unwrap();
        State::commit(tx).await.unwrap();
        ids[0]
    }

    fn signal(&self, name: &str, service: &str, category: Category, priority: Priority, verdict: Verdict) -> Signal {
        Signal {
            source: "rule".into(),
            rule_id: Some(format!("tests/{name}")),
            name: name.into(),
            labels: Labels::from_pairs([("alertname", name), ("service", service)]),
            annotations: BTreeMap::from([("summary".into(), format!("{name} on {service}"))]),
            category,
            priority,
            verdict,
            value: Some(1.0),
            expr: None,
            threshold: None,
            comparison: None,
            started_at: self.now() - Span::from_secs(12),
            at: self.now(),
            evidence: serde_json::json!({}),
            reason: "condition ended".into(),
        }
    }

    pub(super) async fn fire(&self, name: &str, service: &str, category: Category, priority: Priority) -> AlertId {
        self.record(self.signal(name, service, category, priority, Verdict::Firing)).await.unwrap()
    }

    pub(super) async fn resolve(&self, name: &str, service: &str, category: Category) {
        self.record(self.signal(name, service, category, Priority::High, Verdict::Resolved)).await;
    }

    pub(super) async fn down(&self, service: &str) -> AlertId {
        self.fire("Down", service, Category::Application, Priority::Critical).await
    }

    pub(super) async fn up(&self, service: &str) {
        self.resolve("Down", service, Category::Application).await;
    }

    pub(super) async fn settle(&self) -> Report {
        for _ in 0..100 {
            let report = self.reconciler.reconcile().await.unwrap();
            if report.processed == 0 {
                return report;
            }
        }
        panic!("the reconciler never comes to rest");
    }

    /// All incidents, oldest first.
    pub(super) async fn all(&self) -> Vec<Incident> {
        let page = read::list(self.state.read(), Viewer::ALL, &read::Filter::default()).await.unwrap();
        let mut incidents: Vec<_> = page.items.into_iter().map(|item| item.incident).collect();
        incidents.sort_by_key(|incident| incident.number);
        incidents
    }

    pub(super) async fn end_runs(&self, state: &str, outcome: &str) {
        let mut tx = self.state.write().await.unwrap();
        sqlx::query("UPDATE run SET state = $1, outcome = $2, finished_at = $3 WHERE state = 'queued'")
            .bind(state)
            .bind(outcome)
            .bind(self.now().as_micros())
            .execute(&mut *tx)
            .await
            .unwrap();
        State::commit(tx).await.unwrap();
    }

    pub(super) async fn runs(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT workflow FROM run ORDER BY rowid").fetch_all(self.state.read()).await.unwrap()
    }

    pub(super) async fn handovers(&self) -> Vec<serde_json::Value> {
        let contents: Vec<String> =
            sqlx::query_scalar("SELECT content FROM notification WHERE kind = 'handover' ORDER BY rowid")
                .fetch_all(self.state.read())
                .await
                .unwrap();
        contents.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    pub(super) async fn ledger_of(&self, id: IncidentId) -> Vec<String> {
        let rows = ledger::entries(self.state.read(), ledger::About::Incident(id), 1_000).await.unwrap();
        rows.into_iter().map(|row| row.kind).collect()
    }
}

fn assemble(
    state: &State,
    env: &Env,
    policy: &Policy,
    refuses: Option<String>,
    answers: &Arc<Answers>,
) -> (Incidents, IncidentReconciler) {
    let engine = Arc::new(Engine { env: env.clone(), refuses });
    let incidents = Incidents::new(state.clone(), env.clone(), policy.clone(), engine, vec![]);
    let query: Arc<dyn Query> = Arc::<Answers>::clone(answers);
    (incidents.clone(), IncidentReconciler::new(incidents, query))
}
