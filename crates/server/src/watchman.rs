//! Watching the watchman: a heartbeat leaves as long as all is well, and a stalled pipeline is told by a second path.
//!
//! Not a stage of the pipeline: it has a thread and a runtime of its own (ADR 0027), so that whatever stalls the others
//! does not stall it, and it sends directly, past the outbox. What it finds it keeps in memory; the ledger gets it when
//! the ledger can be written.

pub mod decide;
mod look;

use std::sync::Arc;

use futures::future::{Either, select};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use parking_lot::Mutex;
use serde_json::json;
use url::Url;
use watchkeeper_config::model::self_watch::{Heartbeat, SelfWatch};
use watchkeeper_domain::{Actor, Span, Timestamp};
use watchkeeper_respond::client::reach::Reach;
use watchkeeper_respond::client::{Client, ClientError, Left, Request};
use watchkeeper_respond::notify::channel::SendResult;
use watchkeeper_respond::notify::deliver::Settings;
use watchkeeper_respond::notify::direct;
use watchkeeper_state::{Entry, State, StateError, ledger};

use self::decide::{Effect, Watch, step};
use crate::app::Shared;

/// How often it looks, unless a heartbeat is due earlier.
const LOOK: Span = Span::from_secs(15);
/// How long a heartbeat may take.
const BEAT_TIMEOUT: Span = Span::from_secs(10);
/// How long it waits for a database that may be what is stalled.
const WRITE_TIMEOUT: Span = Span::from_secs(5);

/// How it stands, for people.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// What is stalled now, in words.
    pub faults: Vec<String>,
    /// When it last looked.
    pub looked_at: Option<Timestamp>,
    /// Since when something is stalled.
    pub stalled_since: Option<Timestamp>,
    /// When the second path was last told.
    pub told_at: Option<Timestamp>,
    /// Why it could not be told.
    pub tell_error: Option<String>,
    /// When a heartbeat last arrived.
    pub last_beat_at: Option<Timestamp>,
    /// Why the last one did not.
    pub beat_error: Option<String>,
    /// Heartbeats that arrived.
    pub beats: u64,
    /// Heartbeats that left and did not arrive.
    pub beats_failed: u64,
    /// Heartbeats that were withheld because something is stalled.
    pub beats_withheld: u64,
}

/// See the module.
pub struct Watchman {
    client: Client,
    watch: Mutex<Watch>,
    status: Mutex<Status>,
    eyes: look::Eyes,
}

impl Watchman {
    /// One that has seen nothing yet.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new() -> Result<Self, ClientError> {
        // Its own connections: those of the others may be what hangs.
        let client = Client::new()?;
        Ok(Self { client, watch: Mutex::default(), status: Mutex::default(), eyes: look::Eyes::default() })
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.lock().clone()
    }

    /// Looks once and does what follows. Gives when to look again.
    pub async fn look(&self, shared: &Shared) -> Timestamp {
        let config = shared.config.load_full();
        let settings = &config.self_watch;
        let faults = self.eyes.faults(shared, settings).await;
        let now = shared.env.now();
        let interval = settings.heartbeat.as_ref().map(|beat| beat.interval);
        let before = self.watch.lock().clone();
        let (next, effects) = step(&before, interval, settings.receiver.is_some(), &faults, now);
        *self.watch.lock() = next.clone();
        {
            let mut status = self.status.lock();
            status.looked_at = Some(now);
            status.stalled_since = next.stalled_since;
            status.faults.clone_from(&faults);
        }
        for effect in effects {
            match effect {
                Effect::Beat => self.beat(shared, settings).await,
                Effect::Withhold => self.status.lock().beats_withheld += 1,
                Effect::Tell => self.tell(shared, settings, &Settings::from(config.as_ref()), &faults, now).await,
                Effect::TellOver { since } => {
                    self.tell_over(shared, settings, &Settings::from(config.as_ref()), since, now).await;
                }
            }
        }
        let beat = self.watch.lock().beat_due;
        beat.into_iter().chain([now + LOOK]).min().unwrap_or(now + LOOK)
    }

    async fn beat(&self, shared: &Shared, settings: &SelfWatch) {
        let Some(heartbeat) = &settings.heartbeat else { return };
        let deadline = shared.env.clock.sleep_until(shared.env.now() + BEAT_TIMEOUT);
        let sent = match select(Box::pin(send(&self.client, heartbeat)), deadline).await {
            Either::Left((sent, _)) => sent,
            Either::Right(((), _)) => Err(format!("no answer within {BEAT_TIMEOUT}")),
        };
        let mut status = self.status.lock();
        match sent {
            Ok(()) => {
                status.beats += 1;
                status.last_beat_at = Some(shared.env.now());
                status.beat_error = None;
            }
            Err(error) => {
                tracing::warn!(%error, "a heartbeat did not arrive");
                status.beats_failed += 1;
                status.beat_error = Some(error);
            }
        }
    }

    async fn tell(
        &self,
        shared: &Shared,
        settings: &SelfWatch,
        delivery: &Settings,
        faults: &[String],
        now: Timestamp,
    ) {
        let since = self.watch.lock().stalled_since.unwrap_or(now);
        let what = faults.join("; ");
        tracing::error!(%since, faults = %what, "the pipeline is stalled: alerts may reach nobody");
        let Some(receiver) = &settings.receiver else { return };
        let text = format!("Watchkeeper's own pipeline is stalled since {since}; alerts may reach nobody. {what}");
        let error = self.direct(shared, delivery, receiver, "firing", &text).await;
        let told = error.is_none();
        self.watch.lock().told(told, now);
        {
            let mut status = self.status.lock();
            status.tell_error.clone_from(&error);
            if told {
                status.told_at = Some(now);
            }
        }
        let data = json!({"since": since, "faults": faults, "receiver": receiver, "told": told, "error": error});
        note(shared, "watchman.stalled", data).await;
    }

    async fn tell_over(
        &self,
        shared: &Shared,
        settings: &SelfWatch,
        delivery: &Settings,
        since: Timestamp,
        now: Timestamp,
    ) {
        let lasted = now.since(since);
        tracing::warn!(%since, %lasted, "the pipeline works again");
        let text = format!("Watchkeeper's own pipeline works again. It was stalled since {since}, for {lasted}.");
        let mut error = None;
        if let Some(receiver) = &settings.receiver {
            error = self.direct(shared, delivery, receiver, "resolved", &text).await;
        }
        self.status.lock().tell_error.clone_from(&error);
        note(shared, "watchman.recovered", json!({"since": since, "lasted": lasted, "error": error})).await;
    }

    /// Tells the second path; the error when none of its ways took it.
    async fn direct(
        &self,
        shared: &Shared,
        delivery: &Settings,
        receiver: &str,
        status: &str,
        text: &str,
    ) -> Option<String> {
        let told = direct::tell(delivery, &self.client, &shared.env, receiver, status, text).await;
        let arrived = |told: &direct::Told| matches!(told.result, SendResult::Delivered { .. });
        if told.iter().any(arrived) {
            return None;
        }
        let error = |told: &direct::Told| match &told.result {
            SendResult::Delivered { .. } => String::new(),
            SendResult::Retry { error, .. } | SendResult::Failed { error, .. } | SendResult::Unknown { error } => {
                format!("{}: {error}", told.integration)
            }
        };
        let errors: Vec<String> = told.iter().map(error).collect();
        let error = if errors.is_empty() { format!("`{receiver}` has no way of its own") } else { errors.join("; ") };
        tracing::error!(receiver, %error, "the second path could not be told");
        Some(error)
    }

    /// Looks until the server stops.
    async fn run(&self, shared: &Shared) {
        let watch = async {
            loop {
                let next = self.look(shared).await;
                shared.env.clock.sleep_until(next).await;
            }
        };
        // A look may wait for a disk or a peer that does not answer; stopping does not.
        tokio::select! {
            () = watch => {}
            () = shared.stopping.cancelled() => {}
        }
    }
}

/// Begins to watch, in a thread of its own.
pub fn start(shared: &Arc<Shared>) -> std::io::Result<std::thread::JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("watchman".to_owned()).spawn(move || {
        runtime.block_on(shared.watchman.run(&shared));
        // A check of a disk that does not answer must not keep the process from ending.
        runtime.shutdown_background();
    })
}

async fn send(client: &Client, heartbeat: &Heartbeat) -> Result<(), String> {
    let url = Url::parse(heartbeat.url.expose()).map_err(|_| "the configured address is not a URL".to_owned())?;
    let mut headers = HeaderMap::new();
    if let Some(token) = &heartbeat.bearer_token {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| "the token cannot be sent in a header".to_owned())?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let method = if heartbeat.post { Method::POST } else { Method::GET };
    let body = bytes::Bytes::new();
    let request = Request { url, reach: Reach::Administrator, method, headers, body, left: Left::default() };
    let answer = client.send(request).await.map_err(|error| error.to_string())?;
    if answer.status.is_success() { Ok(()) } else { Err(format!("the peer answered {}", answer.status)) }
}

/// Writes it down, if the ledger can be written now.
async fn note(shared: &Shared, kind: &'static str, data: serde_json::Value) {
    let write = async {
        let mut tx = shared.state.write().await?;
        ledger::append(&mut tx, Entry::new(shared.env.now(), kind, Actor::System, "watchman").data(data)).await?;
        State::commit(tx).await
    };
    let deadline = shared.env.clock.sleep_until(shared.env.now() + WRITE_TIMEOUT);
    let written: Result<(), StateError> = match select(Box::pin(write), deadline).await {
        Either::Left((written, _)) => written,
        Either::Right(((), _)) => return tracing::error!(kind, "the ledger does not answer; this is not written down"),
    };
    if let Err(error) = written {
        tracing::error!(kind, %error, "this is not written down");
    }
}
