//! What may be wrong: a stage that stands still, a disk that cannot be written, a queue over its bound.
//!
//! Not what is done about it.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::future::{Either, select};
use watchkeeper_config::model::self_watch::SelfWatch;
use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_state::{State, StateError};

use crate::app::Shared;

/// The stages that an alert goes through; the others may be slow without anybody being told late.
const STAGES: [&str; 7] = ["rules", "expiry", "alert", "incident", "escalation", "deliver", "housekeeping"];
/// How long the disk and the database may take.
const PATIENCE: Span = Span::from_secs(10);
/// The file that is written to see whether it can be.
const FILE: &str = "watchman";

/// What it remembers between two looks.
#[derive(Default)]
pub(super) struct Eyes {
    /// Whether the last check of the disk has not come back: no second thread is given to a disk that does not answer.
    writing: Arc<AtomicBool>,
    storage_errors: AtomicU64,
}

impl Eyes {
    /// Everything that is wrong now, in words.
    pub(super) async fn faults(&self, shared: &Shared, settings: &SelfWatch) -> Vec<String> {
        let now = shared.env.now();
        let mut faults = standing_still(shared, settings, now);
        let folder = shared.config.load().storage.path.clone();
        faults.extend(self.disk(shared, folder).await);
        let errors = shared.store.stats().storage_errors;
        if errors > self.storage_errors.swap(errors, Ordering::Relaxed) {
            faults.push("the disk refused telemetry".to_owned());
        }
        match within(shared, write(&shared.state, now)).await {
            Some(Ok(())) => faults.extend(queues(shared, settings, now).await),
            Some(Err(error)) => faults.push(format!("the state database cannot be written: {}", short(&error))),
            None => faults.push(format!("the state database did not take a write within {PATIENCE}")),
        }
        faults
    }

    async fn disk(&self, shared: &Shared, folder: PathBuf) -> Option<String> {
        if self.writing.swap(true, Ordering::AcqRel) {
            return Some("the disk has not answered since the last look".to_owned());
        }
        let writing = Arc::clone(&self.writing);
        let check = tokio::task::spawn_blocking(move || {
            let written = touch(&folder);
            writing.store(false, Ordering::Release);
            written.map_err(|error| format!("the data folder {} cannot be written: {error}", folder.display()))
        });
        match within(shared, check).await {
            Some(Ok(written)) => written.err(),
            Some(Err(_)) => Some("the check of the disk panicked".to_owned()),
            None => Some(format!("the disk did not take a write within {PATIENCE}")),
        }
    }
}

/// Races something against the clock.
async fn within<T>(shared: &Shared, what: impl Future<Output = T>) -> Option<T> {
    let deadline = shared.env.clock.sleep_until(shared.env.now() + PATIENCE);
    match select(Box::pin(what), deadline).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}

fn standing_still(shared: &Shared, settings: &SelfWatch, now: Timestamp) -> Vec<String> {
    let tasks = shared.supervisor.statuses();
    let late = |(stage, at): (&'static str, Timestamp)| {
        if !STAGES.contains(&stage) || at + settings.stalled_after > now {
            return None;
        }
        let error = tasks.get(stage).and_then(|task| task.last_error.as_ref()).filter(|(when, _)| *when > at);
        let why = error.map(|(_, why)| format!(" ({why})")).unwrap_or_default();
        Some(format!("the stage `{stage}` has finished nothing since {at}{why}"))
    };
    shared.progress.all().into_iter().filter_map(late).collect()
}

fn touch(folder: &std::path::Path) -> std::io::Result<()> {
    let mut file = std::fs::File::create(folder.join(FILE))?;
    // Enough to need a block: an empty file can be made on a full disk.
    file.write_all(&[b'.'; 4_096])?;
    file.sync_all()
}

async fn write(state: &State, now: Timestamp) -> Result<(), StateError> {
    let mut tx = state.write().await?;
    sqlx::query(
        "INSERT INTO self_watch (key, at) VALUES ('watchman', $1) ON CONFLICT (key) DO UPDATE SET at = excluded.at",
    )
    .bind(now.as_micros())
    .execute(&mut *tx)
    .await
    .map_err(StateError::statement("see whether it can be written"))?;
    State::commit(tx).await
}

/// What waits for longer than a stage may stand still, and what waits in too great a number.
async fn queues(shared: &Shared, settings: &SelfWatch, now: Timestamp) -> Vec<String> {
    let asked = sqlx::query_as::<_, (Option<i64>, Option<i64>, i64)>(
        "SELECT (SELECT min(at) FROM alert_transition WHERE routed = 0), \
         (SELECT min(created_at) FROM notification WHERE state = 'escalating'), \
         (SELECT count(*) FROM notification WHERE state IN ('pending', 'sending'))",
    );
    let (unrouted, uncalled, waiting) = match within(shared, asked.fetch_one(shared.state.read())).await {
        Some(Ok(found)) => found,
        Some(Err(error)) => return vec![format!("the state database cannot be read: {}", short(&error))],
        None => return vec![format!("the state database did not answer within {PATIENCE}")],
    };
    let late = |at: Option<i64>| at.map(Timestamp::from_micros).filter(|at| *at + settings.stalled_after <= now);
    let mut faults = Vec::new();
    faults.extend(late(unrouted).map(|at| format!("an alert waits since {at} to be routed")));
    faults.extend(late(uncalled).map(|at| format!("a message waits since {at} for people to be called")));
    if waiting > i64::from(settings.most_waiting) {
        faults.push(format!("{waiting} messages wait to be sent, more than {}", settings.most_waiting));
    }
    faults
}

fn short(error: &dyn std::error::Error) -> String {
    crate::supervisor::chain(error).chars().take(200).collect()
}
