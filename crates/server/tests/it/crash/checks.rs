//! Whether the promises were kept, asked over the API of the program that was started last.
//!
//! Not by reading its files: what its users cannot see is not kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};
use watchkeeper_domain::Clock as _;
use watchkeeper_server::clock::SystemClock;
use watchkeeper_testkit::webhook::Recorded;

use super::load::{Acknowledged, SENDERS, SERVICES};
use super::program::{Program, eventually};
use crate::bad_input::wire;

pub(super) async fn ledger_is_intact(program: &Program) {
    let verified = program.get("/api/watchkeeper/v1/ledger/verify").await;
    assert_eq!(verified["intact"], true, "{verified}");
}

/// Ends what fires, and waits until all is told and done.
pub(super) async fn until_quiet(program: &Program) {
    let http = reqwest::Client::new();
    let series = SERVICES
        .iter()
        .map(|service| ("crash_value", ("service", *service)))
        .chain([("crash_intruder", ("address", "192.0.2.1"))]);
    for (name, label) in series {
        let body = wire::remote_write(name, &[label], &[(SystemClock::new().now().as_millis(), 0.0)]);
        let request = http.post(program.url("/api/v1/write")).body(body);
        let request = wire::REMOTE_WRITE.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        assert!(request.send().await.unwrap().status().is_success());
    }
    for busy in ["alerts?state=firing,unknown", "runs?state=waiting,running", "notifications?state=pending,sending"] {
        eventually(&format!("no {busy}"), async || {
            let page = program.get(&format!("/api/watchkeeper/v1/{busy}&limit=1")).await;
            page["items"] == json!([])
        })
        .await;
    }
}

/// The whole ledger: what happened to whom.
pub(super) struct Ledger(HashMap<String, Vec<(String, Value)>>);

impl Ledger {
    /// How often it happened; an attempt that concerns several alerts has an entry for each and counts once.
    fn count(&self, subject: &str, kind: &str) -> usize {
        let entries = self.0.get(subject).into_iter().flatten().filter(|(k, _)| k == kind);
        entries.map(|(_, data)| data["attempt"].as_u64()).collect::<HashSet<_>>().len()
    }
}

pub(super) async fn ledger(program: &Program) -> Ledger {
    let mut found: HashMap<String, Vec<(String, Value)>> = HashMap::new();
    let mut before = i64::MAX;
    for entry in program.all("ledger").await {
        let seq = entry["seq"].as_i64().unwrap();
        assert!(before == i64::MAX || seq == before - 1, "a gap in the ledger between {seq} and {before}");
        before = seq;
        let text = |key: &str| entry[key].as_str().unwrap().to_owned();
        found.entry(text("subject")).or_default().push((text("kind"), entry["data"].clone()));
    }
    Ledger(found)
}

/// Every sample and every log record that was answered 2xx is found as it was sent.
pub(super) async fn telemetry(program: &Program, acknowledged: &Acknowledged) {
    let promises = acknowledged.promises();
    for sender in 0..SENDERS {
        let query = format!("/api/v1/query?query=crash_sample%7Bsender=%22{sender}%22%7D%5B1h%5D");
        let answer = program.get(&query).await;
        let values = answer["data"]["result"][0]["values"].as_array().cloned().unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of this century fit")]
        let found: HashMap<i64, f64> = values
            .iter()
            .map(|pair| {
                ((pair[0].as_f64().unwrap() * 1_000.0).round() as i64, pair[1].as_str().unwrap().parse().unwrap())
            })
            .collect();
        assert_eq!(found.len(), values.len(), "a sample is there twice");
        let lost: Vec<_> =
            promises.samples.iter().filter(|(s, t, v)| *s == sender && found.get(t) != Some(v)).collect();
        assert!(
            lost.is_empty(),
            "{} of {} samples of sender {sender} are lost or changed: {lost:?}",
            lost.len(),
            promises.samples.len()
        );
    }
    let mut rounds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (service, text) in &promises.logs {
        rounds.entry(service).or_default().push(text);
    }
    for (service, texts) in rounds {
        let answer = program.get(&format!("/api/watchkeeper/v1/telemetry/logs?limit=1000&service={service}")).await;
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        let found: HashSet<&str> = items.iter().filter_map(|item| item["body"].as_str()).collect();
        assert_eq!(found.len(), items.len(), "a record of {service} is there twice");
        let lost: Vec<_> = texts.iter().filter(|text| !found.contains(**text)).collect();
        assert!(lost.is_empty(), "{} of {} records of {service} are lost: {lost:?}", lost.len(), texts.len());
    }
}

/// Every command that was answered 2xx has had its effect.
pub(super) async fn commands(program: &Program, acknowledged: &Acknowledged) {
    let promises = acknowledged.promises();
    let silences = program.all("silences?state=pending,active,expired").await;
    for (id, comment) in &promises.silences {
        let found = silences.iter().filter(|s| s["id"] == id.as_str() && s["comment"] == comment.as_str());
        assert_eq!(found.count(), 1, "the silence {id} ({comment})");
    }
    let mut incidents: HashMap<String, Value> = HashMap::new();
    let concerned = promises.declared.iter().map(|(id, _)| id).chain(promises.notes.iter().map(|(id, _)| id));
    for id in concerned.chain(promises.steps.iter().map(|(id, _, _)| id)) {
        if !incidents.contains_key(id) {
            incidents.insert(id.clone(), program.get(&format!("/api/watchkeeper/v1/incidents/{id}")).await);
        }
    }
    for (id, title) in &promises.declared {
        assert_eq!(incidents[id]["title"], title.as_str(), "the incident {id}");
    }
    let told = |id: &str, text: &str| {
        let mut entries = incidents[id]["timeline"].as_array().into_iter().flatten();
        entries.any(|entry| {
            entry["text"].as_str().is_some_and(|said| said == text || said.starts_with(&format!("{text}: ")))
        })
    };
    for (id, text) in &promises.notes {
        assert!(told(id, text), "the note `{text}` of {id}");
    }
    for (id, step, note) in &promises.steps {
        // What the incident shows now may be younger: it opens again when an alert fires again.
        let done = if *step == "resolve" { "Resolved" } else { "Acknowledged" };
        assert!(
            told(id, done) && told(id, note),
            "{id} was answered {step} with `{note}`: {}",
            incidents[id]["timeline"]
        );
    }
    for id in &promises.alerts {
        let alert = program.get(&format!("/api/watchkeeper/v1/alerts/{id}")).await;
        assert!(alert["acknowledged_at"].is_string(), "{id} was acknowledged: {alert}");
    }
    for id in &promises.runs {
        let run = program.get(&format!("/api/watchkeeper/v1/runs/{id}")).await;
        let state = run["state"].as_str().unwrap();
        assert!(matches!(state, "succeeded" | "handed_over"), "{id} ended as {state}: {}", run["outcome"]);
    }
}

/// What the receiver saw against what the outbox and the ledger say.
pub(super) async fn notifications(program: &Program, ledger: &Ledger, received: &[Recorded]) {
    let known: HashMap<String, Value> =
        program.all("notifications").await.into_iter().map(|n| (n["id"].as_str().unwrap().to_owned(), n)).collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    // Alert and status, as told; and by which notifications.
    let mut told: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for request in received {
        let key = request.header("idempotency-key").expect("each message has its key");
        assert!(known.contains_key(key), "the receiver got {key}, which the outbox does not know");
        *seen.entry(key).or_default() += 1;
        let body = request.json();
        for alert in body["alerts"].as_array().into_iter().flatten() {
            let url = alert["generatorURL"].as_str().unwrap();
            if let Some((_, id)) = url.split_once("/alerts/") {
                let restricted = alert["labels"]["alertname"] == "Intruder";
                assert_eq!(restricted, request.path == "/security", "{id} went to {}", request.path);
                told.entry((id.to_owned(), alert["status"].to_string())).or_default().insert(key);
            }
        }
    }
    for (key, times) in &seen {
        let unknown = ledger.count(key, "notification.unknown");
        assert!(*times <= unknown + 1, "{key} came {times} times, and the ledger knows of {unknown} unknown outcomes");
        assert_eq!(
            ledger.count(key, "notification.attempted"),
            known[*key]["attempts"].as_array().unwrap().len(),
            "{key}"
        );
    }
    for ((alert, status), keys) in &told {
        assert_eq!(keys.len(), 1, "{status} of {alert} was told under several notifications: {keys:?}");
    }
    for (id, notification) in &known {
        let state = notification["state"].as_str().unwrap();
        assert!(matches!(state, "delivered" | "failed"), "{id} is {state} although all is quiet");
        assert!(state != "delivered" || seen.contains_key(id.as_str()), "{id} counts as delivered, and nobody got it");
        assert!(
            state != "failed" || ledger.count(id, "notification.failed") > 0,
            "{id} failed without a word in the ledger"
        );
    }
    println!(
        "{} messages of {} notifications, {} of them twice",
        received.len(),
        known.len(),
        seen.values().filter(|n| **n > 1).count()
    );
}

/// No incident that nobody was told of, and no failure that nobody can see.
pub(super) async fn incidents(program: &Program, ledger: &Ledger) {
    let incidents = program.all("incidents").await;
    let (mut silent, mut declared) = (Vec::new(), 0);
    for incident in &incidents {
        let id = incident["id"].as_str().unwrap();
        let by_hand = incident["title"].as_str().is_some_and(|title| title.starts_with("declared "));
        declared += usize::from(by_hand);
        let notifications = program.all(&format!("notifications?incident_id={id}")).await;
        let reached = notifications.iter().any(|n| n["state"] == "delivered" || n["state"] == "failed");
        if reached || by_hand && incident["acknowledged_at"].is_string() {
            // Told, or declared by somebody who took it before anybody could be called.
            continue;
        }
        let detail = program.get(&format!("/api/watchkeeper/v1/incidents/{id}")).await;
        let alerts: Vec<&str> =
            detail["alerts"].as_array().into_iter().flatten().filter_map(|alert| alert["id"].as_str()).collect();
        // What was over, or somebody's, before it could be told stands in the ledger as such.
        let explained =
            |alert: &&str| ledger.count(alert, "alert.not_told") + ledger.count(alert, "alert.acknowledged") > 0;
        if alerts.is_empty() || !alerts.iter().all(explained) {
            let subjects =
                alerts.iter().copied().chain([id]).map(|subject| (subject.to_owned(), ledger.0.get(subject)));
            silent.push(format!("{:?}", subjects.collect::<Vec<_>>()));
        }
    }
    assert!(silent.is_empty(), "{} of {} incidents were told to nobody: {silent:#?}", silent.len(), incidents.len());
    assert!(incidents.len() > declared, "alerts opened incidents");
    println!("{} incidents, {declared} of them declared", incidents.len());
}

/// Each step with a result ran once; a step without one ran again only where it was declared idempotent.
pub(super) async fn steps(program: &Program, requests: &[Recorded]) {
    let mut came: HashMap<&str, usize> = HashMap::new();
    for request in requests {
        *came.entry(request.path.as_str()).or_default() += 1;
    }
    let (mut lost, mut repeated) = (0, 0);
    let runs = program.all("runs").await;
    for run in &runs {
        let id = run["id"].as_str().unwrap();
        let detail = program.get(&format!("/api/watchkeeper/v1/runs/{id}")).await;
        for step in detail["steps"].as_array().unwrap() {
            let name = step["name"].as_str().unwrap();
            let count = came.remove(format!("/{name}/{id}").as_str()).unwrap_or(0);
            let attempts = step["attempts"].as_array().unwrap();
            let done = attempts.iter().filter(|a| a["outcome"] == "ok").count();
            let what = format!("{name} of {id} was asked for {count} times: {step}");
            assert!(done <= 1 && count >= done && count <= attempts.len(), "{what}");
            if name == "once" {
                assert!(attempts.len() <= 1, "{what}");
            }
            lost += attempts.len() - done;
            repeated += usize::from(count > 1);
        }
    }
    assert!(came.is_empty(), "requests that no run knows of: {came:?}");
    println!("{} runs, {lost} steps whose result was lost, {repeated} of them repeated", runs.len());
}
