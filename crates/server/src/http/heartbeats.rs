//! Handlers: the beats of jobs, and how their heartbeats stand.
//!
//! Not the judgement: `detect::heartbeat` has it. The address of a beat is its credential; it is shown to responders only.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use watchkeeper_config::model::{Heartbeat as Configured, Role};
use watchkeeper_detect::heartbeat::record::{Beat, Kind, Standing};
use watchkeeper_detect::heartbeat::{self, Seen, Status};
use watchkeeper_domain::Code;

use super::access::Caller;
use super::body::{declared_length, read};
use super::dto::heartbeats::{Heartbeat, HeartbeatBeat, HeartbeatDetail, HeartbeatList};
use super::dto::session::ChangeKind;
use super::dto::words::HeartbeatState;
use super::extract::Path;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// The largest body of a beat, in bytes; more is refused.
const MOST_BYTES: usize = 1 << 20;
/// How much of it is kept.
const KEPT_BYTES: usize = 10_000;
/// The longest name of a run.
const MOST_RUN: usize = 128;
/// Octets of an id that the server made: 128 bits.
const SEAL: usize = 16;

/// `/heartbeat/{id}`.
pub async fn beat(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> ApiResult<Response> {
    take(&shared, &id, Kind::Success, None, query.as_deref(), request).await
}

/// `/heartbeat/{id}/{act}`: `start`, `fail`, `log`, or an exit status.
pub async fn act(
    State(shared): State<Arc<Shared>>,
    Path((id, act)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    request: Request,
) -> ApiResult<Response> {
    let (kind, exit_code) = match act.as_str() {
        "start" => (Kind::Start, None),
        "fail" => (Kind::Fail, None),
        "log" => (Kind::Log, None),
        "0" => (Kind::Success, Some(0)),
        status => match status.parse::<u8>() {
            Ok(status) => (Kind::Fail, Some(status)),
            Err(_) => {
                let detail = "After the id comes nothing, `/start`, `/fail`, `/log`, or an exit status from 0 to 255.";
                return Err(ApiProblem::new(Code::NotFound, detail));
            }
        },
    };
    take(&shared, &id, kind, exit_code, query.as_deref(), request).await
}

async fn take(
    shared: &Shared,
    id: &str,
    kind: Kind,
    exit_code: Option<u8>,
    query: Option<&str>,
    request: Request,
) -> ApiResult<Response> {
    // Strangers are turned away before their body is read.
    let name = by_id(shared, id).ok_or_else(|| {
        ApiProblem::new(Code::NotFound, "No heartbeat has this id; `watchkeeper heartbeat list` shows the addresses.")
    })?;
    let run = url::form_urlencoded::parse(query.unwrap_or("").as_bytes())
        .find_map(|(key, value)| (key == "rid" && !value.is_empty()).then(|| value.into_owned()));
    if run.as_ref().is_some_and(|run| run.len() > MOST_RUN) {
        return Err(ApiProblem::invalid("rid", format!("at most {MOST_RUN} bytes")));
    }
    let declared = declared_length(request.headers());
    let body = read(request.into_body(), declared, MOST_BYTES).await?;
    let kept = body.get(..KEPT_BYTES).unwrap_or(&body);
    let beat = Beat { kind, exit_code, run, body: String::from_utf8_lossy(kept).into_owned() };
    if !shared.heartbeats.beat(&name, &beat).await? {
        return Err(ApiProblem::not_found("heartbeat", &name));
    }
    shared.changes.changed(&[ChangeKind::Heartbeat]);
    Ok("OK".into_response())
}

/// The heartbeat with this id. Takes as long for a wrong id as for a right one.
fn by_id(shared: &Shared, given: &str) -> Option<String> {
    let given = Sha256::digest(given);
    let mut found = None;
    for heartbeat in &shared.config.load().heartbeats {
        if bool::from(Sha256::digest(id(shared, heartbeat)).ct_eq(&given)) {
            found = Some(heartbeat.name.clone());
        }
    }
    found
}

/// The secret part of a heartbeat's address.
fn id(shared: &Shared, heartbeat: &Configured) -> String {
    if let Some(id) = &heartbeat.id {
        return id.expose().to_owned();
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&shared.instance_key).expect("HMAC takes a key of any length");
    mac.update(format!("heartbeat/{}", heartbeat.name).as_bytes());
    hex::encode(mac.finalize().into_bytes().get(..SEAL).unwrap_or_default())
}

/// `GET /heartbeats`.
pub async fn list(State(shared): State<Arc<Shared>>, caller: Caller) -> ApiResult<Json<HeartbeatList>> {
    let mut items: Vec<Heartbeat> =
        shared.heartbeats.statuses().await?.iter().map(|status| shown(&shared, &caller, status)).collect();
    items.sort_by_key(|heartbeat| match heartbeat.state {
        HeartbeatState::Failed | HeartbeatState::Late => 0,
        HeartbeatState::Unknown => 1,
        HeartbeatState::Grace => 2,
        HeartbeatState::New => 3,
        HeartbeatState::Up => 4,
    });
    Ok(Json(HeartbeatList { items, next_cursor: None }))
}

/// `GET /heartbeats/{name}`.
pub async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Json<HeartbeatDetail>> {
    let statuses = shared.heartbeats.statuses().await?;
    let status = statuses.iter().find(|status| status.heartbeat.name == name);
    let status = status.ok_or_else(|| ApiProblem::not_found("heartbeat", &name))?;
    let beats = heartbeat::beats(shared.state.read(), &name).await?;
    let beats = beats.into_iter().map(|seen| beat_shown(&caller, seen)).collect();
    Ok(Json(HeartbeatDetail { heartbeat: shown(&shared, &caller, status), beats }))
}

fn acts(caller: &Caller) -> bool {
    caller.role >= Role::Responder
}

fn shown(shared: &Shared, caller: &Caller, status: &Status) -> Heartbeat {
    let Status { heartbeat, record, deadline } = status;
    let now = shared.env.now();
    let expected = record.expected(heartbeat);
    let state = match record.standing {
        Standing::New => HeartbeatState::New,
        Standing::Up if expected.is_some_and(|at| at <= now) => HeartbeatState::Grace,
        Standing::Up => HeartbeatState::Up,
        Standing::Late => HeartbeatState::Late,
        Standing::Failed => HeartbeatState::Failed,
        Standing::Unknown => HeartbeatState::Unknown,
    };
    let external = || shared.config.load().server.external_url.clone();
    Heartbeat {
        name: heartbeat.name.clone(),
        state,
        since: record.since.into(),
        detail: Some(record.reason.clone()).filter(|reason| !reason.is_empty()),
        schedule: heartbeat.expected.to_string(),
        grace: heartbeat.grace.to_string(),
        priority: heartbeat.priority.into(),
        category: heartbeat.category.into(),
        labels: heartbeat.labels.clone(),
        last_success_at: record.last_success.map(Into::into),
        last_failure_at: record.last_failure.map(Into::into),
        running_since: record.runs.first().map(|run| run.began.into()),
        expected_at: expected.map(Into::into),
        deadline_at: deadline.map(Into::into),
        last_duration_ms: record.took.map(|took| took.as_secs_f64() * 1_000.0),
        last_exit_code: record.exit_code,
        overlapping_runs: record.overlaps,
        url: acts(caller).then(|| format!("{}/heartbeat/{}", external(), id(shared, heartbeat))),
    }
}

fn beat_shown(caller: &Caller, seen: Seen) -> HeartbeatBeat {
    HeartbeatBeat {
        at: seen.at.into(),
        kind: seen.kind,
        exit_code: seen.exit_code,
        run: seen.run,
        duration_ms: seen.took.map(|took| took.as_secs_f64() * 1_000.0),
        // What a job prints may be more than everybody is to see.
        body: Some(seen.body).filter(|body| acts(caller) && !body.is_empty()),
    }
}
