//! Handlers: incidents.
//!
//! Not the post-mortem: see `post_mortem`. The commands that chat gives too are `act` functions that both call.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use watchkeeper_alert::read::Listed as ListedAlert;
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_domain::{Actor, Problem};
use watchkeeper_incident::change;
use watchkeeper_incident::command::Declaration;
use watchkeeper_incident::read::{self, Filter, Listed, Sort};
use watchkeeper_incident::timeline::TimelineEntry as StoredEntry;
use watchkeeper_incident::{IncidentKind as StoredKind, IncidentState as StoredState, Role as StoredRole, Viewer};
use watchkeeper_respond::notify::read as outbox;
use watchkeeper_respond::workflow;

use super::access::Caller;
use super::alerts::{Owners, person, summary};
use super::body::JsonBody;
use super::changes;
use super::deliveries::for_caller;
use super::dto::incidents::{
    AssignRole, Incident, IncidentDetail, IncidentList, IncidentQuery, IncidentSort, IncidentStep, NewIncident,
    NewNote, TimelineEntry,
};
use super::dto::words::{IncidentKind, IncidentState, Role};
use super::extract::{Path, Query};
use super::page::{Paging, words};
use super::problem::{ApiProblem, ApiResult};
use super::workflows::run;
use crate::app::Shared;

/// What a caller may see.
pub(super) fn viewer(caller: &Caller) -> Viewer {
    Viewer { sees_restricted: caller.sees_restricted() }
}

/// Who has which open incident.
pub(super) async fn owners(shared: &Shared) -> ApiResult<Owners> {
    let owners = read::owners(shared.state.read()).await?;
    Ok(owners.into_iter().map(|(id, owner)| (id.to_string(), person(&owner))).collect())
}

/// `GET /incidents`.
pub async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<IncidentQuery>,
) -> ApiResult<Json<IncidentList>> {
    let states: Vec<IncidentState> = words("state", query.state.as_deref().unwrap_or(""))?;
    let filter = Filter {
        states: states.into_iter().map(stored_state).collect(),
        priorities: words("priority", query.priority.as_deref().unwrap_or(""))?,
        categories: words("category", query.category.as_deref().unwrap_or(""))?,
        owner: query.owner.filter(|name| !name.is_empty()).map(|name| match name.as_str() {
            super::alerts::NOBODY => String::new(),
            _ => name,
        }),
        sort: match query.sort.unwrap_or_default() {
            IncidentSort::Newest => Sort::Newest,
            IncidentSort::Oldest => Sort::Oldest,
            IncidentSort::Urgency => Sort::Urgency,
        },
        text: query.q.filter(|q| !q.trim().is_empty()),
        limit: Paging::new(query.limit, None)?.limit,
        cursor: query.cursor,
    };
    let page = read::list(shared.state.read(), viewer(&caller), &filter).await.map_err(refused)?;
    let items = page.items.iter().map(shown).collect();
    Ok(Json(IncidentList { items, total: page.total, next_cursor: page.next_cursor }))
}

/// `GET /incidents/{id}`.
pub async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<IncidentDetail>> {
    detail(&shared, &caller, parse(&id)?).await.map(Json)
}

/// `POST /incidents`.
pub async fn declare(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(body): JsonBody<NewIncident>,
) -> ApiResult<(StatusCode, Json<IncidentDetail>)> {
    let alerts = body.alert_ids.iter().map(|id| id.parse::<AlertId>().map_err(|_| ApiProblem::not_found("alert", id)));
    let declaration = Declaration {
        title: body.title,
        priority: body.priority.into(),
        category: super::dto::words::category(body.category),
        kind: match body.kind {
            Some(IncidentKind::Security) => StoredKind::Security,
            _ => StoredKind::Operational,
        },
        description: body.description.unwrap_or_default(),
        alerts: alerts.collect::<Result<_, _>>()?,
    };
    let incident = shared.incidents.declare(declaration, caller.actor()).await.map_err(refused)?;
    // Whoever declares a security incident must see it, whatever their role.
    let seeing = Caller { role: caller.role.max(watchkeeper_config::model::Role::Admin), ..caller };
    Ok((StatusCode::CREATED, Json(detail(&shared, &seeing, incident.id).await?)))
}

/// `POST /incidents/{id}/acknowledge`.
pub async fn acknowledge(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<IncidentStep>,
) -> ApiResult<Json<IncidentDetail>> {
    let id = parse(&id)?;
    shared.incidents.acknowledge(viewer(&caller), id, caller.actor(), body.note.as_deref()).await.map_err(refused)?;
    detail(&shared, &caller, id).await.map(Json)
}

/// `POST /incidents/{id}/mitigate`.
pub async fn mitigate(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<IncidentStep>,
) -> ApiResult<Json<IncidentDetail>> {
    let id = parse(&id)?;
    shared.incidents.mitigate(viewer(&caller), id, caller.actor(), body.note.as_deref()).await.map_err(refused)?;
    detail(&shared, &caller, id).await.map(Json)
}

/// `POST /incidents/{id}/resolve`.
pub async fn resolve(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<IncidentStep>,
) -> ApiResult<Json<IncidentDetail>> {
    let id = parse(&id)?;
    shared.incidents.resolve(viewer(&caller), id, caller.actor(), body.note.as_deref()).await.map_err(refused)?;
    detail(&shared, &caller, id).await.map(Json)
}

/// `POST /incidents/{id}/close`.
pub async fn close(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<IncidentStep>,
) -> ApiResult<Json<IncidentDetail>> {
    let id = parse(&id)?;
    shared.incidents.close(viewer(&caller), id, caller.actor(), body.note.as_deref()).await.map_err(refused)?;
    detail(&shared, &caller, id).await.map(Json)
}

/// `POST /incidents/{id}/assign`.
pub async fn assign(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<AssignRole>,
) -> ApiResult<Json<IncidentDetail>> {
    let id = parse(&id)?;
    let role = match body.role {
        Role::IncidentCommander => StoredRole::IncidentCommander,
        Role::CommunicationsLead => StoredRole::CommunicationsLead,
        Role::OperationsLead => StoredRole::OperationsLead,
        Role::Scribe => StoredRole::Scribe,
    };
    let person = body.person.as_deref().map(str::trim).filter(|p| !p.is_empty());
    shared.incidents.assign(viewer(&caller), id, role, person, caller.actor()).await.map_err(refused)?;
    detail(&shared, &caller, id).await.map(Json)
}

/// `POST /incidents/{id}/notes`.
pub async fn note(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewNote>,
) -> ApiResult<Json<IncidentDetail>> {
    let id = parse(&id)?;
    shared.incidents.note(viewer(&caller), id, &body.text, caller.actor()).await.map_err(refused)?;
    detail(&shared, &caller, id).await.map(Json)
}

pub(super) fn parse(id: &str) -> ApiResult<IncidentId> {
    id.parse().map_err(|_| ApiProblem::not_found("incident", id))
}

async fn detail(shared: &Shared, caller: &Caller, id: IncidentId) -> ApiResult<IncidentDetail> {
    let pool = shared.state.read();
    let found = read::get(pool, viewer(caller), id).await.map_err(refused)?;
    let owner = found.listed.incident.owner().map(person);
    let owners: Owners = owner.into_iter().map(|owner| (id.to_string(), owner)).collect();
    let runs = workflow::list(pool, &workflow::Filter { incident: Some(id), ..workflow::Filter::default() }).await?;
    let filter = outbox::Filter { incident: Some(id), ..outbox::Filter::default() };
    let notifications = for_caller(shared, caller, outbox::list(pool, &filter, 200, 0).await?).await?;
    let alert = |alert: &watchkeeper_alert::Alert| {
        summary(&ListedAlert { alert: alert.clone(), silenced_by: Vec::new(), inhibited_by: Vec::new() }, &owners)
    };
    // Its most urgent alert says what it means for people, as it gives it its name.
    let impact = found.alerts.iter().filter(|a| a.annotations.contains_key("impact"));
    let impact = impact.min_by_key(|a| (a.priority, a.fired_at)).and_then(|a| a.annotations.get("impact").cloned());
    Ok(IncidentDetail {
        incident: shown(&found.listed),
        roles: found.listed.incident.roles.clone(),
        status_page_component: found.listed.incident.component.clone(),
        impact,
        alerts: found.alerts.iter().map(alert).collect(),
        changes: change::around(pool, id).await?.iter().map(changes::shown).collect(),
        timeline: found.timeline.iter().map(entry).collect(),
        runs: runs.iter().map(run).collect(),
        notifications,
        chat_url: None,
    })
}

/// A timeline entry as the API shows it.
pub(super) fn entry(e: &StoredEntry) -> TimelineEntry {
    let actor = match &e.actor {
        Actor::User(name) => name.clone(),
        other => other.to_string(),
    };
    TimelineEntry { id: e.id.clone(), at: e.at.into(), actor, kind: e.kind.clone(), text: e.text.clone() }
}

/// An incident as lists show it.
pub(super) fn shown(listed: &Listed) -> Incident {
    let i = &listed.incident;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    Incident {
        id: i.id.to_string(),
        number: i.number.unsigned_abs(),
        title: i.title.clone(),
        state: state(i.state),
        kind: kind(i.kind),
        restricted: i.restricted,
        priority: i.priority.into(),
        category: i.category.into(),
        started_at: i.started_at.into(),
        acknowledged_at: i.acknowledged_at.map(Into::into),
        mitigated_at: i.mitigated_at.map(Into::into),
        resolved_at: i.resolved_at.map(Into::into),
        closed_at: i.closed_at.map(Into::into),
        owner: i.owner().map(person),
        alert_count: count(listed.alerts),
        active_alerts: count(listed.firing),
    }
}

pub(super) fn kind(kind: StoredKind) -> IncidentKind {
    match kind {
        StoredKind::Operational => IncidentKind::Operational,
        StoredKind::Security => IncidentKind::Security,
    }
}

pub(super) fn state(state: StoredState) -> IncidentState {
    match state {
        StoredState::Triggered => IncidentState::Triggered,
        StoredState::Acknowledged => IncidentState::Acknowledged,
        StoredState::Mitigated => IncidentState::Mitigated,
        StoredState::Resolved => IncidentState::Resolved,
        StoredState::Closed => IncidentState::Closed,
    }
}

fn stored_state(state: IncidentState) -> StoredState {
    match state {
        IncidentState::Triggered => StoredState::Triggered,
        IncidentState::Acknowledged => StoredState::Acknowledged,
        IncidentState::Mitigated => StoredState::Mitigated,
        IncidentState::Resolved => StoredState::Resolved,
        IncidentState::Closed => StoredState::Closed,
    }
}

pub(crate) fn refused(error: watchkeeper_incident::Error) -> ApiProblem {
    ApiProblem::from(Problem::from(&error))
}
