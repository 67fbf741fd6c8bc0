//! Services with an HTTP API of their own: what they share, and one file for each.
//!
//! Not Slack, e-mail and webhooks, which have more to say.

pub mod discord;
pub mod ntfy;
pub mod opsgenie;
pub mod pagerduty;
pub mod teams;
pub mod telegram;
pub mod twilio;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;
use watchkeeper_config::Secret;
use watchkeeper_config::model::receiver::{Service as Configured, Twilio as Account};
use watchkeeper_domain::Span;

use super::channel::{Channel, Outgoing, SendResult};
use super::deliver::Settings;
use super::exec::Exec;
use super::scrub::Scrub;
use super::webhook;
use crate::client::reach::Reach;
use crate::client::{Answer, Client, Request};

/// How long one attempt may take.
const TIMEOUT: Span = Span::from_secs(10);

/// One call of an API.
pub(super) struct Call {
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Body,
}

/// What is sent.
pub(super) enum Body {
    Json(Value),
    Form(Vec<(&'static str, String)>),
}

/// How a service is spoken to.
pub(super) trait Api: Send + Sync {
    /// The call for a message.
    fn call(&self, message: &Outgoing) -> Result<Call, String>;
    /// What its answer means.
    fn judge(&self, answer: &Answer, message: &Outgoing) -> SendResult {
        webhook::judge(answer, message.now)
    }
    /// Its secrets.
    fn secrets(&self) -> Vec<&Secret>;
}

/// A channel over an API.
struct Over<A> {
    api: A,
    client: Client,
    secrets: Scrub,
}

/// The channel of a configured service.
#[must_use]
pub fn channel(service: &Configured, settings: &Settings, client: &Client) -> Arc<dyn Channel> {
    let at = settings.external_url.clone();
    match service {
        Configured::PagerDuty { routing_key, url } => {
            over(pagerduty::PagerDuty { routing_key: routing_key.clone(), url: url.clone(), external_url: at }, client)
        }
        Configured::Opsgenie { api_key, api_url, teams, tags } => {
            let (teams, tags) = (teams.clone(), tags.clone());
            let (api_key, api_url) = (api_key.clone(), api_url.clone());
            over(opsgenie::Opsgenie { api_key, api_url, teams, tags, external_url: at }, client)
        }
        Configured::Teams { webhook_url } => {
            over(teams::Teams { webhook_url: webhook_url.clone(), external_url: at }, client)
        }
        Configured::Discord { webhook_url } => {
            over(discord::Discord { webhook_url: webhook_url.clone(), external_url: at }, client)
        }
        Configured::Telegram { bot_token, chat_id, message_thread_id, api_url } => {
            let (bot_token, chat_id, api_url) = (bot_token.clone(), chat_id.clone(), api_url.clone());
            let thread = *message_thread_id;
            over(telegram::Telegram { bot_token, chat_id, thread, api_url, external_url: at }, client)
        }
        Configured::Ntfy { url, token } => {
            over(ntfy::Ntfy { url: url.clone(), token: token.clone(), external_url: at }, client)
        }
        Configured::Sms { to, twilio } => phone(to, twilio, false, at, client),
        Configured::Voice { to, twilio } => phone(to, twilio, true, at, client),
        Configured::Exec { command, env, timeout } => Arc::new(Exec::new(command.clone(), env.clone(), *timeout, at)),
    }
}

fn phone(to: &str, account: &Account, voice: bool, external_url: String, client: &Client) -> Arc<dyn Channel> {
    over(twilio::Twilio { account: account.clone(), to: to.to_owned(), voice, external_url }, client)
}

fn over<A: Api + 'static>(api: A, client: &Client) -> Arc<dyn Channel> {
    let secrets = api.secrets().into_iter().fold(Scrub::default(), |scrub, secret| scrub.and(secret));
    Arc::new(Over { api, client: client.clone(), secrets })
}

impl<A: Api> Over<A> {
    async fn attempt(&self, message: &Outgoing) -> SendResult {
        let failed = |error: String| SendResult::Failed { status: None, error };
        let call = match self.api.call(message) {
            Ok(call) => call,
            Err(error) => return failed(error),
        };
        let mut headers = HeaderMap::new();
        let (kind, body) = match call.body {
            Body::Json(json) => ("application/json", json.to_string()),
            Body::Form(pairs) => {
                let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                ("application/x-www-form-urlencoded", form)
            }
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        for (name, value) in call.headers {
            let Ok(mut value) = HeaderValue::from_str(&value) else {
                return failed(format!("the value of the header `{name}` cannot be sent"));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let request = Request {
            url: call.url,
            reach: Reach::Administrator,
            method: Method::POST,
            headers,
            body: Bytes::from(body),
            left: message.left.clone(),
        };
        match self.client.send(request).await {
            Ok(answer) => self.api.judge(&answer, message),
            Err(error) => webhook::no_answer(&error),
        }
    }
}

impl<A: Api> Channel for Over<A> {
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, SendResult> {
        Box::pin(self.attempt(message))
    }
    fn preview(&self, message: &Outgoing) -> Result<String, String> {
        Ok(match self.api.call(message)?.body {
            Body::Json(json) => webhook::pretty(&json),
            Body::Form(pairs) => {
                pairs.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
            }
        })
    }
    fn timeout(&self) -> Span {
        TIMEOUT
    }
    fn secrets(&self) -> &Scrub {
        &self.secrets
    }
}

/// A name for what a message is about: the same for its beginning, its changes and its end, and for every attempt.
pub(super) fn key(message: &Outgoing) -> String {
    let mut hash = Sha256::new();
    for part in [message.receiver.as_bytes(), b"\0", message.thread.as_bytes()] {
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

pub(super) fn url(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|_| "the configured address is not a URL".to_owned())
}
