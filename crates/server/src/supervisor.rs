//! Starts, names, watches and stops the background tasks.
//!
//! Not their work: reconcilers do that. A panic in a task is caught, counted and logged, and the task starts again
//! after a pause; the process goes on.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt as _;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchkeeper_domain::{Env, Span, Timestamp};
use watchkeeper_state::{Reconciler, Wake};

/// The longest that a reconciler rests without looking, whatever it said: a lost wake-up costs this much, not more.
const IDLE: Span = Span::from_secs(30);
/// How long a reconciler rests after an error or a panic.
const AFTER_ERROR: Span = Span::from_secs(1);

/// How a task is doing, for the admin page and the metrics.
#[derive(Debug, Clone, Default)]
pub struct TaskStatus {
    /// Passes that processed something.
    pub passes: u64,
    /// Things processed.
    pub processed: u64,
    /// Passes that failed.
    pub errors: u64,
    /// Panics caught.
    pub panics: u64,
    /// The last error.
    pub last_error: Option<(Timestamp, String)>,
}

/// Owns the tasks. Dropping it without [`Supervisor::stop`] aborts them.
pub struct Supervisor {
    env: Env,
    stop: CancellationToken,
    tasks: Mutex<JoinSet<()>>,
    statuses: Arc<Mutex<BTreeMap<&'static str, TaskStatus>>>,
    connections: Arc<AtomicU64>,
}

impl Supervisor {
    /// A supervisor without tasks.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self {
            env,
            stop: CancellationToken::new(),
            tasks: Mutex::new(JoinSet::new()),
            statuses: Arc::default(),
            connections: Arc::default(),
        }
    }

    /// Cancelled when the server stops.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// How each reconciler is doing.
    #[must_use]
    pub fn statuses(&self) -> BTreeMap<&'static str, TaskStatus> {
        self.statuses.lock().clone()
    }

    /// Open connections, counted by the listeners.
    #[must_use]
    pub fn connections(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.connections)
    }

    /// Runs a task to its end. A panic is logged and ends the task.
    pub fn run(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let statuses = Arc::clone(&self.statuses);
        self.tasks.lock().spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                statuses.lock().entry(name).or_default().panics += 1;
                tracing::error!(task = name, "a task panicked and ended; this is a defect, please report it");
            }
        });
    }

    /// Runs reconcilers one after the other, in the order given, whenever any of them is woken or due.
    ///
    /// One task for a chain, because each stage writes what the next one reads: a pass of the chain carries an alert
    /// from its transition to the outbox without waiting for another task to be scheduled.
    pub fn reconcile(&self, name: &'static str, wake: Wake, chain: Vec<Arc<dyn Reconciler>>) {
        let (env, stop, statuses) = (self.env.clone(), self.stop.clone(), Arc::clone(&self.statuses));
        self.run(name, async move {
            while !stop.is_cancelled() {
                let mut next_due: Option<Timestamp> = Some(env.now() + IDLE);
                for reconciler in &chain {
                    let due = pass(reconciler.as_ref(), &env, &statuses).await;
                    next_due = [next_due, due].into_iter().flatten().min();
                }
                let sleep = env.clock.sleep_until(next_due.unwrap_or_else(|| env.now() + IDLE));
                tokio::select! {
                    () = wake.woken() => {}
                    () = sleep => {}
                    () = stop.cancelled() => {}
                }
            }
        });
    }

    /// Stops all tasks, waiting at most `grace` for them to end by themselves.
    pub async fn stop(&self, grace: Span) {
        self.stop.cancel();
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        let deadline = self.env.now() + grace;
        let all = async { while tasks.join_next().await.is_some() {} };
        tokio::select! {
            () = all => {}
            () = self.env.clock.sleep_until(deadline) => tracing::warn!("some tasks did not stop in time and are ended"),
        }
    }
}

/// Calls a reconciler until it has nothing more to do. Gives the time when it wants to be called again.
async fn pass(
    reconciler: &dyn Reconciler,
    env: &Env,
    statuses: &Mutex<BTreeMap<&'static str, TaskStatus>>,
) -> Option<Timestamp> {
    let name = reconciler.name();
    loop {
        let outcome = AssertUnwindSafe(reconciler.reconcile()).catch_unwind().await;
        let now = env.now();
        let mut statuses = statuses.lock();
        let status = statuses.entry(name).or_default();
        match outcome {
            Ok(Ok(report)) if report.processed > 0 => {
                status.passes += 1;
                status.processed += report.processed as u64;
            }
            Ok(Ok(report)) => return report.next_due,
            Ok(Err(error)) => {
                let text = chain(&error);
                status.errors += 1;
                status.last_error = Some((now, text.clone()));
                tracing::error!(reconciler = name, error = %text, "a pass failed and will be tried again");
                return Some(now + AFTER_ERROR);
            }
            Err(_) => {
                status.panics += 1;
                status.last_error = Some((now, "it panicked".to_owned()));
                tracing::error!(
                    reconciler = name,
                    "a pass panicked and will be tried again; this is a defect, please report it"
                );
                return Some(now + AFTER_ERROR);
            }
        }
    }
}

/// An error with its causes, in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Counts an open connection while it lives.
pub struct ConnectionGuard(Arc<AtomicU64>);

impl ConnectionGuard {
    /// Counts one more.
    #[must_use]
    pub fn new(counter: &Arc<AtomicU64>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counter))
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
