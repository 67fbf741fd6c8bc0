//! Slack's request signature, version 0: HMAC-SHA256 over `v0:timestamp:raw body`.
//!
//! Not a session: a valid signature says that Slack sent these bytes within the last five minutes, nothing about who
//! pressed. <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use watchkeeper_domain::{Span, Timestamp};

/// How far the request's time may be from ours, either way.
const WINDOW: Span = Span::from_secs(300);

/// Why a request is not believed. Says nothing of the secret or of the right signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A header is missing, or present twice.
    #[error("X-Slack-Signature and X-Slack-Request-Timestamp must each be present once")]
    Missing,
    /// It is older or newer than five minutes.
    #[error("the request's time is more than five minutes away from this server's; check both clocks")]
    Time,
    /// It does not match.
    #[error("the signature does not match; check that `slack_signing_secret` is the one of this Slack app")]
    Mismatch,
    /// No secret is configured.
    #[error("no signing secret is configured, so no request from Slack is believed; set `slack_signing_secret`")]
    NoSecret,
}

/// Verifies one request. `secrets` may hold two while the secret is being changed; empty ones are not believed.
///
/// `signature` and `timestamp` are the values of the two headers, all of them.
pub fn verify(
    secrets: &[&str],
    signature: &[&str],
    timestamp: &[&str],
    body: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    if secrets.iter().all(|secret| secret.is_empty()) {
        return Err(Error::NoSecret);
    }
    let ([signature], [timestamp]) = (signature, timestamp) else { return Err(Error::Missing) };
    // Digits only: `parse` would take a sign, too.
    let digits = timestamp.len() <= 12 && timestamp.bytes().all(|b| b.is_ascii_digit());
    let sent = timestamp.parse::<i64>().ok().filter(|_| digits).map(Timestamp::from_secs).ok_or(Error::Time)?;
    if now.since(sent) > WINDOW || sent.since(now) > WINDOW {
        return Err(Error::Time);
    }
    let matches = secrets.iter().filter(|secret| !secret.is_empty()).fold(false, |found, secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
        for part in [b"v0:".as_slice(), timestamp.as_bytes(), b":", body] {
            mac.update(part);
        }
        let right = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
        bool::from(right.as_bytes().ct_eq(signature.as_bytes())) || found
    });
    if matches { Ok(()) } else { Err(Error::Mismatch) }
}
