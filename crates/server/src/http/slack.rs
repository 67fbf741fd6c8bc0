//! Handlers: what people press in Slack.
//!
//! Not reading Slack's form: `respond::chatops` verifies and parses; here the wishes become the commands of the API.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;
use watchkeeper_alert::silence::NewSilence;
use watchkeeper_alert::{command, read as alerts};
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_domain::{Actor, Code, Matcher, Span};
use watchkeeper_incident::{Role, Viewer};
use watchkeeper_respond::chatops::Command;
use watchkeeper_respond::chatops::slack::{self, Press};
use watchkeeper_respond::client::{self, Left, reach::Reach};

use super::body::{declared_length, read};
use super::dto::session::ChangeKind;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// The largest interaction, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// How long posting an answer may take.
const ANSWER_TIMEOUT: Span = Span::from_secs(10);

/// `POST /slack/interactions`. Slack wants an answer within 3 s; what was done is said through `response_url`.
pub async fn interactions(State(shared): State<Arc<Shared>>, request: Request<Body>) -> ApiResult<Response> {
    let headers = request.headers().clone();
    let body = read(request.into_body(), declared_length(&headers), MOST_BYTES).await?;
    verify(&shared, &headers, &body)?;
    let presses = slack::presses(&body).map_err(|error| ApiProblem::new(Code::MalformedBody, error.to_string()))?;
    for press in presses {
        if !shared.pressed.first(&press.key, shared.env.now()) {
            continue;
        }
        let said = match &press.wish {
            Err(polite) => polite.clone(),
            Ok(wish) => match carry_out(&shared, &press, wish).await {
                Ok(said) => said,
                Err(said) => said,
            },
        };
        answer(&shared, &press, &said);
    }
    Ok(StatusCode::OK.into_response())
}

fn verify(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> ApiResult<()> {
    let config = shared.config.load();
    let secret = config.slack_signing_secret.as_ref().ok_or_else(|| {
        ApiProblem::new(
            Code::BadSignature,
            "`slack.signing_secret` is not configured, so no interaction can be trusted.",
        )
    })?;
    let all = |name: &str| headers.get_all(name).iter().map(|v| v.to_str().unwrap_or("")).collect::<Vec<_>>();
    let (timestamp, signature) = (all("x-slack-request-timestamp"), all("x-slack-signature"));
    slack::signature::verify(&[secret.expose()], &signature, &timestamp, body, shared.env.now())
        .map_err(|error| ApiProblem::new(Code::BadSignature, error.to_string()))
}

/// The person in the configuration with this Slack id, else the id itself.
fn person(shared: &Shared, slack_id: &str) -> String {
    let config = shared.config.load();
    let known = config.people.iter().find(|p| p.slack_id.as_deref() == Some(slack_id));
    known.map_or_else(|| slack::stranger(slack_id), |person| person.name.clone())
}

/// Does what was wished; both ends are a text for people.
async fn carry_out(shared: &Shared, press: &Press, wish: &Command) -> Result<String, String> {
    let who = person(shared, &press.user.id);
    let actor = Actor::User(who.clone());
    let name = press.user.name.clone();
    let done = match wish {
        Command::Acknowledge { incident, alerts } => {
            acknowledge(shared, *incident, alerts, &actor).await?;
            format!("{name} has it.")
        }
        Command::Assign { incident, alerts, to } => {
            let Some(incident) = incident_of(shared, *incident, alerts).await else {
                return Err("There is no open incident to assign yet: acknowledge the alert instead.".to_owned());
            };
            let to = to.as_deref().map_or(who, |id| person(shared, id));
            let role = Role::IncidentCommander;
            let given = shared
                .incidents
                .assign(Viewer::ALL, incident, role, Some(&to), actor)
                .await
                .map_err(|e| e.to_string())?;
            format!("INC-{} is {to}'s now ({role}), says {name}.", given.number)
        }
        Command::Resolve { incident, alerts } => {
            let Some(incident) = incident_of(shared, *incident, alerts).await else {
                return Err(
                    "There is no open incident to resolve; an alert resolves when its condition ends.".to_owned()
                );
            };
            let resolved =
                shared.incidents.resolve(Viewer::ALL, incident, actor, None).await.map_err(|e| e.to_string())?;
            format!("INC-{} was resolved by {name}.", resolved.number)
        }
        Command::Silence { alerts, duration } => {
            silence(shared, alerts, *duration, &actor).await?;
            format!("{name} silenced it for {duration}.")
        }
        Command::RunWorkflow { workflow, incident, alerts } => {
            let run = super::workflows::start(shared, workflow, *incident, alerts.first().copied(), &actor).await?;
            format!("{name} started {workflow} ({run}).")
        }
    };
    shared.pipeline.wake();
    shared.changes.changed(&[ChangeKind::Alert, ChangeKind::Incident, ChangeKind::Silence, ChangeKind::Run]);
    Ok(done)
}

pub(super) async fn acknowledge(
    shared: &Shared,
    incident: Option<IncidentId>,
    ids: &[AlertId],
    actor: &Actor,
) -> Result<(), String> {
    if let Some(incident) = incident_of(shared, incident, ids).await {
        shared.incidents.acknowledge(Viewer::ALL, incident, actor.clone(), None).await.map_err(|e| e.to_string())?;
        return Ok(());
    }
    for id in ids {
        command::acknowledge(&shared.state, &shared.env, *id, actor.clone(), None).await.map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// The incident of the message, or that of its alerts by now.
async fn incident_of(shared: &Shared, incident: Option<IncidentId>, ids: &[AlertId]) -> Option<IncidentId> {
    if incident.is_some() {
        return incident;
    }
    let id = *ids.first()?;
    alerts::get(shared.state.read(), shared.silences.cache(), shared.env.now(), id).await.ok()?.alert.incident_id
}

async fn silence(shared: &Shared, ids: &[AlertId], duration: Span, actor: &Actor) -> Result<(), String> {
    for id in ids {
        let found = alerts::get(shared.state.read(), shared.silences.cache(), shared.env.now(), *id)
            .await
            .map_err(|e| e.to_string())?;
        let matchers = found.alert.labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
        let new = NewSilence {
            matchers,
            starts_at: None,
            duration,
            comment: "from a button in Slack".to_owned(),
            ..NewSilence::default()
        };
        shared.silences.create(new, actor.clone()).await.map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Says in the thread what became of the wish. Best effort: the deed is done and in the ledger either way.
fn answer(shared: &Shared, press: &Press, said: &str) {
    let Some(url) = press.response_url.clone() else { return };
    // The signature says that the address is Slack's. A loopback one is the stand-in's, and only believed where the
    // administrator's own webhook leads to loopback too.
    let loopback = |host: Option<&str>| {
        host.is_some_and(|h| h == "localhost" || h.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()))
    };
    let config = shared.config.load();
    let local_webhook = config
        .receivers
        .values()
        .flat_map(|r| &r.slack)
        .any(|s| Url::parse(s.webhook_url.expose()).is_ok_and(|webhook| loopback(webhook.host_str())));
    let reach = if local_webhook && loopback(url.host_str()) { Reach::Administrator } else { Reach::Payload };
    let body = slack::answer(said, press.wish.is_ok()).to_string();
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let request =
        client::Request { url, reach, method: Method::POST, headers, body: body.into(), left: Left::default() };
    let (client, clock) = (shared.client.clone(), shared.env.clock.clone());
    let deadline = shared.env.now() + ANSWER_TIMEOUT;
    shared.supervisor.run("slack-answer", async move {
        tokio::select! {
            sent = client.send(request) => match sent {
                Ok(answer) if answer.status.is_success() => {}
                Ok(answer) => tracing::warn!(status = %answer.status, "Slack refused the answer to a press"),
                Err(error) => tracing::warn!(%error, "the answer to a press in Slack could not be posted"),
            },
            () = clock.sleep_until(deadline) => tracing::warn!("Slack did not take the answer to a press in time"),
        }
    });
}
