//! Handlers: rule groups as texts, and checks of texts and expressions.
//!
//! Not what a change does: `app::rule_groups` has that. A responder may write, disable and roll back groups; deleting one and
//! whatever touches rules of the category `security` takes an administrator.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_config::model::{RuleGroup as Loaded, RuleKind};
use watchkeeper_config::{Diagnostic, Severity};
use watchkeeper_detect::never;
use watchkeeper_detect::stored::{self, Version};
use watchkeeper_domain::Code;
use watchkeeper_promql::Expr;

use super::access::Caller;
use super::body::JsonBody;
use super::dto::rule_groups::{
    ChangeRuleGroup, CheckExpression, CheckRuleGroup, CheckedRule, DeleteRuleGroup, ExpressionChecked,
    ExpressionComparison, ExpressionProblem, PutRuleGroup, RollBackRuleGroup, RuleGroup, RuleGroupChecked,
    RuleGroupList, RuleGroupVersion, RuleGroupVersionList, RuleProblem,
};
use super::dto::rules::RuleOrigin;
use super::extract::{Path, Query};
use super::problem::{ApiProblem, ApiResult};
use super::rules::mismatch;
use crate::app::Shared;
use crate::app::rule_groups::{MAX_SOURCE, Refused, StoredGroup, Wanted, read};

/// The most versions of a group that are shown.
const MOST_VERSIONS: i64 = 200;
/// The longest expression that is checked, in bytes.
const MAX_EXPRESSION: usize = 64 << 10;

/// `GET /rule-groups`.
pub async fn list(State(shared): State<Arc<Shared>>) -> Json<RuleGroupList> {
    let rules = shared.rules();
    let config = shared.config.load();
    let files = config.rule_groups.iter().map(of_file);
    let items =
        files.chain(rules.stored.iter().map(|stored| RuleGroup { source: None, ..of_stored(stored) })).collect();
    Json(RuleGroupList { items, next_cursor: None })
}

/// `GET /rule-groups/{name}`.
pub async fn show(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> ApiResult<Json<RuleGroup>> {
    group(&shared, &name).map(Json)
}

/// `GET /rule-groups/{name}/versions`.
pub async fn versions(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> ApiResult<Json<RuleGroupVersionList>> {
    let found = stored::history(&shared.state, &name, MOST_VERSIONS).await?;
    if found.is_empty() {
        return Err(ApiProblem::not_found("stored rule group", &name));
    }
    Ok(Json(RuleGroupVersionList { items: found.into_iter().map(version).collect(), next_cursor: None }))
}

/// `PUT /rule-groups/{name}`.
pub async fn put(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(body): JsonBody<PutRuleGroup>,
) -> ApiResult<Json<RuleGroup>> {
    let wanted = Wanted { seen: body.version, ..wanted(&caller, &name, body.reason) };
    shared.put_rule_group(wanted, body.source, body.enabled).await.map_err(|why| refused(why, &name))?;
    group(&shared, &name).map(Json)
}

/// `POST /rule-groups/{name}/enable`.
pub async fn enable(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(body): JsonBody<ChangeRuleGroup>,
) -> ApiResult<Json<RuleGroup>> {
    switch(&shared, &caller, &name, body.reason, true).await
}

/// `POST /rule-groups/{name}/disable`.
pub async fn disable(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(body): JsonBody<ChangeRuleGroup>,
) -> ApiResult<Json<RuleGroup>> {
    switch(&shared, &caller, &name, body.reason, false).await
}

async fn switch(
    shared: &Shared,
    caller: &Caller,
    name: &str,
    reason: String,
    enabled: bool,
) -> ApiResult<Json<RuleGroup>> {
    let wanted = wanted(caller, name, reason);
    shared.enable_rule_group(wanted, enabled).await.map_err(|why| refused(why, name))?;
    group(shared, name).map(Json)
}

/// `POST /rule-groups/{name}/rollback`.
pub async fn roll_back(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(body): JsonBody<RollBackRuleGroup>,
) -> ApiResult<Json<RuleGroup>> {
    let wanted = wanted(&caller, &name, body.reason);
    shared.roll_back_rule_group(wanted, body.version).await.map_err(|why| refused(why, &name))?;
    group(&shared, &name).map(Json)
}

/// `DELETE /rule-groups/{name}`.
pub async fn remove(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<DeleteRuleGroup>,
) -> ApiResult<Json<RuleGroupVersion>> {
    let wanted = wanted(&caller, &name, query.reason);
    let ended = shared.delete_rule_group(wanted).await.map_err(|why| refused(why, &name))?;
    Ok(Json(version(ended)))
}

/// `POST /rule-groups/check`.
pub async fn check(
    State(shared): State<Arc<Shared>>,
    JsonBody(body): JsonBody<CheckRuleGroup>,
) -> ApiResult<Json<RuleGroupChecked>> {
    if body.source.len() > MAX_SOURCE {
        return Err(ApiProblem::invalid("source", format!("it is over {MAX_SOURCE} bytes")));
    }
    let config = shared.config.load();
    let checked = match read("text", &body.source, &config.rule_groups) {
        Ok((group, warnings)) => RuleGroupChecked {
            problems: warnings.iter().map(problem).collect(),
            name: Some(group.name.clone()),
            rules: group.rules.iter().map(checked_rule).collect(),
        },
        Err(problems) => {
            RuleGroupChecked { problems: problems.iter().map(problem).collect(), name: None, rules: Vec::new() }
        }
    };
    Ok(Json(checked))
}

fn checked_rule(rule: &watchkeeper_config::model::Rule) -> CheckedRule {
    let hold_for = match &rule.kind {
        RuleKind::Alerting { hold, .. } if !hold.is_zero() => Some(hold.to_string()),
        _ => None,
    };
    CheckedRule { name: rule.name.clone(), line: rule.line as u64, expr: rule.expr.clone(), hold_for }
}

/// `POST /expressions/check`.
pub async fn check_expression(
    State(shared): State<Arc<Shared>>,
    JsonBody(body): JsonBody<CheckExpression>,
) -> ApiResult<Json<ExpressionChecked>> {
    let text = body.expr;
    if text.len() > MAX_EXPRESSION {
        return Err(ApiProblem::invalid("expr", format!("it is over {MAX_EXPRESSION} bytes")));
    }
    let units = |offset: usize| {
        let before = text.get(..offset.min(text.len())).unwrap_or(&text);
        before.encode_utf16().count() as u64
    };
    let problems = Expr::diagnose(&text).into_iter().map(|found| ExpressionProblem {
        start: units(found.start),
        end: units(found.end),
        message: found.message,
    });
    let parsed = Expr::parse(&text).ok();
    let comparison = parsed.as_ref().and_then(Expr::comparison).map(|c| ExpressionComparison {
        lhs: c.lhs.to_string(),
        op: c.op.sign().to_owned(),
        threshold: c.threshold,
    });
    let catalog = shared.catalog();
    let mismatches = parsed.map(|expr| never::mismatches(&expr, &catalog)).unwrap_or_default();
    let mismatches = mismatches.into_iter().map(mismatch).collect();
    Ok(Json(ExpressionChecked { problems: problems.collect(), comparison, mismatches }))
}

fn wanted(caller: &Caller, name: &str, reason: String) -> Wanted {
    Wanted { name: name.to_owned(), actor: caller.actor(), reason, seen: None, security: caller.sees_restricted() }
}

fn group(shared: &Shared, name: &str) -> ApiResult<RuleGroup> {
    let rules = shared.rules();
    if let Some(stored) = rules.stored.iter().find(|stored| stored.version.name == name) {
        return Ok(of_stored(stored));
    }
    let config = shared.config.load();
    let found = config.rule_groups.iter().find(|group| group.name == name).map(of_file);
    found.ok_or_else(|| ApiProblem::not_found("rule group", name))
}

fn of_file(group: &Loaded) -> RuleGroup {
    RuleGroup {
        name: group.name.clone(),
        origin: RuleOrigin::File,
        file: Some(group.file.clone()),
        enabled: true,
        rules: group.rules.len() as u64,
        version: None,
        changed_at: None,
        changed_by: None,
        reason: None,
        source: None,
        problems: Vec::new(),
    }
}

fn of_stored(stored: &StoredGroup) -> RuleGroup {
    let StoredGroup { version, group } = stored;
    RuleGroup {
        name: version.name.clone(),
        origin: RuleOrigin::Stored,
        file: None,
        enabled: version.enabled,
        rules: group.as_ref().map_or(0, |group| group.rules.len() as u64),
        version: Some(version.version),
        changed_at: Some(version.at.into()),
        changed_by: Some(version.actor.to_string()),
        reason: Some(version.reason.clone()),
        source: Some(version.source.clone()),
        problems: group.as_ref().err().into_iter().flatten().map(problem).collect(),
    }
}

fn version(version: Version) -> RuleGroupVersion {
    RuleGroupVersion {
        version: version.version,
        at: version.at.into(),
        by: version.actor.to_string(),
        reason: version.reason,
        change: version.change.as_str().to_owned(),
        enabled: version.enabled,
        source: version.source,
    }
}

fn problem(found: &Diagnostic) -> RuleProblem {
    RuleProblem {
        code: found.code.as_str().to_owned(),
        severity: if found.severity == Severity::Warning { "warning" } else { "error" }.to_owned(),
        line: found.line as u64,
        column: found.column as u64,
        message: found.message.clone(),
        help: found.help.clone(),
    }
}

fn refused(why: Refused, name: &str) -> ApiProblem {
    match why {
        Refused::Source(problems) => {
            let code = problems.first().map_or(Code::ConfigInvalidValue, |first| first.code);
            let lines: Vec<String> = problems.iter().take(20).map(ToString::to_string).collect();
            ApiProblem::new(code, lines.join("\n")).places(problems.iter().map(problem).collect())
        }
        Refused::Parameter(name, reason) => ApiProblem::invalid(name, reason),
        Refused::Unknown => ApiProblem::not_found("stored rule group or version of it", name),
        Refused::Conflict(said) => ApiProblem::new(Code::Conflict, format!("`{name}`: {said}.")),
        Refused::Security => ApiProblem::new(
            Code::Forbidden,
            format!("`{name}` has rules of the category `security`; this needs admin."),
        ),
        Refused::State(error) => error.into(),
    }
}
