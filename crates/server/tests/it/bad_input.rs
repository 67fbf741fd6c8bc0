//! What must not be taken, and what must be said about it: each refusal is a problem with a code, costs little, loses
//! nothing that was acknowledged, and the next good request works.
//!
//! Not receivers that misbehave (those are stories), and not who may do what (see `access`).

mod api;
mod configuration;
mod connection;
mod memory;
mod telemetry;
pub(crate) mod wire;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use watchkeeper_server::app::{Addresses, App, Options};

/// The whole application in this process, on free ports of loopback and the real clock.
pub(crate) struct Served {
    app: App,
    http: reqwest::Client,
    pub(crate) folder: TempDir,
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// With a rule file.
    pub(crate) async fn with_rules(rules: &str) -> Self {
        Self::with_files("rule_files: [rules.yaml]\n", &[("rules.yaml", rules)]).await
    }

    /// With a rule file and more lines for the configuration.
    pub(crate) async fn with_rules_and(more: &str, rules: &str) -> Self {
        Self::with_files(&format!("rule_files: [rules.yaml]\n{more}"), &[("rules.yaml", rules)]).await
    }

    /// With more lines for the configuration.
    pub(crate) async fn with(more: &str) -> Self {
        Self::with_files(more, &[]).await
    }

    async fn with_files(more: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("watchkeeper.yaml");
        let config = "server: {listen: '127.0.0.1:0', otlp_http: '127.0.0.1:0', otlp_grpc: '127.0.0.1:0'}\n";
        std::fs::write(&file, format!("{config}{more}")).unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { app: Self::start_in(&folder).await, http: reqwest::Client::new(), folder }
    }

    async fn start_in(folder: &TempDir) -> App {
        let options = Options {
            config_file: Some(folder.path().join("watchkeeper.yaml")),
            listen: None,
            data: Some(folder.path().join("data")),
            otlp_ports: true,
            env: watchkeeper_server::clock::system_env(),
        };
        App::start(options).await.unwrap()
    }

    /// Stops, and starts again over the same folder, on other ports.
    pub(crate) async fn restarted(self) -> Self {
        self.app.stop().await;
        Self { app: Self::start_in(&self.folder).await, http: self.http, folder: self.folder }
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.app.addresses()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.addresses().main)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.http.post(self.url(path)).body(body);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/json"), "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
        response.json().await.unwrap()
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.app.shared().env.now().as_millis()
    }

    /// A sample and a log record go in and come out again.
    async fn still_works(&self) {
        let (now, mark) = (self.now_ms(), format!("fine {}", self.now_ms()));
        let sample = wire::remote_write("still_works", &[], &[(now, 7.0)]);
        let taken = self.post("/api/v1/write", &wire::REMOTE_WRITE, sample).send().await.unwrap();
        assert_eq!(taken.status(), StatusCode::NO_CONTENT);
        let found = self.json("/api/v1/query?query=still_works").await;
        assert_eq!(found["data"]["result"][0]["value"][1], "7", "{found}");

        let record = wire::logs("front", &[(now * 1_000_000, &mark)]).to_string();
        let taken = self.post("/v1/logs", &JSON, record).send().await.unwrap();
        assert_eq!(taken.status(), StatusCode::OK);
        let found = self.json("/api/watchkeeper/v1/telemetry/logs?service=front&limit=1000").await;
        assert!(found["items"].as_array().unwrap().iter().any(|item| item["body"] == mark.as_str()), "{found}");
    }
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// Sends, and expects a problem with that code; gives its detail.
async fn refused(request: RequestBuilder, code: &str) -> String {
    problem(request.send().await.unwrap(), code).await
}

/// Expects a problem as RFC 9457 has it, with that code; gives its detail.
async fn problem(response: Response, code: &str) -> String {
    let (status, headers) = (response.status(), response.headers().clone());
    let url = response.url().path().to_owned();
    let text = response.text().await.unwrap();
    assert_eq!(headers["content-type"], "application/problem+json", "{url}: {status} {text}");
    assert_eq!(headers["x-content-type-options"], "nosniff", "{url}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], code, "{url}: {text}");
    assert_eq!(problem["status"], status.as_u16(), "{url}: {text}");
    assert_eq!(problem["type"], format!("/docs/errors/{code}"), "{url}");
    let detail = problem["detail"].as_str().unwrap().to_owned();
    assert!(!detail.is_empty() && detail.len() < 2_000, "{url}: {detail}");
    detail
}
