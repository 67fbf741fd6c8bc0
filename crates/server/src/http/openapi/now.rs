//! Path descriptions: what is wrong now, who is asking, live changes, the demo.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::{Problem, overview, session};

/// What is wrong now, since when, who has it, what was tried.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/overview", operation_id = "overview", tag = "now",
    responses(
        (status = 200, body = overview::Overview, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn overview() {}

/// Who is asking, and of what.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/me", operation_id = "me", tag = "now",
    responses(
        (status = 200, body = session::Me, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn me() {}

/// The running configuration in short, without secrets.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/settings", operation_id = "settings", tag = "now",
    responses(
        (status = 200, body = session::Settings, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn settings() {}

/// Live changes as server-sent events: event `change`, data a `Change`; a comment every 15 seconds keeps the connection alive.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/events", operation_id = "events", tag = "now",
    responses(
        (status = 200, body = session::Change, content_type = "text/event-stream", description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn events() {}

/// What the demo can break; 404 outside the demo.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/demo", operation_id = "demo", tag = "now",
    responses(
        (status = 200, body = session::Demo, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn demo() {}

/// Switches a fault on; 404 outside the demo.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/demo/faults/{name}/on", operation_id = "switch_fault_on", tag = "now",
    params(("name" = String, Path, description = "The name.")),
    responses(
        (status = 200, body = session::Fault, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn switch_fault_on() {}

/// Switches a fault off; 404 outside the demo.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/demo/faults/{name}/off", operation_id = "switch_fault_off", tag = "now",
    params(("name" = String, Path, description = "The name.")),
    responses(
        (status = 200, body = session::Fault, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn switch_fault_off() {}
