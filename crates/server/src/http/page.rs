//! What is not a resource: health, reload, own metrics, problem pages, logging in; and paging for the lists.
//!
//! Not the console and not the status page.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use rust_embed::RustEmbed;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use watchkeeper_domain::{Code, Timestamp};

use super::access::{COOKIE, cookie};
use super::extract::{Form, Path};
use super::openapi;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// `GET /-/healthy`: the process answers.
pub async fn healthy() -> &'static str {
    "Watchkeeper is healthy.\n"
}

/// `GET /-/ready`: it takes telemetry, and its state can be read.
pub async fn ready(State(shared): State<Arc<Shared>>) -> ApiResult<&'static str> {
    let answer: Result<i64, _> = sqlx::query_scalar("SELECT 1").fetch_one(shared.state.read()).await;
    answer.map_err(watchkeeper_state::StateError::statement("see whether it answers"))?;
    Ok("Watchkeeper is ready.\n")
}

/// `POST /-/reload`: reads the configuration again. A broken one changes nothing and is told whole.
pub async fn reload(State(shared): State<Arc<Shared>>) -> ApiResult<Response> {
    match shared.reload().await {
        Ok(summary) => Ok(summary.into_response()),
        Err(diagnostics) => Err(ApiProblem::new(Code::ConfigInvalidValue, diagnostics)),
    }
}

/// `GET /metrics`: Watchkeeper's own metrics in the OpenMetrics text format.
pub async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let content_type = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], shared.metrics.encode(&shared)).into_response()
}

/// `GET /openapi.json`.
pub async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], openapi::document()).into_response()
}

#[derive(RustEmbed)]
#[folder = "../../docs/errors"]
struct ErrorPages;

/// `GET /docs/errors/{code}`: the page of a problem code.
pub async fn error_page(Path(code): Path<String>) -> ApiResult<Response> {
    let page = ErrorPages::get(&format!("{}.md", code.trim_end_matches(".md")));
    let page = page.ok_or_else(|| ApiProblem::not_found("problem code", &code))?;
    let content_type = HeaderValue::from_static("text/markdown; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, content_type)], page.data.into_owned()).into_response())
}

#[derive(RustEmbed)]
#[folder = "../../docs/runbooks"]
struct Runbooks;

/// `GET /docs/runbooks/{pack}`: what to do when a rule of a pack fires.
pub async fn runbook(Path(pack): Path<String>) -> ApiResult<Response> {
    let page = Runbooks::get(&format!("{}.md", pack.trim_end_matches(".md")));
    let page = page.ok_or_else(|| ApiProblem::not_found("runbook", &pack))?;
    let content_type = HeaderValue::from_static("text/markdown; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, content_type)], page.data.into_owned()).into_response())
}

const LOGIN: &str = r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Watchkeeper: log in</title><style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0}
form{display:grid;gap:.75rem;width:min(22rem,90vw)}input,button{font:inherit;padding:.5rem .75rem}h1{font-size:1.25rem;margin:0}p{margin:0}.wrong{color:#c92a2a}</style></head>
<body><form method="post" action="/login"><h1>Watchkeeper</h1><!--wrong--><label for="token">Your token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus><button>Log in</button></form></body></html>"#;

/// `GET /login`.
pub async fn login() -> Response {
    login_page(StatusCode::OK, LOGIN.to_owned())
}

fn login_page(status: StatusCode, page: String) -> Response {
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    (status, [(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))], Html(page)).into_response()
}

/// The login form.
#[derive(Deserialize)]
pub struct Credentials {
    token: String,
}

/// `POST /login`.
pub async fn log_in(State(shared): State<Arc<Shared>>, Form(credentials): Form<Credentials>) -> Response {
    let config = shared.config.load();
    let Some(value) = shared.sessions.log_in(&shared.env, &config, credentials.token.trim()) else {
        let page = LOGIN.replace("<!--wrong-->", "<p class=\"wrong\" role=\"alert\">That token is not known.</p>");
        return login_page(StatusCode::UNAUTHORIZED, page);
    };
    let secure = if config.server.external_url.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200{secure}");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

/// `POST /logout`.
pub async fn log_out(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Some(value) = cookie(&headers) {
        shared.sessions.log_out(value);
    }
    let gone = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    ([(header::SET_COOKIE, gone)], Redirect::to("/login")).into_response()
}

/// Where a list begins and how long it is.
pub struct Paging {
    /// At most this many, 1 to 1,000.
    pub limit: u32,
    /// How many to leave out.
    pub offset: u32,
}

impl Paging {
    /// Reads `limit` and a `cursor` that counts.
    pub fn new(limit: Option<u32>, cursor: Option<&str>) -> ApiResult<Self> {
        let limit = limit.unwrap_or(100);
        if !(1..=1_000).contains(&limit) {
            return Err(ApiProblem::invalid("limit", "accepted are 1 to 1,000"));
        }
        let offset = cursor
            .map_or(Ok(0), str::parse)
            .map_err(|_| ApiProblem::invalid("cursor", "it is not one that a list gave"))?;
        Ok(Self { limit, offset })
    }

    /// Cuts a list of up to `limit + 1` and says where to go on.
    pub fn page<T>(&self, mut items: Vec<T>) -> (Vec<T>, Option<String>) {
        let more = items.len() > self.limit as usize;
        items.truncate(self.limit as usize);
        (items, more.then(|| (self.offset + self.limit).to_string()))
    }
}

/// Reads a comma-separated list of an API enum's words.
pub fn words<T: DeserializeOwned>(name: &str, text: &str) -> ApiResult<Vec<T>> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| {
            serde_json::from_value(serde_json::Value::String(word.to_owned()))
                .map_err(|error| ApiProblem::invalid(name, error))
        })
        .collect()
}

/// Reads a moment: RFC 3339 or Unix seconds.
pub fn moment(name: &str, text: Option<&str>) -> ApiResult<Option<Timestamp>> {
    let parse = |text: &str| text.parse::<Timestamp>().map_err(|error| ApiProblem::invalid(name, error));
    text.filter(|text| !text.is_empty()).map(parse).transpose()
}

/// An answer for commands that have nothing to say.
pub fn done() -> Json<serde_json::Value> {
    Json(serde_json::json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::dto::words::AlertState;

    #[test]
    fn a_misspelt_state_names_what_is_accepted() {
        assert_eq!(words::<AlertState>("state", "firing, resolved").unwrap().len(), 2);
        assert!(words::<AlertState>("state", "fireing").is_err());
    }

    #[test]
    fn a_page_says_where_to_go_on_only_when_there_is_more() {
        let paging = Paging::new(Some(2), Some("4")).unwrap();
        assert_eq!(paging.page(vec![1, 2, 3]), (vec![1, 2], Some("6".to_owned())));
        assert_eq!(paging.page(vec![1, 2]), (vec![1, 2], None));
        assert!(Paging::new(Some(0), None).is_err());
    }
}
