//! Path descriptions: alerts and silences.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::{Problem, alerts, silences};

/// Alerts in the order of `sort`.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/alerts", operation_id = "list_alerts", tag = "alerts",
    params(alerts::AlertQuery),
    responses(
        (status = 200, body = alerts::AlertList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_alerts() {}

/// How many alerts there are of each kind, by the same filters.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/alerts/counts", operation_id = "count_alerts", tag = "alerts",
    params(alerts::AlertQuery),
    responses(
        (status = 200, body = alerts::AlertCounts, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn count_alerts() {}

/// Somebody has seen many. What is refused for one is said for that one, and the others go through.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/alerts/acknowledge", operation_id = "acknowledge_alerts", tag = "alerts",
    request_body = alerts::AcknowledgeAlerts,
    responses(
        (status = 200, body = alerts::AlertsChanged, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn acknowledge_alerts() {}

/// Gives many to a person. What is refused for one is said for that one, and the others go through.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/alerts/assign", operation_id = "assign_alerts", tag = "alerts",
    request_body = alerts::AssignAlerts,
    responses(
        (status = 200, body = alerts::AlertsChanged, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn assign_alerts() {}

/// One alert in full.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/alerts/{id}", operation_id = "get_alert", tag = "alerts",
    params(("id" = String, Path, description = "The object's id.")),
    responses(
        (status = 200, body = alerts::AlertDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_alert() {}

/// The compared value around the alert, with its threshold and the spans of its states.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/alerts/{id}/chart", operation_id = "get_alert_chart", tag = "alerts",
    params(("id" = String, Path, description = "The object's id.")),
    responses(
        (status = 200, body = alerts::AlertChart, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_alert_chart() {}

/// Why somebody was, or was not, told: every hop in order.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/alerts/{id}/explain", operation_id = "explain_alert", tag = "alerts",
    params(("id" = String, Path, description = "The object's id.")),
    responses(
        (status = 200, body = alerts::Explanation, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn explain_alert() {}

/// Somebody has seen it. Idempotent: the first one stays.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/alerts/{id}/acknowledge", operation_id = "acknowledge_alert", tag = "alerts",
    params(("id" = String, Path, description = "The object's id.")),
    request_body = alerts::AcknowledgeAlert,
    responses(
        (status = 200, body = alerts::Alert, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn acknowledge_alert() {}

/// Silences, active first, then by end.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/silences", operation_id = "list_silences", tag = "alerts",
    params(silences::SilenceQuery),
    responses(
        (status = 200, body = silences::SilenceList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_silences() {}

/// Holds matching notifications back for a time.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/silences", operation_id = "create_silence", tag = "alerts",
    request_body = silences::NewSilence,
    responses(
        (status = 201, body = silences::Silence, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn create_silence() {}

/// What a silence with these matchers would hold back. Changes nothing.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/silences/preview", operation_id = "preview_silence", tag = "alerts",
    request_body = silences::SilenceTrial,
    responses(
        (status = 200, body = silences::SilencePreview, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn preview_silence() {}

/// Ends a silence now. Idempotent.
#[utoipa::path(
    delete, path = "/api/watchkeeper/v1/silences/{id}", operation_id = "expire_silence", tag = "alerts",
    params(("id" = String, Path, description = "The object's id.")),
    responses(
        (status = 200, body = silences::Silence, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn expire_silence() {}
