//! A program of this machine as a receiver: Alertmanager's body on its standard input, the main facts in its environment.
//!
//! Not a shell. Exit code 0 is taken, 75 (`EX_TEMPFAIL` of sysexits) means later, anything else never.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use watchkeeper_config::Secret;
use watchkeeper_domain::Span;

use super::brief::{Brief, cut};
use super::channel::{Channel, Outgoing, SendResult};
use super::scrub::Scrub;
use super::webhook::body;
use crate::workflow::exec;

/// The exit code that asks for another attempt.
const LATER: i32 = 75;

/// A program.
pub struct Exec {
    command: Vec<String>,
    env: BTreeMap<String, Secret>,
    timeout: Span,
    external_url: String,
    secrets: Scrub,
}

impl Exec {
    /// A channel for one integration.
    #[must_use]
    pub fn new(command: Vec<String>, env: BTreeMap<String, Secret>, timeout: Span, external_url: String) -> Self {
        // Values in plain text are no secrets; those that came from elsewhere are.
        let secret = |secret: &&Secret| watchkeeper_config::reference::is_reference(secret.reference());
        let secrets = env.values().filter(secret).fold(Scrub::default(), |scrub, secret| scrub.and(secret));
        Self { command, env, timeout, external_url, secrets }
    }

    async fn attempt(&self, message: &Outgoing) -> SendResult {
        let brief = Brief::of(message, &self.external_url);
        let input = body::render(message, &self.external_url).to_string();
        let mut env: BTreeMap<String, String> =
            self.env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
        let facts = [
            ("WATCHKEEPER_NOTIFICATION", message.id.to_string()),
            ("WATCHKEEPER_STATUS", message.status.clone()),
            ("WATCHKEEPER_RECEIVER", message.receiver.clone()),
            ("WATCHKEEPER_TITLE", cut(&brief.title.replace('\0', " "), 1_000)),
            ("WATCHKEEPER_PRIORITY", brief.priority.map(|p| p.as_str().to_owned()).unwrap_or_default()),
            ("WATCHKEEPER_URL", brief.link.unwrap_or_default()),
        ];
        env.extend(facts.map(|(name, value)| (name.to_owned(), value)));
        // A program that has started may have done everything already.
        message.left.mark();
        let ended = match exec::start(&self.command, &env, Some(input.into_bytes())).await {
            Ok(ended) => ended,
            Err(error) => return SendResult::Failed { status: None, error: error.to_string() },
        };
        let said = crate::client::excerpt(if ended.err.trim().is_empty() { &ended.out } else { &ended.err });
        match ended.code {
            Some(0) => SendResult::Delivered { status: 0, receipt: crate::client::excerpt(&ended.out) },
            Some(LATER) => SendResult::Retry { status: None, error: format!("exit code {LATER}: {said}"), after: None },
            Some(code) => SendResult::Failed { status: None, error: format!("exit code {code}: {said}") },
            None => SendResult::Unknown { error: format!("it was ended by a signal: {said}") },
        }
    }
}

impl Channel for Exec {
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, SendResult> {
        Box::pin(self.attempt(message))
    }
    fn preview(&self, message: &Outgoing) -> Result<String, String> {
        Ok(super::webhook::pretty(&body::render(message, &self.external_url)))
    }
    fn timeout(&self) -> Span {
        self.timeout
    }
    fn secrets(&self) -> &Scrub {
        &self.secrets
    }
    /// The body is Alertmanager's, which has no place for it.
    fn wants_context(&self) -> bool {
        false
    }
}
