//! Path descriptions: stored telemetry.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::{Problem, telemetry};

/// Metric names with what is known about them.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/telemetry/metrics", operation_id = "list_metrics", tag = "telemetry",
    params(telemetry::MetricQuery),
    responses(
        (status = 200, body = telemetry::MetricList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_metrics() {}

/// Log records, newest first, with their number over time.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/telemetry/logs", operation_id = "list_logs", tag = "telemetry",
    params(telemetry::LogQuery),
    responses(
        (status = 200, body = telemetry::LogList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_logs() {}

/// Traces, newest first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/telemetry/traces", operation_id = "list_traces", tag = "telemetry",
    params(telemetry::TraceQuery),
    responses(
        (status = 200, body = telemetry::TraceList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_traces() {}

/// One trace with its spans.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/telemetry/traces/{trace_id}", operation_id = "get_trace", tag = "telemetry",
    params(("trace_id" = String, Path, description = "The trace, 32 hexadecimal digits.")),
    responses(
        (status = 200, body = telemetry::Trace, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_trace() {}

/// The services that sent telemetry.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/telemetry/services", operation_id = "list_services", tag = "telemetry",
    responses(
        (status = 200, body = telemetry::ServiceList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_services() {}
