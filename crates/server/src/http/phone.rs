//! Handlers: what people answer by telephone.
//!
//! Not the telling. Who answers is known by the number that was told, and that it was Twilio who passed it on by the
//! signature over this very URL.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use watchkeeper_config::model::person::RECEIVER_PREFIX;
use watchkeeper_config::model::receiver::{Service, Twilio};
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_domain::{Actor, Code, Span};
use watchkeeper_respond::notify::read::{self, Filter, Notification};
use watchkeeper_respond::phone::{Reply, code, is_signed, says};

use super::body::{declared_length, read as read_body};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// The largest form, in bytes.
const MOST_BYTES: usize = 64 << 10;
/// A message older than this is not what an answer is about.
const OLDEST: Span = Span::from_secs(24 * 3_600);
/// How many notifications of a receiver are looked through.
const MOST_LOOKED_AT: u32 = 500;

/// A form of Twilio's, verified.
struct Form(Vec<(String, String)>);

impl Form {
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str())
    }
}

async fn verified(shared: &Shared, request: Request) -> ApiResult<Form> {
    let account = account(shared).ok_or_else(|| ApiProblem::not_found("configuration", "twilio"))?;
    let (parts, body) = request.into_parts();
    let body = read_body(body, declared_length(&parts.headers), MOST_BYTES).await?;
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    // Twilio signs the address that it was given, which is the one that people know.
    let url = format!("{}{path}", shared.config.load().server.external_url);
    let signature = parts.headers.get("x-twilio-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_signed(account.auth_token.expose(), &url, &form, signature) {
        let detail = format!(
            "The header `X-Twilio-Signature` is not Twilio's for `{}`.",
            url.split('?').next().unwrap_or_default()
        );
        return Err(ApiProblem::new(Code::BadSignature, detail));
    }
    Ok(Form(form))
}

fn account(shared: &Shared) -> Option<Twilio> {
    shared.config.load().twilio.clone()
}

fn answer(text: &str, by_voice: bool) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], says(text, by_voice)).into_response()
}

/// `POST /twilio/sms`: somebody replied.
pub async fn sms(State(shared): State<Arc<Shared>>, request: Request) -> ApiResult<Response> {
    let form = verified(&shared, request).await?;
    let Reply::Acknowledge(wanted) = Reply::read(form.get("Body")) else {
        return Ok(answer("Reply ACK and the four digits of a message to take it.", false));
    };
    let number = form.get("From");
    let told = told(&shared, number).await?;
    let found = told.iter().find(|n| match &wanted {
        Some(wanted) => code(&n.id) == *wanted,
        None => n.status == "firing",
    });
    let Some(found) = found else {
        return Ok(answer("There is no such message to this number from the last 24 hours.", false));
    };
    Ok(answer(&take(&shared, found, number).await?, false))
}

/// `POST /twilio/voice?notification=…`: somebody pressed a key.
pub async fn voice(State(shared): State<Arc<Shared>>, request: Request) -> ApiResult<Response> {
    let pairs = url::form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes()).into_owned();
    let wanted = pairs.into_iter().find(|(name, _)| name == "notification").map(|(_, id)| id).unwrap_or_default();
    let form = verified(&shared, request).await?;
    if form.get("Digits") != "1" {
        return Ok(answer("Nobody has taken it. Goodbye.", true));
    }
    // The one that was called, whichever way the provider names it.
    for number in [form.get("To"), form.get("Called"), form.get("From")] {
        if let Some(found) = told(&shared, number).await?.iter().find(|n| n.id == wanted) {
            return Ok(answer(&take(&shared, found, number).await?, true));
        }
    }
    Ok(answer("This message is no longer known.", true))
}

/// What was said to a number lately, newest first.
async fn told(shared: &Shared, number: &str) -> ApiResult<Vec<Notification>> {
    let config = shared.config.load_full();
    let leads_there = |service: &Service| match service {
        Service::Sms { to, .. } | Service::Voice { to, .. } => to == number,
        _ => false,
    };
    let since = Some(shared.env.now() - OLDEST);
    let mut all = Vec::new();
    for receiver in config.receivers.values() {
        let keys: Vec<String> =
            receiver.services().filter(|(_, i)| leads_there(&i.service)).map(|(key, _)| key).collect();
        if keys.is_empty() {
            continue;
        }
        let filter = Filter { receiver: Some(receiver.name.clone()), since, ..Filter::default() };
        let found = read::list(shared.state.read(), &filter, MOST_LOOKED_AT, 0).await?;
        all.extend(found.into_iter().filter(|n| keys.contains(&n.integration)));
    }
    all.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    Ok(all)
}

/// The alerts of a message are theirs now. What is said of it.
async fn take(shared: &Shared, notification: &Notification, number: &str) -> ApiResult<String> {
    // A person's own number is that person; any other one stands for itself.
    let actor = Actor::User(notification.receiver.strip_prefix(RECEIVER_PREFIX).unwrap_or(number).to_owned());
    let alerts: Vec<AlertId> = notification.alert_ids.iter().filter_map(|id| id.parse().ok()).collect();
    let incident: Option<IncidentId> = notification.incident_id.as_ref().and_then(|id| id.parse().ok());
    if alerts.is_empty() && incident.is_none() {
        return Ok("There is nothing to take.".to_owned());
    }
    match super::slack::acknowledge(shared, incident, &alerts, &actor).await {
        Ok(()) => {
            shared.pipeline.wake();
            shared
                .changes
                .changed(&[super::dto::session::ChangeKind::Alert, super::dto::session::ChangeKind::Incident]);
            Ok(format!("It is yours: {}", notification.title))
        }
        Err(reason) => Ok(reason),
    }
}
