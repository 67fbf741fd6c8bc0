//! Handlers: the public status page. No login, no JavaScript.
//!
//! Not what is told: `publish` decides that, and a security incident is never part of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;
use watchkeeper_publish::Page;

use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

async fn page(shared: &Shared) -> ApiResult<Page> {
    let config = shared.config.load_full();
    Ok(Page::load(shared.state.read(), &config.status_page, shared.env.now()).await?)
}

fn url(shared: &Shared) -> String {
    format!("{}/status", shared.config.load().server.external_url)
}

/// `GET /status`.
pub async fn html(State(shared): State<Arc<Shared>>) -> ApiResult<Response> {
    let html = page(&shared).await?.html().map_err(|error| ApiProblem::internal("render the status page", &error))?;
    let policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=5")),
    ];
    Ok((headers, Html(html)).into_response())
}

/// `GET /status.css`.
pub async fn css() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"))], watchkeeper_publish::CSS)
        .into_response()
}

/// `GET /api/v2/summary.json`, in Statuspage's shape.
pub async fn summary(State(shared): State<Arc<Shared>>) -> ApiResult<Json<Value>> {
    Ok(Json(page(&shared).await?.summary(&url(&shared))))
}

/// `GET /status/history.atom`.
pub async fn feed(State(shared): State<Arc<Shared>>) -> ApiResult<Response> {
    let feed =
        page(&shared).await?.atom(&url(&shared)).map_err(|error| ApiProblem::internal("render the feed", &error))?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/atom+xml; charset=utf-8"))], feed)
        .into_response())
}
