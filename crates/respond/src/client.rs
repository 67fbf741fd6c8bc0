//! The one HTTP client through which anything leaves: addresses are checked, answers are capped, nothing is redirected.
//!
//! Not a policy of retries: it says what became of one request, precisely enough to know whether it may be repeated.
//!
//! Guarantees
//! - A name is resolved once, each address is checked, and the connection goes to a checked address.
//! - `http:` reaches loopback and private networks only; what a payload (not the administrator) named is reached by
//!   `https:` on public addresses only. Link-local addresses (cloud metadata services) are never reached.
//! - A redirect is not followed but reported. Proxy variables of the environment are ignored.
//! - No error holds the URL, because a webhook's URL is a secret.

pub mod reach;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use url::Url;

use reach::{Reach, Refused, Resolver};

/// The most bytes of an answer that are read; the rest is left on the wire and the connection dropped.
pub const MOST_ANSWER_BYTES: usize = 64 << 10;
/// How long a connection may take; shorter than any request's timeout, so that "never connected" is known for certain.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Whether any byte of a request may have reached the peer. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Left(Arc<AtomicBool>);

impl Left {
    /// From now on nobody can be sure that the peer knows nothing.
    pub fn mark(&self) {
        self.0.store(true, Ordering::Release);
    }
    /// Whether it is marked.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// One request.
#[derive(Debug)]
pub struct Request {
    /// Where to.
    pub url: Url,
    /// Who named the URL.
    pub reach: Reach,
    /// The method.
    pub method: Method,
    /// Headers; `User-Agent` is added.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Is marked when the request has a connection and starts to leave.
    pub left: Left,
}

/// An answer, capped.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// At most [`MOST_ANSWER_BYTES`] of the body.
    pub body: Bytes,
}

impl Answer {
    /// The beginning of the body as text, control characters replaced: for receipts and errors. Hostile text.
    #[must_use]
    pub fn excerpt(&self) -> String {
        excerpt(&String::from_utf8_lossy(&self.body))
    }
}

/// At most 200 characters of a peer's text on one line. Still hostile: encode it on output.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    short.truncate(short.trim_end().len());
    short
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address may not be reached. Repeating is of no use.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// The request is not one (a header or the URL is malformed). Repeating is of no use.
    #[error("the request cannot be made: {0}")]
    Malformed(String),
    /// It never left: no connection. It may be repeated without danger.
    #[error("no connection: {0}")]
    NotSent(String),
    /// It left, and nobody knows what became of it.
    #[error("the connection broke after the request was sent: {0}")]
    Unanswered(String),
}

/// What carries requests to their peers: the machine's network, or that of a simulation.
pub trait Network: Send + Sync + std::fmt::Debug {
    /// Carries one request whose URL was found to be allowed, to these addresses only. Marks [`Request::left`] before the
    /// first byte of the body leaves.
    fn carry(&self, request: Request, to: reach::Addresses) -> BoxFuture<'_, Result<Answer, ClientError>>;
}

/// The client. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Client(Arc<dyn Network>);

impl Client {
    /// A client of the machine's network, with empty pools.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new() -> Result<Self, ClientError> {
        Ok(Self(Arc::new(Machine::new()?)))
    }

    /// A client of another network.
    #[must_use]
    pub fn over(network: Arc<dyn Network>) -> Self {
        Self(network)
    }

    /// Sends one request and reads the answer. Takes as long as the peer does: race it against a clock.
    pub async fn send(&self, request: Request) -> Result<Answer, ClientError> {
        let addresses = reach::check(&request.url, request.reach)?;
        self.0.carry(request, addresses).await
    }
}

/// The machine's network.
#[derive(Debug)]
struct Machine {
    private: reqwest::Client,
    any: reqwest::Client,
    public: reqwest::Client,
}

impl Machine {
    fn new() -> Result<Self, ClientError> {
        let build = |reach| {
            reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .tcp_nodelay(true)
                // Below the idle time-outs of usual peers: a connection that the peer closes under us makes an
                // outcome unknown for no reason.
                .pool_idle_timeout(Duration::from_secs(25))
                .pool_max_idle_per_host(4)
                .tcp_keepalive(Duration::from_secs(15))
                .user_agent(concat!("Watchkeeper/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(Resolver::new(reach)))
                .build()
                .map_err(|e| ClientError::Malformed(chain(&e)))
        };
        Ok(Self {
            private: build(reach::Addresses::Private)?,
            any: build(reach::Addresses::Any)?,
            public: build(reach::Addresses::Public)?,
        })
    }

    async fn send(&self, request: Request, addresses: reach::Addresses) -> Result<Answer, ClientError> {
        let client = match addresses {
            reach::Addresses::Private => &self.private,
            reach::Addresses::Any => &self.any,
            reach::Addresses::Public => &self.public,
        };
        let body = Watched { data: Some(request.body), left: request.left.clone() };
        let sent = client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(reqwest::Body::wrap(body))
            .send()
            .await;
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return Err(failure(error, &request.left)),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        // The status is the answer; a body that breaks off does not change it.
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = MOST_ANSWER_BYTES - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == MOST_ANSWER_BYTES {
                break;
            }
        }
        Ok(Answer { status, headers, body: body.into() })
    }
}

impl Network for Machine {
    fn carry(&self, request: Request, to: reach::Addresses) -> BoxFuture<'_, Result<Answer, ClientError>> {
        Box::pin(self.send(request, to))
    }
}

fn failure(error: reqwest::Error, left: &Left) -> ClientError {
    let error = error.without_url();
    if error.is_builder() {
        ClientError::Malformed(chain(&error))
    } else if error.is_connect() || !left.is_marked() {
        ClientError::NotSent(chain(&error))
    } else {
        ClientError::Unanswered(chain(&error))
    }
}

/// The innermost cause says most (`Connection refused`); the outer ones only that something failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    excerpt(&innermost.to_string())
}

/// A body that marks when it is first asked for: hyper does so once it has a connection and has written the head.
#[derive(Debug)]
struct Watched {
    data: Option<Bytes>,
    left: Left,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.left.mark();
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |d| d.len() as u64))
    }
}

#[cfg(test)]
mod tests;
