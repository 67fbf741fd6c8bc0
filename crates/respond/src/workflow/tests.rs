//! Runs on a clock that is moved by hand, with a runner that writes down what it was told to do.

mod crash;
mod guard;
mod life;
mod real;

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::json;
use sqlx::Row;
use watchkeeper_config::model::{Guard, Retry, Step, Uses, Verify, Workflow, WorkflowKind};
use watchkeeper_domain::ids::{Id, IncidentId, RunId};
use watchkeeper_domain::query::{Element, Instant, Query, QueryError, SeriesData};
use watchkeeper_domain::telemetry::{AppendError, Appended, Batch, TelemetrySink};
use watchkeeper_domain::{Actor, Env, Integration, Labels, Span, Timestamp};
use watchkeeper_state::{Reconciler, Report, State, StateError, Tx};
use watchkeeper_testkit::VirtualClock;

use super::action::Action;
use super::core::{Status, StepStatus};
use super::*;

/// Does nothing, and remembers what it was told.
#[derive(Default)]
pub(super) struct FakeRunner {
    pub(super) ran: Mutex<Vec<String>>,
    pub(super) answers: Mutex<VecDeque<Result<StepOutcome, StepError>>>,
    /// Steps that never end.
    pub(super) hangs: Mutex<bool>,
    /// Called before a step acts, to look at what is committed.
    pub(super) state: Mutex<Option<State>>,
    pub(super) seen_started: Mutex<Vec<i64>>,
}

impl StepRunner for FakeRunner {
    fn run<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<StepOutcome, StepError>> {
        Box::pin(async move {
            let name = match action {
                Action::Http { url, .. } => url.clone(),
                Action::Exec { command, .. } => command.join(" "),
                other => format!("{other:?}"),
            };
            self.ran.lock().push(name);
            let state = self.state.lock().clone();
            if let Some(state) = state {
                let started = sqlx::query_scalar("SELECT count(*) FROM run_step WHERE state = 'started'");
                let started = started.fetch_one(state.read()).await.unwrap();
                self.seen_started.lock().push(started);
            }
            if *self.hangs.lock() {
                std::future::pending::<()>().await;
            }
            tokio::task::yield_now().await;
            let answer = self.answers.lock().pop_front();
            answer.unwrap_or_else(|| Ok(StepOutcome { summary: "status 200".to_owned(), data: json!({"status": 200}) }))
        })
    }
}

/// Answers every expression alike.
pub(super) struct FakeQuery(pub(super) Mutex<Result<f64, QueryError>>, pub(super) Mutex<Vec<String>>);

impl Query for FakeQuery {
    fn instant(&self, expr: &str, _: Timestamp) -> BoxFuture<'_, Result<Instant, QueryError>> {
        self.1.lock().push(expr.to_owned());
        let answer = self.0.lock().clone();
        Box::pin(async move { answer.map(|value| Instant::Vector(vec![Element { labels: Labels::empty(), value }])) })
    }
    fn range(
        &self,
        _: &str,
        _: Timestamp,
        _: Timestamp,
        _: i64,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<SeriesData>, QueryError>> + Send + '_>> {
        Box::pin(async { Err(QueryError::Unavailable("not asked for".to_owned())) })
    }
}

#[derive(Default)]
pub(super) struct FakeSink(pub(super) Mutex<Vec<Batch>>);

impl TelemetrySink for FakeSink {
    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.0.lock().push(batch);
        Box::pin(async { Ok(Appended::default()) })
    }
}

#[derive(Default)]
pub(super) struct Hook(pub(super) Mutex<Vec<RunRow>>);

impl HandOver for Hook {
    fn handed_over<'a>(&'a self, _: &'a mut Tx, run: &'a RunRow) -> BoxFuture<'a, Result<(), StateError>> {
        self.0.lock().push(run.clone());
        Box::pin(async { Ok(()) })
    }
}

pub(super) struct World {
    _dir: tempfile::TempDir,
    pub(super) state: State,
    pub(super) env: Env,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) runner: Arc<FakeRunner>,
    pub(super) query: Arc<FakeQuery>,
    pub(super) sink: Arc<FakeSink>,
    pub(super) hook: Arc<Hook>,
    pub(super) options: Options,
}

impl World {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let (env, clock) = watchkeeper_testkit::env();
        Self {
            _dir: dir,
            state,
            env,
            clock,
            runner: Arc::default(),
            query: Arc::new(FakeQuery(Mutex::new(Ok(1.0)), Mutex::default())),
            sink: Arc::default(),
            hook: Arc::default(),
            options: Options::default(),
        }
    }

    pub(super) fn parts(&self) -> Parts {
        Parts {
            state: self.state.clone(),
            env: self.env.clone(),
            runner: self.runner.clone(),
            query: self.query.clone(),
            sink: self.sink.clone(),
            hand_over: self.hook.clone(),
            receivers: Arc::new(|name| {
                (name == "oncall").then(|| vec![Integration { key: "slack".to_owned(), send_resolved: true }])
            }),
        }
    }

    pub(super) fn engine(&self) -> Engine {
        Engine::new(self.parts(), self.options.clone())
    }

    pub(super) async fn queue(&self, workflow: &Workflow, trigger: &Trigger) -> Queued {
        let mut tx = self.state.write().await.unwrap();
        let by = Actor::User("ana".to_owned());
        let queued = queue(&mut tx, &self.env, workflow, trigger, &by).await.unwrap();
        State::commit(tx).await.unwrap();
        queued
    }

    pub(super) async fn start(&self, workflow: &Workflow) -> RunId {
        match self.queue(workflow, &trigger()).await {
            Queued::Queued(id) => id,
            Queued::Refused { reason, .. } => panic!("refused: {reason}"),
        }
    }

    pub(super) async fn incident(&self, kind: &str) -> IncidentId {
        let id = IncidentId::new(&self.env);
        let mut tx = self.state.write().await.unwrap();
        sqlx::query(
            "INSERT INTO incident (id, number, key, title, kind, state, priority, category, started_at, opened_at, updated_at) \
             VALUES ($1, (SELECT count(*) + 1 FROM incident), $1, 't', $2, 'triggered', 'high', 'application', 0, 0, 0)",
        )
        .bind(id.to_string())
        .bind(kind)
        .execute(&mut *tx)
        .await
        .unwrap();
        State::commit(tx).await.unwrap();
        id
    }

    /// Everything that is due now.
    pub(super) async fn settle(&self, engine: &Engine) -> Report {
        loop {
            let report = engine.reconcile().await.unwrap();
            if report.processed == 0 {
                return report;
            }
        }
    }

    /// Moves the clock from due time to due time until the run has ended.
    pub(super) async fn finish(&self, engine: &Engine, id: RunId) -> Run {
        for _ in 0..500 {
            let report = self.settle(engine).await;
            let run = self.run(id).await;
            if !run.row.status.is_active() {
                return run;
            }
            let next = report.next_due.expect("an active run has a due time");
            assert!(next > self.env.now(), "due in the past, but nothing was done");
            self.clock.advance(next.since(self.env.now()));
        }
        panic!("the run does not end: {:?}", self.run(id).await.row);
    }

    pub(super) async fn run(&self, id: RunId) -> Run {
        get(self.state.read(), id).await.unwrap().unwrap()
    }

    pub(super) async fn ledger(&self) -> Vec<String> {
        let rows = sqlx::query("SELECT kind FROM ledger ORDER BY seq").fetch_all(self.state.read()).await.unwrap();
        rows.iter().map(|r| r.get("kind")).collect()
    }

    pub(super) async fn timeline(&self) -> Vec<String> {
        let rows =
            sqlx::query("SELECT text FROM timeline_entry ORDER BY rowid").fetch_all(self.state.read()).await.unwrap();
        rows.iter().map(|r| r.get("text")).collect()
    }
}

pub(super) fn trigger() -> Trigger {
    Trigger {
        labels: Labels::from_pairs([("service", "payments"), ("evil", ";$(touch x) ${env:TOKEN} {{ 7 }}")]),
        ..Trigger::default()
    }
}

pub(super) fn http(name: &str) -> Step {
    Step {
        name: name.to_owned(),
        uses: Uses::Http {
            method: "POST".to_owned(),
            url: format!("http://127.0.0.1:1/{name}"),
            headers: BTreeMap::new(),
            body: None,
            expect_status: Vec::new(),
        },
        condition: None,
        timeout: Span::from_secs(30),
        retry: Retry { attempts: 1, backoff: Span::from_secs(1) },
        idempotent: false,
    }
}

pub(super) fn exec(name: &str, command: &[&str]) -> Step {
    let command = command.iter().map(ToString::to_string).collect();
    Step { uses: Uses::Exec { command, env: BTreeMap::new() }, ..http(name) }
}

pub(super) fn workflow(steps: Vec<Step>) -> Workflow {
    Workflow {
        name: "restart".to_owned(),
        description: String::new(),
        kind: WorkflowKind::Remediation,
        on_alert: Vec::new(),
        target: "{{ labels.service }}".to_owned(),
        guard: Guard { tries: 2, cooldown: Span::from_secs(60), runs_per_hour: 3, timeout: Span::from_secs(600) },
        steps,
        verify: Some(Verify {
            all: vec!["up{service=\"{{ target }}\"} == 1".to_owned()],
            hold: Span::from_secs(5),
            within: Span::from_secs(60),
        }),
    }
}

pub(super) fn steps_of(run: &Run) -> Vec<(&str, u32, StepStatus)> {
    run.records.iter().map(|r| (r.step.as_str(), r.try_number, r.status)).collect()
}

pub(super) fn status(run: &Run) -> Status {
    run.row.status
}
