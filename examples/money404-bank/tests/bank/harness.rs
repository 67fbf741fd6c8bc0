//! A bank of its own for each test, on free ports, and a customer of flesh and blood (almost).

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use http::{Method, StatusCode, header};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::otlp::Collector;

pub(crate) const ADMIN_TOKEN: &str = "only-for-the-test-admin";
pub(crate) const CONTROL_TOKEN: &str = "only-for-the-test-control";

/// Longer than anything here takes; only a failing test waits for so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running bank. Dropping it kills the supervisor, and the children follow.
pub(crate) struct Bank {
    pub(crate) collector: Collector,
    pub(crate) supervisor: Child,
    addresses: Value,
    client: Client,
    folder: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) cookie: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// Asks again and again, without haste, until the answer is there.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl FnMut() -> F) -> T {
    patiently(ask).await.unwrap_or_else(|| panic!("did not come about: {what}"))
}

async fn patiently<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> Option<T> {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.ok()
}

pub(crate) fn client(address: [u8; 4]) -> Client {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .local_address(IpAddr::V4(Ipv4Addr::from(address)))
        .build()
        .unwrap()
}

impl Bank {
    /// A bank without customers of its own.
    pub(crate) async fn open() -> Self {
        Self::with_customers(0).await
    }

    /// A bank where the driver plays so many customers.
    pub(crate) async fn with_customers(customers: u8) -> Self {
        let collector = Collector::start().await;
        let otlp = collector.url.clone();
        Self::start(customers, collector, &otlp).await
    }

    /// A bank whose collector is not there.
    pub(crate) async fn without_collector() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self::start(0, Collector::start().await, &format!("http://{free}")).await
    }

    async fn start(customers: u8, collector: Collector, otlp: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_money404-bank"));
        command.arg("up").arg("--data").arg(folder.path()).args([
            "--otlp",
            otlp,
            "--customers",
            &customers.to_string(),
        ]);
        for port in ["--control-port", "--front-port", "--accounts-port", "--payments-port", "--secrets-port"] {
            command.args([port, "0"]);
        }
        let supervisor = command
            .env("BANK_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("BANK_CONTROL_TOKEN", CONTROL_TOKEN)
            .env("OTEL_METRIC_EXPORT_INTERVAL", "100")
            .env("OTEL_BSP_SCHEDULE_DELAY", "100")
            .env("OTEL_BLRP_SCHEDULE_DELAY", "100")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let path = folder.path().join("addresses.json");
        let addresses = eventually("addresses.json", || async {
            serde_json::from_slice::<Value>(&std::fs::read(&path).ok()?).ok()
        })
        .await;
        let bank = Self { collector, supervisor, addresses, client: client([127, 0, 0, 1]), folder };
        for service in ["control", "secrets", "accounts", "payments", "front"] {
            bank.until_healthy(service).await;
        }
        bank
    }

    pub(crate) fn url(&self, service: &str) -> String {
        self.addresses[service].as_str().unwrap().to_owned()
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) fn log(&self, service: &str) -> String {
        let path: PathBuf = self.folder.path().join("logs").join(format!("{service}.log"));
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// The status of a service's health check, or nothing when nobody listens.
    pub(crate) async fn health(&self, service: &str) -> Option<StatusCode> {
        let answer = self.client.get(format!("{}/healthz", self.url(service))).send().await.ok()?;
        Some(answer.status())
    }

    pub(crate) async fn until_healthy(&self, service: &str) {
        let healthy = patiently(|| async { (self.health(service).await == Some(StatusCode::OK)).then_some(()) }).await;
        assert!(healthy.is_some(), "{service} is not healthy; its log:\n{}", self.log(service));
    }

    /// A request with a bearer token (none when empty) and a JSON body (none when null).
    pub(crate) async fn ask(&self, method: Method, url: String, token: &str, body: &Value) -> Answer {
        let mut request = self.client.request(method, url);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        answer(request).await
    }

    /// GET on the control API.
    pub(crate) async fn control_get(&self, path: &str) -> Value {
        self.ask(Method::GET, format!("{}{path}", self.url("control")), "", &Value::Null).await.json()
    }

    /// POST on the control API, with its token.
    pub(crate) async fn control(&self, path: &str) -> Answer {
        self.ask(Method::POST, format!("{}{path}", self.url("control")), CONTROL_TOKEN, &Value::Null).await
    }

    pub(crate) async fn fault(&self, name: &str, state: &str) {
        let answer = self.control(&format!("/faults/{name}/{state}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.json()["on"], json!(state == "on"), "{answer:?}");
    }

    pub(crate) async fn process(&self, name: &str) -> Value {
        let all = self.control_get("/processes").await;
        all.as_array().unwrap().iter().find(|process| process["name"] == name).unwrap().clone()
    }

    pub(crate) async fn audit(&self) -> Value {
        self.ask(Method::GET, format!("{}/admin/audit", self.url("front")), ADMIN_TOKEN, &Value::Null).await.json()
    }

    pub(crate) async fn customer(&self, username: &str) -> Customer {
        let customer = Customer { client: client([127, 0, 1, 200]), front: self.url("front"), cookie: String::new() };
        let credentials = json!({ "username": username, "password": format!("{username}-404") });
        let answer = customer.post("/api/login", &credentials).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        Customer { cookie: answer.cookie.unwrap(), ..customer }
    }
}

/// Somebody who is logged in.
pub(crate) struct Customer {
    client: Client,
    front: String,
    cookie: String,
}

impl Customer {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.client.get(format!("{}{path}", self.front)).header(header::COOKIE, &self.cookie)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.client.post(format!("{}{path}", self.front)).header(header::COOKIE, &self.cookie).json(body)).await
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        answer(self.client.post(format!("{}{path}", self.front)).header(header::COOKIE, &self.cookie).form(fields))
            .await
    }

    pub(crate) async fn pay(&self, to: &str, amount_cents: i64) -> Answer {
        self.post("/api/payments", &json!({ "to": to, "amount_cents": amount_cents, "reference": "test" })).await
    }

    pub(crate) async fn balance(&self) -> i64 {
        self.get("/api/balance").await.json()["balance_cents"].as_i64().unwrap()
    }
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let cookie = header(header::SET_COOKIE).map(|cookie| cookie.split(';').next().unwrap().to_owned());
    let location = header(header::LOCATION);
    Answer { status: response.status(), cookie, location, text: response.text().await.unwrap() }
}
