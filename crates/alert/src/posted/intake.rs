//! The door for posted alerts: when it answers, they are on disk.
//!
//! Not what they mean: `apply` in the parent decides that. There are two ways in, both durable before the answer:
//!
//! - Few alerts are written as alerts at once, and carried on in the same transaction to the first attempt to tell somebody.
//! - Many at a time are kept as they came, in the order in which they came, and worked through by the reconciler in parts,
//!   so that a storm is taken as fast as the disk is, and something urgent in the middle of it waits for one part only.
//!   What concerns an alert of which something is still kept is kept behind it.
//!
//! Many requests that wait share one transaction: whoever comes first writes for all who came meanwhile.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::channel::oneshot;
use parking_lot::Mutex;
use watchkeeper_domain::{Env, Span, Timestamp};
use watchkeeper_state::{ReconcileError, Reconciler, Report, SignalSink, State, StateError, Tx, Wake};

use super::journal::{self, Kept};
use super::{Part, Posted, apply};

/// Most alerts that one transaction takes, so that others come to their turn.
const MAX_AT_ONCE: usize = 8_192;
/// Requests with more alerts than this are kept and worked through later.
const FEW: usize = 8;
/// Alerts that are worked through in one transaction: about ten milliseconds for whoever waits behind it.
pub(super) const PART: usize = 128;
/// While more come, working through them rests for so many times as long as a part took, and at most this long.
const RESTS: u32 = 3;
const LONGEST_REST: Duration = Duration::from_millis(40);

/// Why posted alerts were not taken. Shared by all whose alerts were in one transaction.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct NotTaken(Arc<StateError>);

impl NotTaken {
    /// The state database's error.
    #[must_use]
    pub fn state(&self) -> &StateError {
        &self.0
    }
}

/// Takes posted alerts. Cloning shares it.
#[derive(Clone)]
pub struct Intake(Arc<Shared>);

struct Shared {
    state: State,
    env: Env,
    sink: Arc<dyn SignalSink>,
    /// Wakes this reconciler.
    wake: Wake,
    waiting: Mutex<Vec<Waiting>>,
    turn: futures::lock::Mutex<()>,
    /// What is kept is about these, counted; none: not looked yet since the start.
    backlog: Mutex<Option<Backlog>>,
    /// Requests so far.
    requests: AtomicU64,
}

type Backlog = HashMap<u64, usize>;

/// One request on its way into the database.
struct Waiting {
    posted: Arc<[Posted]>,
    resolve_timeout: Span,
    done: oneshot::Sender<Result<(), NotTaken>>,
}

/// What one transaction does.
struct Write<'a> {
    keep: &'a [Part<'a>],
    apply: &'a [Part<'a>],
    /// The last that was kept and is applied here.
    drop_until: Option<i64>,
    at: Timestamp,
}

impl Waiting {
    fn part(&self) -> Part<'_> {
        (&self.posted, self.resolve_timeout)
    }
}

impl Intake {
    /// An intake that records through `sink`.
    #[must_use]
    pub fn new(state: State, env: Env, sink: Arc<dyn SignalSink>) -> Self {
        Self(Arc::new(Shared {
            state,
            env,
            sink,
            wake: Wake::default(),
            waiting: Mutex::default(),
            turn: futures::lock::Mutex::new(()),
            backlog: Mutex::default(),
            requests: AtomicU64::new(0),
        }))
    }

    /// What wakes it when something was kept.
    #[must_use]
    pub fn wake(&self) -> Wake {
        self.0.wake.clone()
    }

    /// Takes alerts that [`Posted::check`] found good. When this returns they survive a power cut.
    pub async fn receive(&self, posted: Vec<Posted>, resolve_timeout: Span) -> Result<(), NotTaken> {
        if posted.is_empty() {
            return Ok(());
        }
        let shared = &self.0;
        shared.requests.fetch_add(1, Ordering::Relaxed);
        let posted: Arc<[Posted]> = posted.into();
        let mut told = shared.queue(&posted, resolve_timeout);
        let _turn = shared.turn.lock().await;
        loop {
            match told.try_recv() {
                // Somebody wrote ours while we waited for the turn.
                Ok(Some(result)) => return result,
                Ok(None) => shared.write_waiting().await,
                // Whoever took ours was cut off in the middle. To write it again is harmless.
                Err(oneshot::Canceled) => told = shared.queue(&posted, resolve_timeout),
            }
        }
    }
}

impl Shared {
    fn queue(&self, posted: &Arc<[Posted]>, resolve_timeout: Span) -> oneshot::Receiver<Result<(), NotTaken>> {
        let (done, told) = oneshot::channel();
        self.waiting.lock().push(Waiting { posted: Arc::clone(posted), resolve_timeout, done });
        told
    }

    /// Writes what waits, the oldest first, in one transaction.
    async fn write_waiting(&self) {
        let taken: Vec<Waiting> = {
            let mut waiting = self.waiting.lock();
            let mut alerts = 0;
            let fits = waiting.iter().take_while(|one| {
                alerts += one.posted.len();
                alerts <= MAX_AT_ONCE
            });
            // One that is larger than that goes alone.
            let count = fits.count().max(1).min(waiting.len());
            waiting.drain(..count).collect()
        };
        let result = self.write(&taken).await.map_err(|error| NotTaken(Arc::new(error)));
        for one in taken {
            // Whoever does not listen any more does not want to know.
            drop(one.done.send(result.clone()));
        }
    }

    async fn write(&self, taken: &[Waiting]) -> Result<(), StateError> {
        self.look_for_backlog().await?;
        let now = self.env.now();
        let (mut few, mut kept): (Vec<Part<'_>>, Vec<Part<'_>>) = (Vec::new(), Vec::new());
        {
            let mut backlog = self.backlog.lock();
            let backlog = backlog.get_or_insert_default();
            for one in taken {
                let behind = || subjects(&one.posted).any(|subject| backlog.contains_key(&subject));
                if one.posted.len() > FEW || behind() {
                    add(backlog, &one.posted);
                    kept.push(one.part());
                } else {
                    few.push(one.part());
                }
            }
        }
        let written = self.commit(&Write { keep: &kept, apply: &few, drop_until: None, at: now }).await;
        match &written {
            Ok(()) if kept.is_empty() => {}
            Ok(()) => self.wake.wake(),
            Err(_) => {
                let mut backlog = self.backlog.lock();
                kept.iter().for_each(|(posted, _)| remove(backlog.get_or_insert_default(), posted));
            }
        }
        written
    }

    async fn put(&self, what: &Write<'_>) -> Result<Tx, StateError> {
        let mut tx = self.state.write().await?;
        for (posted, resolve_timeout) in what.keep {
            journal::keep(&mut tx, posted, *resolve_timeout, what.at).await?;
        }
        if !what.apply.is_empty() {
            apply(&mut tx, self.sink.as_ref(), what.apply, what.at).await?;
        }
        if let Some(seq) = what.drop_until {
            journal::drop_until(&mut tx, seq).await?;
        }
        Ok(tx)
    }

    /// Commits what was posted; alerts carried on as far as it goes.
    async fn commit(&self, what: &Write<'_>) -> Result<(), StateError> {
        let tx = self.put(what).await?;
        if what.apply.is_empty() {
            return State::commit(tx).await;
        }
        match self.sink.carry_on(tx).await {
            Ok(tx) => State::commit(tx).await?,
            Err(error) => {
                // What was posted must not be lost to a defect further on: the reconcilers meet it again, by themselves.
                tracing::error!(%error, "posted alerts could not be carried on at once; they are written down alone");
                State::commit(self.put(what).await?).await?;
            }
        }
        self.sink.committed();
        Ok(())
    }

    /// After a start: what the process before had kept.
    async fn look_for_backlog(&self) -> Result<(), StateError> {
        if self.backlog.lock().is_some() {
            return Ok(());
        }
        let mut found = Backlog::new();
        let mut after = 0;
        while let Some(kept) = journal::first(&self.state, after).await? {
            add(&mut found, &kept.posted);
            after = kept.seq;
        }
        self.backlog.lock().get_or_insert(found);
        Ok(())
    }

    /// Works through one part of what was kept.
    async fn pass(&self) -> Result<Report, StateError> {
        let (requests, began) = (self.requests.load(Ordering::Relaxed), self.env.clock.monotonic());
        let Some(kept) = self.next_part().await? else { return Ok(Report::default()) };
        let Some(last) = kept.last().map(|last| (last.seq, last.at)) else { return Ok(Report::default()) };
        let parts: Vec<Part<'_>> = kept.iter().map(|kept| (kept.posted.as_slice(), kept.resolve_timeout)).collect();
        self.commit(&Write { keep: &[], apply: &parts, drop_until: Some(last.0), at: last.1 }).await?;
        {
            let mut backlog = self.backlog.lock();
            if let Some(backlog) = backlog.as_mut() {
                kept.iter().for_each(|kept| remove(backlog, &kept.posted));
            }
        }
        let processed = kept.iter().map(|kept| kept.posted.len()).sum();
        if self.requests.load(Ordering::Relaxed) == requests {
            return Ok(Report { processed, next_due: None });
        }
        // More come: they need the writer, too, and to take them comes first.
        let rest = (self.env.clock.monotonic().saturating_sub(began) * RESTS).min(LONGEST_REST);
        let rest = Span::from_micros(i64::try_from(rest.as_micros()).unwrap_or(0));
        Ok(Report { processed: 0, next_due: Some(self.env.now() + rest) })
    }

    /// The oldest that were kept, of one moment as it were: what began and ended in between did both.
    async fn next_part(&self) -> Result<Option<Vec<Kept>>, StateError> {
        let Some(first) = journal::first(&self.state, 0).await? else { return Ok(None) };
        let (mut alerts, mut after) = (first.posted.len(), first.seq);
        let together = first.at + Span::from_secs(1);
        let mut part = vec![first];
        while alerts < PART
            && let Some(next) = journal::first(&self.state, after).await?
            && next.at <= together
        {
            (alerts, after) = (alerts + next.posted.len(), next.seq);
            part.push(next);
        }
        Ok(Some(part))
    }
}

/// What a posting is about: its label sets, and the names that other tools gave.
fn subjects(posted: &[Posted]) -> impl Iterator<Item = u64> {
    let key = |posted: &Posted| {
        let mut hasher = DefaultHasher::new();
        posted.key()?.hash(&mut hasher);
        Some(hasher.finish())
    };
    posted.iter().flat_map(move |posted| std::iter::once(posted.labels.fingerprint().0).chain(key(posted)))
}

fn add(backlog: &mut Backlog, posted: &[Posted]) {
    for subject in subjects(posted) {
        *backlog.entry(subject).or_default() += 1;
    }
}

fn remove(backlog: &mut Backlog, posted: &[Posted]) {
    for subject in subjects(posted) {
        if let Some(count) = backlog.get_mut(&subject) {
            *count -= 1;
            if *count == 0 {
                backlog.remove(&subject);
            }
        }
    }
}

impl Reconciler for Intake {
    fn name(&self) -> &'static str {
        "intake"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.0.pass().await?) })
    }
}
