//! Path descriptions: how Watchkeeper watches over itself.
//!
//! Not handlers.

use crate::http::dto::{Problem, self_watch};

/// How Watchkeeper itself does: stages, heartbeat, second path, drills.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/self-watch", operation_id = "get_self_watch", tag = "response",
    responses(
        (status = 200, body = self_watch::SelfWatch, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_self_watch() {}

/// The history of fire drills.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/drills", operation_id = "list_drills", tag = "response",
    params(self_watch::DrillQuery),
    responses(
        (status = 200, body = self_watch::DrillList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_drills() {}

/// Begins a fire drill now.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/drills", operation_id = "run_drill", tag = "response",
    responses(
        (status = 201, body = self_watch::Drill, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn run_drill() {}

/// Confirms that a fire drill has reached you.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/drills/{id}/confirm", operation_id = "confirm_drill", tag = "response",
    params(("id" = String, Path, description = "The id.")),
    responses(
        (status = 200, body = self_watch::Drill, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn confirm_drill() {}
