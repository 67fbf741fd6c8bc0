//! Handlers: silences.
//!
//! Not their effect on notifications: `alert` has that.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use watchkeeper_alert::silence::{
    Filter, MAX_MATCHERS, NewSilence as Wanted, OWNER, Silence as Stored, SilenceState as StoredState, TICKET,
};
use watchkeeper_domain::ids::SilenceId;
use watchkeeper_domain::time_interval::{Written, WrittenTime};
use watchkeeper_domain::{Matcher, Span, TimeInterval};

use super::access::Caller;
use super::alerts::{hidden, refused, summary};
use super::body::JsonBody;
use super::dto::silences::{
    NewSilence, Silence, SilenceList, SilencePreview, SilenceQuery, SilenceTimes, SilenceTrial,
};
use super::dto::words::SilenceState;
use super::extract::{Path, Query};
use super::page::{Paging, words};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// How many alerts a preview shows.
const MOST_SHOWN: usize = 20;

/// `GET /silences`.
pub async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<SilenceQuery>,
) -> ApiResult<Json<SilenceList>> {
    let states: Vec<SilenceState> = words("state", query.state.as_deref().unwrap_or("active,pending"))?;
    let states: Vec<StoredState> = states.into_iter().map(stored_state).collect();
    let paging = Paging::new(query.limit, query.cursor.as_deref())?;
    let text = query.q.filter(|text| !text.trim().is_empty());
    let filter = Filter { states, text, recurring: query.recurring };
    let found = shared.silences.search(&filter, paging.limit + 1, paging.offset).await.map_err(refused)?;
    let (found, next_cursor) = paging.page(found);
    let total = shared.silences.count(&filter).await.map_err(refused)?;
    Ok(Json(SilenceList { items: shown(&shared, &found).await?, total, next_cursor }))
}

/// `POST /silences`.
pub async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(body): JsonBody<NewSilence>,
) -> ApiResult<(StatusCode, Json<Silence>)> {
    let matchers = matchers(&body.matchers)?;
    let duration: Span = body.duration.parse().map_err(|error| ApiProblem::invalid("duration", error))?;
    let wanted = Wanted {
        matchers,
        starts_at: body.starts_at.map(|t| t.0),
        duration,
        comment: body.comment,
        recurrence: body.recurrence.map(times).transpose()?,
        annotations: [(OWNER, body.owner), (TICKET, body.ticket)]
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), text?.trim().to_owned())))
            .filter(|(_, text)| !text.is_empty())
            .collect(),
    };
    let silence = shared.silences.create(wanted, caller.actor()).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(one(&shared, silence).await?)))
}

/// `POST /silences/preview`.
pub async fn preview(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(body): JsonBody<SilenceTrial>,
) -> ApiResult<Json<SilencePreview>> {
    let matchers = matchers(&body.matchers)?;
    if matchers.is_empty() {
        return Err(ApiProblem::invalid("matchers", "name at least one"));
    }
    let (pool, cache, now) = (shared.state.read(), shared.silences.cache(), shared.env.now());
    let found = watchkeeper_alert::read::matching(pool, cache, now, &matchers, &hidden(&caller), MOST_SHOWN)
        .await
        .map_err(refused)?;
    let owners = super::incidents::owners(&shared).await?;
    Ok(Json(SilencePreview {
        total: found.total,
        silenced: found.silenced,
        last_day: found.last_day,
        alerts: found.firing.iter().map(|listed| summary(listed, &owners)).collect(),
    }))
}

fn matchers(texts: &[String]) -> ApiResult<Vec<Matcher>> {
    if texts.len() > MAX_MATCHERS {
        return Err(ApiProblem::invalid("matchers", format!("a silence has at most {MAX_MATCHERS}")));
    }
    let parsed = texts.iter().map(|text| Matcher::parse(text)).collect::<Result<_, _>>();
    parsed.map_err(|error| ApiProblem::invalid("matchers", error))
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
        owner: silence.annotations.get(OWNER).cloned(),
        ticket: silence.annotations.get(TICKET).cloned(),
        recurrence: silence.recurrence.as_ref().map(shown_times),
        next_change_at: silence.next_change(now).map(Into::into),
        matching_alerts,
    };
    Ok(silences.iter().zip(matching).map(show).collect())
}

/// Times as the API takes them, or the part of them that cannot be read.
fn times(given: SilenceTimes) -> ApiResult<TimeInterval> {
    let part = |text: &String| {
        let both = text.split_once('-').map(|(start, end)| (start.trim().to_owned(), end.trim().to_owned()));
        let (start_time, end_time) = both.ok_or_else(|| {
            ApiProblem::invalid(
                "recurrence.times",
                format!("`{text}` is no part of a day; write for example 22:00-24:00"),
            )
        })?;
        Ok::<_, ApiProblem>(WrittenTime { start_time, end_time })
    };
    let written = Written {
        times: given.times.iter().map(part).collect::<Result<_, _>>()?,
        weekdays: given.weekdays,
        days_of_month: given.days_of_month,
        months: given.months,
        years: Vec::new(),
        location: given.time_zone.filter(|zone| !zone.is_empty()),
    };
    if written == (Written { location: written.location.clone(), ..Written::default() }) {
        return Err(ApiProblem::invalid("recurrence", "name at least days or times; one that always holds needs none"));
    }
    TimeInterval::new(written).map_err(|error| ApiProblem::invalid("recurrence", format!("{}: {error}", error.part)))
}

fn shown_times(interval: &TimeInterval) -> SilenceTimes {
    let written = interval.written().clone();
    SilenceTimes {
        weekdays: written.weekdays,
        days_of_month: written.days_of_month,
        months: written.months,
        times: written.times.iter().map(|part| format!("{}-{}", part.start_time, part.end_time)).collect(),
        time_zone: written.location,
    }
}

fn stored_state(state: SilenceState) -> StoredState {
    match state {
        SilenceState::Active => StoredState::Active,
        SilenceState::Pending => StoredState::Pending,
        SilenceState::Expired => StoredState::Expired,
    }
}
