//! Path descriptions: heartbeats.
//!
//! Not the beats' own addresses, which are those of healthchecks.io: `docs/guide/inputs.md` has them.

use crate::http::dto::{Problem, heartbeats};

/// All heartbeats, late ones first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/heartbeats", operation_id = "list_heartbeats", tag = "detection",
    responses(
        (status = 200, body = heartbeats::HeartbeatList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_heartbeats() {}

/// One heartbeat with its newest beats.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/heartbeats/{name}", operation_id = "get_heartbeat", tag = "detection",
    params(("name" = String, Path, description = "The name.")),
    responses(
        (status = 200, body = heartbeats::HeartbeatDetail, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_heartbeat() {}
