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
use watchkeeper_state::{ReconcileError, Reconciler, Report, State, StateError, Tx, Wake};

use super::channel::{Channel, Outgoing, SendResult};
use super::claim::{self, Claimant, Claimed, Row};
use super::content::Content;
use super::context::{About, Context};
use super::destination::{Change, Destination, Destinations, Health};
use super::email::Email;
use super::manners::{self, Manners};
use super::record::{self, Outcome};
use super::service;
use super::slack::Slack;
use super::storm;
use super::webhook::Webhook;
use super::wording::{self, Given};
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

pub(super) type Channels = BTreeMap<Destination, Arc<dyn Channel>>;

struct Shared {
    state: State,
    env: Env,
    who: Claimant,
    wake: Wake,
    client: Client,
    context: Arc<dyn Context>,
    channels: RwLock<Arc<Channels>>,
    manners: RwLock<Arc<BTreeMap<String, Manners>>>,
    external_url: RwLock<Arc<String>>,
    destinations: Mutex<Destinations>,
    in_flight: watch::Sender<BTreeMap<NotificationId, Destination>>,
}

/// Delivers notifications. See the module for how.
pub struct Deliverer {
    shared: Arc<Shared>,
    tasks: Arc<Mutex<JoinSet<()>>>,
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
            manners: RwLock::new(Arc::new(manners::of(&settings.receivers))),
            external_url: RwLock::new(Arc::new(settings.external_url.clone())),
            destinations: Mutex::default(),
            in_flight: watch::Sender::new(BTreeMap::new()),
        };
        Self { shared: Arc::new(shared), tasks: Arc::default() }
    }

    /// Uses new settings from the next claim on; what is on its way keeps the old ones.
    pub fn configure(&self, settings: &Settings) {
        let channels = channels(settings, &self.shared.client, &self.shared.env);
        *self.shared.channels.write() = Arc::new(channels);
        *self.shared.manners.write() = Arc::new(manners::of(&settings.receivers));
        *self.shared.external_url.write() = Arc::new(settings.external_url.clone());
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
        let candidates = claim::candidates(&shared.state, &shared.who, now).await?;
        let reserved = self.reserve(candidates.iter().map(|candidate| (candidate.id, &candidate.to)));
        let processed = reserved.len();
        if !reserved.is_empty() {
            // One transaction for all; when it has committed, the attempts are on disk.
            let mut tx = shared.state.write().await?;
            let ids: Vec<NotificationId> = reserved.keys().copied().collect();
            let rows = claim::claimable(&mut tx, &shared.who, &ids, now).await?;
            self.take(&mut tx, rows, reserved).await?;
            State::commit(tx).await?;
        }
        let due = claim::next_due(&shared.state, now).await?;
        let held = shared.destinations.lock().next_due(now);
        Ok(Report { processed, next_due: None }.due(due).due(held))
    }

    /// Claims what somebody's transaction has just put into the outbox, in that transaction: the attempts are committed
    /// together with what they tell of, and leave right after the commit. What does not fit is left to the next pass.
    pub async fn claim_in(&self, tx: &mut Tx) -> Result<Report, StateError> {
        let now = self.shared.env.now();
        let rows = claim::fresh(tx, now).await?;
        let heads: Vec<_> = rows.iter().map(|row| (row.claimed.subject.id, row.claimed.to())).collect();
        let reserved = self.reserve(heads.iter().map(|(id, to)| (*id, to)));
        let processed = reserved.len();
        self.take(tx, rows, reserved).await?;
        Ok(Report { processed, next_due: None })
    }

    /// Of the candidates those that their destinations have room for and that are not on their way already. From now on
    /// they count as on their way.
    fn reserve<'c>(&self, candidates: impl Iterator<Item = (NotificationId, &'c Destination)>) -> Reserved {
        let shared = &self.shared;
        let now = shared.env.now();
        // Held to the end, so that two who claim at once do not both see the room that one of them takes.
        let mut destinations = shared.destinations.lock();
        let manners = shared.manners();
        let mut reserved = Reserved::new();
        shared.in_flight.send_if_modified(|in_flight| {
            for (id, to) in candidates {
                let busy = in_flight.values().filter(|other| *other == to).count();
                let rate = manners.get(&to.receiver).and_then(|manners| manners.rate);
                if !in_flight.contains_key(&id) && destinations.room(to, busy, rate, now) > 0 {
                    let last = destinations.leaves(to, rate, now);
                    in_flight.insert(id, to.clone());
                    reserved.insert(id, OnItsWay { shared: Arc::clone(shared), id, started: false, last });
                }
            }
            !reserved.is_empty()
        });
        reserved
    }

    /// Claims the reserved ones among the rows. They start when the transaction is committed.
    async fn take(&self, tx: &mut Tx, mut rows: Vec<Row>, mut reserved: Reserved) -> Result<(), StateError> {
        rows.retain(|row| reserved.contains_key(&row.claimed.subject.id));
        let shared = &self.shared;
        let lease = |to: &Destination| {
            let timeout = shared.channel(to).map_or(Span::ZERO, |channel| channel.timeout());
            Span::from_micros(timeout.as_micros() + LEASE_MARGIN.as_micros())
        };
        let mut claimed = claim::take(tx, &shared.env, &shared.who, rows, &shared.manners(), lease).await?;
        for claimed in &mut claimed {
            if reserved.get(&claimed.subject.id).is_some_and(|on_its_way| on_its_way.last) {
                storm::gather(tx, claimed, shared.env.now()).await?;
            }
        }
        let starting: Vec<(Claimed, OnItsWay)> = claimed
            .into_iter()
            .filter_map(|claimed| reserved.remove(&claimed.subject.id).map(|on_its_way| (claimed, on_its_way)))
            .collect();
        if !starting.is_empty() {
            let tasks = Arc::clone(&self.tasks);
            tx.after_commit(move || {
                let mut tasks = tasks.lock();
                for (claimed, mut on_its_way) in starting {
                    on_its_way.started = true;
                    tasks.spawn(async move { deliver(&on_its_way.shared, claimed).await });
                }
            });
        }
        Ok(())
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
    fn manners(&self) -> Arc<BTreeMap<String, Manners>> {
        Arc::clone(&self.manners.read())
    }

    fn channel(&self, to: &Destination) -> Option<Arc<dyn Channel>> {
        self.channels.read().get(to).cloned()
    }
}

type Reserved = BTreeMap<NotificationId, OnItsWay>;

/// Takes the send off the list whatever happens to its task or its transaction. When it was started, it also wakes the
/// next pass, which finds the successors in the thread.
struct OnItsWay {
    shared: Arc<Shared>,
    id: NotificationId,
    started: bool,
    /// Whether its destination takes no more for now.
    last: bool,
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.shared.in_flight.send_modify(|all| {
            all.remove(&self.id);
        });
        if self.started {
            self.shared.wake.wake();
        }
    }
}

async fn deliver(shared: &Shared, claimed: Claimed) {
    let to = claimed.to();
    let (result, template_errors) = match shared.channel(&to) {
        None => {
            let error = format!(
                "the configuration has no `{}` at the receiver `{}` any more; route to another receiver",
                to.integration, to.receiver
            );
            (SendResult::Failed { status: None, error }, Vec::new())
        }
        Some(channel) => {
            let (result, errors) = attempt(shared, &claimed, channel.as_ref()).await;
            (scrubbed(result, channel.as_ref()), errors)
        }
    };
    let change = shared.destinations.lock().learn(&shared.env, &to, shared.env.now(), &result);
    write_down(shared, &claimed, &result, change, &template_errors).await;
}

/// One attempt, and which of the receiver's templates failed.
async fn attempt(shared: &Shared, claimed: &Claimed, channel: &dyn Channel) -> (SendResult, Vec<String>) {
    let message = match compose(shared, claimed, channel).await {
        Ok(message) => message,
        Err(error) => {
            let error = format!("its content cannot be read: {error}");
            return (SendResult::Failed { status: None, error }, Vec::new());
        }
    };
    let clock = &shared.env.clock;
    let deadline = clock.sleep_until(clock.now() + channel.timeout());
    let left = message.left.clone();
    let result = match select(channel.send(&message), deadline).await {
        Either::Left((result, _)) => result,
        Either::Right(((), _)) if left.is_marked() => {
            SendResult::Unknown { error: format!("no answer within {}", channel.timeout()) }
        }
        Either::Right(((), _)) => SendResult::Retry {
            status: None,
            error: format!("no connection within {}", channel.timeout()),
            after: None,
        },
    };
    (result, message.wording.errors)
}

async fn compose(shared: &Shared, claimed: &Claimed, channel: &dyn Channel) -> Result<Outgoing, serde_json::Error> {
    let alerts = claimed.subject.alerts.clone();
    let chart = match alerts.first() {
        Some(first) if channel.wants_chart() => shared.context.chart_for(*first).await,
        _ => None,
    };
    let About { incident, workflows } =
        if channel.wants_context() { shared.context.about(&alerts).await } else { About::default() };
    let chart_path = alerts.first().and_then(|first| shared.context.chart_path(*first));
    let content = Content::read(&claimed.kind, &claimed.content)?;
    let (manners, external_url) = (shared.manners(), Arc::clone(&shared.external_url.read()));
    let given = Given {
        receiver: &claimed.subject.receiver,
        status: &claimed.status,
        reason: &claimed.reason,
        now: shared.env.now(),
        incident: incident.as_ref(),
        external_url: &external_url,
    };
    let own = manners.get(&claimed.subject.receiver);
    let wording = own.map(|manners| wording::word(&manners.templates, &content, &given)).unwrap_or_default();
    for error in &wording.errors {
        tracing::warn!(notification = %claimed.subject.id, %error, "a template failed; the built-in text leaves");
    }
    Ok(Outgoing {
        wording,
        id: claimed.subject.id,
        status: claimed.status.clone(),
        receiver: claimed.subject.receiver.clone(),
        thread: claimed.thread.clone(),
        incident_id: claimed.subject.incident,
        content,
        reason: claimed.reason.clone(),
        now: shared.env.now(),
        incident,
        workflows,
        chart,
        chart_path,
        alerts,
        left: Left::default(),
    })
}

pub(super) fn scrubbed(result: SendResult, channel: &dyn Channel) -> SendResult {
    let clean = |text: String| channel.secrets().clean(&text);
    match result {
        SendResult::Delivered { status, receipt } => SendResult::Delivered { status, receipt: clean(receipt) },
        SendResult::Retry { status, error, after } => SendResult::Retry { status, error: clean(error), after },
        SendResult::Failed { status, error } => SendResult::Failed { status, error: clean(error) },
        SendResult::Unknown { error } => SendResult::Unknown { error: clean(error) },
    }
}

/// The outcome is known: it must not be lost to a full disk that has room again a second later.
async fn write_down(
    shared: &Shared,
    claimed: &Claimed,
    result: &SendResult,
    change: Change,
    template_errors: &[String],
) {
    let outcome = Outcome { result, change, template_errors };
    let manners = shared.manners();
    let fallback = manners.get(&claimed.subject.receiver).and_then(|manners| manners.fallback.as_ref());
    let who = &shared.who.boot_id;
    for attempt in 1..=RECORD_ATTEMPTS {
        match record::record(&shared.state, &shared.env, who, claimed, &outcome, fallback).await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(notification = %claimed.subject.id, %error, attempt, "the outcome of a delivery cannot be recorded");
            }
        }
        let clock = &shared.env.clock;
        clock.sleep_until(clock.now() + Span::from_secs(i64::from(attempt))).await;
    }
}

pub(super) fn channels(settings: &Settings, client: &Client, env: &Env) -> Channels {
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
        for (key, integration) in receiver.services() {
            let channel = service::channel(&integration.service, settings, client);
            channels.insert(Destination { receiver: name.clone(), integration: key }, channel);
        }
    }
    channels
}
