//! Who is calling and what they may do.
//!
//! Not identity management: names and roles come from `server.tokens`; without tokens the server listens on loopback
//! only (configuration refuses anything else) and everybody there is the administrator.
//!
//! Every route is registered with the least role that it needs (`router::Routes`), and a test walks that table.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use watchkeeper_config::model::{Config, Role};
use watchkeeper_domain::{Actor, Code, Env, Span, Timestamp};

use super::problem::ApiProblem;
use crate::app::Shared;

/// The name of the session cookie.
pub const COOKIE: &str = "watchkeeper_session";
/// How long a browser stays logged in.
const SESSION: Span = Span::from_secs(12 * 3_600);
/// The most sessions at once; the oldest goes first.
const MAX_SESSIONS: usize = 1_000;

/// Paths to which pages of other origins may send; their handlers ask which (`app_insights::origin`).
const FOR_PAGES: [&str; 4] = ["/v2/track", "/v2.1/track", "//v2/track", "//v2.1/track"];

/// The authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who, for the ledger.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl Caller {
    /// The caller as the ledger names it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::User(self.name.clone())
    }

    /// Whether restricted (security) incidents are visible.
    #[must_use]
    pub fn sees_restricted(&self) -> bool {
        self.role >= Role::Admin
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiProblem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthenticated)
    }
}

fn unauthenticated() -> ApiProblem {
    ApiProblem::new(
        Code::Unauthenticated,
        "Send `Authorization: Bearer TOKEN` with one of the tokens of `server.tokens`, or log in at /login.",
    )
}

/// Sessions of browsers: the SHA-256 of a random cookie, who it is, until when. In memory: a restart logs everybody out.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<[u8; 32], (String, Timestamp)>>);

impl Sessions {
    /// Logs in with a token of the configuration. Gives the cookie's value.
    pub fn log_in(&self, env: &Env, config: &Config, token: &str) -> Option<String> {
        let caller = by_token(config, token)?;
        let mut random = [0_u8; 32];
        env.entropy.fill(&mut random);
        let cookie = hex::encode(random);
        let now = env.now();
        let mut sessions = self.0.lock();
        sessions.retain(|_, (_, until)| *until > now);
        if sessions.len() >= MAX_SESSIONS {
            let oldest = sessions.iter().min_by_key(|(_, (_, until))| *until).map(|(key, _)| *key);
            oldest.map(|key| sessions.remove(&key));
        }
        sessions.insert(Sha256::digest(&cookie).into(), (caller.name, now + SESSION));
        Some(cookie)
    }

    /// Logs out.
    pub fn log_out(&self, cookie: &str) {
        self.0.lock().remove(&<[u8; 32]>::from(Sha256::digest(cookie)));
    }

    fn caller(&self, config: &Config, now: Timestamp, cookie: &str) -> Option<Caller> {
        let key: [u8; 32] = Sha256::digest(cookie).into();
        let name = self.0.lock().get(&key).filter(|(_, until)| *until > now).map(|(name, _)| name.clone())?;
        // Looked up anew each time: a token that was taken away ends its sessions with the next reload.
        let token = config.server.tokens.iter().find(|t| t.name == name)?;
        Some(Caller { name, role: token.role })
    }
}

/// Finds the token without telling by its timing how much of it was right.
fn by_token(config: &Config, given: &str) -> Option<Caller> {
    let given = Sha256::digest(given);
    let mut found = None;
    for token in &config.server.tokens {
        if bool::from(Sha256::digest(token.token.expose()).ct_eq(&given)) {
            found = Some(Caller { name: token.name.clone(), role: token.role });
        }
    }
    found
}

/// The session cookie of a request.
#[must_use]
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Middleware: finds out who calls, and refuses what a foreign web page might have sent in their name.
pub async fn identify(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let config = shared.config.load();
    let for_pages = FOR_PAGES.contains(&request.uri().path());
    if let Err(problem) = same_site(&config, request.method(), request.headers(), for_pages) {
        return problem.into_response();
    }
    if let Some(caller) = caller(&shared, &config, request.headers()) {
        request.extensions_mut().insert(caller);
    }
    drop(config);
    next.run(request).await
}

fn caller(shared: &Shared, config: &Config, headers: &HeaderMap) -> Option<Caller> {
    if config.server.tokens.is_empty() {
        return Some(Caller { name: "local".to_owned(), role: Role::Admin });
    }
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        return by_token(config, value.to_str().ok()?.strip_prefix("Bearer ")?.trim());
    }
    shared.sessions.caller(config, shared.env.now(), cookie(headers)?)
}

/// Refuses commands that come from a page of another origin (CSRF), and, where nobody has to log in, requests under a
/// foreign host name (DNS rebinding).
fn same_site(config: &Config, method: &Method, headers: &HeaderMap, for_pages: bool) -> Result<(), ApiProblem> {
    let host = text(headers, header::HOST).unwrap_or("");
    let host_name = host_without_port(host);
    let ours = external_authority(config);
    let local = host_name == "localhost" || host_name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if config.server.tokens.is_empty() && !host.is_empty() && !local && host != ours {
        return Err(ApiProblem::new(
            Code::Forbidden,
            format!(
                "The host name `{host_name}` is not one of this server's. Set `server.external_url`, or use 127.0.0.1."
            ),
        ));
    }
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe && !for_pages && is_foreign(config, headers) {
        return Err(ApiProblem::new(Code::Forbidden, "Commands from pages of another origin are refused."));
    }
    Ok(())
}

/// Whether a request comes from a page of another origin.
pub(super) fn is_foreign(config: &Config, headers: &HeaderMap) -> bool {
    let host = text(headers, header::HOST).unwrap_or("");
    text(headers, header::ORIGIN).is_some_and(|origin| {
        let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
        authority != host && authority != external_authority(config)
    })
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

/// Host and port of the external URL.
fn external_authority(config: &Config) -> &str {
    config.server.external_url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""))
}

fn host_without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// Middleware of one route: lets callers with at least this role pass.
pub async fn require(role: Role, request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        Some(caller) if caller.role >= role => next.run(request).await,
        Some(caller) => ApiProblem::new(
            Code::Forbidden,
            format!("`{}` has the role {}; this needs {}.", caller.name, role_word(caller.role), role_word(role)),
        )
        .into_response(),
        None => unauthenticated().into_response(),
    }
}

/// The role's word, as configuration writes it.
#[must_use]
pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Ingest => "ingest",
        Role::Viewer => "viewer",
        Role::Responder => "responder",
        Role::Admin => "admin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_lose_their_port_in_both_notations() {
        assert_eq!(host_without_port("127.0.0.1:7404"), "127.0.0.1");
        assert_eq!(host_without_port("[::1]:7404"), "::1");
        assert_eq!(host_without_port("localhost"), "localhost");
    }

    #[test]
    fn the_session_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; watchkeeper_session=abc; c=d".parse().unwrap());
        assert_eq!(cookie(&headers), Some("abc"));
        headers.insert(header::COOKIE, "watchkeeper_session_other=abc".parse().unwrap());
        assert_eq!(cookie(&headers), None);
    }
}
