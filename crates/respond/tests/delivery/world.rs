//! A small world for delivery tests: a real state database in a temporary folder, a virtual clock, mock receivers.
//!
//! Not a mock of the deliverer: rows go in through the outbox, and what came of them is read from the tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use watchkeeper_config::Secret;
use watchkeeper_config::model::receiver::{ChartPolicy, Receiver, SlackIntegration, WebhookIntegration};
use watchkeeper_domain::ids::{AlertId, Id, NotificationId};
use watchkeeper_domain::{Env, Integration, Span};
use watchkeeper_respond::client::Client;
use watchkeeper_respond::notify::{Context, Deliverer, Options, Settings};
use watchkeeper_state::outbox::{self, Message};
use watchkeeper_state::{LedgerRow, Reconciler, State, Wake, ledger};
use watchkeeper_testkit::VirtualClock;

/// The rest of the product, as quiet as it may be.
pub(crate) struct Quiet;
impl Context for Quiet {
    fn chart_path(&self, alert: AlertId) -> Option<String> {
        Some(format!("/charts/{alert}.sealed.chart.png"))
    }
}

pub(crate) struct World {
    pub(crate) env: Env,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) state: State,
    pub(crate) settings: Settings,
    pub(crate) wake: Wake,
    pub(crate) alert: AlertId,
    _folder: TempDir,
}

/// A row as a test looks at it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) state: String,
    pub(crate) attempts: i64,
    pub(crate) last_error: Option<String>,
    pub(crate) receipt: Option<String>,
    pub(crate) outcomes: Vec<String>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let (env, clock) = watchkeeper_testkit::env();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = State::open(&folder.path().join("state.db")).await.expect("a new database opens");
        let settings = Settings { external_url: "http://127.0.0.1:7404".to_owned(), ..Settings::default() };
        let alert = AlertId::new(&env);
        Self { env, clock, state, settings, wake: Wake::default(), alert, _folder: folder }
    }

    pub(crate) fn receiver(&mut self, name: &str) -> &mut Receiver {
        self.settings.receivers.entry(name.to_owned()).or_insert_with(|| Receiver {
            labels: Default::default(),
            name: name.to_owned(),
            slack: Vec::new(),
            email: Vec::new(),
            webhook: Vec::new(),
            services: Vec::new(),
            escalation_policy: None,
        })
    }

    pub(crate) fn webhook(&mut self, name: &str, url: &str) -> &mut WebhookIntegration {
        let integration = WebhookIntegration {
            url: Secret::new("${env:HOOK}", url),
            signing_secret: None,
            bearer_token: None,
            send_resolved: true,
            timeout: Span::from_secs(10),
        };
        let receiver = self.receiver(name);
        receiver.webhook.push(integration);
        receiver.webhook.last_mut().expect("just added")
    }

    pub(crate) fn slack(&mut self, name: &str, url: &str) {
        let integration = SlackIntegration {
            webhook_url: Secret::new("${env:SLACK}", url),
            send_resolved: true,
            chart: ChartPolicy::Auto,
        };
        self.receiver(name).slack.push(integration);
    }

    pub(crate) fn deliverer(&self, boot_id: &str) -> Deliverer {
        let options = Options { boot_id: boot_id.to_owned(), sole_owner: true };
        let client = Client::new().expect("a client");
        Deliverer::new(
            self.state.clone(),
            self.env.clone(),
            options,
            &self.settings,
            client,
            Arc::new(Quiet),
            self.wake.clone(),
        )
    }

    /// One message for all integrations of a receiver, a millisecond after the one before.
    pub(crate) async fn say(
        &self,
        receiver: &str,
        thread: &str,
        status: &'static str,
        name: &str,
    ) -> Vec<NotificationId> {
        self.clock.advance(Span::from_millis(1));
        let integrations = self.settings.receivers.get(receiver).map(Receiver::integrations).unwrap_or_default();
        self.say_to(receiver, &integrations, thread, status, self.alerts(name, status)).await
    }

    pub(crate) async fn say_to(
        &self,
        receiver: &str,
        integrations: &[Integration],
        thread: &str,
        status: &'static str,
        content: Value,
    ) -> Vec<NotificationId> {
        let mut tx = self.state.write().await.expect("a transaction");
        let alerts = [self.alert];
        let message = Message {
            kind: "alert",
            status,
            receiver,
            thread,
            group: None,
            incident: None,
            alerts: &alerts,
            content,
            reason: "new alerts".to_owned(),
        };
        let now = self.env.now();
        let ids = outbox::enqueue(&mut tx, &self.env, now, integrations, &message).await.expect("it fits the outbox");
        State::commit(tx).await.expect("it commits");
        ids
    }

    pub(crate) fn alerts(&self, name: &str, status: &str) -> Value {
        let now = self.env.now();
        json!({
            "group_key": "{}:{alertname=\"x\"}", "group_labels": {"alertname": name}, "receiver": "team", "status": status,
            "alerts": [{
                "id": self.alert, "status": status, "name": name,
                "labels": {"alertname": name, "service": "checkout", "severity": "critical"},
                "annotations": {"summary": "too many errors", "runbook_url": "https://runbooks.example.org/errors"},
                "category": "application", "priority": "critical", "value": 7.3, "expr": "errors > 5", "threshold": 5.0,
                "comparison": ">", "started_at": now - Span::from_secs(60), "fired_at": now,
                "resolved_at": if status == "resolved" { json!(now) } else { Value::Null },
                "fingerprint": "00000000deadbeef", "incident_id": null, "acknowledged_by": null,
            }],
        })
    }

    /// What another process has written.
    pub(crate) async fn execute(&self, sql: &'static str) {
        let mut tx = self.state.write().await.expect("a transaction");
        sqlx::query(sql).execute(&mut *tx).await.expect("the statement is valid");
        State::commit(tx).await.expect("it commits");
    }

    pub(crate) async fn row(&self, id: NotificationId) -> Row {
        let (state, attempts, last_error, receipt): (String, i64, Option<String>, Option<String>) =
            sqlx::query_as("SELECT state, attempts, last_error, receipt FROM notification WHERE id = $1")
                .bind(id.to_string())
                .fetch_one(self.state.read())
                .await
                .expect("the row is there");
        let outcomes =
            sqlx::query_scalar("SELECT outcome FROM notification_attempt WHERE notification_id = $1 ORDER BY n")
                .bind(id.to_string())
                .fetch_all(self.state.read())
                .await
                .expect("attempts can be read");
        Row { state, attempts, last_error, receipt, outcomes }
    }

    pub(crate) async fn ledger(&self) -> Vec<LedgerRow> {
        ledger::entries(self.state.read(), ledger::About::Everything, 10_000).await.expect("the ledger can be read")
    }

    /// What the ledger says of a notification, in order, without `notification.`.
    pub(crate) async fn story(&self, id: NotificationId) -> Vec<String> {
        let of: BTreeMap<i64, String> = self
            .ledger()
            .await
            .into_iter()
            .filter(|row| row.subject == id.to_string())
            .map(|row| (row.seq, row.kind.trim_start_matches("notification.").to_owned()))
            .collect();
        of.into_values().collect()
    }
}

/// Passes until nothing is due and nothing is on its way. Needs receivers that answer.
pub(crate) async fn drain(deliverer: &Deliverer) {
    while deliverer.reconcile().await.expect("a pass").processed > 0 {
        deliverer.settle().await;
    }
}
