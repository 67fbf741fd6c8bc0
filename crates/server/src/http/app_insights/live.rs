//! Live Metrics: a process asks whether somebody wants to watch it, and then says once a second how it goes.
//!
//! Not the figures: `ingest::app_insights::live` reads them. Watchkeeper always wants to watch, unless configured otherwise:
//! a rule over one-second figures is what finds a failure first.

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use watchkeeper_ingest::ContentEncoding;
use watchkeeper_ingest::app_insights::live;
use watchkeeper_ingest::compression::decompress;

use super::super::ingest::{append, body, off_thread, refused, text};
use super::super::problem::ApiResult;
use super::known;
use crate::app::Shared;

const SUBSCRIBED: HeaderName = HeaderName::from_static("x-ms-qps-subscribed");
const POLLING: HeaderName = HeaderName::from_static("x-ms-qps-service-polling-interval-hint");

/// `POST /QuickPulseService.svc/ping`: whether to send.
pub async fn ping(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> ApiResult<Response> {
    let config = shared.config.load_full();
    known(&config, &request, query.as_deref())?;
    // What it says of itself it says again with its figures.
    body(&shared, request).await?;
    Ok(answer(config.app_insights.live_metrics))
}

/// `POST /QuickPulseService.svc/post`: figures of one or more seconds.
pub async fn post(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> ApiResult<Response> {
    let config = shared.config.load_full();
    let sender = known(&config, &request, query.as_deref())?;
    let coding = ContentEncoding::from_header(text(request.headers(), &header::CONTENT_ENCODING)).map_err(refused)?;
    let body = body(&shared, request).await?;
    let (limits, now) = (shared.limits.clone(), shared.env.now().as_millis());
    let decoded = off_thread(&shared, body, move |body| {
        let plain = decompress(body, coding, &limits)?;
        live::decode(&plain, &limits, &sender, now)
    });
    append(&shared, decoded.await?).await?;
    Ok(answer(config.app_insights.live_metrics))
}

fn answer(subscribed: bool) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(SUBSCRIBED, HeaderValue::from_static(if subscribed { "true" } else { "false" }));
    if !subscribed {
        // Whoever is not wanted need not ask every five seconds.
        headers.insert(POLLING, HeaderValue::from_static("60000"));
    }
    (StatusCode::OK, headers).into_response()
}
