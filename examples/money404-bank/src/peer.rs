//! Calling another service of the bank over HTTP: bearer token, deadline, W3C trace context, a cap on the answer.
//! Not for customers (`driver`), who are outside and carry no trace.

use std::time::Duration;

use opentelemetry::global;
use opentelemetry_http::HeaderInjector;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::problem::ProblemDocument;
use crate::serve::StartError;
use crate::token::Token;

const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Why a call brought no answer, or not the wanted one.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Nobody listens, or the connection broke.
    #[error("{peer} cannot be reached")]
    Unreachable {
        /// Whom we called.
        peer: &'static str,
        /// The client's words.
        #[source]
        source: reqwest::Error,
    },
    /// No answer before the deadline.
    #[error("{peer} did not answer in time")]
    TimedOut {
        /// Whom we called.
        peer: &'static str,
    },
    /// It answered, but not with 2xx.
    #[error("{peer} answered {status}: {detail}")]
    Answered {
        /// Whom we called.
        peer: &'static str,
        /// Its status.
        status: StatusCode,
        /// Its problem's code.
        code: String,
        /// Its problem's sentence.
        detail: String,
    },
    /// The answer is too long or not what was agreed.
    #[error("{peer} answered something unreadable")]
    Unreadable {
        /// Whom we called.
        peer: &'static str,
    },
}

/// Another service of the bank.
#[derive(Debug, Clone)]
pub struct Peer {
    name: &'static str,
    base: String,
    token: Token,
    client: Client,
}

/// A client for plain HTTP on this machine: no proxy, no redirects, no trust store to load.
///
/// # Errors
/// When the client cannot be built.
pub fn local_client(builder: reqwest::ClientBuilder) -> Result<Client, StartError> {
    builder
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .build()
        .map_err(StartError::BuildClient)
}

impl Peer {
    /// A peer called `name` at `base` (e.g. `http://127.0.0.1:7452`), where each call has `deadline`.
    ///
    /// # Errors
    /// When the client cannot be built.
    pub fn new(name: &'static str, base: &str, token: Token, deadline: Duration) -> Result<Self, StartError> {
        let client = local_client(Client::builder().timeout(deadline))?;
        Ok(Self { name, base: base.trim_end_matches('/').to_owned(), token, client })
    }

    /// GETs `path`; `route` is its template, for the span's name.
    ///
    /// # Errors
    /// See [`PeerError`].
    pub async fn get<T: DeserializeOwned>(&self, route: &'static str, path: &str) -> Result<T, PeerError> {
        let request = self.client.get(format!("{}{path}", self.base));
        self.call(&Method::GET, route, request).await
    }

    /// POSTs `body` as JSON to `route`.
    ///
    /// # Errors
    /// See [`PeerError`].
    pub async fn post<T: DeserializeOwned>(&self, route: &'static str, body: &impl Serialize) -> Result<T, PeerError> {
        let request = self.client.post(format!("{}{route}", self.base)).json(body);
        self.call(&Method::POST, route, request).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &Method,
        route: &'static str,
        request: RequestBuilder,
    ) -> Result<T, PeerError> {
        let span = tracing::info_span!(
            "call",
            otel.name = format!("{method} {route}"),
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
            http.request.method = method.as_str(),
            url.template = route,
            peer.service = self.name,
            http.response.status_code = tracing::field::Empty,
            error.type = tracing::field::Empty,
        );
        let mut context = http::HeaderMap::new();
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&span.context(), &mut HeaderInjector(&mut context));
        });
        let request = request.headers(context).bearer_auth(self.token.reveal());
        let result = self.exchange(request).instrument(span.clone()).await;
        match &result {
            Ok((status, _)) => drop(span.record("http.response.status_code", status.as_u16())),
            Err(error) => {
                if let PeerError::Answered { status, .. } = error {
                    span.record("http.response.status_code", status.as_u16());
                }
                span.record("otel.status_code", "ERROR");
                span.record("error.type", error.kind());
            }
        }
        result.map(|(_, answer)| answer)
    }

    async fn exchange<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<(StatusCode, T), PeerError> {
        let peer = self.name;
        let broken = |source: reqwest::Error| {
            if source.is_timeout() { PeerError::TimedOut { peer } } else { PeerError::Unreachable { peer, source } }
        };
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(PeerError::Unreadable { peer });
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            let answer = serde_json::from_slice(&body).map_err(|_| PeerError::Unreadable { peer })?;
            return Ok((status, answer));
        }
        let (code, detail) = serde_json::from_slice::<ProblemDocument>(&body)
            .map_or_else(|_| (String::new(), String::new()), |document| (document.code, document.detail));
        Err(PeerError::Answered { peer, status, code, detail })
    }
}

impl PeerError {
    /// A low-cardinality word for `error.type`.
    fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timeout",
            Self::Answered { .. } => "status",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}
