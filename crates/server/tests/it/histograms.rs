//! Native histograms the whole way: a real SDK and hand-made bytes in, quantiles, alerts and recorded series out, and all
//! of it there after a restart.
//!
//! Not the decoders' cases (`ingest`), not what is kept how (`store`), not what PromQL makes of them (`promql`).

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use watchkeeper_testkit::python;

use crate::bad_input::Served;
use crate::bad_input::wire::{self, NativeHistogram, NativeSpan};
use crate::crash::program::eventually;

const RULES: &str = r"
groups:
  - name: latency
    interval: 1s
    rules:
      - record: latency:all
        expr: sum(latency)
      - alert: Slow
        expr: histogram_quantile(0.9, rate(latency[5m])) > 4
";

/// A hundred observations from 0.01 to 1 of an exponential histogram, in two halves: cumulative, and as increments.
const SCRIPT: &str = r#"
import sys
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

for service, temporality in (("whole", AggregationTemporality.CUMULATIVE), ("parts", AggregationTemporality.DELTA)):
    exporter = OTLPMetricExporter(endpoint=f"{sys.argv[1]}/v1/metrics", preferred_temporality={Histogram: temporality})
    provider = MeterProvider(
        resource=Resource.create({"service.name": service}),
        metric_readers=[PeriodicExportingMetricReader(exporter)],
        views=[View(instrument_name="wait", aggregation=ExponentialBucketHistogramAggregation())],
    )
    wait = provider.get_meter("test").create_histogram("wait", unit="s")
    for half in (range(1, 51), range(51, 101)):
        for n in half:
            wait.record(n / 100)
        if not provider.force_flush():
            sys.exit(1)
    provider.shutdown()
"#;

async fn value(served: &Served, query: &str) -> Option<f64> {
    let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let found = served.json(&format!("/api/v1/query?query={encoded}")).await;
    found["data"]["result"][0]["value"][1].as_str().and_then(|v| v.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exponential_histogram_of_opentelemetrys_sdk_answers_quantiles_and_is_there_after_a_restart() {
    let packages = ["opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp==1.45.2"];
    let python = match python::with_packages("opentelemetry", &packages).await {
        Ok(python) => python,
        Err(why) => return println!("skipped: no OpenTelemetry SDK for Python: {why}"),
    };
    let served = Served::start().await;
    let endpoint = format!("http://{}", served.addresses().otlp_http.unwrap());
    let mut command = Command::new(&python);
    command.args(["-c", SCRIPT, &endpoint]).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(60), command.output()).await.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("ERROR") && !said.contains("partial success"), "{said}");

    let check = async |served: &Served| {
        for service in ["whole", "parts"] {
            let series = format!("wait_seconds{{service=\"{service}\"}}");
            assert_eq!(value(served, &format!("histogram_count({series})")).await, Some(100.0), "{service}");
            let sum = value(served, &format!("histogram_sum({series})")).await.unwrap();
            assert!((sum - 50.5).abs() < 1e-9, "{service}: {sum}");
            for quantile in [0.25, 0.5, 0.9, 0.99] {
                let found = value(served, &format!("histogram_quantile({quantile}, {series})")).await.unwrap();
                // Buckets of the width that a hundred values over two decades leave.
                assert!((found / quantile - 1.0).abs() < 0.05, "{service}: {found} for {quantile}");
            }
        }
    };
    check(&served).await;
    check(&served.restarted().await).await;
}

/// As many in (1, 2] as said, and three times as many in (4, 8].
fn latency(timestamp: i64, n: u32) -> NativeHistogram {
    let n = i64::from(n);
    NativeHistogram {
        count: 4 * n.unsigned_abs(),
        sum: 19.5 * n as f64,
        zero_threshold: 0.001,
        spans: vec![NativeSpan { offset: 1, length: 1 }, NativeSpan { offset: 1, length: 1 }],
        deltas: vec![n, 2 * n],
        timestamp,
        ..NativeHistogram::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histograms_of_remote_write_2_alert_are_recorded_and_are_there_after_a_restart() {
    let served = Served::with_rules(RULES).await;
    let now = served.now_ms() / 1_000 * 1_000;
    let send = async |histograms: Vec<NativeHistogram>| {
        let body = wire::remote_write_native("latency", histograms);
        let response = served.post("/api/v1/write", &wire::REMOTE_WRITE_2, body).send().await.unwrap();
        let written = response.headers()["x-prometheus-remote-write-histograms-written"].to_str().unwrap().to_owned();
        (response.status().as_u16(), written, response.text().await.unwrap())
    };
    let course: Vec<_> = (0..=4).map(|n| latency(now - 60_000 + i64::from(n) * 15_000, 10 * (n + 1))).collect();
    assert_eq!(send(course.clone()).await, (204, "5".to_owned(), String::new()));
    assert_eq!(send(course.clone()).await, (204, "5".to_owned(), String::new()), "a repeated request is told the same");
    let wrong = NativeHistogram { count: 1, ..latency(now, 50) };
    let other = latency(now, 49);
    let (status, written, problem) = send(vec![wrong, other]).await;
    assert_eq!((status, written.as_str()), (400, "0"), "{problem}");
    assert!(problem.contains("its buckets hold 200 observations") && problem.contains("another value"), "{problem}");

    eventually("the alert about a quantile", async || {
        let alerts = served.json("/api/v1/alerts").await;
        alerts["data"]["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .any(|a| a["labels"]["alertname"] == "Slow" && a["state"] == "firing")
    })
    .await;
    let shown = json!({"count": "200", "sum": "975", "buckets": [[0, "1", "2", "50"], [0, "4", "8", "150"]]});
    eventually("the recorded histogram", async || {
        let found = served.json("/api/v1/query?query=latency:all").await;
        found["data"]["result"][0]["histogram"][1] == shown
    })
    .await;

    let check = async |served: &Served| {
        let at = now / 1_000;
        let found = served.json(&format!("/api/v1/query?query=latency&time={at}")).await;
        let one = &found["data"]["result"][0];
        assert_eq!((&one["metric"]["__name__"], &one["histogram"][1]), (&"latency".into(), &shown), "{found}");
        let query = format!("/api/v1/query_range?query=latency&start={}&end={at}&step=15", at - 60);
        let found = served.json(&query).await;
        let one = &found["data"]["result"][0];
        let counts: Vec<&Value> = one["histograms"].as_array().unwrap().iter().map(|h| &h[1]["count"]).collect();
        assert_eq!(counts, ["40", "80", "120", "160", "200"], "{found}");
        assert!(one["values"].is_null(), "{found}");
        let quantile = "/api/v1/query?query=histogram_quantile(0.25,rate(latency[2m]))";
        let found = served.json(&format!("{quantile}&time={at}")).await;
        assert_eq!(found["data"]["result"][0]["value"][1], "2", "{found}");
        let found = served.json("/api/v1/series?match[]=latency").await;
        assert_eq!(found["data"], json!([{"__name__": "latency"}]));
        let (start, end) = (at - 300, at + 60);
        let found = served.json(&format!("/api/v1/query_exemplars?query=latency&start={start}&end={end}")).await;
        assert_eq!(found["data"][0]["exemplars"][0]["labels"]["trace_id"], "abc", "{found}");
    };
    check(&served).await;
    let served = served.restarted().await;
    check(&served).await;
}
