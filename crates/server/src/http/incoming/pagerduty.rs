//! PagerDuty's Events API v2, with the answers that its clients expect.
//!
//! Not change events (see `changes`), and not PagerDuty's REST API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use watchkeeper_alert::incoming::pagerduty;
use watchkeeper_config::model::{Integration, IntegrationKind};

use super::sender::same;
use crate::app::Shared;
use crate::http::body::{declared_length, read};

/// The largest event, in bytes: PagerDuty's own limit.
pub(in crate::http) const MOST_BYTES: usize = 512 << 10;

/// `POST /v2/enqueue`: the routing key names the integration.
pub async fn enqueue(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match read(body, declared_length(&parts.headers), MOST_BYTES).await {
        Ok(body) => event(&shared, &parts.headers, &body, None).await,
        Err(problem) => refused(StatusCode::PAYLOAD_TOO_LARGE, "Event object is too large", &[problem.detail()]),
    }
}

pub(in crate::http) fn refused(status: StatusCode, message: &str, errors: &[&str]) -> Response {
    (status, Json(json!({"status": "invalid event", "message": message, "errors": errors}))).into_response()
}

/// Takes one event. `only` is the integration whose path was called.
pub(super) async fn event(shared: &Shared, headers: &HeaderMap, body: &[u8], only: Option<&Integration>) -> Response {
    let (event, integration) = match routed(shared, headers, body, only) {
        Ok(routed) => routed,
        Err(refusal) => return *refusal,
    };
    let mut decoded = match pagerduty::decode(&event) {
        Ok(decoded) => decoded,
        Err(problems) => {
            let problems: Vec<&str> = problems.0.lines().collect();
            return refused(StatusCode::BAD_REQUEST, "Event object is invalid", &problems);
        }
    };
    if decoded.without_key {
        let mut random = [0_u8; 16];
        shared.env.entropy.fill(&mut random);
        decoded.incoming.key = Some(hex::encode(random));
    }
    let key = decoded.incoming.key.clone().unwrap_or_default();
    match super::take(shared, &integration, vec![decoded.incoming]).await {
        Ok(()) => {
            let answer = json!({"status": "success", "message": "Event processed", "dedup_key": key});
            (StatusCode::ACCEPTED, Json(answer)).into_response()
        }
        // Its clients try again after 429 and 5xx.
        Err(problem) if problem.code() == "WK5001" => problem.into_response(),
        Err(problem) => refused(StatusCode::BAD_REQUEST, "Event object is invalid", &[problem.detail()]),
    }
}

/// Reads an event as JSON and finds the integration that its routing key names; or the answer that says why not.
pub(in crate::http) fn routed(
    shared: &Shared,
    headers: &HeaderMap,
    body: &[u8],
    only: Option<&Integration>,
) -> Result<(Value, Integration), Box<Response>> {
    let invalid = |message: &str, problem: &str| Box::new(refused(StatusCode::BAD_REQUEST, message, &[problem]));
    let event: Value = match serde_json::from_slice(body) {
        Ok(event @ Value::Object(_)) => event,
        Ok(_) => return Err(invalid("Event object is invalid", "the body is no JSON object")),
        Err(error) => return Err(invalid("Event object is invalid", &format!("JSON parse error: {error}"))),
    };
    let key = event.get("routing_key").and_then(Value::as_str).or_else(|| super::header(headers, "x-routing-key"));
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        return Err(invalid("Event object is invalid", "'routing_key' is missing or blank"));
    };
    match by_key(shared, key, only) {
        Some(integration) => Ok((event, integration)),
        None => Err(invalid("Invalid routing key", "'routing_key' is not one of this server's")),
    }
}

fn by_key(shared: &Shared, key: &str, only: Option<&Integration>) -> Option<Integration> {
    let config = shared.config.load();
    let mut found = None;
    for integration in config.integrations.values() {
        let wanted = matches!(integration.kind, IntegrationKind::PagerDuty)
            && only.is_none_or(|only| only.name == integration.name);
        if wanted && integration.token.as_ref().is_some_and(|token| same(key, token.expose())) {
            found = Some(integration.clone());
        }
    }
    found
}
