//! Other people's programs send, and the API finds what they sent: OpenTelemetry's SDK for Python over HTTP and gRPC, and
//! Prometheus over remote write.
//!
//! Not captures of what they send: `ingest` decodes those; here the whole way is real.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use watchkeeper_testkit::python;

use crate::bad_input::{Served, wire};
use crate::crash::program::eventually;

/// One request, one failure and one log record about it, over the protocol that is named.
const SCRIPT: &str = r#"
import sys, time
protocol, endpoint = sys.argv[1], sys.argv[2]
if protocol == "http":
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    options = lambda signal: {"endpoint": f"{endpoint}/v1/{signal}", "compression": Compression.Gzip}
else:
    from grpc import Compression
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    options = lambda signal: {"endpoint": endpoint, "insecure": True, "compression": Compression.Gzip}
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

resource = Resource.create({"service.name": f"python-{protocol}"})
tracers = TracerProvider(resource=resource)
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**options("traces"))))
meters = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter(**options("metrics")))])
loggers = LoggerProvider(resource=resource)
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(**options("logs"))))

meters.get_meter("test").create_counter("orders", unit="1").add(3, {"kind": "book"})
meters.get_meter("test").create_histogram("wait", unit="s").record(0.2)
tracer = tracers.get_tracer("test")
with tracer.start_as_current_span("checkout", kind=SpanKind.SERVER) as outer:
    with tracer.start_as_current_span("pay") as inner:
        inner.set_status(Status(StatusCode.ERROR, "declined"))
        loggers.get_logger("test").emit(LogRecord(
            timestamp=time.time_ns(), severity_number=SeverityNumber.ERROR, severity_text="ERROR", body=f"card declined over {protocol}"))
    print(format(outer.get_span_context().trace_id, "032x"))
flushed = [tracers.force_flush(), meters.force_flush(), loggers.force_flush()]
for provider in (tracers, meters, loggers):
    provider.shutdown()
sys.exit(0 if all(flushed) else 1)
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opentelemetrys_sdk_for_python_is_understood_over_http_and_grpc() {
    let packages = ["opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp==1.45.2"];
    let python = match python::with_packages("opentelemetry", &packages).await {
        Ok(python) => python,
        Err(why) => return println!("skipped: no OpenTelemetry SDK for Python: {why}"),
    };
    let served = Served::start().await;
    let addresses = served.addresses();
    let endpoints = [("http", addresses.otlp_http.unwrap()), ("grpc", addresses.otlp_grpc.unwrap())];
    for (protocol, endpoint) in endpoints {
        let mut command = Command::new(&python);
        command.args(["-c", SCRIPT, protocol, &format!("http://{endpoint}")]).kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(60), command.output()).await.expect("it ends").unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("ERROR") && !said.contains("Failed"), "{protocol}: {said}");
        let trace_id = String::from_utf8_lossy(&output.stdout).trim().to_owned();

        let service = format!("python-{protocol}");
        let query = format!("/api/v1/query?query=%7B__name__=~%22orders.*%22,service=%22{service}%22%7D");
        let found = served.json(&query).await;
        assert_eq!(found["data"]["result"][0]["value"][1], "3", "{found}");
        assert_eq!(found["data"]["result"][0]["metric"]["kind"], "book", "{found}");
        let query = format!("/api/v1/query?query=%7B__name__=~%22wait.*_count%22,service=%22{service}%22%7D");
        assert_eq!(served.json(&query).await["data"]["result"][0]["value"][1], "1");

        let found = served.json(&format!("/api/watchkeeper/v1/telemetry/logs?service={service}")).await;
        let record = &found["items"][0];
        assert_eq!(record["body"], format!("card declined over {protocol}"), "{found}");
        assert_eq!((&record["severity"], &record["trace_id"]), (&"ERROR".into(), &trace_id.clone().into()), "{found}");

        let trace = served.json(&format!("/api/watchkeeper/v1/telemetry/traces/{trace_id}")).await;
        let spans: Vec<(&str, &str)> =
            trace["spans"].as_array().unwrap().iter().map(|s| (text(&s["name"]), text(&s["status"]))).collect();
        assert_eq!(spans, [("checkout", "unset"), ("pay", "error")], "{trace}");
        assert_eq!(trace["spans"][1]["parent_span_id"], trace["spans"][0]["span_id"], "{trace}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remote_write_2_is_kept_and_says_how_much_was_written() {
    let served = Served::start().await;
    let now = served.now_ms();
    let send = async |body: Vec<u8>| {
        let response = served.post("/api/v1/write", &wire::REMOTE_WRITE_2, body).send().await.unwrap();
        let written = ["samples", "histograms", "exemplars"].map(|part| {
            let name = format!("x-prometheus-remote-write-{part}-written");
            response.headers().get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
        });
        (response.status().as_u16(), written.join(" "), response.text().await.unwrap())
    };
    assert_eq!(send(wire::remote_write_2(now, 0)).await, (204, "1 0 1".to_owned(), String::new()));
    // A repeated request is told the same.
    assert_eq!(send(wire::remote_write_2(now, 0)).await.1, "1 0 1");
    let (status, written, problem) = send(wire::remote_write_2(now, 2)).await;
    assert_eq!((status, written.as_str()), (400, "1 0 1"), "{problem}");
    assert!(problem.contains("2 samples") && problem.contains("a native histogram of orders_total"), "{problem}");
    let (status, written, problem) = send(b"not snappy".to_vec()).await;
    assert_eq!((status, written.as_str()), (400, "0 0 0"), "{problem}");
    // 1.0 has no such headers.
    let body = wire::remote_write("older", &[], &[(now, 1.0)]);
    let older = served.post("/api/v1/write", &wire::REMOTE_WRITE, body).send().await.unwrap();
    assert!(!older.headers().contains_key("x-prometheus-remote-write-samples-written"));

    let found = served.json("/api/v1/query?query=orders_total").await;
    let one = &found["data"]["result"][0];
    assert_eq!((&one["metric"]["kind"], &one["value"][1]), (&"book".into(), &"6".into()), "{found}");
    // It counts from its created timestamp, so its first sample is an increase.
    let found = served.json("/api/v1/query?query=increase(orders_total[5m])%20%3E%205").await;
    assert!(found["data"]["result"][0].is_object(), "{found}");
    let found = served.json("/api/v1/metadata?metric=orders_total").await;
    let meta = &found["data"]["orders_total"][0];
    assert_eq!(
        (text(&meta["type"]), text(&meta["help"]), text(&meta["unit"])),
        ("counter", "Orders", "orders"),
        "{found}"
    );
    let (start, end) = (now / 1_000 - 60, now / 1_000 + 60);
    let found = served.json(&format!("/api/v1/query_exemplars?query=orders_total&start={start}&end={end}")).await;
    let labels = &found["data"][0]["exemplars"][0]["labels"];
    assert_eq!((text(&labels["trace_id"]), text(&labels["shop"])), ("abc", "7"), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_writes_what_it_scrapes() {
    let prometheus = "/usr/bin/prometheus";
    if !std::path::Path::new(prometheus).exists() {
        return println!("skipped: there is no {prometheus}; install Debian's package `prometheus`");
    }
    let served = Served::start().await;
    let folder = tempfile::tempdir().unwrap();
    let listen = crate::crash::program::free_address();
    let config = format!(
        "
global: {{scrape_interval: 200ms, external_labels: {{cluster: test}}}}
scrape_configs: [{{job_name: itself, static_configs: [{{targets: ['{listen}']}}]}}]
remote_write: [{{url: 'http://{}/api/v1/write', queue_config: {{batch_send_deadline: 100ms}}, metadata_config: {{send_interval: 200ms}}}}]
",
        served.addresses().main
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut command = Command::new(prometheus);
    command.args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        &format!("--web.listen-address={listen}"),
    ]);
    command.current_dir(folder.path()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    let mut child = command.spawn().unwrap();

    let found =
        async |query: &str| served.json(&format!("/api/v1/query?query={query}")).await["data"]["result"].clone();
    eventually("`up` by way of remote write", async || found("up").await[0]["value"][1] == "1").await;
    let up = found("up").await;
    let (job, instance, cluster) = (&up[0]["metric"]["job"], &up[0]["metric"]["instance"], &up[0]["metric"]["cluster"]);
    assert_eq!((text(job), text(instance), text(cluster)), ("itself", listen.to_string().as_str(), "test"), "{up}");
    // What it counts itself arrives as counters, histograms included, and its metadata beside them.
    eventually("a rate over what it counts", async || {
        found("rate(prometheus_tsdb_head_samples_appended_total[1m])%20%3E%200").await[0].is_object()
    })
    .await;
    eventually("a quantile", async || {
        found("histogram_quantile(0.9,sum%20by%20(le)%20(prometheus_http_request_duration_seconds_bucket))").await[0]
            .is_object()
    })
    .await;
    eventually("metadata", async || {
        served.json("/api/v1/metadata").await["data"]["prometheus_tsdb_head_samples_appended_total"].is_array()
    })
    .await;
    // It was refused nothing.
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.contains("non-recoverable error") && !log.contains("Failed to send batch"), "{log}");
    child.kill().await.unwrap();
}
