//! Path descriptions: changes.
//!
//! Not `/v2/change/enqueue`: that is PagerDuty's own.

use crate::http::dto::{Problem, changes};

/// Changes, the newest first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/changes", operation_id = "list_changes", tag = "incidents",
    params(changes::ChangeQuery),
    responses(
        (status = 200, body = changes::ChangeList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_changes() {}

/// Records a change, or brings the one with the same `key` up to date. A token of the role `ingest` will do.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/changes", operation_id = "record_change", tag = "incidents",
    request_body = changes::NewChange,
    responses(
        (status = 201, body = changes::Change, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn record_change() {}
