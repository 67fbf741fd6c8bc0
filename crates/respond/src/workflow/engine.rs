//! The engine: takes due runs, lets the core decide, commits, acts.
//!
//! Not the rows' meaning. One pass goes on as long as a step is under way, and meanwhile takes up other runs that become
//! due or are woken for: a slow step delays nobody.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use futures::future::{AbortHandle, Abortable, Aborted, BoxFuture, Either, select};
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use serde_json::json;
use watchkeeper_domain::ids::RunId;
use watchkeeper_domain::query::Query;
use watchkeeper_domain::telemetry::TelemetrySink;
use watchkeeper_domain::{Env, Integration, Span, Timestamp};
use watchkeeper_state::{ReconcileError, Reconciler, Report, State, StateError, Tx, Wake};

use super::action::Action;
use super::core::{self, Effect, Event, Plan};
use super::read::RunRow;
use super::runner::StepRunner;
use super::store::{self, Commit};
use super::{metrics, verify};

/// How many runs are under way at once.
const MOST_RUNS: usize = 64;
/// How long a run whose rows could not be written is left alone.
const AFTER_ERROR: Span = Span::from_secs(5);
/// How often the counters are written, so that `increase()` has samples.
const COUNT_EVERY: Span = Span::from_secs(60);

/// Hears of runs that ended without having helped, in the transaction that ends them. Incidents implement it.
pub trait HandOver: Send + Sync {
    /// The run failed or was handed over.
    fn handed_over<'a>(&'a self, tx: &'a mut Tx, run: &'a RunRow) -> BoxFuture<'a, Result<(), StateError>>;
}

/// The integrations of a receiver by its name; none when there is no such receiver (any more).
pub type Receivers = dyn Fn(&str) -> Option<Vec<Integration>> + Send + Sync;

/// What the engine works with.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub state: State,
    /// Time and ids.
    pub env: Env,
    /// Does what steps say.
    pub runner: Arc<dyn StepRunner>,
    /// Answers verification.
    pub query: Arc<dyn Query>,
    /// Takes metrics about runs.
    pub sink: Arc<dyn TelemetrySink>,
    /// Hears of runs that did not help.
    pub hand_over: Arc<dyn HandOver>,
    /// The receivers that messages may go to.
    pub receivers: Arc<Receivers>,
}

/// How the engine behaves.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Wakes the engine: after `queue` and after `cancel`.
    pub wake: Wake,
    /// Woken after commits that may have put something into the outbox or changed an incident.
    pub wakes: Vec<Wake>,
}

/// The reconciler of workflow runs.
pub struct Engine {
    parts: Parts,
    options: Options,
    /// This process, in leases.
    owner: String,
    begun: AtomicBool,
    /// When verification looks again, and when a run that failed to be written is tried again.
    looks: Mutex<HashMap<RunId, Look>>,
    counted: Mutex<Option<Timestamp>>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    at: Timestamp,
    verifies: bool,
}

type Ended = (RunId, Result<(), StateError>);
type UnderWay<'a> = FuturesUnordered<Abortable<BoxFuture<'a, Ended>>>;

impl Engine {
    /// An engine that has not looked at anything yet.
    #[must_use]
    pub fn new(parts: Parts, options: Options) -> Self {
        let owner = format!("engine-{}", parts.env.uuid_v7().simple());
        Self {
            parts,
            options,
            owner,
            begun: AtomicBool::new(false),
            looks: Mutex::default(),
            counted: Mutex::default(),
        }
    }

    /// Wakes this engine.
    #[must_use]
    pub fn wake(&self) -> Wake {
        self.options.wake.clone()
    }

    async fn pass(&self) -> Result<Report, ReconcileError> {
        if !self.begun.load(Ordering::Acquire) {
            store::free_leases(&self.parts.state, &self.owner).await?;
            self.begun.store(true, Ordering::Release);
        }
        let mut under_way = UnderWay::new();
        let mut handles: HashMap<RunId, AbortHandle> = HashMap::new();
        let mut processed = 0;
        loop {
            let now = self.parts.env.now();
            let known = Vec::from_iter(handles.keys().copied());
            let mut ended = Vec::new();
            let (inactive, due, next_due) = beside(self.look_around(&known, now), &mut under_way, &mut ended).await?;
            for run in inactive {
                // Somebody stopped it: what is dropped is killed.
                if let Some(handle) = handles.remove(&run) {
                    handle.abort();
                }
            }
            let next_due = self.next_look(now, &due).into_iter().chain(next_due).min();
            for run in due {
                let waits = self.looks.lock().get(&run).is_some_and(|l| l.at > now);
                if waits || handles.contains_key(&run) || handles.len() >= MOST_RUNS {
                    continue;
                }
                let (handle, registration) = AbortHandle::new_pair();
                handles.insert(run, handle);
                let work: BoxFuture<'_, Ended> = Box::pin(async move { (run, self.advance(run).await) });
                under_way.push(Abortable::new(work, registration));
            }
            if ended.is_empty() {
                if under_way.is_empty() {
                    let counted = self.count(now).await;
                    return Ok(Report { processed, next_due }.due(counted));
                }
                let alarm = async {
                    match next_due {
                        Some(at) => self.parts.env.clock.sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                };
                let woken = self.options.wake.woken();
                let other = select(Box::pin(alarm), Box::pin(woken));
                if let Either::Left((Some(run), _)) = select(under_way.next(), other).await {
                    ended.push(run);
                }
            }
            processed += ended.len();
            for (run, result) in ended.into_iter().flatten() {
                handles.remove(&run);
                if let Err(error) = result {
                    tracing::warn!(%run, error = %chain(&error), "a workflow run could not be written; it is tried again");
                    self.looks.lock().insert(run, Look { at: self.parts.env.now() + AFTER_ERROR, verifies: false });
                }
            }
        }
    }

    /// Which of the known runs are no longer active, which are due, and when the next one will be.
    async fn look_around(
        &self,
        known: &[RunId],
        now: Timestamp,
    ) -> Result<(Vec<RunId>, Vec<RunId>, Option<Timestamp>), StateError> {
        let state = &self.parts.state;
        let inactive = store::inactive(state.read(), known).await?;
        let (due, next_due) = store::due(state.read(), &self.owner, now, 256).await?;
        Ok((inactive, due, next_due))
    }

    /// The earliest look at a run that is still active; forgets the others.
    fn next_look(&self, now: Timestamp, due: &[RunId]) -> Option<Timestamp> {
        let mut looks = self.looks.lock();
        looks.retain(|run, _| due.contains(run));
        looks.values().map(|l| l.at).filter(|at| *at > now).min()
    }

    /// Takes one run as far as it goes without waiting.
    async fn advance(&self, id: RunId) -> Result<(), StateError> {
        let parts = &self.parts;
        let Some((run, mut state)) = store::load(parts.state.read(), id).await? else { return Ok(()) };
        let commit = Commit {
            state: &parts.state,
            env: &parts.env,
            owner: &self.owner,
            hand_over: &*parts.hand_over,
            receivers: &*parts.receivers,
        };
        let Some(workflow) = run.definition.clone() else {
            let (mut next, effects) = core::unreadable(&state, "this version cannot read its definition");
            if commit.write(&run.row, &mut next, &effects).await? {
                self.ended(&run.row, &next).await;
            }
            return Ok(());
        };
        let plan = Plan { run: id, workflow, target: run.row.target.clone(), trigger: run.trigger.clone() };
        let mut event = Event::Look;
        loop {
            let (mut next, effects) = core::step(&plan, &state, event, parts.env.now());
            if next != state || effects.iter().any(|e| !matches!(e, Effect::Judge(_) | Effect::LookAgain(_))) {
                if !commit.write(&run.row, &mut next, &effects).await? {
                    return Ok(());
                }
                if effects.iter().any(|e| matches!(e, Effect::Notify { .. } | Effect::End)) {
                    self.options.wakes.iter().for_each(Wake::wake);
                }
            }
            state = next;
            let mut following = None;
            for effect in effects {
                match effect {
                    Effect::Run { action, timeout } => {
                        following = Some(Event::Finished(self.act(&action, timeout).await))
                    }
                    Effect::Judge(expressions) => {
                        let unbroken = self.looks.lock().get(&id).is_some_and(|l| l.verifies);
                        let (truth, detail) = verify::judge(&*parts.query, &expressions, parts.env.now()).await;
                        following = Some(Event::Judged { truth, detail, unbroken });
                    }
                    Effect::LookAgain(at) => {
                        self.looks.lock().insert(id, Look { at, verifies: true });
                    }
                    Effect::End => self.ended(&run.row, &state).await,
                    Effect::Notify { .. } | Effect::Note { .. } => {}
                }
            }
            match following {
                Some(next) => event = next,
                None => return Ok(()),
            }
        }
    }

    /// Carries out a step within its time.
    async fn act(&self, action: &Action, timeout: Span) -> Result<serde_json::Value, String> {
        let deadline = self.parts.env.now() + timeout;
        match select(self.parts.runner.run(action), self.parts.env.clock.sleep_until(deadline)).await {
            Either::Left((Ok(outcome), _)) => Ok(json!({"summary": outcome.summary, "data": outcome.data})),
            Either::Left((Err(error), _)) => Err(error.0),
            // Dropping the runner's future stops what it did.
            Either::Right(_) => Err(format!("it took longer than {timeout} and was stopped")),
        }
    }

    async fn ended(&self, row: &RunRow, state: &core::RunState) {
        let now = self.parts.env.now();
        match metrics::ended(self.parts.state.read(), row, state, now).await {
            Ok(batch) => self.append(batch).await,
            Err(error) => tracing::warn!(error = %chain(&error), "the metrics of a workflow run were not written"),
        }
    }

    /// Writes the counters when it is time; says when it is the next time.
    async fn count(&self, now: Timestamp) -> Option<Timestamp> {
        let due = (*self.counted.lock()).map_or(now, |last| last + COUNT_EVERY);
        if due > now {
            return Some(due);
        }
        *self.counted.lock() = Some(now);
        match metrics::counters(self.parts.state.read(), now).await {
            // Without runs there is nothing to count and no reason to be called again.
            Ok(batch) if batch.is_empty() => {
                *self.counted.lock() = None;
                return None;
            }
            Ok(batch) => self.append(batch).await,
            Err(error) => tracing::warn!(error = %chain(&error), "the counters of workflow runs were not written"),
        }
        Some(now + COUNT_EVERY)
    }

    /// Metrics are worth less than the run: a full store is logged and forgotten.
    async fn append(&self, batch: watchkeeper_domain::telemetry::Batch) {
        if let Err(error) = self.parts.sink.append(batch).await {
            tracing::warn!(%error, "the metrics of workflow runs were not taken");
        }
    }
}

impl Reconciler for Engine {
    fn name(&self) -> &'static str {
        "workflows"
    }
    fn reconcile(&self) -> BoxFuture<'_, Result<Report, ReconcileError>> {
        Box::pin(self.pass())
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        out = format!("{out}: {cause}");
        source = cause.source();
    }
    out
}

/// Does something while the runs under way go on. They hold connections, or are next in line for one: whoever waits for
/// a connection without letting them go on waits for good.
async fn beside<T>(
    work: impl Future<Output = T>,
    under_way: &mut UnderWay<'_>,
    ended: &mut Vec<Result<Ended, Aborted>>,
) -> T {
    let mut work = std::pin::pin!(work);
    while !under_way.is_empty() {
        match select(work.as_mut(), under_way.next()).await {
            Either::Left((done, _)) => return done,
            Either::Right((run, _)) => ended.extend(run),
        }
    }
    work.await
}
