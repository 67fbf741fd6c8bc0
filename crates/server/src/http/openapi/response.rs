//! Path descriptions: workflows, runs, receivers, notifications.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::{Problem, deliveries, workflows};

/// All workflows.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/workflows", operation_id = "list_workflows", tag = "response",
    responses(
        (status = 200, body = workflows::WorkflowList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_workflows() {}

/// Starts a workflow by hand; its guards decide whether it goes ahead.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/workflows/{name}/run", operation_id = "start_run", tag = "response",
    params(("name" = String, Path, description = "The name.")),
    request_body = workflows::StartRun,
    responses(
        (status = 202, body = workflows::RunDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn start_run() {}

/// Runs, newest first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/runs", operation_id = "list_runs", tag = "response",
    params(workflows::RunQuery),
    responses(
        (status = 200, body = workflows::RunList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_runs() {}

/// One run in full.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/runs/{id}", operation_id = "get_run", tag = "response",
    params(("id" = String, Path, description = "The object's id.")),
    responses(
        (status = 200, body = workflows::RunDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_run() {}

/// Stops a run before its next step.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/runs/{id}/cancel", operation_id = "cancel_run", tag = "response",
    params(("id" = String, Path, description = "The object's id.")),
    responses(
        (status = 200, body = workflows::RunDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn cancel_run() {}

/// All receivers with their health.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/receivers", operation_id = "list_receivers", tag = "response",
    responses(
        (status = 200, body = deliveries::ReceiverList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_receivers() {}

/// Sends a test notification through the ordinary path; follow it under `/notifications`.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/receivers/{name}/test", operation_id = "test_receiver", tag = "response",
    params(("name" = String, Path, description = "The name.")),
    responses(
        (status = 202, body = deliveries::NotificationList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn test_receiver() {}

/// Notifications with every attempt, newest first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/notifications", operation_id = "list_notifications", tag = "response",
    params(deliveries::NotificationQuery),
    responses(
        (status = 200, body = deliveries::NotificationList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_notifications() {}

/// One notification with its attempts.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/notifications/{id}", operation_id = "get_notification", tag = "response",
    params(("id" = String, Path, description = "The id.")),
    responses(
        (status = 200, body = deliveries::Notification, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_notification() {}

/// What became of a notification: what led to it, attempts, receipt, who took it, and what was called off beside it.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/notifications/{id}/explain", operation_id = "explain_notification", tag = "response",
    params(("id" = String, Path, description = "The id.")),
    responses(
        (status = 200, body = deliveries::NotificationExplanation, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn explain_notification() {}

/// What a receiver would be told of a past alert, with its own templates or with the given ones. Sends nothing.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/receivers/{name}/preview", operation_id = "preview_message", tag = "response",
    params(("name" = String, Path, description = "The receiver.")),
    request_body = deliveries::MessageTrial,
    responses(
        (status = 200, body = deliveries::MessagePreview, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn preview_message() {}
