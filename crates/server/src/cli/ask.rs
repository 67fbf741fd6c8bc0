//! Asking a running server: requests, and its problems as errors for people.
//!
//! Not retries: a command answers now or says why not.

use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;
use crate::http::dto::Problem;

/// Where Watchkeeper's own resources are.
const BASE: &str = "/api/watchkeeper/v1";

/// A server and how to ask it.
pub(super) struct Server {
    url: String,
    token: Option<String>,
    client: reqwest::Client,
}

impl Server {
    pub(super) fn new(url: &str, token: Option<&str>) -> Result<Self, Failure> {
        let parsed = url::Url::parse(url).ok().filter(|u| matches!(u.scheme(), "http" | "https"));
        if parsed.is_none() {
            return Err(Failure::Usage(format!(
                "`{url}` is not a server's URL; write for example http://127.0.0.1:7404"
            )));
        }
        let client = reqwest::Client::builder()
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
        let why = if error.is_timeout() { "did not answer within 30 s" } else { "cannot be reached" };
        Failure::Finding(format!(
            "the server at {} {why}\n       Is it running (`watchkeeper serve`)? Another address: --server URL or WATCHKEEPER_SERVER.",
            self.url
        ))
    }
}
