//! Asking a target: one request, one bounded answer.
//!
//! Not the outgoing client of notifications (`respond::client`): targets are inside, named by an administrator, speak their
//! own kind of TLS, and answer with megabytes. Like there, no redirect is followed and no proxy is asked.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use url::Url;
use watchkeeper_config::Secret;
use watchkeeper_config::model::scrape::ScrapeTls;
use watchkeeper_ingest::{ContentEncoding, Limits, compression};

/// Why there is no answer. No text of it holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// What a target answered, decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its content type.
    pub content_type: Option<String>,
    /// Its body.
    pub body: Bytes,
}

/// What is asked of whom.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where.
    pub url: Url,
    /// The `Accept` header.
    pub accept: &'static str,
    /// The `Authorization` header.
    pub authorization: Option<Secret>,
    /// The value of `X-Prometheus-Scrape-Timeout-Seconds`, for exporters that must answer in time.
    pub timeout_seconds: Option<f64>,
    /// The most bytes of the decompressed body.
    pub most_bytes: usize,
}

/// Asks targets. Whoever calls it races it against a clock.
pub trait Fetch: Send + Sync {
    /// Asks once.
    fn fetch(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<Answer, FetchError>> + Send + '_>>;
}

/// Makes what asks the targets of a job, by how it speaks TLS.
pub type MakeFetch = Arc<dyn Fn(&ScrapeTls) -> Result<Arc<dyn Fetch>, FetchError> + Send + Sync>;

/// Asks over the network.
pub struct HttpFetch {
    client: reqwest::Client,
}

impl HttpFetch {
    /// A client that speaks TLS in this way.
    ///
    /// # Errors
    /// When a certificate or a key is not one.
    pub fn new(tls: &ScrapeTls) -> Result<Self, FetchError> {
        let wrong = |what: &str, error: &reqwest::Error| FetchError(format!("{what}: {}", innermost(error)));
        let mut client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("Watchkeeper/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &tls.ca {
            let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
            client = client.tls_certs_only(roots.map_err(|e| wrong("`ca_file` holds no certificate", &e))?);
        }
        if let Some(pem) = &tls.identity {
            let identity = reqwest::Identity::from_pem(pem.expose().as_bytes());
            client = client.identity(identity.map_err(|e| wrong("`cert_file` and `key_file` are of no use", &e))?);
        }
        if tls.insecure_skip_verify {
            client = client.tls_danger_accept_invalid_certs(true);
        }
        Ok(Self { client: client.build().map_err(|e| wrong("TLS cannot be set up", &e))? })
    }

    /// Makes a client for each way of TLS.
    #[must_use]
    pub fn make() -> MakeFetch {
        Arc::new(|tls| Ok(Arc::new(Self::new(tls)?) as Arc<dyn Fetch>))
    }

    async fn ask(&self, request: Request) -> Result<Answer, FetchError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(request.accept));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(secret) = &request.authorization {
            let mut value = HeaderValue::from_str(secret.expose())
                .map_err(|_| FetchError(format!("{} cannot be sent in a header", secret.reference())))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(seconds) = request.timeout_seconds
            && let Ok(value) = HeaderValue::from_str(&seconds.to_string())
        {
            headers.insert("x-prometheus-scrape-timeout-seconds", value);
        }
        let sent = self.client.get(request.url).headers(headers).send().await;
        let mut response =
            sent.map_err(|error| FetchError(format!("no answer: {}", innermost(&error.without_url()))))?;
        let status = response.status();
        if status != reqwest::StatusCode::OK {
            return Err(FetchError(format!("it answered {status}, not 200 OK")));
        }
        let text = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
        let (content_type, encoding) = (text(CONTENT_TYPE), text(CONTENT_ENCODING));
        let encoding = ContentEncoding::from_header(encoding.as_deref()).map_err(|e| FetchError(e.to_string()))?;
        let mut raw = Vec::new();
        loop {
            let chunk = response.chunk().await;
            match chunk
                .map_err(|error| FetchError(format!("the answer broke off: {}", innermost(&error.without_url()))))?
            {
                None => break,
                Some(chunk) if raw.len() + chunk.len() > request.most_bytes => {
                    return Err(FetchError(format!("its answer is larger than {} bytes", request.most_bytes)));
                }
                Some(chunk) => raw.extend_from_slice(&chunk),
            }
        }
        let limits = Limits {
            compressed_bytes: request.most_bytes,
            decompressed_bytes: request.most_bytes,
            ..Limits::default()
        };
        let plain = compression::decompress(&raw, encoding, &limits).map_err(|e| FetchError(e.to_string()))?;
        let body = match plain {
            std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
            std::borrow::Cow::Borrowed(_) => Bytes::from(raw),
        };
        Ok(Answer { content_type, body })
    }
}

impl Fetch for HttpFetch {
    fn fetch(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<Answer, FetchError>> + Send + '_>> {
        Box::pin(self.ask(request))
    }
}

/// The innermost cause says most (`Connection refused`); the outer ones only that something failed.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string().chars().take(200).collect()
}
