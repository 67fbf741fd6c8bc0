//! Targets are scraped by the whole application: a real node-exporter, Prometheus's own `/metrics`, and peers that misbehave.
//!
//! Not the turns and the stale markers on a virtual clock: `scrape` tests those.

use std::io::Write as _;
use std::process::Stdio;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::bad_input::Served;
use crate::crash::program::{eventually, free_address};

/// One scrape job, for the configuration.
fn job(name: &str, more: &str, targets: &[&str]) -> String {
    let targets: Vec<String> = targets.iter().map(|t| format!("'{t}'")).collect();
    format!(
        "  - {{job_name: {name}, scrape_interval: 2s, static_configs: [{{targets: [{}]}}]{more}}}\n",
        targets.join(", ")
    )
}

async fn serving(jobs: &[String]) -> Served {
    Served::with(&format!("scrape_configs:\n{}", jobs.concat())).await
}

async fn value(served: &Served, query: &str) -> Option<f64> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = served.json(&format!("/api/v1/query?query={query}")).await;
    answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
}

fn target<'a>(targets: &'a Value, job: &str) -> &'a Value {
    targets["data"]["activeTargets"].as_array().unwrap().iter().find(|t| t["scrapePool"] == job).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_node_exporter_is_scraped_and_named_and_its_end_is_noticed() {
    let program = "/usr/bin/prometheus-node-exporter";
    if !std::path::Path::new(program).exists() {
        return println!("skipped: there is no {program}; install Debian's package `prometheus-node-exporter`");
    }
    let listen = free_address();
    let mut child: Child = Command::new(program)
        .arg(format!("--web.listen-address={listen}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let more = ", relabel_configs: [{target_label: zone, replacement: 'vault-${1}x'}], \
                metric_relabel_configs: [{source_labels: [__name__], regex: 'go_.*', action: drop}]";
    let served = serving(&[job("node", more, &[&listen.to_string()])]).await;

    eventually("the exporter to be up", async || value(&served, "up{job=\"node\"}").await == Some(1.0)).await;
    assert!(value(&served, "node_memory_MemTotal_bytes{zone=\"vault-x\"}").await.unwrap() > 1e6);
    assert!(value(&served, "count(node_cpu_seconds_total)").await.unwrap() >= 8.0);
    assert_eq!(value(&served, "count({__name__=~\"go_.*\"})").await, None, "relabelling dropped these");
    let scraped = value(&served, "scrape_samples_scraped").await.unwrap();
    assert!(scraped > value(&served, "scrape_samples_post_metric_relabeling").await.unwrap(), "{scraped}");
    let meta = served.json("/api/v1/metadata").await;
    assert_eq!(meta["data"]["node_cpu_seconds_total"][0]["type"], "counter", "{meta}");
    let meta = served.json("/api/v1/targets/metadata?metric=node_load1&match_target=%7Bjob=%22node%22%7D").await;
    assert_eq!((&meta["data"][0]["type"], &meta["data"][0]["target"]["zone"]), (&"gauge".into(), &"vault-x".into()));
    let targets = served.json("/api/v1/targets?state=active").await;
    let node = target(&targets, "node");
    assert_eq!((&node["health"], &node["scrapeInterval"]), (&"up".into(), &"2s".into()), "{targets}");
    assert_eq!(node["discoveredLabels"]["__address__"], listen.to_string());
    assert_eq!(served.json("/api/v1/scrape_pools").await["data"]["scrapePools"], serde_json::json!(["node"]));

    child.kill().await.unwrap();
    eventually("`up` to be 0", async || value(&served, "up{job=\"node\"}").await == Some(0.0)).await;
    assert_eq!(value(&served, "node_memory_MemTotal_bytes").await, None, "what it said has ended");
    let own = served.json("/api/watchkeeper/v1/targets").await;
    assert_eq!(own["items"][0]["state"], "down");
    assert!(own["items"][0]["detail"].as_str().unwrap().contains("no answer"), "{own}");
}

/// Peers that answer as targets sometimes do.
#[expect(clippy::disallowed_methods, reason = "a peer, not a part of the program")]
async fn peers() -> String {
    let gzipped = |text: &str| {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    };
    const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let small =
        gzipped("# TYPE jobs counter\njobs_total 7 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} 1\n# EOF\n");
    let bomb = gzipped(&"x 1\n".repeat(1 << 20));
    let open = move |body: Vec<u8>| ([(header::CONTENT_TYPE, OPEN), (header::CONTENT_ENCODING, "gzip")], body);
    let secret = async |headers: axum::http::HeaderMap| {
        let shown = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()) == Some("Bearer s3cr3t");
        if shown { Ok("secret_seen 1\n") } else { Err(axum::http::StatusCode::UNAUTHORIZED) }
    };
    let app = Router::new()
        .route("/open", get(async move || open(small)))
        .route("/bomb", get(async move || open(bomb)))
        .route("/cut", get(async || "a 1\nb{x=\"1\" 2\n"))
        .route("/page", get(async || ([(header::CONTENT_TYPE, "text/html")], "<html>")))
        .route("/away", get(async || axum::response::Redirect::temporary("/open")))
        .route("/secret", get(secret));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_target_answers_is_taken_whole_or_refused_with_a_reason() {
    let peer = peers().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "s3cr3t\n").unwrap();
    let credentials = format!("'${{file:{}}}'", folder.path().join("token").display());
    let path = |path: &str| format!(", metrics_path: {path}");
    let jobs = [
        job("open", &path("/open"), &[&peer]),
        job("bomb", &format!("{}, body_size_limit: 1MiB", path("/bomb")), &[&peer]),
        job("cut", &path("/cut"), &[&peer]),
        job("page", &path("/page"), &[&peer]),
        job("away", &path("/away"), &[&peer]),
        job("gone", &path("/gone"), &[&peer]),
        job(
            "secret",
            &format!(
                "{}, authorization: {{credentials: {credentials}}}, params: {{token: [{credentials}], module: [a]}}",
                path("/secret")
            ),
            &[&peer],
        ),
    ];
    let served = serving(&jobs).await;
    eventually("all to be scraped", async || {
        let all = served.json("/api/watchkeeper/v1/targets").await;
        all["items"].as_array().unwrap().iter().all(|t| t["state"] != "unknown")
    })
    .await;
    let targets = served.json("/api/v1/targets").await;
    for (job, reason) in
        [("bomb", "1048576"), ("cut", "line 2, column 9"), ("page", "text/html"), ("away", "307"), ("gone", "404")]
    {
        let target = target(&targets, job);
        assert_eq!(target["health"], "down", "{target}");
        assert!(target["lastError"].as_str().unwrap().contains(reason), "{target}");
        assert_eq!(value(&served, &format!("up{{job=\"{job}\"}}")).await, Some(0.0));
    }
    assert_eq!(value(&served, "jobs_total{job=\"open\"}").await, Some(7.0));
    let exemplars = served.json("/api/v1/query_exemplars?query=jobs_total&start=0&end=9999999999").await;
    let labels = &exemplars["data"][0]["exemplars"][0]["labels"];
    assert_eq!(labels["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{exemplars}");
    assert_eq!(value(&served, "secret_seen").await, Some(1.0));
    let shown = target(&targets, "secret")["scrapeUrl"].as_str().unwrap();
    assert!(shown.contains("module=a") && shown.contains("token=hidden"), "{shown}");
    let everything = format!("{targets} {}", served.json("/api/watchkeeper/v1/targets").await);
    assert!(!everything.contains("s3cr3t"), "a secret is shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_wakes_when_a_scrape_brings_what_it_waits_for() {
    let listen = free_address();
    let served = Served::with_rules_and(
        &format!("scrape_configs:\n{}", job("late", "", &[&listen.to_string()])),
        "groups: [{name: g, interval: 1h, rules: [{alert: Gone, expr: 'up == 0'}]}]",
    )
    .await;
    eventually("the alert", async || {
        let alerts = served.json("/api/watchkeeper/v1/alerts?state=firing").await;
        alerts["items"][0]["name"] == "Gone"
    })
    .await;
}
