//! Debian's Alertmanager sends as it would to PagerDuty and to a webhook.
//!
//! Not its clustering.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::bad_input::Served;
use crate::crash::program::{eventually, free_address};

const ALERTMANAGER: &str = "/usr/bin/prometheus-alertmanager";
const AMTOOL: &str = "/usr/bin/amtool";
const KEY: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alertmanager_pages_us_as_if_we_were_pagerduty_and_as_a_webhook() {
    if !Path::new(ALERTMANAGER).exists() {
        return println!("skipped: there is no {ALERTMANAGER}; install Debian's package `prometheus-alertmanager`");
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("key", KEY);
    let key = folder.path().join("key").display().to_string();
    let served = Served::with(&format!(
        "
integrations:
  - {{name: pager, kind: pagerduty, routing_key: \"${{file:{key}}}\"}}
  - {{name: other-am, kind: alertmanager, token: \"${{file:{key}}}\"}}
"
    ))
    .await;
    let (listen, ours) = (free_address(), served.addresses().main);
    write(
        "am.yml",
        &format!(
            "
route: {{receiver: all, group_by: [alertname], group_wait: 100ms, group_interval: 500ms, repeat_interval: 1h}}
receivers:
  - name: all
    pagerduty_configs: [{{routing_key: {KEY}, url: 'http://{ours}/v2/enqueue', severity: critical}}]
    webhook_configs: [{{url: 'http://{ours}/api/watchkeeper/v1/in/other-am?token={KEY}'}}]
"
        ),
    );
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut command = Command::new(ALERTMANAGER);
    command.args(["--config.file=am.yml", "--storage.path=data", "--cluster.listen-address="]);
    command.arg(format!("--web.listen-address={listen}"));
    command.current_dir(folder.path()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    let mut child = command.spawn().unwrap();

    let url = format!("--alertmanager.url=http://{listen}");
    let add = async |more: &[&str]| {
        let mut command = Command::new(AMTOOL);
        command.arg(&url).args(["alert", "add", "Disk", "service=ledger", "severity=critical"]).args(more);
        command.kill_on_drop(true).output().await.is_ok_and(|output| output.status.success())
    };
    eventually("Alertmanager's start", async || add(&["--annotation=summary=It is full"]).await).await;
    let alerts = async || -> Vec<Value> {
        let all = served.json("/api/watchkeeper/v1/alerts?state=firing,resolved").await;
        all["items"].as_array().cloned().unwrap_or_default()
    };
    eventually("both ways", async || alerts().await.len() == 2).await;
    let all = alerts().await;
    let of = |integration: &str| {
        let found = all.iter().find(|alert| alert["labels"]["integration"] == integration);
        found.unwrap_or_else(|| panic!("{integration}: {all:?}")).clone()
    };
    let (paged, told) = (of("pager"), of("other-am"));
    assert_eq!((&paged["priority"], &told["priority"]), (&"critical".into(), &"critical".into()));
    assert!(paged["name"].as_str().unwrap().contains("Disk"), "{paged}");
    assert_eq!((&told["name"], &told["labels"]["service"]), (&"Disk".into(), &"ledger".into()));
    assert_eq!(told["title"], "It is full");

    let body = serde_json::json!([{"labels": {"alertname": "Disk", "service": "ledger", "severity": "critical"},
        "endsAt": told["since"], "startsAt": told["started_at"]}]);
    let posted =
        reqwest::Client::new().post(format!("http://{listen}/api/v2/alerts")).json(&body).send().await.unwrap();
    assert!(posted.status().is_success());
    eventually("both ends", async || alerts().await.iter().all(|alert| alert["state"] == "resolved")).await;
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.contains("Notify attempt failed"), "{log}");
    child.kill().await.unwrap();
}
