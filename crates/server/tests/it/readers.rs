//! Programs that read Prometheus read from us: Debian's promtool, a client library from PyPI, and what Grafana asks of a
//! Prometheus data source.
//!
//! Not the answers of PromQL, which `promql` tests; here the shapes and the protocol are judged by others.

use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;
use watchkeeper_testkit::python;

use crate::bad_input::{Served, wire};
use crate::crash::program::eventually;

const RULES: &str = "
groups:
  - name: shop
    interval: 30s
    rules:
      - record: shop:orders:double
        expr: orders * 2
      - alert: TooManyOrders
        expr: orders > 5
        keep_firing_for: 1m
        labels: {severity: critical, team: shop}
        annotations: {summary: 'There are {{ $value }} orders of {{ $labels.kind }}.'}
      - alert: Waiting
        expr: orders > 5
        for: 1h
        priority: low
      - alert: Guessing
        expr: orders > 5
        category: security
";

/// Served, with one series that the rules fire for.
async fn shop() -> Served {
    let served = Served::with_rules(RULES).await;
    let now = served.now_ms();
    // Clients ask for whole seconds, rounded: what was written in this very second is after the end of their range.
    let samples = [(now - 3_000, 6.0), (now - 2_000, 7.0)];
    let body = wire::remote_write("orders", &[("kind", "book")], &samples);
    served.post("/api/v1/write", &wire::REMOTE_WRITE, body).send().await.unwrap().error_for_status().unwrap();
    eventually("the alert to fire", async || {
        served.json("/api/v1/alerts").await["data"]["alerts"].as_array().is_some_and(|all| all.len() == 3)
    })
    .await;
    served
}

fn found<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}: {list}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_and_alerts_have_prometheus_shapes() {
    let served = shop().await;
    let answer = served.json("/api/v1/rules").await;
    let group = found(&answer["data"]["groups"], "shop");
    assert_eq!(group["interval"], 30.0, "{group}");
    assert!(group["file"].as_str().unwrap().ends_with("rules.yaml"), "{group}");
    let recording = found(&group["rules"], "shop:orders:double");
    assert_eq!((&recording["type"], &recording["health"]), (&json!("recording"), &json!("ok")), "{recording}");
    let fired = found(&group["rules"], "TooManyOrders");
    assert_eq!((&fired["state"], &fired["type"]), (&json!("firing"), &json!("alerting")), "{fired}");
    assert_eq!((&fired["duration"], &fired["keepFiringFor"]), (&json!(0.0), &json!(60.0)));
    assert_eq!(fired["labels"], json!({"severity": "critical", "team": "shop"}));
    let alert = &fired["alerts"][0];
    assert_eq!(alert["annotations"]["summary"], "There are 7 orders of book.");
    assert_eq!(alert["labels"]["alertname"], "TooManyOrders");
    assert_eq!((&alert["state"], &alert["value"]), (&json!("firing"), &json!("7")));
    assert_eq!(found(&group["rules"], "Waiting")["state"], "pending");

    let names = async |query: &str| -> Vec<String> {
        let answer = served.json(&format!("/api/v1/rules?{query}")).await;
        let groups = answer["data"]["groups"].as_array().unwrap().clone();
        groups.iter().flat_map(|g| g["rules"].as_array().unwrap()).map(|r| r["name"].as_str().unwrap().into()).collect()
    };
    assert_eq!(names("type=record").await, ["shop:orders:double"]);
    assert_eq!(names("rule_name[]=Waiting&rule_name[]=Other").await, ["Waiting"]);
    assert_eq!(names("rule_group[]=other").await, [""; 0]);
    assert_eq!(names("match[]={team=~%22sh.*%22}").await, ["TooManyOrders"]);
    let quiet = served.json("/api/v1/rules?rule_name[]=TooManyOrders&exclude_alerts=true").await;
    assert_eq!(quiet["data"]["groups"][0]["rules"][0]["alerts"], json!([]));
    for query in ["type=nonsense", "exclude_alerts=maybe", "match[]=%7B"] {
        let refused = served.get(&format!("/api/v1/rules?{query}")).send().await.unwrap();
        assert_eq!(refused.status(), 400, "{query}");
        assert_eq!(refused.json::<Value>().await.unwrap()["errorType"], "bad_data", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_formatting_and_exemplars_answer_as_a_grafana_data_source_needs() {
    let served = shop().await;
    let data = async |path: &str| served.json(&format!("/api/v1/{path}")).await["data"].clone();
    assert!(data("status/buildinfo").await["version"].as_str().unwrap().starts_with("3."));
    assert_eq!(data("status/runtimeinfo").await["reloadConfigSuccess"], true);
    assert!(data("status/config").await["yaml"].as_str().unwrap().contains("rules.yaml"));
    assert!(data("status/flags").await["query.max-samples"].is_string());
    assert_eq!(data("status/walreplay").await["state"], "done");
    let tsdb = data("status/tsdb?limit=1000").await;
    assert_eq!(found(&tsdb["seriesCountByMetricName"], "orders")["value"], 1, "{tsdb}");
    // The recorded one has it, too, and what the alert is said with.
    let books = served.json("/api/v1/series?match[]=%7Bkind%3D%22book%22%7D").await["data"].as_array().unwrap().len();
    assert!(books >= 2, "{tsdb}");
    assert_eq!(found(&tsdb["seriesCountByLabelValuePair"], "kind=book")["value"], books, "{tsdb}");
    assert_eq!(data("format_query?query=sum(rate(orders%5B5m%5D))by(kind)").await, "sum by (kind) (rate(orders[5m]))");
    assert_eq!(data("query_exemplars?query=orders").await, json!([]));
}

async fn promtool(served: &Served, args: &[&str]) -> Output {
    let url = format!("http://{}", served.addresses().main);
    let (command, rest) = args.split_at(2);
    Command::new("/usr/bin/promtool").args(command).arg(url).args(rest).kill_on_drop(true).output().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_queries() {
    if !std::path::Path::new("/usr/bin/promtool").exists() {
        return println!("skipped: there is no /usr/bin/promtool; install Debian's package `prometheus`");
    }
    let served = shop().await;
    let cases: [(&[&str], &str); 4] = [
        (&["query", "instant", "orders + 1"], "{kind=\"book\"} => 8 @"),
        (&["query", "range", "orders"], "orders{kind=\"book\"} =>"),
        (&["query", "series", "--match=orders"], "__name__=\"orders\", kind=\"book\""),
        (&["query", "labels", "kind"], "book"),
    ];
    for (args, expected) in cases {
        // `series` takes its selectors before the server.
        let output = if args[1] == "series" {
            let url = format!("http://{}", served.addresses().main);
            Command::new("/usr/bin/promtool").args(args).arg(url).output().await.unwrap()
        } else {
            promtool(&served, args).await
        };
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.contains(expected), "{args:?}: {said} {complained}");
    }
    let refused = promtool(&served, &["query", "instant", "rate(orders)"]).await;
    let complained = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && complained.contains("bad_data"), "{complained}");
}

/// What a program does with the client library: connection check, names, current values, a range.
const CLIENT: &str = r#"
import datetime, json, sys
from prometheus_api_client import PrometheusConnect
client = PrometheusConnect(url=sys.argv[1])
now = datetime.datetime.now()
print(json.dumps({
    "reachable": client.check_prometheus_connection(),
    "metrics": client.all_metrics(),
    "kinds": client.get_label_values("kind"),
    "names": client.get_label_names(),
    "current": client.get_current_metric_value("orders", label_config={"kind": "book"}),
    "range": client.custom_query_range("orders", start_time=now - datetime.timedelta(minutes=1), end_time=now, step="10s"),
    "sum": client.custom_query("sum(orders)"),
    "series": client.get_series(now - datetime.timedelta(minutes=5), now, params={"match[]": "orders"}),
}))
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_library_for_prometheus_works_unchanged() {
    let python = match python::with_packages("prometheus-client", &["prometheus-api-client==0.7.2"]).await {
        Ok(python) => python,
        Err(why) => return println!("skipped: no prometheus-api-client: {why}"),
    };
    let served = shop().await;
    let url = format!("http://{}", served.addresses().main);
    let output = Command::new(python).args(["-c", CLIENT, &url]).kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["reachable"], true);
    assert!(read["metrics"].as_array().unwrap().contains(&json!("orders")), "{read}");
    assert_eq!(read["kinds"], json!(["book"]));
    assert!(read["names"].as_array().unwrap().contains(&json!("kind")), "{read}");
    assert_eq!(read["current"][0]["value"][1], "7");
    assert_eq!(read["range"][0]["values"].as_array().unwrap().last().unwrap()[1], "7");
    assert_eq!(read["sum"][0]["value"][1], "7");
    assert_eq!(read["series"][0]["kind"], "book");
}
