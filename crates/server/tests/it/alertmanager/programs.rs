//! Debian's Prometheus sends its alerts, and Debian's amtool does what people do with it.
//!
//! Not their flags in full: each verb that speaks to the API is used once and its effect is looked at.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::bad_input::Served;
use crate::crash::program::eventually;

const AMTOOL: &str = "/usr/bin/amtool";

const ROUTES: &str = "
route:
  receiver: team
  group_by: [alertname]
  routes:
    - {matchers: ['severity=\"critical\"'], receiver: pager, group_wait: 10s, mute_time_intervals: [nights]}
time_intervals:
  - {name: nights, time_intervals: [{times: [{start_time: '00:00', end_time: '06:00'}], location: Europe/Zurich}]}
inhibit_rules: [{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [service]}]
receivers: [{name: team}, {name: pager, labels: {owner: core}}]
";

fn missing(program: &str) -> bool {
    let missing = !Path::new(program).exists();
    if missing {
        println!(
            "skipped: there is no {program}; install Debian's packages `prometheus` and `prometheus-alertmanager`"
        );
    }
    missing
}

/// Runs amtool against a server; its standard output when it succeeds.
async fn amtool(served: &Served, arguments: &[&str]) -> String {
    let (ok, output, error) = try_amtool(served, arguments).await;
    assert!(ok, "amtool {arguments:?}: {output}{error}");
    output
}

async fn try_amtool(served: &Served, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(AMTOOL);
    command.arg(format!("--alertmanager.url={}", served.url(""))).args(arguments).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(30), command.output()).await.expect("it ends").unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

async fn amtool_json(served: &Served, arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["--output", "json"]);
    serde_json::from_str(&amtool(served, &all).await).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amtool_asks_for_alerts_and_adds_them() {
    if missing(AMTOOL) {
        return;
    }
    let served = Served::with(ROUTES).await;
    let generator = "--generator-url=http://prometheus.example/graph?g0=1";
    amtool(
        &served,
        &[
            "alert",
            "add",
            "Down",
            "severity=critical",
            "service=payments",
            "--annotation=summary=It is down",
            generator,
        ],
    )
    .await;
    amtool(&served, &["alert", "add", "alertname=Slow", "severity=warning", "service=payments"]).await;
    amtool(
        &served,
        &["alert", "add", "alertname=Slow", "severity=warning", "service=front", "--end=2030-01-01T00:00:00Z"],
    )
    .await;

    let all = amtool_json(&served, &["alert", "query"]).await;
    assert_eq!(all.as_array().unwrap().len(), 2, "the inhibited one is not shown unless it is asked for: {all}");
    let all = amtool_json(&served, &["alert", "query", "--inhibited"]).await;
    assert_eq!(all[0]["status"]["state"], "suppressed", "{all}");
    let down = amtool_json(&served, &["alert", "query", "alertname=~Do.*", "severity=critical"]).await;
    assert_eq!(down[0]["labels"]["service"], "payments", "{down}");
    assert_eq!(down[0]["annotations"]["summary"], "It is down", "{down}");
    assert_eq!(down[0]["generatorURL"], "http://prometheus.example/graph?g0=1", "{down}");
    assert_eq!(down[0]["receivers"], serde_json::json!([{"name": "pager"}]), "{down}");
    // The fingerprint of these labels by Prometheus's own code.
    assert_eq!(down[0]["fingerprint"].as_str().unwrap().len(), 16, "{down}");
    let front = amtool_json(&served, &["alert", "query", "service=front"]).await;
    assert_eq!(front[0]["endsAt"], "2030-01-01T00:00:00.000Z", "{front}");
    let of_pager = amtool_json(&served, &["alert", "query", "--receiver=pa.*"]).await;
    assert_eq!(of_pager.as_array().unwrap().len(), 1, "{of_pager}");

    // It ends as it began.
    amtool(
        &served,
        &[
            "alert",
            "add",
            "Down",
            "severity=critical",
            "service=payments",
            "--end=2026-01-01T00:00:00Z",
            "--start=2026-01-01T00:00:00Z",
        ],
    )
    .await;
    let simple = amtool(&served, &["alert", "query"]).await;
    assert!(
        simple.contains("Slow") && simple.contains("Down"),
        "a late word about an earlier firing ends nothing: {simple}"
    );
    let (ok, _, error) = try_amtool(&served, &["alert", "query", "service=front", "foo=~("]).await;
    assert!(!ok && error.contains("filter") && error.contains("foo"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amtool_silences_and_edits_ends_and_imports_silences() {
    if missing(AMTOOL) {
        return;
    }
    let served = Served::with(ROUTES).await;
    let add = [
        "silence",
        "add",
        "alertname=Down",
        "service=~pay.*",
        "zone!=test",
        "--author=ana",
        "--comment=known",
        "--duration=2h",
    ];
    let id = amtool(&served, &add).await.trim().to_owned();
    assert_eq!(id.len(), 36, "{id}");
    let shown = amtool_json(&served, &["silence", "query"]).await;
    assert_eq!(
        (&shown[0]["id"], &shown[0]["createdBy"], &shown[0]["comment"]),
        (&id.clone().into(), &"ana".into(), &"known".into())
    );
    assert_eq!(shown[0]["status"]["state"], "active", "{shown}");
    assert_eq!(shown[0]["matchers"].as_array().unwrap().len(), 3, "{shown}");
    assert_eq!(amtool_json(&served, &["silence", "query", "alertname=Other"]).await, serde_json::json!([]));
    assert_eq!(amtool_json(&served, &["silence", "query", "alertname=Down"]).await.as_array().unwrap().len(), 1);

    amtool(&served, &["alert", "add", "Down", "service=payments"]).await;
    assert_eq!(amtool_json(&served, &["alert", "query"]).await, serde_json::json!([]));
    let silenced = amtool_json(&served, &["alert", "query", "--silenced"]).await;
    assert_eq!(silenced[0]["status"]["silencedBy"], serde_json::json!([id]), "{silenced}");

    // Edited in place: the id stays.
    let edited = amtool_json(&served, &["silence", "update", "--duration=4h", "--comment=longer", &id]).await;
    assert_eq!((&edited[0]["id"], &edited[0]["comment"]), (&id.clone().into(), &"longer".into()), "{edited}");

    let exported = amtool_json(&served, &["silence", "query"]).await;
    amtool(&served, &["silence", "expire", &id]).await;
    assert_eq!(amtool_json(&served, &["silence", "query"]).await, serde_json::json!([]));
    let expired = amtool_json(&served, &["silence", "query", "--expired"]).await;
    assert_eq!(expired[0]["status"]["state"], "expired", "{expired}");
    assert_eq!(amtool_json(&served, &["alert", "query"]).await.as_array().unwrap().len(), 1, "it is heard again");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("silences.json");
    std::fs::write(&file, exported.to_string()).unwrap();
    amtool(&served, &["silence", "import", "--force", file.to_str().unwrap()]).await;
    let imported = amtool_json(&served, &["silence", "query"]).await;
    assert_eq!((&imported[0]["comment"], imported[0]["id"] != id), (&"longer".into(), true), "{imported}");

    let (ok, _, error) = try_amtool(&served, &["silence", "expire", "00000000-0000-0000-0000-000000000000"]).await;
    assert!(!ok && error.contains("404"), "{error}");
    let (ok, _, error) = try_amtool(&served, &["silence", "add", "alertname=~.*", "--author=a", "--comment=b"]).await;
    assert!(!ok && error.contains("empty text"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amtool_shows_and_tests_the_configuration_that_it_is_given() {
    if missing(AMTOOL) {
        return;
    }
    let served = Served::with(ROUTES).await;
    let config = amtool(&served, &["config", "show"]).await;
    assert!(config.contains("resolve_timeout: 5m") && config.contains("Europe/Zurich"), "{config}");
    let routes = amtool(&served, &["config", "routes", "show"]).await;
    assert!(routes.contains("pager"), "{routes}");
    let tested = amtool(&served, &["config", "routes", "test", "severity=critical", "service=payments"]).await;
    assert_eq!(tested.trim(), "pager");
    let cluster = amtool(&served, &["cluster", "show"]).await;
    assert!(cluster.contains("disabled"), "{cluster}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_sends_its_alerts_and_their_end() {
    let prometheus = "/usr/bin/prometheus";
    if missing(prometheus) {
        return;
    }
    let served = Served::with(ROUTES).await;
    let folder = tempfile::tempdir().unwrap();
    let listen = crate::crash::program::free_address();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let rules = |threshold: u8| {
        format!(
            "groups: [{{name: g, rules: [{{alert: Up, expr: 'up > {threshold}', labels: {{severity: critical}}, annotations: {{summary: 'value {{{{ $value }}}}'}}}}]}}]"
        )
    };
    write("rules.yml", &rules(0));
    write(
        "prometheus.yml",
        &format!(
            "
global: {{scrape_interval: 200ms, evaluation_interval: 200ms, external_labels: {{cluster: test}}}}
rule_files: [rules.yml]
scrape_configs: [{{job_name: itself, static_configs: [{{targets: ['{listen}']}}]}}]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}
",
            served.addresses().main
        ),
    );
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut command = Command::new(prometheus);
    command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.enable-lifecycle"]);
    command.args([format!("--web.listen-address={listen}"), "--rules.alert.resend-delay=200ms".to_owned()]);
    command.current_dir(folder.path()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    let mut child = command.spawn().unwrap();

    eventually("Prometheus's alert", async || served.json("/api/v2/alerts").await[0].is_object()).await;
    let alert = served.json("/api/v2/alerts").await[0].clone();
    assert_eq!(alert["labels"]["cluster"], "test", "{alert}");
    assert_eq!((&alert["labels"]["alertname"], &alert["annotations"]["summary"]), (&"Up".into(), &"value 1".into()));
    assert!(alert["generatorURL"].as_str().unwrap().contains("/graph?g0.expr=up"), "{alert}");
    assert_eq!(alert["receivers"][0]["name"], "pager", "{alert}");
    let ours = served.json("/api/watchkeeper/v1/alerts").await["items"][0].clone();
    assert_eq!((&ours["name"], &ours["priority"]), (&"Up".into(), &"critical".into()), "{ours}");
    // It is posted again and again, and stays one alert.
    let updated = alert["updatedAt"].clone();
    eventually("a refresh", async || served.json("/api/v2/alerts").await[0]["updatedAt"] != updated).await;
    assert_eq!(served.json("/api/v2/alerts").await.as_array().unwrap().len(), 1);

    write("rules.yml", &rules(9));
    let reloaded = reqwest::Client::new().post(format!("http://{listen}/-/reload")).send().await.unwrap();
    assert!(reloaded.status().is_success());
    eventually("the end of Prometheus's alert", async || served.json("/api/v2/alerts").await == serde_json::json!([]))
        .await;
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.contains("Error sending alert"), "{log}");
    child.kill().await.unwrap();
}
