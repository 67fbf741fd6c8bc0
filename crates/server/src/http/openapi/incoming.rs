//! Path descriptions: alerts of other tools.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::{Problem, incoming};

/// Takes what a tool sends, in the form of the integration's kind. Authenticated by the integration's token or signature.
/// The answer comes when the alerts are on disk. For PagerDuty events the answer is PagerDuty's.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/in/{name}", operation_id = "receive_alerts", tag = "alerts",
    params(("name" = String, Path, description = "The integration's name.")),
    request_body(content = serde_json::Value, description = "The tool's own body."),
    responses(
        (status = 200, body = incoming::Received, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn receive_alerts() {}

/// What would become of a body that a tool sends. Nothing is taken.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/in/{name}/preview", operation_id = "preview_alerts", tag = "alerts",
    params(("name" = String, Path, description = "The integration's name.")),
    request_body(content = serde_json::Value, description = "The tool's own body."),
    responses(
        (status = 200, body = incoming::Preview, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn preview_alerts() {}
