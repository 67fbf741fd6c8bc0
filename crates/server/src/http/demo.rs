//! Handlers: the demo's panel, which speaks to the bank's supervisor. Absent outside the demo.
//!
//! Not the faults themselves: the bank has those.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use watchkeeper_config::model::Demo as Configured;
use watchkeeper_domain::Code;

use super::dto::session::{ChangeKind, Demo, DemoLink, Fault};
use super::extract::Path;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// A fault as the bank's supervisor tells it.
#[derive(Deserialize)]
struct BankFault {
    name: String,
    title: String,
    description: String,
    on: bool,
}

/// `GET /demo`.
pub async fn show(State(shared): State<Arc<Shared>>) -> ApiResult<Json<Demo>> {
    let demo = configured(&shared)?;
    let faults: Vec<BankFault> = ask(&shared, &demo, reqwest::Method::GET, "/faults").await?;
    let mut links = vec![DemoLink { title: "The bank".to_owned(), url: demo.front_url.clone() }];
    links.extend(demo.slack_url.map(|url| DemoLink { title: "Slack (stand-in)".to_owned(), url }));
    links.push(DemoLink {
        title: "Status page".to_owned(),
        url: format!("{}/status", shared.config.load().server.external_url),
    });
    Ok(Json(Demo {
        description: "Money404 Bank runs on this machine: a web front, accounts, payments and a secrets service, with customers who log in, \
                      look at their balance, pay and leave. Switch a fault on and watch what happens."
            .to_owned(),
        faults: faults.into_iter().map(fault).collect(),
        links,
    }))
}

/// `POST /demo/faults/{name}/on`.
pub async fn switch_on(state: State<Arc<Shared>>, name: Path<String>) -> ApiResult<Json<Fault>> {
    switch(state, name, "on").await
}

/// `POST /demo/faults/{name}/off`.
pub async fn switch_off(state: State<Arc<Shared>>, name: Path<String>) -> ApiResult<Json<Fault>> {
    switch(state, name, "off").await
}

async fn switch(State(shared): State<Arc<Shared>>, Path(name): Path<String>, to: &str) -> ApiResult<Json<Fault>> {
    let demo = configured(&shared)?;
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
        return Err(ApiProblem::not_found("fault", &name));
    }
    let _: serde_json::Value = ask(&shared, &demo, reqwest::Method::POST, &format!("/faults/{name}/{to}")).await?;
    shared.changes.changed(&[ChangeKind::Fault]);
    let faults: Vec<BankFault> = ask(&shared, &demo, reqwest::Method::GET, "/faults").await?;
    let found = faults.into_iter().find(|f| f.name == name).ok_or_else(|| ApiProblem::not_found("fault", &name))?;
    Ok(Json(fault(found)))
}

fn fault(f: BankFault) -> Fault {
    Fault { expect: expect(&f.name).to_owned(), name: f.name, title: f.title, effect: f.description, on: f.on }
}

/// What Watchkeeper should do about a fault, with the demo's rules and workflows.
fn expect(fault: &str) -> &'static str {
    match fault {
        "kill-payments" => "ServiceUnreachable after one minute; the workflow restarts payments and verifies it.",
        "payments-broken" => "ServiceUnreachable; restarting does not help, so people are called with what was tried.",
        "api-errors" => "ApiErrorRate once more than 5 % of the calls of ten minutes failed; people are told.",
        "slow-queries" => {
            "DatabaseSlowQueries once more than one query in ten takes over half a second; people are told."
        }
        "pool-exhausted" => {
            "DatabasePoolTimeouts; the workflow restarts accounts and verifies that connections are free."
        }
        "login-guessing" => "FailedLogins opens a restricted security incident; the address is blocked at the front.",
        "slow-front" => "PageLoadSlow after several page loads over two seconds; people are told.",
        "secrets-slow" => "SecretStoreSlow; people are told.",
        "secrets-refused" => "SecretStoreRefuses; people are told.",
        "payment-failures" => "PaymentFailures, the business KPI; people are told.",
        _ => "See the rules.",
    }
}

fn configured(shared: &Shared) -> ApiResult<Configured> {
    shared.config.load().demo.clone().ok_or_else(|| {
        ApiProblem::new(Code::NotFound, "This is not the demo. Run `watchkeeper demo` to see a bank fail and heal.")
    })
}

async fn ask<T: serde::de::DeserializeOwned>(
    shared: &Shared,
    demo: &Configured,
    method: reqwest::Method,
    path: &str,
) -> ApiResult<T> {
    let mut request =
        shared.http.request(method, format!("{}{path}", demo.control_url)).timeout(Duration::from_secs(10));
    if let Some(token) = &demo.control_token {
        request = request.bearer_auth(token.expose());
    }
    let unreachable = |error: reqwest::Error| {
        ApiProblem::internal("reach the bank's supervisor; is it running", &error.without_url())
    };
    let response = request.send().await.map_err(unreachable)?;
    if !response.status().is_success() {
        return Err(ApiProblem::new(
            Code::Conflict,
            format!("The bank's supervisor answered {} to {path}.", response.status()),
        ));
    }
    response.json().await.map_err(unreachable)
}
