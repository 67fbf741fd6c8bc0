//! Path descriptions: on-call and escalations.
//!
//! Not handlers.

use crate::http::dto::{Problem, oncall};

/// Who answers at a moment.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/oncall", operation_id = "on_call", tag = "on-call",
    params(oncall::OnCallQuery),
    responses(
        (status = 200, body = oncall::OnCallNow, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn on_call() {}

/// The schedules.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/oncall/schedules", operation_id = "list_schedules", tag = "on-call",
    responses(
        (status = 200, body = oncall::OnCallScheduleList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_schedules() {}

/// One schedule over a range: who is on call, each layer, gaps, overrides, hand-off notes.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/oncall/schedules/{name}", operation_id = "get_schedule", tag = "on-call",
    params(("name" = String, Path, description = "The name."), oncall::RangeQuery),
    responses(
        (status = 200, body = oncall::OnCallCalendar, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_schedule() {}

/// Leaves a note for whoever takes over next.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/oncall/schedules/{name}/notes", operation_id = "add_handoff_note", tag = "on-call",
    params(("name" = String, Path, description = "The name.")),
    request_body = oncall::NewHandoffNote,
    responses(
        (status = 201, body = oncall::HandoffNote, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn add_handoff_note() {}

/// Where nobody would answer in a range.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/oncall/gaps", operation_id = "list_gaps", tag = "on-call",
    params(oncall::RangeQuery),
    responses(
        (status = 200, body = oncall::OnCallGapList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_gaps() {}

/// The overrides that touch a range.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/oncall/overrides", operation_id = "list_overrides", tag = "on-call",
    params(oncall::RangeQuery),
    responses(
        (status = 200, body = oncall::OnCallOverrideList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_overrides() {}

/// Somebody takes a time over.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/oncall/overrides", operation_id = "create_override", tag = "on-call",
    request_body = oncall::NewOnCallOverride,
    responses(
        (status = 201, body = oncall::OnCallOverride, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn create_override() {}

/// Takes an override back. One that has begun ends now.
#[utoipa::path(
    delete, path = "/api/watchkeeper/v1/oncall/overrides/{id}", operation_id = "remove_override", tag = "on-call",
    params(("id" = String, Path, description = "The object's id.")),
    responses(
        (status = 200, body = oncall::OnCallOverride, description = "Done: as it was"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn remove_override() {}

/// Who can be on call, and how they want to be called.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/oncall/people", operation_id = "list_people", tag = "on-call",
    responses(
        (status = 200, body = oncall::OnCallPersonList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_people() {}

/// Why somebody was, or was not, called around a moment.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/oncall/people/{name}/explain", operation_id = "explain_person", tag = "on-call",
    params(("name" = String, Path, description = "The name."), oncall::PersonQuery),
    responses(
        (status = 200, body = oncall::PersonExplanation, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn explain_person() {}

/// Escalations under way, or all.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/oncall/escalations", operation_id = "list_escalations", tag = "on-call",
    params(oncall::EscalationQuery),
    responses(
        (status = 200, body = oncall::EscalationList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_escalations() {}
