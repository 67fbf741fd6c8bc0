//! Handlers: fire drills, and how the watchman does. A drill is also confirmed at an address that whoever got the message
//! has, without logging in: what it opens is that one confirmation.
//!
//! Not the drills: `incident::drill` holds them.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use watchkeeper_config::Config;
use watchkeeper_domain::Actor;
use watchkeeper_domain::ids::DrillId;
use watchkeeper_incident::drill::{self, ConfirmUrl, DrillState as Stored, read};

use super::access::Caller;
use super::dto::self_watch::{Drill, DrillList, DrillQuery, SelfWatch, Stage};
use super::dto::session::ChangeKind;
use super::dto::words::DrillState;
use super::extract::{Path, Query};
use super::incidents::refused;
use super::page::Paging;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// Octets of a seal: 128 bits.
const SEAL: usize = 16;

/// The address at which a drill is confirmed without logging in.
#[must_use]
pub fn confirm_url(key: [u8; 32], config: Arc<ArcSwap<Config>>) -> ConfirmUrl {
    Arc::new(move |id| {
        let seal = sealed(&key, &id.to_string()).finalize().into_bytes();
        let seal = hex::encode(seal.get(..SEAL).unwrap_or_default());
        format!("{}/drills/{id}/{seal}", config.load().server.external_url)
    })
}

fn sealed(key: &[u8; 32], id: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(format!("drill/{id}").as_bytes());
    mac
}

/// `GET /drills`.
pub async fn list(State(shared): State<Arc<Shared>>, Query(query): Query<DrillQuery>) -> ApiResult<Json<DrillList>> {
    let limit = Paging::new(query.limit, None)?.limit;
    let items = read::list(shared.state.read(), limit).await?.into_iter().map(shown).collect();
    Ok(Json(DrillList { items, next_cursor: None }))
}

/// `POST /drills`: begins one now.
pub async fn run(State(shared): State<Arc<Shared>>, caller: Caller) -> ApiResult<(StatusCode, Json<Drill>)> {
    let drill = shared.drills.run(&caller.actor()).await.map_err(refused)?;
    changed(&shared);
    Ok((StatusCode::CREATED, Json(shown(drill))))
}

/// `POST /drills/{id}/confirm`.
pub async fn confirm(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Drill>> {
    let parsed: DrillId = id.parse().map_err(|_| ApiProblem::not_found("drill", &id))?;
    let drill = shared.drills.confirm(parsed, &caller.actor()).await.map_err(refused)?;
    changed(&shared);
    Ok(Json(shown(drill)))
}

/// `GET /self-watch`.
pub async fn self_watch(State(shared): State<Arc<Shared>>) -> ApiResult<Json<SelfWatch>> {
    let status = shared.watchman.status();
    let config = shared.config.load();
    let watch = &config.self_watch;
    let stages = shared.progress.all().into_iter();
    let stages = stages.map(|(name, at)| Stage { name: name.to_owned(), last_completed_at: at.into() }).collect();
    let last = read::list(shared.state.read(), 1).await?.pop();
    Ok(Json(SelfWatch {
        stalled_since: status.stalled_since.map(Into::into),
        faults: status.faults,
        looked_at: status.looked_at.map(Into::into),
        second_path: watch.receiver.clone(),
        second_path_told_at: status.told_at.map(Into::into),
        second_path_error: status.tell_error,
        heartbeat_interval: watch.heartbeat.as_ref().map(|beat| beat.interval.to_string()),
        heartbeat_to: watch.heartbeat.as_ref().map(|beat| beat.url.reference().to_owned()),
        last_heartbeat_at: status.last_beat_at.map(Into::into),
        heartbeat_error: status.beat_error,
        stages,
        next_drill_at: shared.drills.next_at().map(Into::into),
        last_drill: last.map(shown),
    }))
}

fn changed(shared: &Shared) {
    shared.pipeline.wake();
    shared.changes.changed(&[ChangeKind::Drill, ChangeKind::Alert, ChangeKind::Notification]);
}

fn shown(drill: drill::Drill) -> Drill {
    let name = |actor: &String| actor.strip_prefix("user:").unwrap_or(actor).to_owned();
    Drill {
        id: drill.id.to_string(),
        state: match drill.state {
            Stored::Waiting => DrillState::Waiting,
            Stored::Confirmed => DrillState::Confirmed,
            Stored::Missed => DrillState::Missed,
        },
        due_at: drill.due_at.map(Into::into),
        started_at: drill.started_at.into(),
        started_by: name(&drill.started_by),
        confirm_by: drill.confirm_by.into(),
        alert_id: drill.alert.map(|id| id.to_string()),
        ended_at: drill.ended_at.map(Into::into),
        confirmed_by: drill.confirmed_by.as_ref().map(name),
        seconds: drill.ended_at.map(|end| end.since(drill.started_at).as_secs_f64()),
    }
}

const PAGE: &str = r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Watchkeeper: fire drill</title><style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0}
main{display:grid;gap:.75rem;width:min(26rem,90vw)}button{font:inherit;padding:.5rem .75rem}h1{font-size:1.25rem;margin:0}p{margin:0}</style></head>
<body><main><h1>Fire drill</h1><p><!--said--></p><!--form--></main></body></html>"#;
/// A button, because programs that look at the links in mails follow them, too.
const FORM: &str = r#"<form method="post"><button autofocus>It reached me</button></form>"#;

/// `GET /drills/{id}/{seal}`.
pub async fn page(State(shared): State<Arc<Shared>>, Path((id, seal)): Path<(String, String)>) -> ApiResult<Response> {
    let id = opened(&shared, &id, &seal)?;
    let drill = read::find(shared.state.read(), id).await?;
    let drill = drill.ok_or_else(|| ApiProblem::not_found("drill", &id.to_string()))?;
    Ok(said(&drill))
}

/// `POST /drills/{id}/{seal}`.
pub async fn confirm_by_link(
    State(shared): State<Arc<Shared>>,
    Path((id, seal)): Path<(String, String)>,
) -> ApiResult<Response> {
    let id = opened(&shared, &id, &seal)?;
    let by = Actor::User("whoever has the drill's link".to_owned());
    let drill = shared.drills.confirm(id, &by).await.map_err(refused)?;
    changed(&shared);
    Ok(said(&drill))
}

fn opened(shared: &Shared, id: &str, seal: &str) -> ApiResult<DrillId> {
    let unknown = || ApiProblem::not_found("drill", id);
    let given = hex::decode(seal).ok().filter(|given| given.len() >= SEAL).ok_or_else(unknown)?;
    sealed(&shared.instance_key, id).verify_truncated_left(&given).map_err(|_| unknown())?;
    id.parse().map_err(|_| unknown())
}

fn said(drill: &drill::Drill) -> Response {
    let (said, form) = match drill.state {
        Stored::Waiting => (
            format!("Nothing is wrong. Somebody wants to know whether a page reaches you; until {}.", drill.confirm_by),
            FORM,
        ),
        Stored::Confirmed => ("It is confirmed. Thank you.".to_owned(), ""),
        Stored::Missed => ("Its time is over; nobody confirmed it.".to_owned(), ""),
    };
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Html(PAGE.replace("<!--said-->", &said).replace("<!--form-->", form))).into_response()
}
