//! Path descriptions: one rule, rule groups as texts, checks.
//!
//! Not handlers.

use crate::http::dto::{Problem, rule_groups, rules};

/// One rule as it runs.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/rules/{group}/{name}", operation_id = "get_rule", tag = "detection",
    params(("group" = String, Path, description = "What the rule's id has before the slash."), ("name" = String, Path, description = "What it has after it.")),
    responses(
        (status = 200, body = rules::Rule, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_rule() {}

/// What became of a rule's instances, and its last evaluations; both newest first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/rules/{group}/{name}/history", operation_id = "get_rule_history", tag = "detection",
    params(("group" = String, Path, description = "What the rule's id has before the slash."), ("name" = String, Path, description = "What it has after it.")),
    responses(
        (status = 200, body = rules::RuleHistory, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_rule_history() {}

/// Checks an expression: what is wrong with it, what it compares, and whether it can have a result. Keeps nothing.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/expressions/check", operation_id = "check_expression", tag = "detection",
    request_body = rule_groups::CheckExpression,
    responses(
        (status = 200, body = rule_groups::ExpressionChecked, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn check_expression() {}

/// All rule groups: those of files, and stored ones.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/rule-groups", operation_id = "list_rule_groups", tag = "detection",
    responses(
        (status = 200, body = rule_groups::RuleGroupList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_rule_groups() {}

/// Checks the text of a group as a file would be checked. Keeps nothing.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/rule-groups/check", operation_id = "check_rule_group", tag = "detection",
    request_body = rule_groups::CheckRuleGroup,
    responses(
        (status = 200, body = rule_groups::RuleGroupChecked, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn check_rule_group() {}

/// One rule group; a stored one with its text.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/rule-groups/{name}", operation_id = "get_rule_group", tag = "detection",
    params(("name" = String, Path, description = "The group's name.")),
    responses(
        (status = 200, body = rule_groups::RuleGroup, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_rule_group() {}

/// Stores a group, new or changed; it is evaluated at once. A refused text is told with its places.
#[utoipa::path(
    put, path = "/api/watchkeeper/v1/rule-groups/{name}", operation_id = "put_rule_group", tag = "detection",
    params(("name" = String, Path, description = "The group's name.")),
    request_body = rule_groups::PutRuleGroup,
    responses(
        (status = 200, body = rule_groups::RuleGroup, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn put_rule_group() {}

/// Ends a stored group and its alerts; its versions stay.
#[utoipa::path(
    delete, path = "/api/watchkeeper/v1/rule-groups/{name}", operation_id = "delete_rule_group", tag = "detection",
    params(("name" = String, Path, description = "The group's name."), rule_groups::DeleteRuleGroup),
    responses(
        (status = 200, body = rule_groups::RuleGroupVersion, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn delete_rule_group() {}

/// The versions of a stored group, the newest first; at most 200.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/rule-groups/{name}/versions", operation_id = "list_rule_group_versions", tag = "detection",
    params(("name" = String, Path, description = "The group's name.")),
    responses(
        (status = 200, body = rule_groups::RuleGroupVersionList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_rule_group_versions() {}

/// Evaluates a stored group again.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/rule-groups/{name}/enable", operation_id = "enable_rule_group", tag = "detection",
    params(("name" = String, Path, description = "The group's name.")),
    request_body = rule_groups::ChangeRuleGroup,
    responses(
        (status = 200, body = rule_groups::RuleGroup, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn enable_rule_group() {}

/// Evaluates a stored group no longer; its alerts end.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/rule-groups/{name}/disable", operation_id = "disable_rule_group", tag = "detection",
    params(("name" = String, Path, description = "The group's name.")),
    request_body = rule_groups::ChangeRuleGroup,
    responses(
        (status = 200, body = rule_groups::RuleGroup, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn disable_rule_group() {}

/// Takes the text of a version before; brings back a deleted group, too.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/rule-groups/{name}/rollback", operation_id = "roll_back_rule_group", tag = "detection",
    params(("name" = String, Path, description = "The group's name.")),
    request_body = rule_groups::RollBackRuleGroup,
    responses(
        (status = 200, body = rule_groups::RuleGroup, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn roll_back_rule_group() {}
