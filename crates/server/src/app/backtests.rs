//! Backtests as jobs: how far they are, what came of them, for as long as somebody may still look.
//!
//! Not the replay (`detect::backtest`), and not durable: a backtest changes nothing, and one that a restart ended is
//! started again by whoever wants it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use watchkeeper_domain::ids::BacktestId;
use watchkeeper_domain::{Span, Timestamp};

use crate::http::dto::backtests::Report;

/// How many run at once: each takes a core.
const MOST_RUNNING: usize = 4;
/// How many are kept; the oldest that ended goes first.
const MOST_KEPT: usize = 32;
/// How long one is kept after its end.
const KEPT: Span = Span::from_secs(15 * 60);

/// The backtests of the last minutes.
#[derive(Default)]
pub struct Backtests(Mutex<HashMap<BacktestId, Arc<Job>>>);

/// One backtest.
pub struct Job {
    /// Its id.
    pub id: BacktestId,
    /// Who started it: nobody else sees it, because it may tell of incidents that others may not see.
    pub owner: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// Stops it.
    pub cancel: CancellationToken,
    /// From 0 to 1, as the bits of an `f64`.
    progress: AtomicU64,
    state: Mutex<JobState>,
    ended: Notify,
}

/// How it stands.
pub enum JobState {
    /// On its way.
    Running,
    /// There is a report.
    Done(Timestamp, Arc<Report>),
    /// There is none, with why.
    Failed(Timestamp, String),
    /// It was stopped.
    Cancelled(Timestamp),
}

impl JobState {
    /// When it ended.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Running => None,
            Self::Done(at, _) | Self::Failed(at, _) | Self::Cancelled(at) => Some(*at),
        }
    }
}

impl Job {
    /// How much is done, from 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        f64::from_bits(self.progress.load(Ordering::Relaxed))
    }

    /// Notes how much is done.
    pub fn advance(&self, done: f64) {
        self.progress.store(done.to_bits(), Ordering::Relaxed);
    }

    /// How it stands.
    pub fn state(&self) -> MutexGuard<'_, JobState> {
        self.state.lock()
    }

    /// Ends it, and wakes those who wait for that.
    pub fn end(&self, state: JobState) {
        *self.state.lock() = state;
        self.ended.notify_waiters();
    }

    /// Waits for its end.
    pub async fn ended(&self) {
        let ended = self.ended.notified();
        tokio::pin!(ended);
        // Enabled before the look, so that an end between the two is not missed.
        ended.as_mut().enable();
        if self.state.lock().ended_at().is_none() {
            ended.await;
        }
    }
}

impl Backtests {
    /// A new job; none while as many run as may.
    pub fn begin(&self, id: BacktestId, owner: &str, now: Timestamp, cancel: CancellationToken) -> Option<Arc<Job>> {
        let mut jobs = self.0.lock();
        jobs.retain(|_, job| job.state().ended_at().is_none_or(|at| now.since(at) < KEPT));
        let running = jobs.values().filter(|job| job.state().ended_at().is_none()).count();
        if running >= MOST_RUNNING {
            return None;
        }
        while jobs.len() >= MOST_KEPT {
            let ended = jobs.values().filter_map(|job| Some((job.state().ended_at()?, job.id)));
            let oldest = ended.min_by_key(|(at, _)| *at)?.1;
            jobs.remove(&oldest);
        }
        let job = Arc::new(Job {
            id,
            owner: owner.to_owned(),
            started_at: now,
            cancel,
            progress: AtomicU64::new(0),
            state: Mutex::new(JobState::Running),
            ended: Notify::new(),
        });
        jobs.insert(id, Arc::clone(&job));
        Some(job)
    }

    /// A job of this owner.
    pub fn get(&self, id: BacktestId, owner: &str) -> Option<Arc<Job>> {
        self.0.lock().get(&id).filter(|job| job.owner == owner).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_run_at_once_and_what_ended_goes_after_a_while() {
        let (jobs, at) = (Backtests::default(), Timestamp::from_secs);
        let id = |n: u32| format!("bkt_{n:032x}").parse::<BacktestId>().unwrap();
        let begin = |n, now| jobs.begin(id(n), "ana", at(now), CancellationToken::new());
        let first = begin(1, 0).unwrap();
        for n in 2..=4 {
            assert!(begin(n, 0).is_some());
        }
        assert!(begin(5, 0).is_none());
        first.end(JobState::Cancelled(at(1)));
        assert!(begin(5, 1).is_some());
        assert!(jobs.get(id(1), "ana").is_some() && jobs.get(id(1), "ben").is_none());
        jobs.get(id(5), "ana").unwrap().end(JobState::Cancelled(at(1_000)));
        assert!(begin(6, 1_000).is_some());
        assert!(jobs.get(id(1), "ana").is_none());
    }
}
