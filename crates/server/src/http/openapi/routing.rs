//! Path descriptions: the route tree, and which way an alert would go.
//!
//! Not handlers.

use crate::http::dto::{Problem, routing};

/// The route tree, depth first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/routing", operation_id = "get_routing", tag = "response",
    responses(
        (status = 200, body = routing::Routing, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_routing() {}

/// Which way an alert with these labels would go: routes, silences, inhibition, times, and who would be called.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/routing/which", operation_id = "which_way", tag = "response",
    request_body = routing::RouteTrial,
    responses(
        (status = 200, body = routing::RouteAnswer, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn which_way() {}
