//! Telling a receiver at once, past the outbox: for what says that the outbox itself, or the way to it, is stalled.
//!
//! Not for anything else: nothing is written down here, so nobody can prove what became of it. Whoever calls keeps the
//! outcome.

use std::collections::BTreeMap;

use futures::future::{Either, join_all, select};
use watchkeeper_domain::Env;
use watchkeeper_domain::ids::{Id, NotificationId};

use super::channel::{Outgoing, SendResult};
use super::content::{Content, Text};
use super::deliver::{self, Settings};
use super::wording::Wording;
use crate::client::{Client, Left};

/// What became of one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// `sms`, `email:1`, …
    pub integration: String,
    /// The outcome, without secrets.
    pub result: SendResult,
}

/// Tells one receiver a text over all its ways at once, each tried once. None, when it has no way.
pub async fn tell(
    settings: &Settings,
    client: &Client,
    env: &Env,
    receiver: &str,
    status: &str,
    text: &str,
) -> Vec<Told> {
    let Some(known) = settings.receivers.get(receiver) else { return Vec::new() };
    let only = Settings {
        receivers: BTreeMap::from([(receiver.to_owned(), known.clone())]),
        smtp: settings.smtp.clone(),
        people: settings.people.clone(),
        external_url: settings.external_url.clone(),
    };
    let id = NotificationId::new(env);
    let all = deliver::channels(&only, client, env).into_iter().map(|(to, channel)| async move {
        let message = Outgoing {
            id,
            status: status.to_owned(),
            receiver: to.receiver,
            thread: "self-watch".to_owned(),
            alerts: Vec::new(),
            incident_id: None,
            content: Content::Text(Text { text: text.to_owned(), workflow: None, run_id: None }),
            wording: Wording::default(),
            reason: "Watchkeeper's own pipeline".to_owned(),
            now: env.now(),
            incident: None,
            workflows: Vec::new(),
            chart: None,
            chart_path: None,
            left: Left::default(),
        };
        let deadline = env.clock.sleep_until(env.now() + channel.timeout());
        let result = match select(channel.send(&message), deadline).await {
            Either::Left((result, _)) => result,
            Either::Right(((), _)) => SendResult::Unknown { error: format!("no answer within {}", channel.timeout()) },
        };
        Told { integration: to.integration, result: deliver::scrubbed(result, channel.as_ref()) }
    });
    join_all(all).await
}
