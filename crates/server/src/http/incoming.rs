//! Handlers: alerts of other tools, each in its own form, over a path of its own.
//!
//! Not their reading: `alert::incoming` does that. Here is who may send, what is answered, and that the answer comes when
//! everything is on disk.

pub mod entra;
pub mod pagerduty;
mod sender;
pub mod sns;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::HeaderMap;
use watchkeeper_alert::incoming::{self, Act, Decoded, Incoming};
use watchkeeper_alert::{Posted, command, posted};
use watchkeeper_config::model::{Integration, IntegrationKind};
use watchkeeper_domain::{Actor, Code};
use watchkeeper_incident::Viewer;

use super::access::Caller;
use super::body::{declared_length, read};
use super::changes;
use super::dto::incoming::{Preview, PreviewedAlert, Received};
use super::dto::session::ChangeKind;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;
use crate::supervisor::chain;

/// The largest body, in bytes.
const MOST_BYTES: usize = 4 << 20;
/// Bodies of more bytes than this are decoded on a thread of their own.
const INLINE_BYTES: usize = 64 << 10;

fn configured(shared: &Shared, name: &str) -> ApiResult<Integration> {
    let config = shared.config.load();
    config.integrations.get(name).cloned().ok_or_else(|| ApiProblem::not_found("integration", name))
}

/// `POST /in/{name}`.
pub async fn receive(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<axum::response::Response, ApiProblem> {
    use axum::response::IntoResponse as _;

    let integration = configured(&shared, &name)?;
    let (parts, body) = request.into_parts();
    let pagerduty = matches!(integration.kind, IntegrationKind::PagerDuty);
    if !pagerduty {
        // Strangers are turned away before their body is read.
        if let Some(entra) = &integration.entra {
            let clock = shared.env.clock.as_ref();
            entra::check(entra, &parts.headers, &shared.entra_keys, &shared.client, clock).await?;
        }
        sender::token(&shared, &integration, &parts.headers, query.as_deref(), parts.extensions.get::<Caller>())?;
    }
    let body = read(body, declared_length(&parts.headers), MOST_BYTES).await?;
    if pagerduty {
        return Ok(pagerduty::event(&shared, &parts.headers, &body, Some(&integration)).await);
    }
    sender::signature(&shared, &integration, &parts.headers, &body)?;
    if matches!(integration.kind, IntegrationKind::CloudWatch) {
        let clock = shared.env.clock.as_ref();
        let checked =
            sns::check(&integration, &body, shared.env.now(), &shared.sns_keys, &shared.client, clock).await?;
        match checked {
            sns::Checked::Take => {}
            sns::Checked::Raw if integration.token.is_some() => {}
            sns::Checked::Raw => {
                let detail =
                    "Raw message delivery is not signed. Switch it off at the subscription, or configure a `token`.";
                return Err(ApiProblem::new(Code::BadSignature, detail));
            }
            sns::Checked::Done(what) => {
                tracing::info!(integration = %integration.name, what, "Amazon SNS");
                return Ok(Json(Received { alerts: 0, changes: None, ignored: Some(what.to_owned()) }).into_response());
            }
        }
    }
    let event = sender::event(&parts.headers);
    let changes = match integration.kind {
        IntegrationKind::GitHub => changes::of_github(&shared, &integration, event, &body).await?,
        _ => None,
    };
    let received = match decode(&shared, &integration, event, body).await? {
        Decoded::Nothing(why) => Received { alerts: 0, changes, ignored: Some(why).filter(|_| changes.is_none()) },
        Decoded::Alerts(all) => {
            let alerts = u32::try_from(all.len()).unwrap_or(u32::MAX);
            take(&shared, &integration, all).await?;
            Received { alerts, changes, ignored: None }
        }
    };
    Ok(Json(received).into_response())
}

/// `POST /in/{name}/preview`: what would become of a body; nothing is taken.
pub async fn preview(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> ApiResult<Json<Preview>> {
    let integration = configured(&shared, &name)?;
    let (parts, body) = request.into_parts();
    let body = read(body, declared_length(&parts.headers), MOST_BYTES).await?;
    let decoded = decode(&shared, &integration, sender::event(&parts.headers), body).await?;
    Ok(Json(previewed(&integration, decoded, shared.env.now())))
}

/// A preview of what was decoded.
pub fn previewed(integration: &Integration, decoded: Decoded, now: watchkeeper_domain::Timestamp) -> Preview {
    match decoded {
        Decoded::Nothing(why) => Preview { alerts: Vec::new(), ignored: Some(why) },
        Decoded::Alerts(all) => {
            Preview { alerts: all.into_iter().map(|one| alert(integration, one, now)).collect(), ignored: None }
        }
    }
}

fn alert(integration: &Integration, one: Incoming, now: watchkeeper_domain::Timestamp) -> PreviewedAlert {
    let (act, key) = (one.act, one.key.clone());
    let posted = one.posted(integration, now);
    PreviewedAlert {
        act: match act {
            Act::Fire => "fire",
            Act::Resolve => "resolve",
            Act::Acknowledge => "acknowledge",
        }
        .to_owned(),
        key,
        refused: posted.check().err(),
        labels: posted.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        annotations: posted.annotations,
        url: posted.generator_url,
        starts_at: posted.starts_at.map(Into::into),
        ends_at: posted.ends_at.map(Into::into),
    }
}

async fn decode(shared: &Shared, integration: &Integration, event: Option<&str>, body: Bytes) -> ApiResult<Decoded> {
    let turn = shared.decoding.acquire().await;
    let decoded = if body.len() <= INLINE_BYTES {
        incoming::decode(integration, event, &body)
    } else {
        let (integration, event) = (integration.clone(), event.map(str::to_owned));
        let decoding = tokio::task::spawn_blocking(move || incoming::decode(&integration, event.as_deref(), &body));
        decoding.await.map_err(|error| ApiProblem::internal("read the body", &error))?
    };
    drop(turn);
    decoded.map_err(|refused| {
        let detail = format!("The integration `{}` cannot take this: {refused}.", integration.name);
        ApiProblem::new(Code::MalformedBody, detail)
    })
}

/// Takes alerts. When this returns they are on disk.
async fn take(shared: &Shared, integration: &Integration, all: Vec<Incoming>) -> ApiResult<()> {
    let now = shared.env.now();
    let (mut posted, mut acknowledged): (Vec<Posted>, Vec<String>) = (Vec::new(), Vec::new());
    for one in all {
        let act = one.act;
        let alert = one.posted(integration, now);
        alert.check().map_err(|reason| {
            ApiProblem::new(
                Code::MalformedBody,
                format!("The integration `{}` cannot take this: {reason}.", integration.name),
            )
        })?;
        match act {
            Act::Acknowledge => acknowledged.extend(alert.origin.and_then(|origin| origin.key)),
            Act::Fire | Act::Resolve => posted.push(alert),
        }
    }
    let resolve_timeout = shared.config.load().resolve_timeout;
    shared.intake.receive(posted, resolve_timeout).await.map_err(|error| {
        tracing::error!(error = %chain(&error), "alerts of an integration could not be written");
        ApiProblem::new(Code::StateUnavailable, "The alerts could not be written; send them again.").retry_after(1)
    })?;
    for key in acknowledged {
        acknowledge(shared, integration, &key).await?;
    }
    Ok(())
}

/// Somebody on the other side has it: its incident, or the alert itself while it has none.
async fn acknowledge(shared: &Shared, integration: &Integration, key: &str) -> ApiResult<()> {
    let Some(id) = posted::open_by_key(shared.state.read(), key).await? else { return Ok(()) };
    let actor = Actor::User(integration.name.clone());
    let found = watchkeeper_alert::read::get(shared.state.read(), shared.silences.cache(), shared.env.now(), id).await;
    let note = "acknowledged by the sender";
    // An incident or an alert that has ended meanwhile needs nobody any more.
    match found.ok().and_then(|found| found.alert.incident_id) {
        Some(incident) => {
            let done = shared.incidents.acknowledge(Viewer::ALL, incident, actor, Some(note)).await;
            if let Err(watchkeeper_incident::Error::State(error)) = done {
                return Err(error.into());
            }
        }
        None => {
            let done = command::acknowledge(&shared.state, &shared.env, id, actor, Some(note)).await;
            if let Err(watchkeeper_alert::Error::State(error)) = done {
                return Err(error.into());
            }
        }
    }
    shared.pipeline.wake();
    shared.changes.changed(&[ChangeKind::Alert, ChangeKind::Incident]);
    Ok(())
}

/// Of these headers what says which kind of event a body is.
fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}
