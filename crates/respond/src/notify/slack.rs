//! Slack, over an incoming webhook.
//!
//! Not the Web API: a webhook answers `ok` and no message id, so a message cannot be edited later.
//! Answers: <https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks>.

pub mod blocks;
pub mod buttons;
pub mod message;

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use url::{Host, Url};
use watchkeeper_config::model::SlackIntegration;
use watchkeeper_config::model::receiver::ChartPolicy;
use watchkeeper_domain::Span;

use super::channel::{Channel, Outgoing, SendResult};
use super::deliver::Settings;
use super::scrub::Scrub;
use super::webhook::{self, endpoint};
use crate::client::reach::{self, Addresses, Reach};
use crate::client::{Answer, Client, Request};

/// How long one attempt may take.
const TIMEOUT: Span = Span::from_secs(10);

/// A Slack incoming webhook.
#[derive(Debug)]
pub struct Slack {
    url: Result<Url, String>,
    client: Client,
    secrets: Scrub,
    look: Look,
}

/// What a message needs to know of the installation.
#[derive(Debug, Clone)]
pub struct Look {
    /// For links; no trailing slash.
    pub external_url: String,
    /// Whether a chart is referred to by URL.
    pub charts: bool,
    /// Slack ids of people, by name.
    pub people: BTreeMap<String, String>,
}

impl Slack {
    /// A channel for one integration.
    #[must_use]
    pub fn new(integration: &SlackIntegration, settings: &Settings, client: Client) -> Self {
        let url = endpoint(&integration.webhook_url);
        let charts = match integration.chart {
            ChartPolicy::Always => true,
            ChartPolicy::Never => false,
            ChartPolicy::Auto => {
                let on_loopback = url.as_ref().is_ok_and(is_loopback);
                on_loopback || Url::parse(&settings.external_url).is_ok_and(|url| is_public(&url))
            }
        };
        let people = settings.people.iter().filter_map(|p| Some((p.name.clone(), p.slack_id.clone()?))).collect();
        let secrets = Scrub::default().and(&integration.webhook_url);
        Self { url, client, secrets, look: Look { external_url: settings.external_url.clone(), charts, people } }
    }

    async fn attempt(&self, message: &Outgoing) -> SendResult {
        let url = match &self.url {
            Ok(url) => url.clone(),
            Err(error) => return SendResult::Failed { status: None, error: error.clone() },
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = Request {
            url,
            reach: Reach::Administrator,
            method: Method::POST,
            headers,
            body: Bytes::from(message::render(message, &self.look).to_string()),
            left: message.left.clone(),
        };
        match self.client.send(request).await {
            Ok(answer) => judge(&answer, message),
            Err(error) => webhook::no_answer(&error),
        }
    }
}

impl Channel for Slack {
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, SendResult> {
        Box::pin(self.attempt(message))
    }
    fn preview(&self, message: &Outgoing) -> Result<String, String> {
        Ok(webhook::pretty(&message::render(message, &self.look)))
    }
    fn timeout(&self) -> Span {
        TIMEOUT
    }
    fn secrets(&self) -> &Scrub {
        &self.secrets
    }
}

/// 200 alone is not enough: a captive portal answers 200 as well. Slack says `ok`; look-alikes say so in JSON.
fn judge(answer: &Answer, message: &Outgoing) -> SendResult {
    if answer.status != 200 {
        return webhook::judge(answer, message.now);
    }
    let text = answer.excerpt();
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let flag = json.get("ok").or_else(|| json.get("success")).and_then(Value::as_bool);
    match flag {
        _ if text == "ok" => SendResult::Delivered { status: 200, receipt: text },
        Some(true) => SendResult::Delivered { status: 200, receipt: text },
        Some(false) => SendResult::Failed { status: Some(200), error: text },
        None => SendResult::Unknown { error: format!("it answered 200, but not as Slack does: {text}") },
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => reach::allowed(ip.into(), Addresses::Public).is_ok(),
        Some(Host::Ipv6(ip)) => reach::allowed(ip.into(), Addresses::Public).is_ok(),
        // A name without a dot is one of the local network.
        Some(Host::Domain(name)) => name.contains('.') && !name.ends_with(".local") && !name.ends_with(".internal"),
        None => false,
    }
}
