//! The world: a database in a folder, a clock that stands still, and a small configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sqlx::Row;
use watchkeeper_config::model::route::GroupBy;
use watchkeeper_config::model::{InhibitRule, Route};
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Category, Env, Integration, Labels, Matcher, Priority, Signal, Span, Timestamp, Verdict};
use watchkeeper_state::{Reconciler, Report, SignalSink, State, Wake, ledger};
use watchkeeper_testkit::VirtualClock;

use crate::silence::Silences;
use crate::{AlertReconciler, Alerts, Routing};

/// The testkit's world, in the evening: 2026-11-22T19:40:00Z.
pub(super) fn env() -> (Env, Arc<VirtualClock>) {
    let (env, clock) = watchkeeper_testkit::env();
    clock.set(Timestamp::from_secs(1_795_376_400));
    (env, clock)
}

pub(super) struct Said {
    pub(super) at: Timestamp,
    pub(super) status: String,
    pub(super) receiver: String,
    pub(super) integration: String,
    pub(super) group: String,
    pub(super) content: Value,
}

impl Said {
    /// `[(alert id, status)]`.
    pub(super) fn alerts(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let alerts = self.content["alerts"].as_array().unwrap();
        alerts.iter().map(|alert| (text(&alert["id"]), text(&alert["status"]))).collect()
    }
}

pub(super) struct World {
    dir: tempfile::TempDir,
    pub(super) state: State,
    pub(super) env: Env,
    clock: Arc<VirtualClock>,
    pub(super) routing: Routing,
    pub(super) reconciler: AlertReconciler,
}

pub(super) fn route(receiver: &str) -> Route {
    Route {
        receiver: receiver.into(),
        group_by: GroupBy::Labels(vec!["service".into()]),
        group_wait: None,
        group_interval: Span::from_secs(300),
        repeat_interval: Span::from_secs(4 * 3_600),
        matchers: vec![],
        continue_: false,
        mute_time_intervals: vec![],
        active_time_intervals: vec![],
        labels: std::collections::BTreeMap::new(),
        routes: vec![],
    }
}

pub(super) fn routing() -> Routing {
    let slack = |send_resolved| vec![Integration { key: "slack".into(), send_resolved }];
    Routing {
        route: route("team"),
        inhibit_rules: vec![],
        receivers: BTreeMap::from([("team".into(), slack(true)), ("other".into(), slack(true))]),
        time_intervals: BTreeMap::new(),
    }
}

pub(super) fn inhibit_warnings() -> InhibitRule {
    InhibitRule {
        source_matchers: vec![Matcher::equal("severity", "critical")],
        target_matchers: vec![Matcher::equal("severity", "medium")],
        equal: vec!["service".into()],
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(routing()).await
    }

    pub(super) async fn with(routing: Routing) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (env, clock) = env();
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let reconciler = AlertReconciler::new(state.clone(), env.clone(), routing.clone());
        Self { dir, state, env, clock, routing, reconciler }
    }

    /// Everything in memory is gone; the file is opened again.
    pub(super) async fn restart(&mut self) {
        self.state.close().await;
        self.state = State::open(&self.dir.path().join("state.db")).await.unwrap();
        self.reconciler = AlertReconciler::new(self.state.clone(), self.env.clone(), self.routing.clone());
    }

    pub(super) fn now(&self) -> Timestamp {
        self.env.now()
    }

    pub(super) fn advance(&self, by: Span) {
        self.clock.advance(by);
    }

    pub(super) fn silences(&self) -> Silences {
        Silences::new(self.state.clone(), self.env.clone(), Wake::default())
    }

    pub(super) fn signal(&self, name: &str, service: &str, priority: Priority, verdict: Verdict) -> Signal {
        Signal {
            source: "rule".into(),
            rule_id: Some(format!("tests/{name}")),
            name: name.into(),
            labels: Labels::from_pairs([("alertname", name), ("service", service), ("severity", priority.as_str())]),
            annotations: BTreeMap::from([("summary".into(), format!("{name} on {service}"))]),
            category: Category::Application,
            priority,
            verdict,
            value: Some(0.07),
            expr: Some("errors > 0.05".into()),
            threshold: Some(0.05),
            comparison: Some(">".into()),
            started_at: self.now() - Span::from_secs(60),
            at: self.now(),
            evidence: serde_json::json!({}),
            reason: "held for 1m".into(),
        }
    }

    pub(super) async fn record(&self, signal: Signal) -> Option<AlertId> {
        let alerts = Alerts::new(self.env.clone(), vec![]);
        let mut tx = self.state.write().await.unwrap();
        let ids = alerts.record(&mut tx, &[signal]).await.unwrap();
        State::commit(tx).await.unwrap();
        ids[0]
    }

    pub(super) async fn fire(&self, name: &str, service: &str, priority: Priority) -> AlertId {
        self.record(self.signal(name, service, priority, Verdict::Firing)).await.unwrap()
    }

    pub(super) async fn resolve(&self, name: &str, service: &str, priority: Priority) -> Option<AlertId> {
        self.record(self.signal(name, service, priority, Verdict::Resolved)).await
    }

    /// Runs passes until nothing is due.
    pub(super) async fn settle(&self) -> Report {
        for _ in 0..100 {
            let report = self.reconciler.reconcile().await.unwrap();
            if report.processed == 0 {
                return report;
            }
        }
        panic!("the reconciler never comes to rest");
    }

    pub(super) async fn said(&self) -> Vec<Said> {
        let rows = sqlx::query("SELECT * FROM notification ORDER BY rowid").fetch_all(self.state.read()).await;
        let said = |row: &sqlx::sqlite::SqliteRow| Said {
            at: Timestamp::from_micros(row.get("created_at")),
            status: row.get("status"),
            receiver: row.get("receiver"),
            integration: row.get("integration"),
            group: row.get("group_id"),
            content: serde_json::from_str(row.get("content")).unwrap(),
        };
        rows.unwrap().iter().map(said).collect()
    }

    /// `[(status, alerts)]` of all notifications so far.
    pub(super) async fn heard(&self) -> Vec<(String, usize)> {
        self.said().await.iter().map(|said| (said.status.clone(), said.alerts().len())).collect()
    }

    pub(super) async fn ledger_of(&self, id: AlertId) -> Vec<String> {
        let rows = ledger::entries(self.state.read(), ledger::About::Alert(id), 1_000).await.unwrap();
        rows.into_iter().map(|row| row.kind).collect()
    }
}

pub(super) fn heard(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    expected.iter().map(|(status, alerts)| ((*status).to_owned(), *alerts)).collect()
}
