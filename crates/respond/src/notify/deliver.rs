//! The deliverer: a reconciler that claims due notifications and lets them leave side by side.
//!
//! Not a queue: what it holds in memory is what is on its way; everything else is rows. A pass claims and starts; it never
//! waits for a peer. Each send is a task of the deliverer's own set: it records its outcome and then wakes the next
//! pass, which finds the successors in the thread. Dropping the deliverer stops them as a crash would; their rows stay
//! `sending` and are taken over when the lease ends, or at once by the next process on this database.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures::future::{Either, select};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio::task::JoinSet;
use watchkeeper_config::Config;
use watchkeeper_config::model::{Person, Receiver, SmtpServer};
use watchkeeper_domain::ids::NotificationId;
use watchkeeper_domain::{Env, Span};
use watchkeeper_state::{ReconcileError, Reconciler, Report, State, StateError, Wake};

use super::channel::{Channel, Outgoing, SendResult};
use super::claim::{self, Candidate, Claimant, Claimed};
use super::content::Content;
use super::context::Context;
use super::destination::{Change, Destination, Destinations, Health};
use super::email::Email;
use super::record;
use super::slack::Slack;
use super::webhook::Webhook;
use crate::client::{Client, Left};

/// A lease outlives the longest attempt by this much, for a slow disk.
const LEASE_MARGIN: Span = Span::from_secs(30);
/// How often the record of an outcome is tried before it is left to the lease.
const RECORD_ATTEMPTS: u32 = 5;

/// How a deliverer behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Names this process in leases; a new one at each start.
    pub boot_id: String,
    /// Whether this process alone uses the database (the data folder is locked): what others had leased is then
    /// abandoned for certain, and is taken over at once instead of at the end of the lease.
    pub sole_owner: bool,
}

/// What of the configuration it needs.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Receivers by name.
    pub receivers: BTreeMap<String, Receiver>,
    /// The mail server.
    pub smtp: Option<SmtpServer>,
    /// Who has which Slack id.
    pub people: Vec<Person>,
    /// For links; no trailing slash.
    pub external_url: String,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        Self {
            receivers: config.receivers.clone(),
            smtp: config.smtp.clone(),
            people: config.people.clone(),
            external_url: config.server.external_url.clone(),
        }
    }
}

type Channels = BTreeMap<Destination, Arc<dyn Channel>>;

struct Shared {
    state: State,
    env: Env,
    who: Claimant,
    wake: Wake,
    client: Client,
    context: Arc<dyn Context>,
    channels: RwLock<Arc<Channels>>,
    destinations: Mutex<Destinations>,
    in_flight: watch::Sender<BTreeMap<NotificationId, Destination>>,
}

/// Delivers notifications. See the module for how.
pub struct Deliverer {
    shared: Arc<Shared>,
    tasks: Mutex<JoinSet<()>>,
}

impl Deliverer {
    /// A deliverer; `wake` is woken whenever a send has ended, so that the next pass comes at once.
    pub fn new(
        state: State,
        env: Env,
        options: Options,
        settings: &Settings,
        client: Client,
        context: Arc<dyn Context>,
        wake: Wake,
    ) -> Self {
        let channels = channels(settings, &client, &env);
        let who = Claimant { boot_id: options.boot_id, sole_owner: options.sole_owner };
        let shared = Shared {
            state,
            env,
            who,
            wake,
            client,
            context,
            channels: RwLock::new(Arc::new(channels)),
            destinations: Mutex::default(),
            in_flight: watch::Sender::new(BTreeMap::new()),
        };
        Self { shared: Arc::new(shared), tasks: Mutex::default() }
    }

    /// Uses new settings from the next claim on; what is on its way keeps the old ones.
    pub fn configure(&self, settings: &Settings) {
        let channels = channels(settings, &self.shared.client, &self.shared.env);
        *self.shared.channels.write() = Arc::new(channels);
        self.shared.wake.wake();
    }

    /// How the destinations do that something was sent to since the start.
    #[must_use]
    pub fn destinations(&self) -> BTreeMap<Destination, Health> {
        self.shared.destinations.lock().all()
    }

    /// How many sends are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.borrow().len()
    }

    /// Waits until no send is under way. What they have recorded may make more due: reconcile again.
    pub async fn settle(&self) {
        let mut in_flight = self.shared.in_flight.subscribe();
        // An error means that the sender is gone, and it lives as long as `self`.
        drop(in_flight.wait_for(BTreeMap::is_empty).await);
    }

    /// Lets sends under way end for at most `grace`, then stops them; what was stopped counts as unknown at the next
    /// start. Call it when no pass runs any more.
    pub async fn shutdown(&self, grace: Span) {
        let clock = &self.shared.env.clock;
        let deadline = clock.sleep_until(clock.now() + grace);
        select(std::pin::pin!(self.settle()), deadline).await;
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        tasks.shutdown().await;
    }

    async fn pass(&self) -> Result<Report, StateError> {
        self.reap();
        let shared = &self.shared;
        let now = shared.env.now();
        let wanted = self.wanted(claim::candidates(&shared.state, &shared.who, now).await?);
        let processed = wanted.len();
        if !wanted.is_empty() {
            for claimed in self.claim(&wanted).await? {
                self.start(claimed);
            }
        }
        let due = claim::next_due(&shared.state, now).await?;
        let held = shared.destinations.lock().next_due(now);
        Ok(Report { processed, next_due: None }.due(due).due(held))
    }

    /// The candidates that their destinations have room for and that are not on their way already.
    fn wanted(&self, candidates: Vec<Candidate>) -> Vec<Candidate> {
        let now = self.shared.env.now();
        let in_flight = self.shared.in_flight.borrow().clone();
        let mut counts = claim::count(in_flight.values());
        let destinations = self.shared.destinations.lock();
        candidates
            .into_iter()
            .filter(|candidate| {
                let count = counts.entry(candidate.to.clone()).or_insert(0);
                let free = destinations.room(&candidate.to, *count, now) > 0
                    && candidate.id.parse().is_ok_and(|id: NotificationId| !in_flight.contains_key(&id));
                *count += usize::from(free);
                free
            })
            .collect()
    }

    /// One transaction for all; when it has committed, the attempts are on disk.
    async fn claim(&self, wanted: &[Candidate]) -> Result<Vec<Claimed>, StateError> {
        let shared = &self.shared;
        let now = shared.env.now();
        let mut tx = shared.state.write().await?;
        let mut claimed = Vec::with_capacity(wanted.len());
        for candidate in wanted {
            let timeout = shared.channel(&candidate.to).map_or(Span::ZERO, |channel| channel.timeout());
            let lease = Span::from_micros(timeout.as_micros() + LEASE_MARGIN.as_micros());
            claimed.extend(claim::claim(&mut tx, &shared.who, candidate, now, lease).await?);
        }
        State::commit(tx).await?;
        Ok(claimed)
    }

    fn start(&self, claimed: Claimed) {
        let shared = Arc::clone(&self.shared);
        let (id, to) = (claimed.subject.id, claimed.to());
        shared.in_flight.send_modify(|all| {
            all.insert(id, to);
        });
        let on_its_way = OnItsWay { shared: Arc::clone(&shared), id };
        self.tasks.lock().spawn(async move {
            deliver(&shared, claimed).await;
            drop(on_its_way);
        });
    }

    /// Takes ended tasks out of the set. A panic in one is logged here; its row is taken over when its lease ends.
    fn reap(&self) {
        let mut tasks = self.tasks.lock();
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "a delivery ended in a panic; it is tried again when its lease ends");
            }
        }
    }
}

impl Reconciler for Deliverer {
    fn name(&self) -> &'static str {
        "deliver"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.pass().await?) })
    }
}

impl Shared {
    fn channel(&self, to: &Destination) -> Option<Arc<dyn Channel>> {
        self.channels.read().get(to).cloned()
    }
}

/// Takes the send off the list whatever happens to its task, and wakes the next pass.
struct OnItsWay {
    shared: Arc<Shared>,
    id: NotificationId,
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.shared.in_flight.send_modify(|all| {
            all.remove(&self.id);
        });
        self.shared.wake.wake();
    }
}

async fn deliver(shared: &Shared, claimed: Claimed) {
    let to = claimed.to();
    let result = match shared.channel(&to) {
        None => SendResult::Failed {
            status: None,
            error: format!(
                "the configuration has no `{}` at the receiver `{}` any more; route to another receiver",
                to.integration, to.receiver
            ),
        },
        Some(channel) => scrubbed(attempt(shared, &claimed, channel.as_ref()).await, channel.as_ref()),
    };
    let change = shared.destinations.lock().learn(&shared.env, &to, shared.env.now(), &result);
    write_down(shared, &claimed, &result, change).await;
}

async fn attempt(shared: &Shared, claimed: &Claimed, channel: &dyn Channel) -> SendResult {
    let message = match compose(shared, claimed, channel).await {
        Ok(message) => message,
        Err(error) => {
            return SendResult::Failed { status: None, error: format!("its content cannot be read: {error}") };
        }
    };
    let clock = &shared.env.clock;
    let deadline = clock.sleep_until(clock.now() + channel.timeout());
    let left = message.left.clone();
    match select(channel.send(&message), deadline).await {
        Either::Left((result, _)) => result,
        Either::Right(((), _)) if left.is_marked() => {
            SendResult::Unknown { error: format!("no answer within {}", channel.timeout()) }
        }
        Either::Right(((), _)) => SendResult::Retry {
            status: None,
            error: format!("no connection within {}", channel.timeout()),
            after: None,
        },
    }
}

async fn compose(shared: &Shared, claimed: &Claimed, channel: &dyn Channel) -> Result<Outgoing, serde_json::Error> {
    let alerts = claimed.subject.alerts.clone();
    let chart = match alerts.first() {
        Some(first) if channel.wants_chart() => shared.context.chart_for(*first).await,
        _ => None,
    };
    let chart_path = alerts.first().and_then(|first| shared.context.chart_path(*first));
    Ok(Outgoing {
        id: claimed.subject.id,
        status: claimed.status.clone(),
        receiver: claimed.subject.receiver.clone(),
        thread: claimed.thread.clone(),
        incident_id: claimed.subject.incident,
        content: Content::read(&claimed.kind, &claimed.content)?,
        reason: claimed.reason.clone(),
        now: shared.env.now(),
        incident: shared.context.incident_for(&alerts).await,
        workflows: shared.context.workflows_for(&alerts).await,
        chart,
        chart_path,
        alerts,
        left: Left::default(),
    })
}

fn scrubbed(result: SendResult, channel: &dyn Channel) -> SendResult {
    let clean = |text: String| channel.secrets().clean(&text);
    match result {
        SendResult::Delivered { status, receipt } => SendResult::Delivered { status, receipt: clean(receipt) },
        SendResult::Retry { status, error, after } => SendResult::Retry { status, error: clean(error), after },
        SendResult::Failed { status, error } => SendResult::Failed { status, error: clean(error) },
        SendResult::Unknown { error } => SendResult::Unknown { error: clean(error) },
    }
}

/// The outcome is known: it must not be lost to a full disk that has room again a second later.
async fn write_down(shared: &Shared, claimed: &Claimed, result: &SendResult, change: Change) {
    for attempt in 1..=RECORD_ATTEMPTS {
        match record::record(&shared.state, &shared.env, &shared.who.boot_id, claimed, result, change).await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(notification = %claimed.subject.id, %error, attempt, "the outcome of a delivery cannot be recorded");
            }
        }
        let clock = &shared.env.clock;
        clock.sleep_until(clock.now() + Span::from_secs(i64::from(attempt))).await;
    }
}

fn channels(settings: &Settings, client: &Client, env: &Env) -> Channels {
    let mut channels = Channels::new();
    for (name, receiver) in &settings.receivers {
        let mut add = |kind: &str, at: usize, channel: Arc<dyn Channel>| {
            let integration = if at == 0 { kind.to_owned() } else { format!("{kind}:{at}") };
            channels.insert(Destination { receiver: name.clone(), integration }, channel);
        };
        for (at, slack) in receiver.slack.iter().enumerate() {
            add("slack", at, Arc::new(Slack::new(slack, settings, client.clone())));
        }
        for (at, email) in receiver.email.iter().enumerate() {
            add("email", at, Arc::new(Email::new(email, settings, env.clone())));
        }
        for (at, webhook) in receiver.webhook.iter().enumerate() {
            add("webhook", at, Arc::new(Webhook::new(webhook, settings, client.clone(), env.clone())));
        }
    }
    channels
}
