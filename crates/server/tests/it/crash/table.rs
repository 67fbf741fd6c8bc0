//! One alert told, one silence made, and the process stopped: what Alertmanager keeps of that after SIGTERM, and loses after
//! SIGKILL, is kept here after both.
//!
//! Not random moments: see the test of rounds.

use std::path::Path;

use serde_json::{Value, json};
use watchkeeper_domain::{Clock as _, Span};
use watchkeeper_server::clock::SystemClock;
use watchkeeper_testkit::MockWebhook;

use super::program::{self, Program, eventually};

async fn post(program: &Program, path: &str, body: &Value) -> Value {
    let http = reqwest::Client::new();
    let answer = http.post(program.url(path)).json(body).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap_or_default()
}

/// Alerts as a sender posts them again and again.
async fn fire(program: &Program, names: &[&str]) {
    let alerts: Vec<Value> = names.iter().map(|name| json!({"labels": {"alertname": name}})).collect();
    post(program, "/api/v2/alerts", &json!(alerts)).await;
}

/// How often the receiver was told of an alert.
fn told(receiver: &MockWebhook, name: &str) -> usize {
    let requests = receiver.requests();
    let alerts = requests.iter().map(|request| request.json()["commonLabels"]["alertname"].clone());
    alerts.filter(|told| told == name).count()
}

async fn configured(folder: &Path) -> MockWebhook {
    let receiver = MockWebhook::start().await;
    let config = format!(
        "receivers: [{{name: team, webhook: [{{url: '{}'}}]}}]\n\
         route: {{receiver: team, group_by: ['...'], group_wait: 0s, group_interval: 5m}}\n",
        receiver.url("/hook")
    );
    std::fs::write(folder.join("watchkeeper.yaml"), config).unwrap();
    receiver
}

async fn stopped_by(stop: impl Fn(&mut Program)) {
    let folder = tempfile::tempdir().unwrap();
    let receiver = configured(folder.path()).await;
    let address = program::free_address();
    let mut program = Program::start(folder.path(), address).await;
    fire(&program, &["Told"]).await;
    eventually("the alert to be told", async || told(&receiver, "Told") == 1).await;
    // An alert that was taken and not yet told is one more thing to lose.
    let now = SystemClock::new().now();
    let silence = json!({
        "matchers": [{"name": "alertname", "value": "Silenced", "isRegex": false, "isEqual": true}],
        "startsAt": now, "endsAt": now + Span::from_secs(3_600), "createdBy": "ana", "comment": "maintenance",
    });
    let made = post(&program, "/api/v2/silences", &silence).await;
    fire(&program, &["Taken"]).await;
    stop(&mut program);
    drop(program);

    let program = Program::start(folder.path(), address).await;
    let silences = program.get("/api/v2/silences").await;
    assert_eq!((&silences[0]["id"], &silences[0]["status"]["state"]), (&made["silenceID"], &json!("active")));
    let alerts = program.get("/api/v2/alerts").await;
    let kept: Vec<&str> =
        alerts.as_array().unwrap().iter().map(|a| a["labels"]["alertname"].as_str().unwrap()).collect();
    assert!(kept.contains(&"Told") && kept.contains(&"Taken"), "{kept:?}");
    // The sender posts everything again; when the last is told, whatever was to be told of the others has been, too.
    fire(&program, &["Told", "Silenced", "Taken"]).await;
    fire(&program, &["Last"]).await;
    eventually("what was taken and what came last to be told", async || {
        told(&receiver, "Taken") >= 1 && told(&receiver, "Last") == 1
    })
    .await;
    assert_eq!((told(&receiver, "Told"), told(&receiver, "Silenced")), (1, 0));
    // What was on its way when the process was killed may come twice, under one key.
    let keys: std::collections::BTreeSet<String> = receiver
        .requests()
        .iter()
        .filter(|request| request.json()["commonLabels"]["alertname"] == "Taken")
        .map(|request| request.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
}

#[tokio::test]
async fn a_silence_and_alerts_are_kept_and_nothing_is_told_twice_after_sigterm() {
    stopped_by(Program::terminate).await;
}

#[tokio::test]
async fn a_silence_and_alerts_are_kept_and_nothing_is_told_twice_after_sigkill() {
    stopped_by(Program::kill).await;
}
