//! Handlers: receivers, notifications, and the test through the real path.
//!
//! Not sending: `respond::notify` does that.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use watchkeeper_config::model::Receiver as Configured;
use watchkeeper_domain::{Category, Integration};
use watchkeeper_respond::notify::read::{self, Attempt, Filter, Standing};

use super::access::Caller;
use super::alerts::find;
use super::dto::deliveries::{
    Channel, DeliveryAttempt, Notification, NotificationList, NotificationQuery, Receiver, ReceiverList,
};
use super::dto::session::ChangeKind;
use super::dto::words::{DeliveryState, ReceiverHealth};
use super::extract::{Path, Query};
use super::page::Paging;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// `GET /receivers`.
pub async fn receivers(State(shared): State<Arc<Shared>>) -> ApiResult<Json<ReceiverList>> {
    Ok(Json(ReceiverList { items: all(&shared).await?, next_cursor: None }))
}

/// All receivers with their health.
pub(super) async fn all(shared: &Shared) -> ApiResult<Vec<Receiver>> {
    let standings = read::standings(shared.state.read()).await?;
    let config = shared.config.load();
    Ok(config.receivers.values().map(|r| receiver(r, |key| standings.get(&(r.name.clone(), key.to_owned())))).collect())
}

fn receiver<'a>(configured: &Configured, standing: impl Fn(&str) -> Option<&'a Standing>) -> Receiver {
    let keys = configured.integrations();
    let found: Vec<Option<&Standing>> = keys.iter().map(|i| standing(&i.key)).collect();
    let channels: Vec<Channel> = keys
        .iter()
        .zip(&found)
        .map(|(integration, standing)| Channel {
            kind: kind(&integration.key).to_owned(),
            target: target(configured, &integration.key),
            health: health(*standing),
        })
        .collect();
    let known = || found.iter().flatten();
    Receiver {
        name: configured.name.clone(),
        health: if channels.iter().any(|c| c.health == ReceiverHealth::Failing) {
            ReceiverHealth::Failing
        } else if channels.iter().any(|c| c.health == ReceiverHealth::Ok) {
            ReceiverHealth::Ok
        } else {
            ReceiverHealth::Untested
        },
        channels,
        last_delivered_at: known().filter_map(|s| s.last_delivered_at).max().map(Into::into),
        last_failed_at: known().filter_map(|s| s.last_failed_at).max().map(Into::into),
        last_error: known().filter(|s| s.failing() == Some(true)).find_map(|s| s.last_error.clone()),
        queued: known().map(|s| s.queued).sum(),
    }
}

fn health(standing: Option<&Standing>) -> ReceiverHealth {
    match standing.and_then(Standing::failing) {
        None => ReceiverHealth::Untested,
        Some(true) => ReceiverHealth::Failing,
        Some(false) => ReceiverHealth::Ok,
    }
}

fn kind(key: &str) -> &str {
    key.split(':').next().unwrap_or(key)
}

/// Where an integration leads, without its secrets.
fn target(receiver: &Configured, key: &str) -> String {
    let at = key.split_once(':').and_then(|(_, n)| n.parse().ok()).unwrap_or(0);
    match kind(key) {
        "slack" => receiver.slack.get(at).map(|s| s.webhook_url.reference().to_owned()),
        "email" => receiver.email.get(at).map(|e| e.to.join(", ")),
        "webhook" => receiver.webhook.get(at).map(|w| w.url.reference().to_owned()),
        Integration::ON_CALL => receiver.escalation_policy.clone(),
        _ => receiver.services().find(|(own, _)| own == key).map(|(_, integration)| integration.service.target()),
    }
    .unwrap_or_default()
}

/// `POST /receivers/{name}/test`.
pub async fn test(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<(StatusCode, Json<NotificationList>)> {
    let config = shared.config.load_full();
    let receiver = config.receivers.get(&name).ok_or_else(|| ApiProblem::not_found("receiver", &name))?;
    let ids = watchkeeper_respond::notify::test(&shared.state, &shared.env, receiver, &caller.actor()).await?;
    shared.pipeline.wake();
    shared.outbox.wake();
    shared.changes.changed(&[ChangeKind::Notification]);
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let found = read::list(shared.state.read(), &Filter { receiver: Some(name), ..Filter::default() }, 100, 0).await?;
    let items = found.into_iter().filter(|n| ids.contains(&n.id)).map(|n| shown(&config, n)).collect();
    Ok((StatusCode::ACCEPTED, Json(NotificationList { items, next_cursor: None })))
}

/// `GET /notifications`.
pub async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<NotificationQuery>,
) -> ApiResult<Json<NotificationList>> {
    let paging = Paging::new(query.limit, query.cursor.as_deref())?;
    let alert = match query.alert_id.as_deref() {
        None => None,
        Some(id) => Some(find(&shared, &caller, id).await?.alert.id),
    };
    let incident = match query.incident_id.as_deref() {
        None => None,
        Some(id) => Some(id.parse().map_err(|_| ApiProblem::not_found("incident", id))?),
    };
    let states = query.state.as_deref().unwrap_or("");
    let states = states
        .split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(|s| if s == "retrying" { "pending" } else { s }.to_owned());
    let filter = Filter { receiver: query.receiver, incident, alert, states: states.collect() };
    let found = read::list(shared.state.read(), &filter, paging.limit + 1, paging.offset).await?;
    let (found, next_cursor) = paging.page(found);
    let items = for_caller(&shared, &caller, found).await?;
    Ok(Json(NotificationList { items, next_cursor }))
}

/// Notifications as the API shows them, without those about restricted matters where the caller may not see them.
pub(super) async fn for_caller(
    shared: &Shared,
    caller: &Caller,
    found: Vec<read::Notification>,
) -> ApiResult<Vec<Notification>> {
    let config = shared.config.load();
    let hidden: Vec<String> = if caller.sees_restricted() {
        Vec::new()
    } else {
        sqlx::query_scalar(
            "SELECT id FROM alert WHERE category = $1 UNION SELECT id FROM incident WHERE restricted = 1",
        )
        .bind(Category::Security.as_str())
        .fetch_all(shared.state.read())
        .await
        .map_err(watchkeeper_state::StateError::statement("find what is restricted"))?
    };
    let visible = |n: &read::Notification| {
        !n.alert_ids.iter().any(|id| hidden.contains(id))
            && !n.incident_id.as_ref().is_some_and(|id| hidden.contains(id))
    };
    Ok(found.into_iter().filter(visible).map(|n| shown(&config, n)).collect())
}

/// A notification as the API shows it.
fn shown(config: &watchkeeper_config::Config, n: read::Notification) -> Notification {
    let last = n.attempts.last();
    let state = match n.state.as_str() {
        "delivered" => DeliveryState::Delivered,
        "failed" => DeliveryState::Failed,
        "sending" => DeliveryState::Sending,
        "superseded" => DeliveryState::Suppressed,
        _ if last.is_some_and(|a| a.outcome == "unknown") => DeliveryState::Uncertain,
        _ if last.is_some() => DeliveryState::Retrying,
        _ => DeliveryState::Pending,
    };
    Notification {
        target: config.receivers.get(&n.receiver).map(|r| target(r, &n.integration)).unwrap_or_default(),
        channel: kind(&n.integration).to_owned(),
        reason: if n.kind == "alert" { n.status.clone() } else { n.kind.clone() },
        title: n.title,
        delivered_at: n.finished_at.filter(|_| state == DeliveryState::Delivered).map(Into::into),
        next_attempt_at: matches!(state, DeliveryState::Pending | DeliveryState::Retrying | DeliveryState::Uncertain)
            .then(|| n.next_attempt_at.into()),
        state,
        id: n.id,
        receiver: n.receiver,
        created_at: n.created_at.into(),
        incident_id: n.incident_id,
        alert_ids: n.alert_ids,
        attempts: n.attempts.iter().map(attempt).collect(),
    }
}

fn attempt(a: &Attempt) -> DeliveryAttempt {
    let state = match a.outcome.as_str() {
        "delivered" => DeliveryState::Delivered,
        "retry" => DeliveryState::Retrying,
        "failed" => DeliveryState::Failed,
        "unknown" => DeliveryState::Uncertain,
        _ => DeliveryState::Sending,
    };
    DeliveryAttempt {
        number: u32::try_from(a.n).unwrap_or(0),
        at: a.started_at.into(),
        duration_ms: a.duration().map(|d| d.as_secs_f64() * 1_000.0),
        state,
        status: a.status.and_then(|s| u16::try_from(s).ok()),
        receipt: a.receipt.clone(),
        error: (!a.detail.is_empty() && state != DeliveryState::Delivered).then(|| a.detail.clone()),
    }
}
