//! Handlers: silences.
//!
//! Not their effect on notifications: `alert` has that.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use watchkeeper_alert::silence::{NewSilence as Wanted, Silence as Stored, SilenceState as StoredState};
use watchkeeper_domain::ids::SilenceId;
use watchkeeper_domain::{Matcher, Problem, Span};

use super::access::Caller;
use super::body::JsonBody;
use super::dto::silences::{NewSilence, Silence, SilenceList, SilenceQuery};
use super::dto::words::SilenceState;
use super::extract::{Path, Query};
use super::page::{Paging, words};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// `GET /silences`.
pub async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<SilenceQuery>,
) -> ApiResult<Json<SilenceList>> {
    let states: Vec<SilenceState> = words("state", query.state.as_deref().unwrap_or("active,pending"))?;
    let states: Vec<StoredState> = states.into_iter().map(stored_state).collect();
    let paging = Paging::new(query.limit, query.cursor.as_deref())?;
    let found = shared.silences.list(&states, paging.limit + 1, paging.offset).await.map_err(refused)?;
    let (found, next_cursor) = paging.page(found);
    Ok(Json(SilenceList { items: shown(&shared, &found).await?, next_cursor }))
}

/// `POST /silences`.
pub async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(body): JsonBody<NewSilence>,
) -> ApiResult<(StatusCode, Json<Silence>)> {
    let matchers = body.matchers.iter().map(|text| Matcher::parse(text)).collect::<Result<_, _>>();
    let matchers = matchers.map_err(|error| ApiProblem::invalid("matchers", error))?;
    let duration: Span = body.duration.parse().map_err(|error| ApiProblem::invalid("duration", error))?;
    let wanted = Wanted {
        matchers,
        starts_at: body.starts_at.map(|t| t.0),
        duration,
        comment: body.comment,
        ..Wanted::default()
    };
    let silence = shared.silences.create(wanted, caller.actor()).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(one(&shared, silence).await?)))
}

/// `DELETE /silences/{id}`.
pub async fn expire(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Silence>> {
    let parsed: SilenceId = id.parse().map_err(|_| ApiProblem::not_found("silence", &id))?;
    let silence = shared.silences.expire(parsed, caller.actor()).await.map_err(refused)?;
    Ok(Json(one(&shared, silence).await?))
}

async fn one(shared: &Shared, silence: Stored) -> ApiResult<Silence> {
    let id = silence.id.to_string();
    shown(shared, &[silence]).await?.pop().ok_or_else(|| ApiProblem::not_found("silence", &id))
}

async fn shown(shared: &Shared, silences: &[Stored]) -> ApiResult<Vec<Silence>> {
    let now = shared.env.now();
    let matching = shared.silences.matching_alerts(silences).await.map_err(refused)?;
    let show = |(silence, matching_alerts): (&Stored, u32)| Silence {
        id: silence.id.to_string(),
        state: match silence.state(now) {
            StoredState::Active => SilenceState::Active,
            StoredState::Pending => SilenceState::Pending,
            StoredState::Expired => SilenceState::Expired,
        },
        matchers: silence.matchers.iter().map(ToString::to_string).collect(),
        starts_at: silence.starts_at.into(),
        ends_at: silence.expired_at.unwrap_or(silence.ends_at).into(),
        created_by: silence.created_by.to_string(),
        comment: silence.comment.clone(),
        matching_alerts,
    };
    Ok(silences.iter().zip(matching).map(show).collect())
}

fn stored_state(state: SilenceState) -> StoredState {
    match state {
        SilenceState::Active => StoredState::Active,
        SilenceState::Pending => StoredState::Pending,
        SilenceState::Expired => StoredState::Expired,
    }
}

fn refused(error: watchkeeper_alert::Error) -> ApiProblem {
    ApiProblem::from(Problem::from(&error))
}
