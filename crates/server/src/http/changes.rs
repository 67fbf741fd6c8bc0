//! Handlers: deploys and other changes, as their makers report them.
//!
//! Not their meaning for an incident: `incident::change` puts them beside it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use watchkeeper_config::model::Integration;
use watchkeeper_domain::{Actor, Code};
use watchkeeper_incident::change::{self, Change as Stored, Filter, Kind, NewChange as Said, Status};

use super::access::Caller;
use super::body::{JsonBody, declared_length, read};
use super::dto::changes::{Change, ChangeKind as ShownKind, ChangeList, ChangeQuery, ChangeStatus, NewChange};
use super::dto::session::ChangeKind;
use super::extract::Query;
use super::incoming::pagerduty::{self, MOST_BYTES};
use super::page::{Paging, moment};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// `GET /changes`.
pub async fn list(State(shared): State<Arc<Shared>>, Query(query): Query<ChangeQuery>) -> ApiResult<Json<ChangeList>> {
    let paging = Paging::new(query.limit, query.cursor.as_deref())?;
    let filter = Filter {
        service: query.service.filter(|service| !service.is_empty()),
        since: moment("since", query.since.as_deref())?,
        until: moment("until", query.until.as_deref())?,
        limit: paging.limit + 1,
        offset: paging.offset,
    };
    let found = change::list(shared.state.read(), &filter).await?;
    let (items, next_cursor) = paging.page(found.iter().map(shown).collect());
    Ok(Json(ChangeList { items, next_cursor }))
}

/// `POST /changes`.
pub async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(body): JsonBody<NewChange>,
) -> ApiResult<(StatusCode, Json<Change>)> {
    let said = Said {
        key: body.key.filter(|key| !key.is_empty()),
        at: body.at.map(|at| at.0),
        ended_at: body.ended_at.map(|at| at.0),
        service: body.service.unwrap_or_default(),
        environment: body.environment.unwrap_or_default(),
        version: body.version.unwrap_or_default(),
        summary: body.summary.unwrap_or_default(),
        author: body.author.unwrap_or_else(|| caller.name.clone()),
        url: body.url.unwrap_or_default(),
        details: body.details.unwrap_or(Value::Null),
        ..Said::new("api", body.kind.map_or(Kind::Deploy, kind), body.status.map_or(Status::Succeeded, status))
    };
    let change = record(&shared, said, caller.actor()).await?;
    Ok((StatusCode::CREATED, Json(shown(&change))))
}

/// Takes a change. When this returns it is on disk.
async fn record(shared: &Shared, said: Said, actor: Actor) -> ApiResult<Stored> {
    said.check().map_err(|reason| ApiProblem::new(Code::MalformedBody, format!("The change is refused: {reason}.")))?;
    let change = change::record(&shared.state, &shared.env, said, actor).await?;
    shared.changes.changed(&[ChangeKind::Change, ChangeKind::Incident]);
    Ok(change)
}

/// What of an integration's body is a change, beside the alerts that it may be. Gives their number.
pub(super) async fn of_github(
    shared: &Shared,
    integration: &Integration,
    event: Option<&str>,
    body: &[u8],
) -> ApiResult<Option<u32>> {
    if !event.is_some_and(change::github::is_about_one) {
        return Ok(None);
    }
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return Ok(None) };
    let service = integration.labels.get("service").map(String::as_str);
    let Some(said) = change::github::decode(&integration.name, service, &body) else { return Ok(None) };
    record(shared, said, Actor::User(integration.name.clone())).await?;
    Ok(Some(1))
}

/// `POST /v2/change/enqueue`: PagerDuty's change events; the routing key names the integration.
pub async fn enqueue(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match read(body, declared_length(&parts.headers), MOST_BYTES).await {
        Ok(body) => event(&shared, &parts.headers, &body).await,
        Err(problem) => {
            pagerduty::refused(StatusCode::PAYLOAD_TOO_LARGE, "Event object is too large", &[problem.detail()])
        }
    }
}

async fn event(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Response {
    let (event, integration) = match pagerduty::routed(shared, headers, body, None) {
        Ok(routed) => routed,
        Err(refusal) => return *refusal,
    };
    let service = integration.labels.get("service").map(String::as_str);
    let said = match change::pagerduty::decode(&integration.name, service, &event) {
        Ok(said) => said,
        Err(problems) => {
            let problems: Vec<&str> = problems.iter().map(String::as_str).collect();
            return pagerduty::refused(StatusCode::BAD_REQUEST, "Event object is invalid", &problems);
        }
    };
    match record(shared, said, Actor::User(integration.name.clone())).await {
        Ok(_) => {
            let answer = json!({"status": "success", "message": "Change event processed"});
            (StatusCode::ACCEPTED, Json(answer)).into_response()
        }
        // Its clients try again after 429 and 5xx.
        Err(problem) => problem.into_response(),
    }
}

fn kind(kind: ShownKind) -> Kind {
    match kind {
        ShownKind::Deploy => Kind::Deploy,
        ShownKind::Config => Kind::Config,
        ShownKind::Other => Kind::Other,
    }
}

fn status(status: ChangeStatus) -> Status {
    match status {
        ChangeStatus::Started => Status::Started,
        ChangeStatus::Succeeded => Status::Succeeded,
        ChangeStatus::Failed => Status::Failed,
    }
}

/// A change as the API shows it.
pub(super) fn shown(change: &Stored) -> Change {
    let said = &change.said;
    Change {
        id: change.id.to_string(),
        at: change.at.into(),
        ended_at: said.ended_at.map(Into::into),
        received_at: change.received_at.into(),
        source: said.source.clone(),
        kind: match said.kind {
            Kind::Deploy => ShownKind::Deploy,
            Kind::Config => ShownKind::Config,
            Kind::Other => ShownKind::Other,
        },
        status: match said.status {
            Status::Started => ChangeStatus::Started,
            Status::Succeeded => ChangeStatus::Succeeded,
            Status::Failed => ChangeStatus::Failed,
        },
        service: said.service.clone(),
        environment: said.environment.clone(),
        version: said.version.clone(),
        summary: said.summary.clone(),
        author: said.author.clone(),
        url: said.url.clone(),
        title: change.line(),
    }
}
