//! Handlers: receivers, notifications, and the test through the real path.
//!
//! Not sending: `respond::notify` does that.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use watchkeeper_alert::notice::Notice;
use watchkeeper_config::model::Receiver as Configured;
use watchkeeper_config::model::receiver::Templates;
use watchkeeper_domain::ids::NotificationId;
use watchkeeper_domain::{Category, Code, Integration, Timestamp};
use watchkeeper_respond::notify::IncidentLink;
use watchkeeper_respond::notify::content::Content;
use watchkeeper_respond::notify::deliver::Settings;
use watchkeeper_respond::notify::preview::{self, Wanted};
use watchkeeper_respond::notify::read::{self, Attempt, Filter};
use watchkeeper_respond::notify::standing::{self, Standing};

use super::access::Caller;
use super::alerts::find;
use super::body::JsonBody;
use super::dto::deliveries::{
    Channel, ChannelPreview, DeliveryAttempt, MessagePreview, MessageTemplates, MessageTrial, Notification,
    NotificationExplanation, NotificationList, NotificationQuery, Receiver, ReceiverList,
};
use super::dto::session::ChangeKind;
use super::dto::words::{DeliveryState, ReceiverHealth};
use super::extract::{Path, Query};
use super::page::{Paging, moment, words};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// `GET /receivers`.
pub async fn receivers(State(shared): State<Arc<Shared>>) -> ApiResult<Json<ReceiverList>> {
    Ok(Json(ReceiverList { items: all(&shared).await?, next_cursor: None }))
}

/// All receivers with their health.
pub(super) async fn all(shared: &Shared) -> ApiResult<Vec<Receiver>> {
    let standings = standing::standings(shared.state.read()).await?;
    let config = shared.config.load();
    Ok(config.receivers.values().map(|r| receiver(r, |key| standing::of(&config, &standings, r, key))).collect())
}

fn receiver(configured: &Configured, standing: impl Fn(&str) -> Option<Standing>) -> Receiver {
    let keys = configured.integrations();
    let found: Vec<Option<Standing>> = keys.iter().map(|i| standing(&i.key)).collect();
    let channels: Vec<Channel> = keys
        .iter()
        .zip(&found)
        .map(|(integration, standing)| Channel {
            kind: kind(&integration.key).to_owned(),
            target: target(configured, &integration.key),
            health: health(standing.as_ref()),
            last_delivered_at: standing.as_ref().and_then(|s| s.last_delivered_at).map(Into::into),
            last_failed_at: standing.as_ref().and_then(|s| s.last_failed_at).map(Into::into),
            failing_since: standing.as_ref().and_then(|s| s.failing_since).map(Into::into),
            last_error: standing.as_ref().and_then(|s| s.last_error.clone()),
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
    let items: Vec<Notification> =
        found.into_iter().filter(|n| ids.contains(&n.id)).map(|n| shown(&config, n)).collect();
    let total = items.len() as u64;
    Ok((StatusCode::ACCEPTED, Json(NotificationList { items, total, next_cursor: None })))
}

/// `POST /receivers/{name}/preview`: what the receiver would be told of a past alert. Sends nothing.
pub async fn preview(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(trial): JsonBody<MessageTrial>,
) -> ApiResult<Json<MessagePreview>> {
    let config = shared.config.load_full();
    let receiver = config.receivers.get(&name).ok_or_else(|| ApiProblem::not_found("receiver", &name))?;
    let found = find(&shared, &caller, &trial.alert_id).await?;
    let alert = &found.alert;
    let templates = trial.templates.map_or_else(|| receiver.templates.clone(), templates);
    let notice = Notice {
        group_key: "preview",
        group_labels: &alert.labels.only(|label| label == "alertname"),
        receiver: &name,
        alerts: &[alert],
        truncated: 0,
    };
    let content = Content::read("alert", &notice.content().to_string())
        .map_err(|error| ApiProblem::new(Code::Internal, format!("The alert cannot be told: {error}.")))?;
    let of = watchkeeper_incident::read::of_alert(shared.state.read(), alert.id).await?;
    let incident = of.and_then(|of| of.incident).map(|(id, number, title)| IncidentLink { id, number, title });
    let wanted = Wanted { status: notice.status(), alerts: &[alert.id], content, incident };
    let settings = Settings::from(config.as_ref());
    let made = preview::preview(&settings, &shared.client, &shared.env, &name, &templates, wanted);
    let (wording, channels) = made.ok_or_else(|| ApiProblem::not_found("receiver", &name))?;
    let channels = channels.into_iter().map(|made| {
        let (body, error) = match made.body {
            Ok(body) => (Some(body), None),
            Err(error) => (None, Some(error)),
        };
        ChannelPreview { channel: made.integration, body, error }
    });
    Ok(Json(MessagePreview {
        templates: MessageTemplates {
            title: templates.title,
            body: templates.body,
            subject: templates.subject,
            fields: templates.fields,
        },
        rendered: MessageTemplates {
            title: wording.title,
            body: wording.body,
            subject: wording.subject,
            fields: wording.fields,
        },
        errors: wording.errors,
        channels: channels.collect(),
    }))
}

fn templates(given: MessageTemplates) -> Templates {
    let text = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    Templates { title: text(given.title), body: text(given.body), subject: text(given.subject), fields: given.fields }
}

/// `GET /notifications`.
pub async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<NotificationQuery>,
) -> ApiResult<Json<NotificationList>> {
    let limit = Paging::new(query.limit, None)?.limit;
    let alert = match query.alert_id.as_deref() {
        None => None,
        Some(id) => Some(find(&shared, &caller, id).await?.alert.id),
    };
    let incident = match query.incident_id.as_deref() {
        None => None,
        Some(id) => Some(id.parse().map_err(|_| ApiProblem::not_found("incident", id))?),
    };
    let states: Vec<DeliveryState> = words("state", query.state.as_deref().unwrap_or(""))?;
    let filter = Filter {
        receiver: query.receiver.filter(|name| !name.is_empty()),
        incident,
        alert,
        channel: query.channel.filter(|channel| !channel.is_empty()),
        states: states.into_iter().map(|state| state.as_str().to_owned()).collect(),
        text: query.q.filter(|text| !text.trim().is_empty()),
        since: moment("since", query.since.as_deref())?,
        until: moment("until", query.until.as_deref())?,
        public_only: !caller.sees_restricted(),
        after: query.cursor.as_deref().map(after).transpose()?,
    };
    let mut found = read::list(shared.state.read(), &filter, limit + 1, 0).await?;
    let total = read::count(shared.state.read(), &filter).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|n| format!("{}.{}", n.created_at.as_micros(), n.id));
    let items = for_caller(&shared, &caller, found).await?;
    Ok(Json(NotificationList { items, total, next_cursor }))
}

/// `GET /notifications/{id}`.
pub async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Notification>> {
    let found = visible(&shared, &caller, &id).await?;
    Ok(Json(found.1))
}

/// `GET /notifications/{id}/explain`.
pub async fn explain(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<NotificationExplanation>> {
    let found = visible(&shared, &caller, &id).await?;
    Ok(Json(crate::explain::notification(&shared, &found.0).await?))
}

/// One notification as it is stored and as it is shown; not there for who may not know of it.
async fn visible(shared: &Shared, caller: &Caller, id: &str) -> ApiResult<(read::Notification, Notification)> {
    let unknown = || ApiProblem::not_found("notification", id);
    let parsed: NotificationId = id.parse().map_err(|_| unknown())?;
    let stored = read::find(shared.state.read(), parsed).await?.ok_or_else(unknown)?;
    let shown = for_caller(shared, caller, vec![stored.clone()]).await?.pop().ok_or_else(unknown)?;
    Ok((stored, shown))
}

/// Where a page ended.
fn after(cursor: &str) -> ApiResult<(Timestamp, String)> {
    let parsed = cursor.split_once('.').and_then(|(at, id)| {
        let id: NotificationId = id.parse().ok()?;
        Some((Timestamp::from_micros(at.parse().ok()?), id.to_string()))
    });
    parsed.ok_or_else(|| ApiProblem::invalid("cursor", "it is not one that a list gave"))
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
