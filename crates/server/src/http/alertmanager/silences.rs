//! Handlers: silences.
//!
//! Not their effect. Ids are bare UUIDs here, because Alertmanager's are; ours, with their prefix, are taken too.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use watchkeeper_alert::silence::{Put, Silence, SilenceState};
use watchkeeper_domain::Labels;
use watchkeeper_domain::ids::SilenceId;

use super::shape::{GettableSilence, PostableSilence, recurrence};
use super::{Answer, Params, Refusal};
use crate::app::Shared;
use crate::http::access::Caller;
use crate::http::body::{JSON_LIMIT, declared_length, read};
use crate::http::extract::Path;

/// Silences that one answer holds at most.
const MOST: u32 = 1_000;

fn id(text: &str) -> Answer<SilenceId> {
    let bare = format!("sil_{text}");
    bare.parse().or_else(|_| text.parse()).map_err(|_| Refusal::not_found("silence", text))
}

/// `GET /api/v2/silences`.
pub async fn list(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let params = Params::parse(query.as_deref());
    let filter = params.matchers("filter")?;
    let now = shared.env.now();
    let mut states = Vec::new();
    for (name, state) in
        [("active", SilenceState::Active), ("pending", SilenceState::Pending), ("expired", SilenceState::Expired)]
    {
        if params.on(name)? {
            states.push(state);
        }
    }
    let mut shown = Vec::new();
    let mut offset = 0;
    while !states.is_empty() {
        let page = shared.silences.list(&states, MOST, offset).await?;
        offset += MOST;
        let wanted = page.iter().filter(|s| states.contains(&s.state(now)) && fits(s, &filter));
        shown.extend(wanted.map(|silence| GettableSilence::of(silence, now)));
        if page.len() < MOST as usize {
            break;
        }
    }
    Ok(Json(shown).into_response())
}

/// Whether a silence is about what a filter names: the values in its matchers, taken for labels, satisfy the filter.
fn fits(silence: &Silence, filter: &[watchkeeper_domain::Matcher]) -> bool {
    let labels = Labels::from_pairs(silence.matchers.iter().map(|m| (m.name.clone(), m.value.clone())));
    super::all_match(filter, &labels)
}

/// `POST /api/v2/silences`: makes one, or edits the one whose id is given.
pub async fn post(State(shared): State<Arc<Shared>>, caller: Caller, request: Request) -> Response {
    let declared = declared_length(request.headers());
    let json = request
        .headers()
        .get(axum::http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    let body = match read(request.into_body(), declared, JSON_LIMIT).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    if !json {
        // A plain form on another site must not be able to silence anything.
        return Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json".into())
            .into_response();
    }
    match put(&shared, &caller, &body).await {
        Ok(silence) => Json(json!({"silenceID": silence.id.uuid().to_string()})).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn put(shared: &Shared, caller: &Caller, body: &[u8]) -> Answer<Silence> {
    let posted: PostableSilence = serde_json::from_slice(body).map_err(|e| {
        Refusal::bad(format!("the JSON is not usable at line {}, column {}: {e}", e.line(), e.column()))
    })?;
    let matchers = posted.matchers.into_iter().map(super::shape::MatcherParts::matcher).collect::<Result<_, _>>();
    let mut annotations = posted.annotations.unwrap_or_default();
    let put = Put {
        id: posted.id.as_deref().filter(|text| !text.is_empty()).map(id).transpose()?,
        matchers: matchers.map_err(Refusal::bad)?,
        starts_at: posted.starts_at,
        ends_at: posted.ends_at,
        created_by: posted.created_by,
        comment: posted.comment,
        recurrence: recurrence(&mut annotations).map_err(Refusal::bad)?,
        annotations,
    };
    Ok(shared.silences.put(put, caller.actor()).await?)
}

/// `GET /api/v2/silence/{id}`.
pub async fn show(State(shared): State<Arc<Shared>>, Path(text): Path<String>) -> Result<Response, Refusal> {
    let silence = shared.silences.get(id(&text)?).await?;
    Ok(Json(GettableSilence::of(&silence, shared.env.now())).into_response())
}

/// `DELETE /api/v2/silence/{id}`: ends it now.
pub async fn expire(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<StatusCode, Refusal> {
    shared.silences.expire(id(&text)?, caller.actor()).await?;
    Ok(StatusCode::OK)
}
