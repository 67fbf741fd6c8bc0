//! What people read out of many records, over the wire and on the command line: patterns, the live tail, the map, the
//! critical path.
//!
//! Not what the store's functions do with odd records: their own tests show that.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::bad_input::{Served, wire};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

async fn post(served: &Served, path: &str, body: &Value) {
    let answer = served.post(path, &JSON, body.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
}

fn watchkeeper(served: &Served, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    command.args(arguments).args(["--server", served.url("").as_str()]);
    command
}

/// Runs a command against the server without holding the server up.
async fn said(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patterns_say_what_there_is_much_of_and_what_is_new() {
    let served = Served::start().await;
    let now = served.now_ms() * 1_000_000;
    let minutes_ago = |minutes: i64| now - minutes * 60_000_000_000;
    let bodies: Vec<String> = (0..30).map(|n| format!("payment {n} accepted in {n}.5ms")).collect();
    let mut records: Vec<(i64, &str)> = bodies.iter().map(|body| (minutes_ago(1), body.as_str())).collect();
    records.extend(bodies.iter().take(4).map(|body| (minutes_ago(15), body.as_str())));
    records.push((minutes_ago(2), "pool exhausted after 30s"));
    post(&served, "/v1/logs", &wire::logs("payments", &records)).await;

    let window = format!("since={}&until={}", minutes_ago(10) / 1_000_000_000, now / 1_000_000_000 + 1);
    let found = served.json(&format!("/api/watchkeeper/v1/telemetry/logs/patterns?service=payments&{window}")).await;
    let items = found["items"].as_array().unwrap();
    assert_eq!((found["records"].as_u64(), items.len()), (Some(31), 2), "{found}");
    let one =
        |at: usize| (items[at]["pattern"].as_str().unwrap(), items[at]["count"].as_u64(), items[at]["before"].as_u64());
    assert_eq!(one(0), ("payment <*> accepted in <*>", Some(30), Some(4)));
    assert_eq!(one(1), ("pool exhausted after <*>", Some(1), Some(0)));
    // What the list of logs finds by the constant part is what was counted.
    let constant = items[1]["constant"].as_str().unwrap();
    let listed =
        served.json(&format!("/api/watchkeeper/v1/telemetry/logs?q={}&{window}", constant.replace(' ', "%20"))).await;
    assert_eq!(listed["items"][0]["body"], "pool exhausted after 30s");

    let shown = said(watchkeeper(&served, &["logs", "--patterns", "--since", "10m"])).await;
    assert!(shown.lines().any(|line| line.contains("new") && line.contains("pool exhausted after <*>")), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_follows_the_logs_as_they_come_in() {
    let served = Served::start().await;
    let mut child = watchkeeper(&served, &["logs", "--follow", "--service", "payments"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let heard = tokio::task::spawn_blocking(move || lines.lines().next().unwrap().unwrap());
    // It may not follow yet: what is sent until it has heard something comes again.
    for n in 0.. {
        let now = served.now_ms() * 1_000_000;
        post(&served, "/v1/logs", &wire::logs("web", &[(now, "nobody asked for this")])).await;
        post(&served, "/v1/logs", &wire::logs("payments", &[(now, &format!("settlement {n} done"))])).await;
        if heard.is_finished() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let line = heard.await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains("payments settlement ") && line.contains("INFO"), "{line}");
}

fn span(id: &str, parent: &str, kind: u8, name: &str, from_ms: i64, to_ms: i64, attributes: Value) -> Value {
    json!({"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": id, "parentSpanId": parent, "name": name, "kind": kind,
        "startTimeUnixNano": (from_ms * 1_000_000).to_string(), "endTimeUnixNano": (to_ms * 1_000_000).to_string(),
        "attributes": attributes, "status": {}})
}

fn spans(service: &str, spans: &[Value]) -> Value {
    json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": spans}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_shows_what_was_waited_for_and_the_map_who_calls_whom() {
    let served = Served::start().await;
    let t = served.now_ms() - 5_000;
    let database = json!([{"key": "db.system.name", "value": {"stringValue": "postgresql"}},
        {"key": "db.namespace", "value": {"stringValue": "ledger"}}]);
    let none = || json!([]);
    let body = json!({"resourceSpans": [
        spans("web", &[
            span("00f067aa0ba902b7", "", 2, "POST /pay", t, t + 100, none()),
            span("00f067aa0ba902b8", "00f067aa0ba902b7", 3, "call payments", t + 10, t + 90, none()),
        ]),
        spans("payments", &[
            span("00f067aa0ba902b9", "00f067aa0ba902b8", 2, "pay", t + 20, t + 80, none()),
            span("00f067aa0ba902ba", "00f067aa0ba902b9", 3, "INSERT", t + 30, t + 70, database),
        ]),
    ]});
    post(&served, "/v1/traces", &body).await;

    let trace = served.json("/api/watchkeeper/v1/telemetry/traces/4bf92f3577b34da6a3ce929d0e0e4736").await;
    let waited: Vec<i64> = trace["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["critical"].as_array().unwrap().iter().map(|part| part["duration_us"].as_i64().unwrap()).sum())
        .collect();
    assert_eq!(waited, [20_000, 20_000, 20_000, 40_000], "{trace}");

    let map = served.json("/api/watchkeeper/v1/telemetry/map").await;
    let edge = |n: usize| {
        (map["edges"][n]["from"].clone(), map["edges"][n]["to"].clone(), map["edges"][n]["timing"]["p95_ms"].clone())
    };
    assert_eq!(edge(0), (json!("payments"), json!("postgresql ledger"), json!(40.0)), "{map}");
    assert_eq!(edge(1), (json!("web"), json!("payments"), json!(60.0)), "{map}");
    assert_eq!(
        map["nodes"][1],
        json!({"name": "postgresql ledger", "kind": "database",
        "timing": {"calls": 1, "errors": 0, "rate": 1.0 / 3_600.0, "p50_ms": 40.0, "p95_ms": 40.0}})
    );

    let shown = said(watchkeeper(&served, &["traces", "4bf92f3577b34da6a3ce929d0e0e4736"])).await;
    let insert = shown.lines().find(|line| line.ends_with("payments INSERT")).unwrap();
    assert!(insert.contains("|            ################            |"), "{shown}");
    let listed = said(watchkeeper(&served, &["traces", "--service", "payments"])).await;
    assert!(listed.contains("POST /pay"), "{listed}");
    let drawn = said(watchkeeper(&served, &["traces", "--map"])).await;
    assert!(drawn.lines().any(|l| l.trim_start().starts_with("web ") && l.contains("payments")), "{drawn}");
}
