//! Path descriptions: what is read out of many records.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::{Problem, explore, telemetry};

/// Patterns of log messages, with what is new against the window before.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/telemetry/logs/patterns", operation_id = "list_log_patterns", tag = "telemetry",
    params(telemetry::LogQuery),
    responses(
        (status = 200, body = explore::LogPatternList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_log_patterns() {}

/// Log records as they come in, as server-sent events named `records`.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/telemetry/logs/tail", operation_id = "tail_logs", tag = "telemetry",
    params(telemetry::LogQuery),
    responses(
        (status = 200, body = explore::LogTail, content_type = "text/event-stream", description = "A stream of these"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn tail_logs() {}

/// Who calls whom, how often, with how many errors, how fast.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/telemetry/map", operation_id = "get_service_map", tag = "telemetry",
    params(telemetry::WindowQuery),
    responses(
        (status = 200, body = explore::ServiceMap, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_service_map() {}
