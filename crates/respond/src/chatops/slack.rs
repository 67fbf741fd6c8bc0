//! Slack's interactivity: a signed form post for each press of a button and each choice in a menu.
//!
//! Not an HTTP handler: the server routes the request here and answers within Slack's three seconds; what takes longer
//! is answered over `response_url`.
//! Sources: Slack's documentation of request signing (`v0`) and of `block_actions` payloads.

pub mod dedupe;
pub mod signature;

use serde::Deserialize;
use url::Url;
use watchkeeper_domain::Span;

use super::command::Command;
use crate::notify::slack::blocks::escape;
use crate::notify::slack::buttons::{ACKNOWLEDGE, ASSIGN, RESOLVE, RUN_WORKFLOW, SILENCE, TAKE, Target};

/// The most bytes of a request; Slack's are a few kilobytes, with the whole message in them.
pub const MOST_BYTES: usize = 1 << 20;
/// How long the silence button silences.
const SILENCE_FOR: Span = Span::from_secs(3_600);

/// Why a request was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not signed by whom it should be.
    #[error(transparent)]
    Signature(#[from] signature::Error),
    /// It is longer than any that Slack sends.
    #[error("the request is longer than {MOST_BYTES} bytes")]
    TooLong,
    /// There is no `payload`, or it is not what Slack documents.
    #[error("the payload is not one of Slack's: {0}")]
    Payload(String),
}

/// One press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Press {
    /// Who pressed.
    pub user: User,
    /// What they want; or, politely, why nothing will happen.
    pub wish: Result<Command, String>,
    /// The same for a repeated delivery of the same press.
    pub key: String,
    /// Where an answer may be posted, up to five times in half an hour. From the signed payload, but still to be
    /// reached like any address that a payload names.
    pub response_url: Option<Url>,
    /// The message that held the button.
    pub message_ts: String,
}

/// Who pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Slack's id, `U…`: what people are known by in the configuration.
    pub id: String,
    /// The name that Slack shows. Hostile text.
    pub name: String,
}

/// How somebody is named, in the ledger too, whose id the configuration does not know.
#[must_use]
pub fn stranger(slack_id: &str) -> String {
    format!("slack/{slack_id}")
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    user: Person,
    #[serde(default)]
    trigger_id: String,
    #[serde(default)]
    response_url: Option<String>,
    #[serde(default)]
    container: Container,
    #[serde(default)]
    actions: Vec<Action>,
}

/// Slack sends `name` and `username`, which an alias would take for a repeated field.
#[derive(Deserialize)]
struct Person {
    id: String,
    name: Option<String>,
    username: Option<String>,
}

#[derive(Deserialize, Default)]
struct Container {
    #[serde(default)]
    message_ts: String,
}

#[derive(Deserialize)]
struct Action {
    action_id: String,
    #[serde(default)]
    block_id: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    selected_user: Option<String>,
    #[serde(default)]
    action_ts: String,
}

/// Reads the presses of one request, whose signature has been verified over the very same bytes.
///
/// An interaction that is no press of a button gives none.
pub fn presses(body: &[u8]) -> Result<Vec<Press>, Error> {
    if body.len() > MOST_BYTES {
        return Err(Error::TooLong);
    }
    let (_, json) = url::form_urlencoded::parse(body)
        .find(|(name, _)| name == "payload")
        .ok_or_else(|| Error::Payload("there is no form field `payload`".to_owned()))?;
    let payload: Payload = serde_json::from_str(&json).map_err(|e| Error::Payload(e.to_string()))?;
    if payload.kind != "block_actions" {
        return Ok(Vec::new());
    }
    let name = payload.user.name.or(payload.user.username).unwrap_or_default();
    let user = User { id: payload.user.id, name };
    let response_url = payload.response_url.and_then(|url| Url::parse(&url).ok());
    let press = |action: Action| Press {
        user: user.clone(),
        wish: wish(&action),
        key: format!("{}/{}/{}", payload.trigger_id, action.action_ts, action.action_id),
        response_url: response_url.clone(),
        message_ts: payload.container.message_ts.clone(),
    };
    Ok(payload.actions.into_iter().map(press).collect())
}

fn wish(action: &Action) -> Result<Command, String> {
    let stale = || {
        "I cannot read this button: it comes from another version of me. Please use the links in the message."
            .to_owned()
    };
    if action.action_id == ASSIGN {
        let Target { incident, alerts, .. } = Target::of_row(&action.block_id).ok_or_else(stale)?;
        let to = action.selected_user.clone().ok_or_else(|| "Nobody was chosen.".to_owned())?;
        return Ok(Command::Assign { incident, alerts, to: Some(to) });
    }
    let known = [ACKNOWLEDGE, TAKE, SILENCE, RESOLVE].contains(&action.action_id.as_str())
        || action.action_id.starts_with(RUN_WORKFLOW);
    if !known {
        let id: String = action.action_id.chars().take(60).collect();
        return Err(format!(
            "I do not know the action `{}`. I know: acknowledge, assign, silence, resolve, run a workflow.",
            escape(&id, 80)
        ));
    }
    let target = Target::read(&action.value).map_err(|_| stale())?;
    let (incident, alerts) = (target.incident, target.alerts);
    if incident.is_none() && alerts.is_empty() {
        return Err(stale());
    }
    match (action.action_id.as_str(), target.workflow) {
        (ACKNOWLEDGE, None) => Ok(Command::Acknowledge { incident, alerts }),
        (TAKE, None) => Ok(Command::Assign { incident, alerts, to: None }),
        (SILENCE, None) if alerts.is_empty() => Err("This message tells of no alert that I could silence.".to_owned()),
        (SILENCE, None) => Ok(Command::Silence { alerts, duration: SILENCE_FOR }),
        (RESOLVE, None) => Ok(Command::Resolve { incident, alerts }),
        (id, Some(workflow)) if id.starts_with(RUN_WORKFLOW) => Ok(Command::RunWorkflow { workflow, incident, alerts }),
        _ => Err(stale()),
    }
}

/// The JSON to post to `response_url`: for everybody in the thread, or for the person who pressed only.
#[must_use]
pub fn answer(text: &str, for_everybody: bool) -> serde_json::Value {
    serde_json::json!({
        "response_type": if for_everybody { "in_channel" } else { "ephemeral" },
        "replace_original": false,
        "text": escape(text, 3_000),
    })
}

#[cfg(test)]
mod tests;
