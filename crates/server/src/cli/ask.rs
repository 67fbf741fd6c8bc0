//! Asking a running server: requests, and its problems as errors for people.
//!
//! Not retries: a command answers now or says why not.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;
use crate::http::dto::Problem;

/// Where Watchkeeper's own resources are.
const BASE: &str = "/api/watchkeeper/v1";

/// Without a sign of life for so long a stream counts as broken: the server gives one every 15 s.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes of one line of a stream.
const LONGEST_LINE: usize = 64 << 20;

/// A server and how to ask it.
pub(super) struct Server {
    url: String,
    token: Option<String>,
    client: reqwest::Client,
}

impl Server {
    pub(super) fn new(url: &str, token: Option<&str>, authority: Option<&Path>) -> Result<Self, Failure> {
        let parsed = url::Url::parse(url).ok().filter(|u| matches!(u.scheme(), "http" | "https"));
        if parsed.is_none() {
            return Err(Failure::Usage(format!(
                "`{url}` is not a server's URL; write for example http://127.0.0.1:7404"
            )));
        }
        let client = match authority {
            None => reqwest::Client::builder(),
            Some(file) => reqwest::Client::builder().tls_certs_merge(certificates(file)?),
        };
        let client = client
            .timeout(Duration::from_secs(30))
            .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("the HTTP client cannot start")?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), token: token.map(str::to_owned), client })
    }

    /// GET of one of our resources.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<T, Failure> {
        let query: Vec<(&str, &String)> = query.iter().filter_map(|(k, v)| v.as_ref().map(|v| (*k, v))).collect();
        self.answer(self.request(reqwest::Method::GET, &format!("{BASE}{path}")).query(&query)).await
    }

    /// POST of a command.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.answer(self.request(reqwest::Method::POST, &format!("{BASE}{path}")).json(body)).await
    }

    /// PUT of an object.
    pub(super) async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.answer(self.request(reqwest::Method::PUT, &format!("{BASE}{path}")).json(body)).await
    }

    /// DELETE of an object.
    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.answer(self.request(reqwest::Method::DELETE, &format!("{BASE}{path}"))).await
    }

    /// GET of server-sent events: hands the data of each to `heard`, until the server ends the stream or `heard` fails.
    pub(super) async fn follow(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
        mut heard: impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let query: Vec<(&str, &String)> = query.iter().filter_map(|(k, v)| v.as_ref().map(|v| (*k, v))).collect();
        let request = self.request(reqwest::Method::GET, &format!("{BASE}{path}")).query(&query);
        // A stream has no end to wait for; the server says every 15 s that it is there.
        let mut response = self.send(request.timeout(Duration::MAX)).await?;
        let mut waiting = Vec::new();
        loop {
            let chunk = tokio::time::timeout(SILENCE, response.chunk());
            let chunk = chunk.await.map_err(|_| anyhow::anyhow!("{} has gone silent", self.url))?;
            let Some(chunk) = chunk.context("the stream broke off")? else { return Ok(()) };
            waiting.extend_from_slice(&chunk);
            if waiting.len() > LONGEST_LINE {
                return Err(Failure::Finding(format!("{} sends lines without an end", self.url)));
            }
            while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = waiting.drain(..=end).collect();
                if let Some(data) = String::from_utf8_lossy(&line).strip_prefix("data: ") {
                    heard(data.trim_end())?;
                }
            }
        }
    }

    /// GET of a text.
    pub(super) async fn text(&self, path: &str) -> Result<String, Failure> {
        let response = self.send(self.request(reqwest::Method::GET, &format!("{BASE}{path}"))).await?;
        Ok(response.text().await.context("the answer broke off")?)
    }

    /// GET of the Prometheus read API.
    pub(super) async fn prometheus(&self, path: &str, query: &[(&str, String)]) -> Result<serde_json::Value, Failure> {
        let request = self.request(reqwest::Method::GET, &format!("/api/v1{path}")).query(query);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        Ok(response.json().await.context("the answer is not JSON")?)
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, Failure> {
        let response = self.send(request).await?;
        Ok(response
            .json()
            .await
            .context("the answer is not what this version expects; do client and server have one version?")?)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem: Option<Problem> = response.json().await.ok();
        Err(Failure::Finding(match problem {
            Some(problem) => format!("{} {}\n       {}", problem.code, problem.title, problem.detail),
            None => format!("{} answered {status} without saying why", self.url),
        }))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let causes = crate::supervisor::chain(error);
        let why = if error.is_timeout() {
            "did not answer within 30 s"
        } else if causes.contains("certificate") {
            "shows a certificate that is not trusted here; name its authority: --ca FILE or WATCHKEEPER_CA"
        } else {
            "cannot be reached"
        };
        Failure::Finding(format!(
            "the server at {} {why}\n       Is it running (`watchkeeper serve`)? Another address: --server URL or WATCHKEEPER_SERVER.",
            self.url
        ))
    }
}

/// The certificates of a PEM file.
fn certificates(file: &Path) -> Result<Vec<reqwest::Certificate>, Failure> {
    let unusable = |reason: String| Failure::Usage(format!("--ca {}: {reason}", file.display()));
    let text = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    let found = reqwest::Certificate::from_pem_bundle(&text).map_err(|error| unusable(error.to_string()))?;
    if found.is_empty() {
        return Err(unusable("it holds no certificate".to_owned()));
    }
    Ok(found)
}
