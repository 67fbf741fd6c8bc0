//! Path descriptions: rules, probes and scraped targets.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::{Problem, probes, rules, targets};

/// Rules as they run.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/rules", operation_id = "list_rules", tag = "detection",
    params(rules::RuleQuery),
    responses(
        (status = 200, body = rules::RuleList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_rules() {}

/// All probes, down first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/probes", operation_id = "list_probes", tag = "detection",
    responses(
        (status = 200, body = probes::ProbeList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_probes() {}

/// All targets that are scraped, down first, and what was found and is not scraped.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/targets", operation_id = "list_targets", tag = "detection",
    responses(
        (status = 200, body = targets::TargetList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_targets() {}
