//! Problems as HTTP answers: RFC 9457 JSON with a code.
//!
//! Not what went wrong in detail: the cause of an internal error goes to the log with an id, never to the caller.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use watchkeeper_domain::{Code, Problem};
use watchkeeper_state::StateError;

use super::dto::rule_groups::RuleProblem;
use crate::supervisor::chain;

/// A problem on its way to the caller, with the seconds after which to try again when that is known.
#[derive(Debug)]
pub struct ApiProblem {
    problem: Problem,
    retry_after_s: Option<u32>,
    places: Vec<RuleProblem>,
}

/// The body: the problem, and where in a text it is when it is about one.
#[derive(serde::Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    places: &'a [RuleProblem],
}

/// What handlers give.
pub type ApiResult<T> = Result<T, ApiProblem>;

impl ApiProblem {
    /// A problem with its detail.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { problem: Problem::new(code, detail), retry_after_s: None, places: Vec::new() }
    }

    /// Adds the places of a text that is refused.
    #[must_use]
    pub fn places(mut self, places: Vec<RuleProblem>) -> Self {
        self.places = places;
        self
    }

    /// Adds `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// No such object.
    pub fn not_found(what: &str, id: &str) -> Self {
        let id: String = id.chars().take(80).collect();
        Self::new(Code::NotFound, format!("There is no {what} `{id}`, or it is not visible to you."))
    }

    /// An unusable parameter.
    pub fn invalid(name: &str, reason: impl std::fmt::Display) -> Self {
        Self::new(Code::InvalidParameter, format!("`{name}`: {reason}"))
    }

    /// Something unexpected: logged with its causes, told without them.
    pub fn internal(act: &str, error: &dyn std::error::Error) -> Self {
        tracing::error!(act, error = %chain(error), "a request failed");
        Self::new(Code::Internal, format!("Watchkeeper could not {act}. The log has the reason."))
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.problem.code
    }

    /// What is told to the caller.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.problem.detail
    }
}

impl From<StateError> for ApiProblem {
    fn from(error: StateError) -> Self {
        tracing::error!(error = %chain(&error), "a request could not use the state database");
        Self::new(Code::StateUnavailable, "The state database cannot be used right now. The log has the reason.")
            .retry_after(1)
    }
}

impl From<Problem> for ApiProblem {
    fn from(problem: Problem) -> Self {
        Self { problem, retry_after_s: None, places: Vec::new() }
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(Told { problem: &self.problem, places: &self.places })).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
