//! Doing what a step says: HTTP requests, programs, samples.
//!
//! Not time: the engine ends what takes too long by dropping it, and what is dropped stops.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use url::Url;
use watchkeeper_config::Source;
use watchkeeper_config::reference;
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::telemetry::{Batch, Sample, SeriesSamples, TelemetrySink};
use watchkeeper_domain::{Env, Labels};

use super::action::Action;
use super::exec;
use crate::client::{Client, Left, Request};

/// The most bytes of an answer or an output that are kept.
const KEPT: usize = 4 << 10;

/// What a step gave. Hostile text.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutcome {
    /// In a few words: `status 200`, `exit code 0`.
    pub summary: String,
    /// For conditions of later steps.
    pub data: Value,
}

/// Why a step failed. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StepError(pub String);

/// Carries out actions.
pub trait StepRunner: Send + Sync {
    /// Carries one out. Dropping the future stops it.
    fn run<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<StepOutcome, StepError>>;
}

/// The real one.
pub struct Runner {
    client: Client,
    source: Arc<dyn Source + Send + Sync>,
    base: PathBuf,
    sink: Arc<dyn TelemetrySink>,
    env: Env,
}

impl Runner {
    /// `source` and `base` resolve secrets: the environment, and files relative to the configuration's folder.
    #[must_use]
    pub fn new(
        client: Client,
        source: Arc<dyn Source + Send + Sync>,
        base: PathBuf,
        sink: Arc<dyn TelemetrySink>,
        env: Env,
    ) -> Self {
        Self { client, source, base, sink, env }
    }
}

impl StepRunner for Runner {
    fn run<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<StepOutcome, StepError>> {
        Box::pin(async move {
            let mut secrets = Secrets { runner: self, seen: Vec::new() };
            let result = match action {
                Action::Http { .. } => self.http(action, &mut secrets).await,
                Action::Exec { command, env } => {
                    let env = secrets.map(env)?;
                    exec::run(command, &env).await
                }
                Action::Metric { name, value, labels } => self.metric(name, *value, labels).await,
                // The engine does these itself.
                Action::Wait(_) | Action::Notify { .. } => Err(StepError("it is not for the runner".to_owned())),
            };
            match result {
                Ok(outcome) => {
                    Ok(StepOutcome { summary: secrets.cover(&outcome.summary), data: secrets.cover_json(outcome.data) })
                }
                Err(StepError(reason)) => Err(StepError(secrets.cover(&reason))),
            }
        })
    }
}

impl Runner {
    async fn http(&self, action: &Action, secrets: &mut Secrets<'_>) -> Result<StepOutcome, StepError> {
        let Action::Http { method, url, reach, headers, body, expect_status } = action else {
            return Err(StepError("it is no request".to_owned()));
        };
        let url = Url::parse(&secrets.resolve(url)?).map_err(|e| StepError(format!("the URL is not one: {e}")))?;
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| StepError("the method is not one".to_owned()))?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let key =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| StepError(format!("`{name}` is not a header")))?;
            let value = HeaderValue::from_str(&secrets.resolve(value)?)
                .map_err(|_| StepError(format!("the value of the header `{name}` cannot be sent")))?;
            map.insert(key, value);
        }
        let body = match body {
            None => Bytes::new(),
            Some(Value::String(text)) => secrets.resolve(text)?.into(),
            Some(body) => {
                map.entry(http::header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
                secrets.resolve_json(body)?.to_string().into()
            }
        };
        let request = Request { url, reach: *reach, method, headers: map, body, left: Left::default() };
        let answer = self.client.send(request).await.map_err(|e| StepError(e.to_string()))?;
        let status = answer.status.as_u16();
        let accepted =
            if expect_status.is_empty() { answer.status.is_success() } else { expect_status.contains(&status) };
        if !accepted {
            return Err(StepError(format!("status {status}: {}", answer.excerpt())));
        }
        let text = String::from_utf8_lossy(&answer.body);
        let kept: String = text.chars().take(KEPT).collect();
        let body = serde_json::from_str(&kept).unwrap_or(Value::String(kept));
        Ok(StepOutcome { summary: format!("status {status}"), data: json!({"status": status, "body": body}) })
    }

    async fn metric(
        &self,
        name: &str,
        value: f64,
        labels: &BTreeMap<String, String>,
    ) -> Result<StepOutcome, StepError> {
        let pairs = labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).chain([(NAME, name)]);
        let samples = vec![Sample { t: self.env.now().as_millis(), v: value }];
        let series = vec![SeriesSamples { labels: Labels::from_pairs(pairs), samples, start: None }];
        let batch = Batch { series, ..Batch::default() };
        self.sink.append(batch).await.map_err(|e| StepError(e.to_string()))?;
        Ok(StepOutcome { summary: format!("{name} = {value}"), data: json!({"value": value}) })
    }
}

/// Secrets that one step uses, remembered so that they can be covered in what comes back.
struct Secrets<'a> {
    runner: &'a Runner,
    seen: Vec<(String, String)>,
}

impl Secrets<'_> {
    fn resolve(&mut self, text: &str) -> Result<String, StepError> {
        let resolve = |text: &str| {
            reference::resolve(text, &*self.runner.source, &self.runner.base).map_err(|e| StepError(e.to_string()))
        };
        for reference in reference::references(text) {
            let value = resolve(reference)?;
            // Shorter values would blot out half of the text and are no secrets.
            if value.len() >= 4 {
                self.seen.push((value, reference.to_owned()));
            }
        }
        resolve(text)
    }

    fn map(&mut self, map: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, StepError> {
        map.iter().map(|(k, v)| Ok((k.clone(), self.resolve(v)?))).collect()
    }

    fn resolve_json(&mut self, value: &Value) -> Result<Value, StepError> {
        Ok(match value {
            Value::String(text) => Value::String(self.resolve(text)?),
            Value::Array(items) => Value::Array(items.iter().map(|i| self.resolve_json(i)).collect::<Result<_, _>>()?),
            Value::Object(map) => Value::Object(
                map.iter().map(|(k, v)| Ok((k.clone(), self.resolve_json(v)?))).collect::<Result<_, StepError>>()?,
            ),
            other => other.clone(),
        })
    }

    fn cover(&self, text: &str) -> String {
        self.seen.iter().fold(text.to_owned(), |text, (value, reference)| text.replace(value.as_str(), reference))
    }

    fn cover_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.cover(&text)),
            Value::Array(items) => Value::Array(items.into_iter().map(|i| self.cover_json(i)).collect()),
            Value::Object(map) => {
                Value::Object(map.into_iter().map(|(k, v)| (self.cover(&k), self.cover_json(v))).collect())
            }
            other => other,
        }
    }
}
