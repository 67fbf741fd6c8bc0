//! Microsoft's own SDKs send, and the API finds what they sent: Python, Node in versions 2 and 3, the web SDK in Chromium.
//!
//! Not captures of them: `ingest` decodes those; here the whole way is real, TLS included.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::response::Html;
use axum::routing::get;
use serde_json::Value;
use tokio::process::Command;
use watchkeeper_testkit::{node, python};

use super::{KEY, configuration};
use crate::bad_input::Served;
use crate::crash::program::eventually;
use crate::tls::Secure;

/// Nothing of it goes to Microsoft.
const QUIET: [(&str, &str); 3] = [
    ("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true"),
    ("APPLICATION_INSIGHTS_NO_STATSBEAT", "1"),
    ("APPLICATIONINSIGHTS_SDKSTATS_DISABLED", "true"),
];

fn connection(url: &str) -> String {
    format!("InstrumentationKey={KEY};IngestionEndpoint={url}/;LiveEndpoint={url}/")
}

/// Runs a program of theirs to its good end; gives its standard output.
async fn ends_well(command: &mut Command) -> String {
    let command = command.envs(QUIET).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(120), command.output()).await.expect("it ends").unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    said.trim().to_owned()
}

/// What the API of either kind of server answers.
trait Api {
    async fn get(&self, path: &str) -> Value;

    /// The value of a query's first series.
    async fn number(&self, query: &str) -> Option<f64> {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let answer = self.get(&format!("/api/v1/query?query={query}")).await;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// A service's records, as kind and body.
    async fn records(&self, service: &str) -> Vec<(String, String)> {
        let answer = self.get(&format!("/api/watchkeeper/v1/telemetry/logs?service={service}&limit=1000")).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| (text(&r["attributes"]["azure.type"]), text(&r["body"])))
            .collect()
    }

    /// Whether a service has a record of this kind with this in its body.
    async fn has(&self, service: &str, kind: &str, body: &str) -> bool {
        self.records(service).await.iter().any(|(k, b)| k == kind && b.contains(body))
    }

    /// A service's spans as kind, name and status, over all its traces.
    async fn spans(&self, service: &str) -> Vec<(String, String, String)> {
        let list = self.get(&format!("/api/watchkeeper/v1/telemetry/traces?service={service}&limit=1000")).await;
        let mut all = Vec::new();
        for one in list["items"].as_array().unwrap() {
            let trace =
                self.get(&format!("/api/watchkeeper/v1/telemetry/traces/{}", one["trace_id"].as_str().unwrap())).await;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            all.extend(
                trace["spans"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|s| (text(&s["kind"]), text(&s["name"]), text(&s["status"]))),
            );
        }
        all.sort();
        all
    }
}

impl Api for Served {
    async fn get(&self, path: &str) -> Value {
        self.json(path).await
    }
}

impl Api for Secure {
    async fn get(&self, path: &str) -> Value {
        self.json(path).await
    }
}

fn span(kind: &str, name: &str, status: &str) -> (String, String, String) {
    (kind.to_owned(), name.to_owned(), status.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exporter_for_python() {
    let packages = ["azure-monitor-opentelemetry-exporter==1.0.0b58", "opentelemetry-sdk==1.45.2"];
    let python = match python::with_packages("azure-monitor", &packages).await {
        Ok(python) => python,
        Err(why) => return println!("skipped: no Azure Monitor exporter for Python: {why}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let served = Served::with(&configuration(folder.path(), "")).await;
    let mut command = Command::new(python);
    command.args(["-c", include_str!("sdk/python.py"), &connection(&served.url(""))]);
    let trace_id = ends_well(&mut command).await;

    let expected = [span("client", "GET /pay", "error"), span("server", "GET /checkout", "error")];
    assert_eq!(served.spans("ai-python").await, expected, "a call that got 503 has failed");
    let trace = served.json(&format!("/api/watchkeeper/v1/telemetry/traces/{trace_id}")).await;
    assert_eq!(trace["spans"][1]["parent_span_id"], trace["spans"][0]["span_id"], "{trace}");
    let logs = served.json("/api/watchkeeper/v1/telemetry/logs?service=ai-python&q=declined&severity=WARN").await;
    assert!(
        logs["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r["severity"] == "Warning" && r["trace_id"] == trace_id.as_str()),
        "{logs}"
    );
    assert!(served.has("ai-python", "exception", "CardError: boom").await, "{:?}", served.records("ai-python").await);
    assert!(served.has("ai-python", "customEvent", "OrderPlaced").await);
    assert_eq!(served.number("orders{service=\"ai-python\",kind=\"book\"}").await, Some(3.0));
    assert_eq!(served.number("wait_max{service=\"ai-python\"}").await, Some(250.0));
    assert_eq!(served.number("app_insights_requests_failed_total{service=\"ai-python\"}").await, Some(1.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_for_node_in_version_2_over_http() {
    let root = match node::with_packages("applicationinsights2", &["applicationinsights@2.9.8"]).await {
        Ok(root) => root,
        Err(why) => return println!("skipped: no applicationinsights@2 for Node: {why}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let served = Served::with(&configuration(folder.path(), "")).await;
    let said = run_node(&root, include_str!("sdk/node2.js"), &connection(&served.url("")), None).await;
    assert!(said.contains("\"itemsAccepted\":8"), "{said}");
    one_of_each(&served, "ai-node2").await;
    assert_eq!(
        served.number("app_insights_page_view_duration_seconds_bucket{le=\"2\",service=\"ai-node2\"}").await,
        Some(0.0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_for_node_in_version_3_over_https_with_our_authority() {
    let root = match node::with_packages("applicationinsights3", &["applicationinsights@3.17.0"]).await {
        Ok(root) => root,
        Err(why) => return println!("skipped: no applicationinsights@3 for Node: {why}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let secure = Secure::start(&configuration(folder.path(), "")).await;
    let authority = secure.authority();
    run_node(&root, include_str!("sdk/node3.js"), &connection(&secure.url("")), Some(&authority)).await;
    one_of_each(&secure, "ai-node3").await;
}

async fn run_node(root: &Path, script: &str, connection: &str, authority: Option<&Path>) -> String {
    let mut command = Command::new("node");
    command.current_dir(root).args(["-e", script, connection]);
    if let Some(file) = authority {
        command.env("NODE_EXTRA_CA_CERTS", file);
    }
    ends_well(&mut command).await
}

/// A request, a call, an exception, a trace, an event, a metric and an availability result.
async fn one_of_each(api: &impl Api, service: &str) {
    let spans = api.spans(service).await;
    let statuses: Vec<_> = spans.iter().map(|(_, name, status)| (name.as_str(), status.as_str())).collect();
    assert!(statuses.contains(&("GET /checkout", "error")) && statuses.contains(&("ping", "error")), "{spans:?}");
    assert!(spans.iter().any(|(kind, name, _)| kind == "client" && name == "pay"), "{spans:?}");
    let records = api.records(service).await;
    for (kind, body) in [("exception", "boom"), ("trace", "card declined"), ("customEvent", "OrderPlaced")] {
        assert!(api.has(service, kind, body).await, "{kind} in {records:?}");
    }
    assert_eq!(api.number(&format!("queue{{service=\"{service}\"}}")).await, Some(7.0));
    assert_eq!(
        api.number(&format!("probe_success{{probe=\"ping\",location=\"eu\",service=\"{service}\"}}")).await,
        Some(0.0)
    );
    assert_eq!(
        api.number(&format!("sum(app_insights_requests_failed_total{{service=\"{service}\"}})")).await,
        Some(1.0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_web_sdk_in_a_browser_from_a_page_of_another_origin() {
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    if !Path::new(&chromium).exists() {
        return println!("skipped: there is no {chromium}; install Debian's package `chromium`");
    }
    let root = match node::with_packages("applicationinsights-web", &["@microsoft/applicationinsights-web@3.4.4"]).await
    {
        Ok(root) => root,
        Err(why) => return println!("skipped: no web SDK: {why}"),
    };
    let sdk = root.join("node_modules/@microsoft/applicationinsights-web/dist/es5/applicationinsights-web.min.js");
    let sdk = std::fs::read_to_string(sdk).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shop = format!("http://{}", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let served = Served::with(&configuration(folder.path(), &format!(", allowed_origins: ['{shop}']"))).await;

    let page = include_str!("sdk/page.html").replace("CONNECTION", &connection(&served.url("")));
    let router = Router::new()
        .route("/", get(move || async move { Html(page) }))
        .route("/sdk.js", get(move || async move { ([(header::CONTENT_TYPE, "text/javascript")], sdk) }));
    let mut pages = tokio::task::JoinSet::new();
    pages.spawn(async move { axum::serve(listener, router).await });
    let profile = folder.path().join("profile");
    let mut browser = Command::new(chromium)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--remote-debugging-port=0"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(&shop)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    for (kind, body) in
        [("pageView", "Checkout"), ("customEvent", "OrderPlaced"), ("trace", "card declined"), ("exception", "boom")]
    {
        eventually(&format!("{kind} of the page"), async || served.has("ai-web", kind, body).await).await;
    }
    eventually("the metric of the page", async || served.number("queue{service=\"ai-web\"}").await == Some(7.0)).await;
    eventually("the failed fetch of the page", async || {
        served
            .spans("ai-web")
            .await
            .iter()
            .any(|(kind, name, status)| kind == "client" && name.contains("/missing") && status == "error")
    })
    .await;
    assert!(served.number("app_insights_page_views_total{service=\"ai-web\"}").await >= Some(1.0));
    browser.kill().await.unwrap();
}
