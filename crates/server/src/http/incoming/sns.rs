//! Amazon SNS: whether an envelope is signed by Amazon, and the confirmation of a subscription.
//!
//! Not what is in the envelope. Source: "Verifying the signatures of Amazon SNS messages".
//!
//! A body names two URLs that this server fetches, the certificate's and the confirmation's. Both must be of an SNS host of
//! the topic's region, by https, on public addresses: nobody can make the server fetch anything else. Signature version 1
//! is SHA-1, for which two texts with one signature can be made, so it is refused with the way to version 2.

use std::collections::HashMap;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, alg_id};
use serde_json::Value;
use url::Url;
use watchkeeper_alert::incoming::Envelope;
use watchkeeper_config::model::Integration;
use watchkeeper_domain::{Code, Span, Timestamp};
use watchkeeper_respond::client::reach::Reach;
use watchkeeper_respond::client::{Client, Left, Request};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::http::problem::{ApiProblem, ApiResult};

/// How old an envelope may be: Amazon tries for an hour.
const OLDEST: Span = Span::from_secs(2 * 3_600);
/// Most certificates that are remembered.
const MOST_KEYS: usize = 16;
/// How long a fetch may take.
const TIMEOUT: Span = Span::from_secs(10);

/// Fetches what an envelope names.
pub trait Courier: Send + Sync {
    /// The body of a GET that was answered 200.
    fn fetch(&self, url: Url) -> BoxFuture<'_, Result<Vec<u8>, String>>;
}

impl Courier for Client {
    fn fetch(&self, url: Url) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let request = Request {
                url,
                reach: Reach::Payload,
                method: http::Method::GET,
                headers: http::HeaderMap::new(),
                body: bytes::Bytes::new(),
                left: Left::default(),
            };
            let answer = self.send(request).await.map_err(|error| error.to_string())?;
            if answer.status == 200 { Ok(answer.body.to_vec()) } else { Err(format!("it answers {}", answer.status)) }
        })
    }
}

/// Public keys of Amazon's certificates, by their URL.
#[derive(Default)]
pub struct Keys(Mutex<HashMap<String, Vec<u8>>>);

/// What to do with a body after it was checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// Take what is in it.
    Take,
    /// The subscription is confirmed, or is over: nothing to take.
    Done(&'static str),
    /// No envelope: whoever sends must show the token.
    Raw,
}

fn bad(reason: impl Into<String>) -> ApiProblem {
    ApiProblem::new(Code::BadSignature, reason)
}

/// Checks an envelope and confirms a subscription.
pub(super) async fn check(
    integration: &Integration,
    body: &[u8],
    now: Timestamp,
    keys: &Keys,
    courier: &dyn Courier,
    clock: &dyn watchkeeper_domain::Clock,
) -> ApiResult<Checked> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return Ok(Checked::Raw) };
    let kind = Envelope::of(&body);
    if kind == Envelope::None {
        return Ok(Checked::Raw);
    }
    let of = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let topic = of("TopicArn");
    if !integration.topics.is_empty() && !integration.topics.iter().any(|known| known == topic) {
        let shown: String = topic.chars().take(200).collect();
        return Err(bad(format!(
            "The topic `{shown}` is not among `topics` of the integration `{}`.",
            integration.name
        )));
    }
    match of("SignatureVersion") {
        "2" => {}
        "1" => {
            return Err(bad(format!(
                "The signature is SHA-1, which can be forged. Let Amazon sign with SHA-256: aws sns set-topic-attributes \
                 --topic-arn {} --attribute-name SignatureVersion --attribute-value 2",
                topic
                    .chars()
                    .filter(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.'))
                    .take(200)
                    .collect::<String>()
            )));
        }
        _ => return Err(bad("The envelope is not signed.")),
    }
    let sent: Timestamp = of("Timestamp").parse().map_err(|_| bad("The envelope has no usable `Timestamp`."))?;
    if now.since(sent) > OLDEST || sent.since(now) > OLDEST {
        return Err(bad("The envelope is more than two hours from this server's clock."));
    }
    let certificate = amazon(of("SigningCertURL"), topic).filter(|url| url.path().ends_with(".pem"));
    let certificate =
        certificate.ok_or_else(|| bad("`SigningCertURL` is not an address of Amazon SNS in the topic's region."))?;
    let key = keys.of(certificate, now, courier, clock).await?;
    let signature =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, of("Signature")).unwrap_or_default();
    if !verifies(&key, canonical(&body, &kind).as_bytes(), &signature) {
        return Err(bad("The envelope's signature is not Amazon's."));
    }
    match kind {
        Envelope::SubscriptionConfirmation => {
            let url = amazon(of("SubscribeURL"), topic)
                .ok_or_else(|| bad("`SubscribeURL` is not an address of Amazon SNS in the topic's region."))?;
            limited(courier.fetch(url), clock).await.map_err(|error| {
                ApiProblem::new(Code::Conflict, format!("The subscription could not be confirmed: {error}."))
            })?;
            Ok(Checked::Done("the subscription is confirmed"))
        }
        Envelope::UnsubscribeConfirmation => Ok(Checked::Done("the subscription is over")),
        Envelope::Notification | Envelope::None => Ok(Checked::Take),
    }
}

pub(super) async fn limited<T>(
    fetch: BoxFuture<'_, Result<T, String>>,
    clock: &dyn watchkeeper_domain::Clock,
) -> Result<T, String> {
    match futures::future::select(fetch, clock.sleep_until(clock.now() + TIMEOUT)).await {
        futures::future::Either::Left((fetched, _)) => fetched,
        futures::future::Either::Right(_) => Err(format!("no answer within {TIMEOUT}")),
    }
}

/// An https address of Amazon SNS in the region of the topic, and nothing else.
fn amazon(text: &str, topic: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let mut arn = topic.split(':');
    let (Some("arn"), Some(partition), Some("sns"), Some(region)) = (arn.next(), arn.next(), arn.next(), arn.next())
    else {
        return None;
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if region.is_empty() || !region.chars().all(plain) {
        return None;
    }
    let host = match partition {
        "aws" | "aws-us-gov" => format!("sns.{region}.amazonaws.com"),
        "aws-cn" => format!("sns.{region}.amazonaws.com.cn"),
        _ => return None,
    };
    let fine = url.scheme() == "https"
        && url.host_str() == Some(host.as_str())
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    fine.then_some(url)
}

/// The text that Amazon signs: names and values, each on a line.
fn canonical(body: &Value, kind: &Envelope) -> String {
    let names: &[&str] = match kind {
        Envelope::Notification | Envelope::None => {
            &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        }
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    };
    let values = names.iter().filter_map(|name| Some((name, body.get(name)?.as_str()?)));
    values.map(|(name, value)| format!("{name}\n{value}\n")).collect()
}

/// RSA with SHA-256. The key is an `RSAPublicKey`.
pub(super) fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let all = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
    let rsa = all.iter().filter(|algorithm| {
        algorithm.public_key_alg_id() == alg_id::RSA_ENCRYPTION
            && algorithm.signature_alg_id() == alg_id::RSA_PKCS1_SHA256
    });
    rsa.into_iter().any(|algorithm| algorithm.verify_signature(key, message, signature).is_ok())
}

impl Keys {
    async fn of(
        &self,
        url: Url,
        now: Timestamp,
        courier: &dyn Courier,
        clock: &dyn watchkeeper_domain::Clock,
    ) -> ApiResult<Vec<u8>> {
        let name = url.to_string();
        if let Some(known) = self.0.lock().get(&name) {
            return Ok(known.clone());
        }
        let pem = limited(courier.fetch(url), clock).await.map_err(|error| {
            ApiProblem::new(Code::StateUnavailable, format!("Amazon's certificate could not be fetched: {error}."))
                .retry_after(5)
        })?;
        let key = public_key(&pem, now).ok_or_else(|| bad("Amazon's certificate is not usable now."))?;
        let mut keys = self.0.lock();
        if keys.len() >= MOST_KEYS {
            keys.clear();
        }
        keys.insert(name, key.clone());
        Ok(key)
    }
}

/// The public key of a certificate that is valid now.
fn public_key(pem: &[u8], now: Timestamp) -> Option<Vec<u8>> {
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let seconds = now.as_millis().div_euclid(1_000);
    let validity = certificate.validity();
    let valid = (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&seconds);
    valid.then(|| certificate.public_key().subject_public_key.data.to_vec())
}

#[cfg(test)]
mod tests;
