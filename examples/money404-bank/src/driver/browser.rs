//! One visitor's browser: a source address, one cookie, and a stopwatch. It follows no redirects and runs no scripts.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::{StatusCode, header};
use opentelemetry::KeyValue;
use reqwest::{Client, RequestBuilder};
use serde::Serialize;

use super::Felt;
use crate::peer::local_client;
use crate::serve::StartError;

/// When a customer gives up.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Browser {
    client: Client,
    base: String,
    cookie: Option<String>,
    felt: Felt,
}

/// Why a request brought nothing: no connection, or the patience is at its end.
#[derive(Debug)]
pub(super) struct GaveUp;

/// Counts a visitor as active until it is dropped.
pub(super) struct Visit(Felt);

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Browser {
    pub(super) fn new(front: &str, address: Ipv4Addr, felt: Felt) -> Result<Self, StartError> {
        let builder = Client::builder().local_address(IpAddr::V4(address)).timeout(PATIENCE).pool_max_idle_per_host(1);
        let client = local_client(builder)?;
        Ok(Self { client, base: front.trim_end_matches('/').to_owned(), cookie: None, felt })
    }

    /// Starts a visit with a clean browser.
    pub(super) fn visit(&mut self) -> Visit {
        self.cookie = None;
        self.felt.active.fetch_add(1, Ordering::Relaxed);
        Visit(self.felt.clone())
    }

    /// Loads a page and measures it under the name `page`; a page that never came was still waited for.
    pub(super) async fn page(&mut self, page: &'static str, path: &str) -> Result<StatusCode, GaveUp> {
        let started = Instant::now();
        let request = self.client.get(format!("{}{path}", self.base));
        let result = self.send(request).await;
        let waited = started.elapsed();
        if result.is_ok() || waited >= PATIENCE {
            self.felt.page_load.record(waited.as_secs_f64(), &[KeyValue::new("page", page)]);
        }
        result
    }

    /// GETs from the JSON API.
    pub(super) async fn get(&mut self, path: &str) -> Result<StatusCode, GaveUp> {
        self.send(self.client.get(format!("{}{path}", self.base))).await
    }

    /// Submits a form.
    pub(super) async fn form(&mut self, path: &str, fields: &impl Serialize) -> Result<StatusCode, GaveUp> {
        self.send(self.client.post(format!("{}{path}", self.base)).form(fields)).await
    }

    /// POSTs to the JSON API.
    pub(super) async fn json(&mut self, path: &str, body: &impl Serialize) -> Result<StatusCode, GaveUp> {
        self.send(self.client.post(format!("{}{path}", self.base)).json(body)).await
    }

    async fn send(&mut self, mut request: RequestBuilder) -> Result<StatusCode, GaveUp> {
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let mut response = request.send().await.map_err(|_| GaveUp)?;
        if let Some(cookie) = response.headers().get(header::SET_COOKIE).and_then(|value| value.to_str().ok()) {
            self.cookie = cookie.split(';').next().map(ToOwned::to_owned);
        }
        // Read to the end: the page is loaded when its last byte is there, and the connection can be used again.
        while response.chunk().await.map_err(|_| GaveUp)?.is_some() {}
        Ok(response.status())
    }
}
