//! Routes of rules: as they run, and as texts.
//!
//! Not the probes and targets beside them.

use axum::http::Method;
use axum::routing::{delete, get, post, put};
use watchkeeper_config::model::Role;

use super::{Access, Routes};
use crate::http::{rule_groups, rules};

pub(super) fn add(routes: Routes) -> Routes {
    const VIEW: Access = Access::AtLeast(Role::Viewer);
    const ACT: Access = Access::AtLeast(Role::Responder);
    const ADMIN: Access = Access::AtLeast(Role::Admin);
    routes
        .route(Method::GET, "/api/watchkeeper/v1/rules", VIEW, get(rules::list))
        .route(Method::GET, "/api/watchkeeper/v1/rules/{group}/{name}", VIEW, get(rules::show))
        .route(Method::GET, "/api/watchkeeper/v1/rules/{group}/{name}/history", VIEW, get(rules::history))
        .route(Method::POST, "/api/watchkeeper/v1/expressions/check", VIEW, post(rule_groups::check_expression))
        .route(Method::GET, "/api/watchkeeper/v1/rule-groups", VIEW, get(rule_groups::list))
        .route(Method::POST, "/api/watchkeeper/v1/rule-groups/check", VIEW, post(rule_groups::check))
        .route(Method::GET, "/api/watchkeeper/v1/rule-groups/{name}", VIEW, get(rule_groups::show))
        .route(Method::PUT, "/api/watchkeeper/v1/rule-groups/{name}", ACT, put(rule_groups::put))
        .route(Method::DELETE, "/api/watchkeeper/v1/rule-groups/{name}", ADMIN, delete(rule_groups::remove))
        .route(Method::GET, "/api/watchkeeper/v1/rule-groups/{name}/versions", VIEW, get(rule_groups::versions))
        .route(Method::POST, "/api/watchkeeper/v1/rule-groups/{name}/enable", ACT, post(rule_groups::enable))
        .route(Method::POST, "/api/watchkeeper/v1/rule-groups/{name}/disable", ACT, post(rule_groups::disable))
        .route(Method::POST, "/api/watchkeeper/v1/rule-groups/{name}/rollback", ACT, post(rule_groups::roll_back))
}
