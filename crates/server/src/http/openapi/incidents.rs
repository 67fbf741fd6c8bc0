//! Path descriptions: incidents and post-mortems.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::{Problem, incidents, post_mortem};

/// Incidents, open ones first, then the newest first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/incidents", operation_id = "list_incidents", tag = "incidents",
    params(incidents::IncidentQuery),
    responses(
        (status = 200, body = incidents::IncidentList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_incidents() {}

/// Declares an incident by hand.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/incidents", operation_id = "declare_incident", tag = "incidents",
    request_body = incidents::NewIncident,
    responses(
        (status = 201, body = incidents::IncidentDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn declare_incident() {}

/// One incident in full. A restricted one is 403 to those who may not see it.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/incidents/{id}", operation_id = "get_incident", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    responses(
        (status = 200, body = incidents::IncidentDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_incident() {}

/// Somebody has it.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/incidents/{id}/acknowledge", operation_id = "acknowledge_incident", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    request_body = incidents::IncidentStep,
    responses(
        (status = 200, body = incidents::IncidentDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn acknowledge_incident() {}

/// Users no longer feel it.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/incidents/{id}/mitigate", operation_id = "mitigate_incident", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    request_body = incidents::IncidentStep,
    responses(
        (status = 200, body = incidents::IncidentDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn mitigate_incident() {}

/// The cause is gone.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/incidents/{id}/resolve", operation_id = "resolve_incident", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    request_body = incidents::IncidentStep,
    responses(
        (status = 200, body = incidents::IncidentDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn resolve_incident() {}

/// Nothing more is to be done here.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/incidents/{id}/close", operation_id = "close_incident", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    request_body = incidents::IncidentStep,
    responses(
        (status = 200, body = incidents::IncidentDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn close_incident() {}

/// Gives a role to a person, or frees it.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/incidents/{id}/assign", operation_id = "assign_role", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    request_body = incidents::AssignRole,
    responses(
        (status = 200, body = incidents::IncidentDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn assign_role() {}

/// Writes a note into the timeline.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/incidents/{id}/notes", operation_id = "add_note", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    request_body = incidents::NewNote,
    responses(
        (status = 201, body = incidents::TimelineEntry, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn add_note() {}

/// The post-mortem: drafted from the ledger until people edit it.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/incidents/{id}/post-mortem", operation_id = "get_post_mortem", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    responses(
        (status = 200, body = post_mortem::PostMortem, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_post_mortem() {}

/// Changes the parts that people write.
#[utoipa::path(
    put, path = "/api/watchkeeper/v1/incidents/{id}/post-mortem", operation_id = "edit_post_mortem", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    request_body = post_mortem::PostMortemEdit,
    responses(
        (status = 200, body = post_mortem::PostMortem, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn edit_post_mortem() {}

/// Adds an action item, or changes the one whose `id` is given.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/incidents/{id}/action-items", operation_id = "save_action_item", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    request_body = post_mortem::NewActionItem,
    responses(
        (status = 200, body = post_mortem::ActionItem, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn save_action_item() {}

/// The post-mortem as Markdown.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/incidents/{id}/post-mortem.md", operation_id = "export_post_mortem", tag = "incidents",
    params(("id" = String, Path, description = "The object's id.")),
    responses(
        (status = 200, body = String, content_type = "text/markdown", description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn export_post_mortem() {}
