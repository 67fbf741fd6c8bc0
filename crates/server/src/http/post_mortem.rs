//! Handlers: post-mortems.
//!
//! Not drafting: `incident::review` does that when an incident resolves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use watchkeeper_domain::Actor;
use watchkeeper_domain::ids::IncidentId;
use watchkeeper_incident::handover::Tried as StoredTried;
use watchkeeper_incident::read;
use watchkeeper_incident::review::{self, Edit, ImpactState};

use super::access::Caller;
use super::alerts::person;
use super::body::JsonBody;
use super::dto::overview::Tried;
use super::dto::post_mortem::{ActionItem, Impact, NewActionItem, PostMortem, PostMortemEdit};
use super::dto::words::{ActionItemState, RunState};
use super::extract::Path;
use super::incidents::{entry, parse, refused, viewer};
use super::problem::ApiResult;
use crate::app::Shared;

/// `GET /incidents/{id}/post-mortem`.
pub async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<PostMortem>> {
    answer(&shared, &caller, parse(&id)?).await.map(Json)
}

/// `PUT /incidents/{id}/post-mortem`.
pub async fn edit(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<PostMortemEdit>,
) -> ApiResult<Json<PostMortem>> {
    let id = parse(&id)?;
    let edit = Edit { summary: body.summary, root_cause: body.root_cause, lessons: body.lessons };
    shared.incidents.edit_review(viewer(&caller), id, edit, caller.actor()).await.map_err(refused)?;
    answer(&shared, &caller, id).await.map(Json)
}

/// `POST /incidents/{id}/action-items`.
pub async fn action_item(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewActionItem>,
) -> ApiResult<Json<ActionItem>> {
    let incident = parse(&id)?;
    let item = match body.id.as_deref() {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| super::problem::ApiProblem::not_found("action item", text))?),
    };
    let new = review::NewActionItem {
        id: item,
        text: body.title,
        owner: body.owner,
        due: body.due,
        done: body.state == Some(ActionItemState::Done),
    };
    let saved =
        shared.incidents.save_action_item(viewer(&caller), incident, new, caller.actor()).await.map_err(refused)?;
    Ok(Json(shown(&saved)))
}

/// `GET /incidents/{id}/post-mortem.md`.
pub async fn markdown(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let id = parse(&id)?;
    let found = read::get(shared.state.read(), viewer(&caller), id).await.map_err(refused)?;
    let review = review::get(shared.state.read(), viewer(&caller), id).await.map_err(refused)?;
    let text = review::markdown(&found.listed.incident, &review, &found.timeline);
    let name = format!("attachment; filename=\"INC-{}.md\"", found.listed.incident.number);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"))),
    ];
    Ok((headers, text).into_response())
}

async fn answer(shared: &Shared, caller: &Caller, id: IncidentId) -> ApiResult<PostMortem> {
    let pool = shared.state.read();
    let review = review::get(pool, viewer(caller), id).await.map_err(refused)?;
    let found = read::get(pool, viewer(caller), id).await.map_err(refused)?;
    let impact = &review.facts.impact;
    let window = impact.window;
    let summary = match (impact.state, impact.failed_requests) {
        (_, Some(failed)) => format!("{failed:.0} failed requests in {window}"),
        (ImpactState::Pending, None) => "The failed requests are being counted.".to_owned(),
        (_, None) => {
            format!("Not known: {}", impact.why.as_deref().unwrap_or("no `incidents.impact_query` is configured"))
        }
    };
    let edited = review.updated_by != Actor::System;
    Ok(PostMortem {
        incident_id: id.to_string(),
        summary: review.summary,
        timeline: found.timeline.iter().map(entry).collect(),
        mttd_seconds: Some(review.facts.mttd_s),
        mtta_seconds: review.facts.mtta_s,
        mttr_seconds: Some(review.facts.mttr_s),
        impact: Impact {
            failed_requests: impact.failed_requests,
            total_requests: None,
            query: impact.query.clone(),
            summary,
        },
        tried: review.facts.tried.iter().map(tried).collect(),
        root_cause: review.root_cause,
        lessons: review.lessons,
        action_items: review.action_items.iter().map(shown).collect(),
        edited_by: edited.then(|| person(&review.updated_by.to_string())),
        edited_at: edited.then(|| review.updated_at.into()),
    })
}

fn tried(t: &StoredTried) -> Tried {
    let state = match t.outcome.as_str() {
        "succeeded" => RunState::Succeeded,
        "handed_over" => RunState::HandedOver,
        "refused" => RunState::Refused,
        "cancelled" => RunState::Cancelled,
        "queued" | "waiting" => RunState::Waiting,
        "running" => RunState::Running,
        _ => RunState::Failed,
    };
    Tried { run_id: t.run.clone(), workflow: t.workflow.clone(), state, outcome: t.detail.clone(), at: t.at.into() }
}

fn shown(item: &review::ActionItem) -> ActionItem {
    ActionItem {
        id: item.id.to_string(),
        title: item.text.clone(),
        owner: Some(item.owner.clone()).filter(|o| !o.is_empty()),
        due: Some(item.due.clone()).filter(|d| !d.is_empty()),
        state: if item.done_at.is_some() { ActionItemState::Done } else { ActionItemState::Open },
    }
}
