//! A step with its templates filled in; secrets are still references.
//!
//! Not the doing: `runner` resolves the references and acts.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use watchkeeper_config::model::Uses;
use watchkeeper_config::reference::Masked;
use watchkeeper_domain::Span;
use watchkeeper_lang::jinja::{self, JinjaError};

use super::context::escaped_for_url;
use crate::client::reach::Reach;

/// What is to be done. Texts of `Http` and values of `env` are in the notation of references (`${env:NAME}`).
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// An HTTP request.
    Http {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// Who named its host: a template in the host makes it the payload.
        reach: Reach,
        /// Headers.
        headers: BTreeMap<String, String>,
        /// The body: a text as it is, anything else as JSON.
        body: Option<Value>,
        /// Accepted statuses; empty: 200 to 299.
        expect_status: Vec<u16>,
    },
    /// A program.
    Exec {
        /// Program and arguments, as they are.
        command: Vec<String>,
        /// Environment.
        env: BTreeMap<String, String>,
    },
    /// Waiting.
    Wait(Span),
    /// A sample.
    Metric {
        /// Metric name.
        name: String,
        /// Its value.
        value: f64,
        /// Labels.
        labels: BTreeMap<String, String>,
    },
    /// A message.
    Notify {
        /// To whom.
        receiver: String,
        /// The text.
        message: String,
    },
}

/// Why a step cannot be carried out as it is written.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// A template.
    #[error(transparent)]
    Template(#[from] JinjaError),
    /// A value that is no number.
    #[error("the value of the metric `{name}` is `{value}`, which is not a number")]
    NotANumber {
        /// The metric.
        name: String,
        /// The rendered value, cut.
        value: String,
    },
}

/// Fills in a step's templates.
pub fn render(uses: &Uses, context: &Value) -> Result<Action, ActionError> {
    let plain = |text: &str| jinja::render(text, context);
    let plain_map = |map: &BTreeMap<String, String>| -> Result<BTreeMap<String, String>, JinjaError> {
        map.iter().map(|(k, v)| Ok((k.clone(), plain(v)?))).collect()
    };
    let masked_map = |map: &BTreeMap<String, String>| -> Result<BTreeMap<String, String>, JinjaError> {
        map.iter().map(|(k, v)| Ok((k.clone(), masked(v, context)?))).collect()
    };
    Ok(match uses {
        Uses::Http { method, url, headers, body, expect_status } => Action::Http {
            method: method.clone(),
            reach: reach(url),
            url: masked(url, &escaped_for_url(context))?,
            headers: masked_map(headers)?,
            body: body.as_ref().map(|body| masked_json(body, context)).transpose()?,
            expect_status: expect_status.clone(),
        },
        Uses::Exec { command, env } => Action::Exec {
            command: command.iter().map(|arg| plain(arg)).collect::<Result<_, _>>()?,
            env: masked_map(env)?,
        },
        Uses::Wait { duration } => Action::Wait(*duration),
        Uses::Metric { name, value, labels } => {
            let text = plain(value)?;
            let value = text
                .trim()
                .parse()
                .map_err(|_| ActionError::NotANumber { name: name.clone(), value: text.chars().take(80).collect() })?;
            Action::Metric { name: name.clone(), value, labels: plain_map(labels)? }
        }
        Uses::Notify { receiver, message } => Action::Notify { receiver: receiver.clone(), message: plain(message)? },
    })
}

/// Renders a template that may refer to secrets: data cannot become references, secrets cannot become templates.
fn masked(text: &str, context: &Value) -> Result<String, JinjaError> {
    let masked = Masked::new(text);
    Ok(masked.restore(&jinja::render(&masked.template, context)?))
}

fn masked_json(body: &Value, context: &Value) -> Result<Value, JinjaError> {
    Ok(match body {
        Value::String(text) => Value::String(masked(text, context)?),
        Value::Array(items) => Value::Array(items.iter().map(|i| masked_json(i, context)).collect::<Result<_, _>>()?),
        Value::Object(map) => Value::Object(
            map.iter().map(|(k, v)| Ok((k.clone(), masked_json(v, context)?))).collect::<Result<_, JinjaError>>()?,
        ),
        other => other.clone(),
    })
}

fn reach(url: &str) -> Reach {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest.split('/').next().unwrap_or(rest));
    let scheme = url.split("://").next().unwrap_or("");
    if host.contains("{{") || host.contains("{%") || scheme.contains("{{") {
        Reach::Payload
    } else {
        Reach::Administrator
    }
}

impl Action {
    /// What is recorded of it.
    #[must_use]
    pub fn input(&self) -> Value {
        match self {
            Self::Http { method, url, headers, body, .. } => {
                json!({"uses": "http", "method": method, "url": url, "headers": headers, "body": body})
            }
            Self::Exec { command, env } => json!({"uses": "exec", "command": command, "env": env}),
            Self::Wait(duration) => json!({"uses": "wait", "duration": duration}),
            Self::Metric { name, value, labels } => {
                json!({"uses": "metric", "name": name, "value": value, "labels": labels})
            }
            Self::Notify { receiver, message } => json!({"uses": "notify", "receiver": receiver, "message": message}),
        }
    }
}
