//! The key that payments are signed with: fetched from the vault, kept for a second. Not the vault (`secrets`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use sha2::Sha256;
use tokio::sync::Mutex;

use crate::peer::{Peer, PeerError};
use crate::secrets::SIGNING_KEY;
use crate::telemetry;
use crate::wire::SecretValue;

/// Short, so that a slow or refusing vault is felt at once, and a revoked key does not sign for long.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(super) enum VaultError {
    /// The vault does not want to.
    #[error("the key vault refuses access to the signing key")]
    Refused,
    /// The vault cannot.
    #[error("the key vault is unavailable: {0}")]
    Unavailable(PeerError),
}

#[derive(Clone)]
pub(super) struct SigningKeys {
    vault: Peer,
    // Held over the fetch, so that payments that come together ask the vault once.
    kept: Arc<Mutex<Option<(Instant, Key)>>>,
    durations: Histogram<f64>,
}

/// The key's bytes; no `Debug`.
#[derive(Clone)]
pub(super) struct Key(Arc<str>);

impl SigningKeys {
    pub(super) fn new(vault: Peer) -> Self {
        let durations = telemetry::meter()
            .f64_histogram("bank.secret.request.duration")
            .with_unit("s")
            .with_description("How long the key vault took, as its client felt it")
            .with_boundaries(vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0])
            .build();
        Self { vault, kept: Arc::default(), durations }
    }

    /// The key to sign with now.
    pub(super) async fn current(&self) -> Result<Key, VaultError> {
        let mut kept = self.kept.lock().await;
        if let Some((since, key)) = kept.as_ref()
            && since.elapsed() < KEPT_FOR
        {
            return Ok(key.clone());
        }
        let started = Instant::now();
        let answer = self.vault.get::<SecretValue>("/secrets/{name}", &format!("/secrets/{SIGNING_KEY}")).await;
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(PeerError::Answered { status: StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED, .. }) => "refused",
            Err(_) => "error",
        };
        self.durations.record(started.elapsed().as_secs_f64(), &[KeyValue::new("outcome", outcome)]);
        match answer {
            Ok(secret) => {
                let key = Key(secret.value.into());
                *kept = Some((Instant::now(), key.clone()));
                Ok(key)
            }
            Err(_) if outcome == "refused" => Err(VaultError::Refused),
            Err(error) => Err(VaultError::Unavailable(error)),
        }
    }
}

/// HMAC-SHA256 over what makes the payment.
pub(super) fn sign(key: &Key, id: &str, from: i64, to: i64, amount_cents: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.0.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{id}|{from}|{to}|{amount_cents}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
