//! Stands in for the key vault: hands out named secrets to who shows the token.
//! It keeps its secrets in a file with mode 0600, made at the first start; it is no vault to copy.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path as UrlPath, State};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};

use crate::fault::{Fault, Faults};
use crate::leash::Leash;
use crate::options::SecretsOptions;
use crate::problem::Problem;
use crate::serve::{StartError, serve};
use crate::token::Token;
use crate::wire::SecretValue;

/// The secret that payments are signed with.
pub const SIGNING_KEY: &str = "payment-signing-key";

/// How long the vault thinks while [`Fault::SecretsSlow`] is on.
const SLOW: Duration = Duration::from_millis(800);

#[derive(Clone)]
struct Vault {
    secrets: Arc<BTreeMap<String, String>>,
    token: Token,
    faults: Faults,
}

/// Runs the vault until it is released.
///
/// # Errors
/// See [`StartError`].
pub async fn run(options: SecretsOptions, leash: Leash) -> Result<(), StartError> {
    let path = options.data.join("vault.json");
    let secrets =
        load_or_create(&path).map_err(|source| StartError::File { path: path.display().to_string(), source })?;
    let vault = Vault { secrets: Arc::new(secrets), token: options.vault_token, faults: leash.faults.clone() };
    let router =
        Router::new().route("/healthz", get(async || "ok\n")).route("/secrets/{name}", get(hand_out)).with_state(vault);
    serve("secrets", options.listen, router, leash.released()).await
}

async fn hand_out(
    State(vault): State<Vault>,
    UrlPath(name): UrlPath<String>,
    headers: HeaderMap,
) -> Result<Json<SecretValue>, Problem> {
    if vault.faults.is_on(Fault::SecretsSlow) {
        tokio::time::sleep(SLOW).await;
    }
    if !vault.token.is_shown_in(&headers) {
        return Err(Problem::unauthorized("the vault needs its bearer token"));
    }
    if vault.faults.is_on(Fault::SecretsRefused) {
        tracing::warn!(secret.name = name, "access refused by policy");
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "refused",
            "the access policy of the vault refuses this caller",
        ));
    }
    match vault.secrets.get(&name) {
        Some(value) => Ok(Json(SecretValue { name, value: value.clone() })),
        None => Err(Problem::new(StatusCode::NOT_FOUND, "no_such_secret", "the vault holds no secret of that name")),
    }
}

fn load_or_create(path: &Path) -> std::io::Result<BTreeMap<String, String>> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secrets = BTreeMap::from([(SIGNING_KEY.to_owned(), Token::random().reveal().to_owned())]);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(&serde_json::to_vec_pretty(&secrets)?)?;
            Ok(secrets)
        }
        Err(error) => Err(error),
    }
}
