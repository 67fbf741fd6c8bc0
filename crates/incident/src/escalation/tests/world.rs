//! The world: a configuration as people write it, the chain from a signal to the outbox, a clock that stands still.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sqlx::Row;
use watchkeeper_alert::{AlertReconciler, Alerts, Routing};
use watchkeeper_config::{Config, Source};
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Actor, Category, Env, Labels, Priority, Signal, Span, Timestamp, Verdict};
use watchkeeper_state::{Reconciler, SignalSink, State, ledger};
use watchkeeper_testkit::VirtualClock;

use crate::oncall::{OnCall, OnCallWatch, Settings};
use crate::tests::world::{Answers, Engine};
use crate::{EscalationReconciler, IncidentReconciler, Incidents, Policy};

/// Monday 2026-11-23, 09:00 in Zurich: ana's turn begins, bo's follows a week later.
pub(super) const MONDAY: &str = "2026-11-23T08:00:00Z";

pub(super) const CONFIG: &str = r#"
smtp: {host: 127.0.0.1, from: wk@bank.example, tls: none}
people:
  - name: ana
    email: ana@bank.example
    webhook: {url: "http://127.0.0.1:9/ana"}
    notify: [{via: email}, {via: webhook, after: 2m, priorities: [critical, high]}]
  - {name: bo, email: bo@bank.example}
  - {name: cy, email: cy@bank.example}
schedules:
  - name: payments
    time_zone: Europe/Zurich
    announce: true
    layers: [{rotation: weekly, start: 2026-11-23T09:00, people: [ana, bo]}]
escalation_policies:
  - name: payments
    repeat: 1
    remind_after: 30m
    steps:
      - {targets: [{schedule: payments}], delay: 5m}
      - {targets: [{person: cy}, {receiver: war-room}], delay: 10m}
receivers:
  - {name: war-room, webhook: {url: "http://127.0.0.1:9/war"}}
  - {name: pager, escalation_policy: payments}
route: {receiver: pager}
incidents: {open_from: high, handover_receiver: war-room}
"#;

/// One file in memory.
struct One<'a>(&'a str);

impl Source for One<'_> {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Ok(self.0.to_owned())
    }
    fn list(&self, _: &Path) -> std::io::Result<Vec<(String, bool)>> {
        Ok(Vec::new())
    }
    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

pub(super) fn config(text: &str) -> Config {
    match watchkeeper_config::load(Path::new("wk.yaml"), &One(text), &|_| Ok(())) {
        Ok(loaded) => loaded.config,
        Err(problems) => panic!("{}", watchkeeper_config::render(&problems, true)),
    }
}

struct Chain {
    incidents: Incidents,
    on_call: OnCall,
    stages: Vec<Box<dyn Reconciler>>,
}

pub(super) struct World {
    dir: tempfile::TempDir,
    pub(super) state: State,
    pub(super) env: Env,
    clock: Arc<VirtualClock>,
    config: Config,
    chain: Chain,
    /// Restart before every pass.
    pub(super) fragile: bool,
}

fn chain(state: &State, env: &Env, config: &Config) -> Chain {
    let engine = Arc::new(Engine { env: env.clone(), refuses: None });
    let incidents = Incidents::new(state.clone(), env.clone(), Policy::from(config), engine, vec![]);
    let on_call = OnCall::new(state.clone(), env.clone(), Settings::from(config), vec![]);
    let sink = Arc::new(Alerts::new(env.clone(), vec![]));
    let stages: Vec<Box<dyn Reconciler>> = vec![
        Box::new(OnCallWatch::new(on_call.clone(), sink)),
        Box::new(AlertReconciler::new(state.clone(), env.clone(), Routing::from(config))),
        Box::new(IncidentReconciler::new(incidents.clone(), Arc::new(Answers::default()))),
        Box::new(EscalationReconciler::new(on_call.clone(), watchkeeper_alert::silence::Cache::default())),
    ];
    Chain { incidents, on_call, stages }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(CONFIG).await
    }

    pub(super) async fn with(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (env, clock) = watchkeeper_testkit::env();
        clock.set(MONDAY.parse().unwrap());
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let config = config(text);
        let chain = chain(&state, &env, &config);
        Self { dir, state, env, clock, config, chain, fragile: false }
    }

    pub(super) async fn restart(&mut self) {
        self.state.close().await;
        self.state = State::open(&self.dir.path().join("state.db")).await.unwrap();
        self.chain = chain(&self.state, &self.env, &self.config);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.env.now()
    }

    pub(super) fn on_call(&self) -> &OnCall {
        &self.chain.on_call
    }

    pub(super) fn incidents(&self) -> &Incidents {
        &self.chain.incidents
    }

    /// Time passes while nothing runs.
    pub(super) fn sleep(&self, secs: i64) {
        self.clock.advance(Span::from_secs(secs));
    }

    /// Everything that is due now is done; when something will be due next.
    pub(super) async fn settle(&mut self) -> Option<Timestamp> {
        for _ in 0..200 {
            let (mut processed, mut next): (usize, Option<Timestamp>) = (0, None);
            for at in 0..self.chain.stages.len() {
                if self.fragile {
                    self.restart().await;
                }
                let report = self.chain.stages[at].reconcile().await.unwrap();
                processed += report.processed;
                next = next.into_iter().chain(report.next_due).min();
            }
            if processed == 0 {
                return next;
            }
        }
        panic!("the chain never comes to rest");
    }

    /// Time passes and everything is done when it is due.
    pub(super) async fn run(&mut self, secs: i64) {
        let end = self.now() + Span::from_secs(secs);
        loop {
            match self.settle().await {
                Some(due) if due <= end => self.clock.set(due.max(self.now())),
                _ => break,
            }
        }
        self.clock.set(end);
        self.settle().await;
    }

    fn signal(&self, name: &str, service: &str, priority: Priority, verdict: Verdict) -> Signal {
        Signal {
            source: "rule".into(),
            rule_id: Some(format!("tests/{name}")),
            name: name.into(),
            labels: Labels::from_pairs([("alertname", name), ("service", service)]),
            annotations: BTreeMap::from([("summary".into(), format!("{name} on {service}"))]),
            category: Category::Application,
            priority,
            verdict,
            value: Some(1.0),
            expr: None,
            threshold: None,
            comparison: None,
            started_at: self.now(),
            at: self.now(),
            evidence: serde_json::json!({}),
            reason: "condition ended".into(),
        }
    }

    async fn record(&self, signal: Signal) -> Option<AlertId> {
        let mut tx = self.state.write().await.unwrap();
        let ids = Alerts::new(self.env.clone(), vec![]).record(&mut tx, &[signal]).await.unwrap();
        State::commit(tx).await.unwrap();
        ids[0]
    }

    pub(super) async fn fire(&self, name: &str, priority: Priority) -> AlertId {
        self.record(self.signal(name, "payments", priority, Verdict::Firing)).await.unwrap()
    }

    pub(super) async fn resolve(&self, name: &str) {
        self.record(self.signal(name, "payments", Priority::Critical, Verdict::Resolved)).await;
    }

    pub(super) async fn acknowledge(&self, alert: AlertId, by: &str) {
        let by = Actor::User(by.into());
        watchkeeper_alert::command::acknowledge(&self.state, &self.env, alert, by, None).await.unwrap();
    }

    /// What was said to whom since the first Monday, as `seconds receiver/integration status`.
    pub(super) async fn told(&self) -> Vec<String> {
        let rows = sqlx::query(
            "SELECT created_at, receiver, integration, status FROM notification WHERE integration <> 'on-call' \
             ORDER BY created_at, receiver, integration, rowid",
        )
        .fetch_all(self.state.read())
        .await
        .unwrap();
        let start: Timestamp = MONDAY.parse().unwrap();
        let line = |row: &sqlx::sqlite::SqliteRow| {
            let at = Timestamp::from_micros(row.get("created_at")).since(start).as_millis() / 1_000;
            let (to, over, status): (&str, &str, &str) =
                (row.get("receiver"), row.get("integration"), row.get("status"));
            format!("{at} {to}/{over} {status}")
        };
        rows.iter().map(line).collect()
    }

    /// The ledger's facts of an alert whose kind begins so, with their reasons.
    pub(super) async fn facts(&self, alert: AlertId, kinds: &[&str]) -> Vec<String> {
        let rows = ledger::entries(self.state.read(), ledger::About::Alert(alert), 1_000).await.unwrap();
        let rows = rows.into_iter().filter(|row| kinds.iter().any(|kind| row.kind.starts_with(kind)));
        rows.map(|row| match row.data["reason"].as_str() {
            Some(reason) => format!("{}: {reason}", row.kind),
            None => row.kind,
        })
        .collect()
    }

    pub(super) async fn phases(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT phase FROM escalation ORDER BY started_at, id")
            .fetch_all(self.state.read())
            .await
            .unwrap()
    }
}
