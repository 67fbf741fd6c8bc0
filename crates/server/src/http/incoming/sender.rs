//! Whether a sender is who the configuration expects: its token, its signature.
//!
//! Not what it sends.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use watchkeeper_config::model::{Integration, IntegrationKind};
use watchkeeper_domain::Code;

use super::header as text;
use crate::app::Shared;
use crate::http::access::Caller;
use crate::http::problem::{ApiProblem, ApiResult};

/// How far a signature's time may be from ours, in seconds (Standard Webhooks).
const TOLERANCE_S: i64 = 300;

/// The kind of event that a header names.
pub(super) fn event(headers: &HeaderMap) -> Option<&str> {
    text(headers, "x-github-event").or_else(|| text(headers, "sentry-hook-resource"))
}

/// Everything that is configured must hold. A token of `server.tokens` does as well as the integration's own.
pub(super) fn check(
    shared: &Shared,
    integration: &Integration,
    headers: &HeaderMap,
    query: Option<&str>,
    body: &[u8],
    caller: Option<&Caller>,
) -> ApiResult<()> {
    if let Some(secret) = &integration.signing_secret {
        signed(&integration.kind, secret.expose(), headers, body, shared.env.now().as_millis().div_euclid(1_000))
            .map_err(|reason| ApiProblem::new(Code::BadSignature, reason))?;
    }
    let Some(token) = &integration.token else { return Ok(()) };
    // Where nobody logs in everybody is a caller, which proves nothing.
    let known = !shared.config.load().server.tokens.is_empty() && caller.is_some();
    if known || shown(headers, query).iter().any(|given| same(given, token.expose())) {
        return Ok(());
    }
    Err(ApiProblem::new(
        Code::Unauthenticated,
        format!(
            "Show the token of the integration `{}`: `Authorization: Bearer TOKEN`, as the password of basic \
             authentication, or `?token=TOKEN`.",
            integration.name
        ),
    ))
}

/// The tokens that a request shows.
fn shown(headers: &HeaderMap, query: Option<&str>) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(value) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        if let Some(token) = value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("GenieKey ")) {
            all.push(token.trim().to_owned());
        } else if let Some(coded) = value.strip_prefix("Basic ") {
            let plain = STANDARD.decode(coded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            all.extend(plain.and_then(|plain| plain.split_once(':').map(|(_, password)| password.to_owned())));
        }
    }
    all.extend(text(headers, "x-watchkeeper-token").map(str::to_owned));
    let pairs = url::form_urlencoded::parse(query.unwrap_or("").as_bytes());
    all.extend(pairs.filter(|(name, _)| name == "token").map(|(_, value)| value.into_owned()));
    all
}

/// Compares without telling by its timing how much was right.
pub(super) fn same(given: &str, expected: &str) -> bool {
    Sha256::digest(given).ct_eq(&Sha256::digest(expected)).into()
}

fn signed(kind: &IntegrationKind, secret: &str, headers: &HeaderMap, body: &[u8], now_s: i64) -> Result<(), String> {
    let hex = |name: &'static str, prefix: &str| {
        let given = text(headers, name).ok_or_else(|| format!("The header `{name}` is missing."))?;
        let given = hex::decode(given.strip_prefix(prefix).unwrap_or(given)).unwrap_or_default();
        matches(secret.as_bytes(), &[body], &given).then_some(()).ok_or_else(|| wrong(name))
    };
    match kind {
        IntegrationKind::GitHub => hex("x-hub-signature-256", "sha256="),
        IntegrationKind::Sentry => hex("sentry-hook-signature", ""),
        IntegrationKind::Grafana => hex("x-grafana-alerting-signature", ""),
        _ => standard(secret, headers, body, now_s),
    }
}

fn wrong(name: &str) -> String {
    format!("The signature in `{name}` is not that of this body and the configured `signing_secret`.")
}

fn matches(key: &[u8], parts: &[&[u8]], given: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    parts.iter().for_each(|part| mac.update(part));
    mac.verify_slice(given).is_ok()
}

/// Standard Webhooks: any of the signatures may be right, for keys that are being changed.
fn standard(secret: &str, headers: &HeaderMap, body: &[u8], now_s: i64) -> Result<(), String> {
    let of = |name: &'static str| text(headers, name).ok_or_else(|| format!("The header `{name}` is missing."));
    let (id, at, signatures) = (of("webhook-id")?, of("webhook-timestamp")?, of("webhook-signature")?);
    let sent: i64 = at.parse().map_err(|_| "`webhook-timestamp` is no number of seconds.".to_owned())?;
    if (now_s - sent).abs() > TOLERANCE_S {
        return Err("`webhook-timestamp` is more than 5 minutes from this server's clock.".to_owned());
    }
    let key = secret.strip_prefix("whsec_").and_then(|coded| STANDARD.decode(coded).ok());
    let key = key.unwrap_or_else(|| secret.as_bytes().to_vec());
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", at.as_bytes(), b".", body];
    let right = signatures
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .any(|given| matches(&key, &parts, &given));
    right.then_some(()).ok_or_else(|| wrong("webhook-signature"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn published_signatures_are_right_and_any_change_makes_them_wrong() {
        let secret = "It's a Secret to Everybody";
        let github = headers(&[(
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )]);
        let check = |headers: &HeaderMap, secret: &str, body: &str| {
            signed(&IntegrationKind::GitHub, secret, headers, body.as_bytes(), 0)
        };
        assert_eq!(check(&github, secret, "Hello, World!"), Ok(()));
        assert!(check(&github, secret, "Hello, World").is_err() && check(&github, "other", "Hello, World!").is_err());
        assert!(check(&headers(&[]), secret, "").unwrap_err().contains("missing"));
        let standard = headers(&[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ]);
        let at = |now_s: i64| {
            let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
            signed(&IntegrationKind::Datadog, secret, &standard, br#"{"test": 2432232314}"#, now_s)
        };
        assert_eq!(at(1_614_265_330), Ok(()));
        assert!(at(1_614_265_930).unwrap_err().contains("5 minutes"));
    }

    #[test]
    fn a_token_is_taken_from_where_tools_can_put_it() {
        let basic = headers(&[("authorization", "Basic dXNlcjpwYTpzcw==")]);
        assert_eq!(shown(&basic, Some("a=1&token=t%20k")), ["pa:ss", "t k"]);
        let bearer = headers(&[("authorization", "Bearer abc"), ("x-watchkeeper-token", "d")]);
        assert_eq!(shown(&bearer, None), ["abc", "d"]);
        assert!(same("a", "a") && !same("a", "ab"));
    }
}
