//! A generic webhook: Alertmanager's body, version 4, signed by Standard Webhooks when a secret is set.
//!
//! Not a template engine: consumers of Alertmanager's webhook read it unchanged.
//! Sources: Alertmanager's documentation of `webhook_config`; <https://www.standardwebhooks.com> (spec 1.0).

pub mod body;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use hmac::{Hmac, Mac};
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sha2::Sha256;
use url::Url;
use watchkeeper_config::Secret;
use watchkeeper_config::model::WebhookIntegration;
use watchkeeper_domain::{Env, Span, Timestamp};

use super::channel::{Channel, Outgoing, SendResult};
use super::deliver::Settings;
use super::scrub::Scrub;
use crate::client::reach::Reach;
use crate::client::{Answer, Client, ClientError, Request};

/// A webhook receiver.
pub struct Webhook {
    url: Result<Url, String>,
    signing_secret: Option<Secret>,
    bearer_token: Option<Secret>,
    timeout: Span,
    external_url: String,
    client: Client,
    env: Env,
    secrets: Scrub,
}

impl Webhook {
    /// A channel for one integration.
    #[must_use]
    pub fn new(integration: &WebhookIntegration, settings: &Settings, client: Client, env: Env) -> Self {
        let secrets = [Some(&integration.url), integration.signing_secret.as_ref(), integration.bearer_token.as_ref()];
        Self {
            url: endpoint(&integration.url),
            signing_secret: integration.signing_secret.clone(),
            bearer_token: integration.bearer_token.clone(),
            timeout: integration.timeout,
            external_url: settings.external_url.clone(),
            client,
            env,
            secrets: secrets.into_iter().flatten().fold(Scrub::default(), |scrub, secret| scrub.and(secret)),
        }
    }

    fn request(&self, message: &Outgoing) -> Result<Request, String> {
        let url = self.url.clone()?;
        let body = body::render(message, &self.external_url).to_string();
        let id = message.id.to_string();
        let mut headers = HeaderMap::new();
        let mut add = |name: &'static str, value: &str, secret: bool| {
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| format!("the value of the header {name} holds a line break"))?;
            value.set_sensitive(secret);
            headers.insert(HeaderName::from_static(name), value);
            Ok::<(), String>(())
        };
        add("idempotency-key", &id, false)?;
        if let Some(secret) = &self.signing_secret {
            let timestamp = self.env.now().as_millis().div_euclid(1_000).to_string();
            add("webhook-signature", &sign(secret.expose(), &id, &timestamp, body.as_bytes()), false)?;
            add("webhook-id", &id, false)?;
            add("webhook-timestamp", &timestamp, false)?;
        }
        if let Some(token) = &self.bearer_token {
            add(AUTHORIZATION.as_str(), &format!("Bearer {}", token.expose()), true)
                .or(Err("the bearer token holds a line break"))?;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (reach, method, left) = (Reach::Administrator, Method::POST, message.left.clone());
        Ok(Request { url, reach, method, headers, body: Bytes::from(body), left })
    }

    async fn attempt(&self, message: &Outgoing) -> SendResult {
        match self.request(message) {
            Err(error) => SendResult::Failed { status: None, error },
            Ok(request) => match self.client.send(request).await {
                Ok(answer) => judge(&answer, message.now),
                Err(error) => no_answer(&error),
            },
        }
    }
}

impl Channel for Webhook {
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, SendResult> {
        Box::pin(self.attempt(message))
    }
    fn preview(&self, message: &Outgoing) -> Result<String, String> {
        Ok(pretty(&body::render(message, &self.external_url)))
    }
    fn timeout(&self) -> Span {
        self.timeout
    }
    fn secrets(&self) -> &Scrub {
        &self.secrets
    }
    /// Its body is Alertmanager's, which has no place for either.
    fn wants_context(&self) -> bool {
        false
    }
}

/// A body for people to look at.
pub(super) fn pretty(body: &serde_json::Value) -> String {
    serde_json::to_string_pretty(body).unwrap_or_else(|_| body.to_string())
}

/// A secret as a URL; the error names the reference only.
pub(super) fn endpoint(secret: &Secret) -> Result<Url, String> {
    Url::parse(secret.expose().trim()).map_err(|e| format!("{} does not hold a URL: {e}", secret.reference()))
}

/// Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. A secret with the prefix `whsec_`
/// is base64; any other is taken as it is.
#[must_use]
pub fn sign(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = secret.strip_prefix("whsec_").and_then(|coded| STANDARD.decode(coded).ok());
    let key = key.unwrap_or_else(|| secret.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// What a status means: 2xx taken; 429, 408, 425 and 5xx later; everything else never.
pub(super) fn judge(answer: &Answer, now: Timestamp) -> SendResult {
    let (status, text) = (answer.status.as_u16(), answer.excerpt());
    match status {
        200..=299 => SendResult::Delivered { status, receipt: text },
        408 | 425 | 429 | 500..=599 => {
            SendResult::Retry { status: Some(status), error: text, after: retry_after(&answer.headers, now) }
        }
        300..=399 => SendResult::Failed {
            status: Some(status),
            error: "it redirects, and redirects are not followed; configure the final URL".to_owned(),
        },
        _ => SendResult::Failed { status: Some(status), error: text },
    }
}

/// What it means that there was no answer.
pub(super) fn no_answer(error: &ClientError) -> SendResult {
    let text = error.to_string();
    match error {
        ClientError::Refused(_) | ClientError::Malformed(_) => SendResult::Failed { status: None, error: text },
        ClientError::NotSent(_) => SendResult::Retry { status: None, error: text, after: None },
        ClientError::Unanswered(_) => SendResult::Unknown { error: text },
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Span> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse::<u32>() {
        return Some(Span::from_secs(i64::from(secs)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_micros(date.as_microsecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_specification_example() {
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn retry_after_is_read_in_both_notations() {
        let now = "2015-10-21T07:27:00Z".parse().expect("valid");
        let read = |text: &'static str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]), now)
        };
        assert_eq!(read("120"), Some(Span::from_secs(120)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Span::from_secs(60)));
        assert_eq!(read("soon"), None);
    }
}
