//! Browsers: which pages may send, and what a browser asks before it lets them (CORS).
//!
//! Not the console's own pages: they use other routes. Everywhere else a request from a page of another origin is refused
//! (`access::identify`); here it is the rule, for pages that the configuration names.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use watchkeeper_config::Config;
use watchkeeper_domain::Code;

use super::super::access::is_foreign;
use super::super::problem::ApiProblem;
use crate::app::Shared;

/// Headers that the web SDK sends, and that a page may add.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "content-type, content-encoding, sdk-context, cache-control, authorization, request-id, request-context, traceparent, tracestate, x-requested-with, x-set-cross-origin",
);

/// The page that a request comes from, if it is another origin's and may send; none: it comes from no page, or from ours.
pub(super) fn check(config: &Config, headers: &HeaderMap) -> Result<Option<HeaderValue>, ApiProblem> {
    let Some(origin) = headers.get(header::ORIGIN).filter(|_| is_foreign(config, headers)) else { return Ok(None) };
    let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let allowed = &config.app_insights.allowed_origins;
    if allowed.iter().any(|one| one == "*" || *one == text) {
        return Ok(Some(origin.clone()));
    }
    let shown: String = text.chars().take(200).collect();
    let detail =
        format!("Pages of `{shown}` may not send telemetry. Add the origin to `app_insights.allowed_origins`.");
    Err(ApiProblem::new(Code::Forbidden, detail))
}

/// Lets the page read the answer.
pub(super) fn allow(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

/// `OPTIONS /v2/track` and `OPTIONS /v2.1/track`: what a browser asks before it sends.
pub async fn preflight(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let origin = match check(&shared.config.load(), request.headers()) {
        Ok(origin) => origin,
        Err(problem) => return problem.into_response(),
    };
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    allow(headers, origin);
    response
}
