//! Alertmanager's API v2, so that Prometheus, amtool, karma and Grafana work unchanged.
//!
//! Not our own API and not in its document: Alertmanager's `openapi.yaml` describes it. Problems are therefore JSON texts
//! here, as its clients read them; what a caller may do is decided before, like everywhere else.

pub mod alerts;
mod shape;
pub mod silences;
pub mod status;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use regex::Regex;
use watchkeeper_domain::{Labels, Matcher};
use watchkeeper_state::StateError;

use crate::supervisor::chain;

/// A refusal in Alertmanager's form: a status and a text.
#[derive(Debug)]
pub struct Refusal(StatusCode, String);

type Answer<T> = Result<T, Refusal>;

impl Refusal {
    fn bad(reason: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, reason.into())
    }

    fn not_found(what: &str, id: &str) -> Self {
        let id: String = id.chars().take(80).collect();
        Self(StatusCode::NOT_FOUND, format!("there is no {what} `{id}`"))
    }
}

impl From<StateError> for Refusal {
    fn from(error: StateError) -> Self {
        tracing::error!(error = %chain(&error), "a request of Alertmanager's API could not use the state database");
        // 5xx makes senders try again.
        Self(
            StatusCode::SERVICE_UNAVAILABLE,
            "the state database cannot be used right now; the log has the reason".into(),
        )
    }
}

impl From<watchkeeper_alert::Error> for Refusal {
    fn from(error: watchkeeper_alert::Error) -> Self {
        use watchkeeper_alert::Error;
        match error {
            Error::NotFound { .. } => Self(StatusCode::NOT_FOUND, error.to_string()),
            Error::Invalid(_) | Error::Conflict(_) => Self::bad(error.to_string()),
            Error::State(error) => error.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.0, Json(self.1)).into_response();
        if self.0 == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(axum::http::header::RETRY_AFTER, axum::http::HeaderValue::from(1));
        }
        response
    }
}

/// The parameters behind the question mark; some come several times.
struct Params(Vec<(String, String)>);

impl Params {
    fn parse(query: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(query.unwrap_or("").as_bytes()).into_owned().collect())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A switch that is on unless it is switched off.
    fn on(&self, name: &str) -> Answer<bool> {
        match self.all(name).last() {
            None | Some("true" | "1" | "TRUE" | "True" | "t" | "T") => Ok(true),
            Some("false" | "0" | "FALSE" | "False" | "f" | "F") => Ok(false),
            Some(_) => Err(Refusal::bad(format!("{name} must be true or false"))),
        }
    }

    fn matchers(&self, name: &str) -> Answer<Vec<Matcher>> {
        let mut matchers = Vec::new();
        for text in self.all(name) {
            matchers.push(Matcher::parse(text).map_err(|error| Refusal::bad(format!("{name}: {error}")))?);
        }
        Ok(matchers)
    }

    /// The regular expression that a receiver's name must match as a whole.
    fn receiver(&self) -> Answer<Option<Regex>> {
        let Some(text) = self.all("receiver").last().filter(|text| !text.is_empty()) else { return Ok(None) };
        let regex = regex::RegexBuilder::new(&format!("^(?:{text})$")).size_limit(1 << 20).build();
        regex.map(Some).map_err(|_| Refusal::bad("receiver is not a regular expression"))
    }
}

/// Whether all matchers match.
fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels))
}
