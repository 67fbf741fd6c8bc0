//! Handlers: alerts.
//!
//! Not their explanation's making: see `explain`; not their chart: see `chart`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use watchkeeper_alert::alert::{Alert as Stored, AlertState as StoredState};
use watchkeeper_alert::read::{self, Filter, Listed, Owned, Shown, Sort};
use watchkeeper_alert::{Transition as StoredTransition, command};
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_domain::{Actor, Category, Priority, Problem};

use super::access::Caller;
use super::body::JsonBody;
use super::dto::alerts::{
    AcknowledgeAlert, Alert, AlertCounts, AlertDetail, AlertList, AlertQuery, AlertSort, Evidence, Explanation,
    Transition,
};
use super::dto::session::ChangeKind;
use super::dto::words::{AlertState, Comparison};
use super::extract::{Path, Query};
use super::page::{Paging, words};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;
use crate::explain;

pub mod many;

/// How many services are counted.
const MOST_SERVICES: usize = 200;
/// The word for what nobody has.
pub(super) const NOBODY: &str = "nobody";

/// `GET /alerts`.
pub async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<AlertQuery>,
) -> ApiResult<Json<AlertList>> {
    let owners = super::incidents::owners(&shared).await?;
    let Some(filter) = filter(&caller, &owners, query)? else {
        return Ok(Json(AlertList { items: Vec::new(), total: 0, next_cursor: None }));
    };
    let page =
        read::list(shared.state.read(), shared.silences.cache(), shared.env.now(), &filter).await.map_err(refused)?;
    let items = page.items.iter().map(|l| summary(l, &owners)).collect();
    Ok(Json(AlertList { items, total: page.total, next_cursor: page.next_cursor }))
}

/// `GET /alerts/counts`.
pub async fn counts(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<AlertQuery>,
) -> ApiResult<Json<AlertCounts>> {
    let owners = super::incidents::owners(&shared).await?;
    let counts = match filter(&caller, &owners, query)? {
        Some(filter) => read::counts(shared.state.read(), &filter).await?,
        None => read::Counts::default(),
    };
    let mut services: Vec<_> = counts.services.into_iter().collect();
    services.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    services.truncate(MOST_SERVICES);
    Ok(Json(AlertCounts {
        states: counts.states.into_iter().map(|(word, many)| (word.to_owned(), many)).collect(),
        priorities: counts.priorities,
        categories: counts.categories,
        services: services.into_iter().collect(),
    }))
}

/// What the caller asks for, as far as they may see it; none: states that no alert is in.
fn filter(caller: &Caller, owners: &Owners, query: AlertQuery) -> ApiResult<Option<Filter>> {
    let states: Vec<AlertState> = words("state", query.state.as_deref().unwrap_or("pending,firing,unknown"))?;
    let shown: Vec<Shown> = states.iter().copied().filter_map(shown).collect();
    if shown.is_empty() && !states.is_empty() {
        return Ok(None);
    }
    let incidents = |wanted: &dyn Fn(&str) -> bool| -> Vec<IncidentId> {
        owners.iter().filter(|(_, owner)| wanted(owner)).filter_map(|(id, _)| id.parse().ok()).collect()
    };
    let owner = query.owner.filter(|name| !name.is_empty()).map(|name| match name.as_str() {
        NOBODY => Owned::ByNobody(incidents(&|_| true)),
        _ => Owned::By {
            theirs: incidents(&|owner| owner == name),
            others: incidents(&|owner| owner != name),
            person: name,
        },
    });
    Ok(Some(Filter {
        states: shown,
        categories: words::<Category>("category", query.category.as_deref().unwrap_or(""))?,
        hidden: hidden(caller),
        priorities: words::<Priority>("priority", query.priority.as_deref().unwrap_or(""))?,
        services: query
            .service
            .iter()
            .flat_map(|s| s.split(','))
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect(),
        owner,
        text: query.q.filter(|q| !q.trim().is_empty()),
        sort: match query.sort.unwrap_or_default() {
            AlertSort::Urgency => Sort::Urgency,
            AlertSort::Newest => Sort::Newest,
            AlertSort::Oldest => Sort::Oldest,
            AlertSort::Name => Sort::Name,
        },
        limit: Paging::new(query.limit, None)?.limit,
        cursor: query.cursor,
        ..Filter::default()
    }))
}

/// The categories that the caller may not see: a security alert is as restricted as its incident.
pub(super) fn hidden(caller: &Caller) -> Vec<Category> {
    if caller.sees_restricted() { Vec::new() } else { vec![Category::Security] }
}

/// `GET /alerts/{id}`.
pub async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<AlertDetail>> {
    let listed = find(&shared, &caller, &id).await?;
    let transitions = read::transitions(shared.state.read(), listed.alert.id).await.map_err(refused)?;
    let owners = super::incidents::owners(&shared).await?;
    Ok(Json(detail(&listed, &transitions, &owners, &shared.hold_of(listed.alert.rule_id.as_deref()))))
}

/// `GET /alerts/{id}/explain`.
pub async fn explain(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Explanation>> {
    let listed = find(&shared, &caller, &id).await?;
    Ok(Json(explain::alert(&shared, &listed.alert).await?))
}

/// `POST /alerts/{id}/acknowledge`.
pub async fn acknowledge(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<AcknowledgeAlert>,
) -> ApiResult<Json<Alert>> {
    let found = find(&shared, &caller, &id).await?;
    command::acknowledge(&shared.state, &shared.env, found.alert.id, caller.actor(), body.note.as_deref())
        .await
        .map_err(refused)?;
    shared.changes.changed(&[ChangeKind::Alert]);
    shared.pipeline.wake();
    let listed = find(&shared, &caller, &id).await?;
    Ok(Json(summary(&listed, &super::incidents::owners(&shared).await?)))
}

/// Finds an alert that the caller may see.
pub(super) async fn find(shared: &Shared, caller: &Caller, id: &str) -> ApiResult<Listed> {
    let parsed: AlertId = id.parse().map_err(|_| ApiProblem::not_found("alert", id))?;
    let listed =
        read::get(shared.state.read(), shared.silences.cache(), shared.env.now(), parsed).await.map_err(refused)?;
    if visible(caller, &listed.alert) { Ok(listed) } else { Err(ApiProblem::not_found("alert", id)) }
}

/// A security alert is as restricted as its incident.
pub(crate) fn visible(caller: &Caller, alert: &Stored) -> bool {
    alert.category != Category::Security || caller.sees_restricted()
}

/// Incident id to owner.
pub(super) type Owners = std::collections::BTreeMap<String, String>;

/// An alert as lists show it.
pub(super) fn summary(listed: &Listed, owners: &Owners) -> Alert {
    let alert = &listed.alert;
    let incident_id = alert.incident_id.map(|id| id.to_string());
    let state = state(alert);
    Alert {
        id: alert.id.to_string(),
        name: alert.name.clone(),
        title: alert.headline().to_owned(),
        state,
        unknown_reason: alert.unknown_reason.clone(),
        priority: alert.priority.into(),
        category: alert.category.into(),
        labels: alert.labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        value: alert.value.filter(|v| v.is_finite()),
        threshold: alert.threshold,
        since: match state {
            AlertState::Resolved => alert.resolved_at.unwrap_or(alert.updated_at).into(),
            _ => alert.fired_at.into(),
        },
        started_at: alert.started_at.into(),
        resolved_at: alert.resolved_at.map(Into::into),
        acknowledged_by: alert.acknowledged_by.as_deref().map(person),
        acknowledged_at: alert.acknowledged_at.map(Into::into),
        suppressed: !listed.silenced_by.is_empty() || !listed.inhibited_by.is_empty(),
        owner: incident_id
            .as_ref()
            .and_then(|id| owners.get(id).cloned())
            .or_else(|| alert.owner.clone())
            .or_else(|| alert.acknowledged_by.as_deref().map(person)),
        service: alert.service().map(str::to_owned),
        incident_id,
    }
}

fn detail(
    listed: &Listed,
    transitions: &[StoredTransition],
    owners: &Owners,
    hold_for: &Option<String>,
) -> AlertDetail {
    let alert = &listed.alert;
    AlertDetail {
        alert: summary(listed, owners),
        annotations: alert.annotations.clone(),
        rule_id: alert.rule_id.clone().unwrap_or_default(),
        expr: alert.expr.clone().unwrap_or_default(),
        hold_for: hold_for.clone(),
        comparison: alert.comparison.as_deref().and_then(comparison),
        evidence: evidence(alert),
        transitions: transitions.iter().filter_map(transition).collect(),
        silenced_by: listed.silenced_by.iter().map(ToString::to_string).collect(),
        inhibited_by: listed.inhibited_by.iter().map(ToString::to_string).collect(),
    }
}

fn transition(stored: &StoredTransition) -> Option<Transition> {
    let word = |text: &str| serde_json::from_value::<AlertState>(Value::String(text.to_owned())).ok();
    Some(Transition {
        at: stored.at.into(),
        from: word(&stored.from),
        to: word(&stored.to)?,
        reason: stored.reason.clone(),
        value: stored.value.filter(|v| v.is_finite()),
    })
}

/// The samples that crossed, in words; the points themselves are in the chart.
fn evidence(alert: &Stored) -> Vec<Evidence> {
    let mut found = Vec::new();
    let crossed = alert.evidence["crossed"]["points"].as_array();
    let value = crossed.and_then(|p| p.last()).and_then(|p| p[1].as_f64()).or(alert.value);
    if let (Some(value), Some(threshold)) = (value, alert.threshold) {
        let op = alert.comparison.as_deref().unwrap_or("against");
        found.push(Evidence {
            kind: "value".to_owned(),
            title: format!("The value was {value:.4}: {op} {threshold}"),
            detail: alert.evidence["lhs"].as_str().map(str::to_owned),
            at: Some(alert.fired_at.into()),
            link: None,
        });
    }
    for crossing in crossed.into_iter().flatten().take(20) {
        let at = crossing[0].as_i64().map(|ms| watchkeeper_domain::Timestamp::from_millis(ms).into());
        found.push(Evidence {
            kind: "value".to_owned(),
            title: format!("crossed with {}", crossing[1]),
            detail: None,
            at,
            link: None,
        });
    }
    found
}

/// An alert's state in the API's words.
pub(super) fn state(alert: &Stored) -> AlertState {
    match (alert.state, &alert.unknown_reason) {
        (StoredState::Resolved, _) => AlertState::Resolved,
        (StoredState::Firing, Some(_)) => AlertState::Unknown,
        (StoredState::Firing, None) => AlertState::Firing,
    }
}

/// A comparison operator in the API's words.
pub(super) fn comparison(op: &str) -> Option<Comparison> {
    Some(match op {
        ">" => Comparison::Gt,
        ">=" => Comparison::Ge,
        "<" => Comparison::Lt,
        "<=" => Comparison::Le,
        "==" => Comparison::Eq,
        "!=" => Comparison::Ne,
        _ => return None,
    })
}

fn shown(state: AlertState) -> Option<Shown> {
    match state {
        // A pending condition is not an alert yet; rules show it.
        AlertState::Pending => None,
        AlertState::Firing => Some(Shown::Firing),
        AlertState::Unknown => Some(Shown::Unknown),
        AlertState::Resolved => Some(Shown::Resolved),
    }
}

/// The name of a person from an actor's text.
pub(super) fn person(actor: &str) -> String {
    match actor.parse::<Actor>() {
        Ok(Actor::User(name)) => name,
        _ => actor.to_owned(),
    }
}

pub(super) fn refused(error: watchkeeper_alert::Error) -> ApiProblem {
    ApiProblem::from(Problem::from(&error))
}
