//! The one thread that writes, and the bounded queue in front of it.
//!
//! Not the commit itself (`commit`). Nothing waits on purpose: a batch that comes alone is written at once; those that come
//! while a sync runs share the next one.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;
use watchkeeper_domain::telemetry::{AppendError, Appended, Batch};
use watchkeeper_domain::{Histogram, Timestamp};

use crate::commit::Committer;
use crate::stats::Counters;

/// Bytes of batches in one group: bounds how long the first of them waits for the others' encoding.
const GROUP_BYTES: usize = 8 << 20;

type Answer<T> = oneshot::Sender<T>;

enum Job {
    Append { batch: Batch, bytes: usize, answer: Answer<Result<Appended, AppendError>> },
    Retain { now: Timestamp, answer: Answer<io::Result<usize>> },
    Flush { answer: Answer<()> },
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
}

/// The queue.
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    max_bytes: usize,
}

/// What retention keeps.
#[derive(Clone, Copy)]
pub(crate) struct Keep {
    pub(crate) retention_ms: i64,
    pub(crate) max_bytes: u64,
}

/// Starts the thread.
pub(crate) fn start(
    committer: Committer,
    keep: Keep,
    queue_bytes: usize,
) -> io::Result<(Arc<Queue>, Arc<Counters>, JoinHandle<()>)> {
    let queue = Arc::new(Queue { state: Mutex::default(), filled: Condvar::new(), max_bytes: queue_bytes });
    let counters = Arc::clone(&committer.counters);
    let theirs = Arc::clone(&queue);
    let thread =
        std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || run(&theirs, committer, keep))?;
    Ok((queue, counters, thread))
}

impl Queue {
    /// Queues a batch. The answer comes when it is durable.
    pub(crate) fn append(&self, batch: Batch) -> Result<oneshot::Receiver<Result<Appended, AppendError>>, AppendError> {
        let bytes = weight(&batch);
        let (answer, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        if state.closed {
            return Err(AppendError::ShuttingDown);
        }
        // One batch is always taken, however large.
        if state.bytes > 0 && state.bytes + bytes > self.max_bytes {
            return Err(AppendError::Overloaded { retry_after_s: 1 });
        }
        state.bytes += bytes;
        state.jobs.push_back(Job::Append { batch, bytes, answer });
        self.filled.notify_one();
        Ok(receiver)
    }

    fn push(&self, job: Job) {
        let mut state = self.state.lock();
        if !state.closed {
            state.jobs.push_back(job);
            self.filled.notify_one();
        }
    }

    /// Asks for retention. The receiver fails when the store is closed.
    pub(crate) fn retain(&self, now: Timestamp) -> oneshot::Receiver<io::Result<usize>> {
        let (answer, receiver) = oneshot::channel();
        self.push(Job::Retain { now, answer });
        receiver
    }

    /// Asks for a sign that everything before was handled.
    pub(crate) fn flush(&self) -> oneshot::Receiver<()> {
        let (answer, receiver) = oneshot::channel();
        self.push(Job::Flush { answer });
        receiver
    }

    /// Refuses what comes; what waits is still written.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_one();
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().jobs.len()
    }

    /// The next group: appends together, anything else by itself. `None` when closed and empty.
    fn next(&self) -> Option<Vec<Job>> {
        let mut state = self.state.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return None;
            }
            self.filled.wait(&mut state);
        }
        let (mut group, mut taken) = (Vec::new(), 0);
        while let Some(job) = state.jobs.pop_front() {
            match &job {
                Job::Append { bytes, .. } if group.is_empty() || taken + bytes <= GROUP_BYTES => {
                    taken += bytes;
                    group.push(job);
                }
                _ if group.is_empty() => {
                    group.push(job);
                    break;
                }
                _ => {
                    state.jobs.push_front(job);
                    break;
                }
            }
        }
        state.bytes -= taken;
        Some(group)
    }
}

/// Closes the queue also when the thread ends by a panic, so that nobody waits for ever.
struct CloseOnExit<'a>(&'a Queue);

impl Drop for CloseOnExit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.closed = true;
        state.jobs.clear();
    }
}

fn run(queue: &Queue, mut committer: Committer, keep: Keep) {
    let _close = CloseOnExit(queue);
    while let Some(group) = queue.next() {
        let (mut batches, mut answers) = (Vec::new(), Vec::new());
        for job in group {
            match job {
                Job::Append { batch, answer, .. } => {
                    batches.push(batch);
                    answers.push(answer);
                }
                // Whoever asked may have gone; that is no fault here.
                Job::Retain { now, answer } => {
                    drop(answer.send(committer.retain(now, keep.retention_ms, keep.max_bytes)))
                }
                Job::Flush { answer } => drop(answer.send(())),
            }
        }
        if batches.is_empty() {
            continue;
        }
        match committer.commit(batches) {
            Ok(done) => answers.into_iter().zip(done).for_each(|(answer, done)| drop(answer.send(Ok(done)))),
            Err(error) => answers.into_iter().for_each(|answer| drop(answer.send(Err(error.clone())))),
        }
    }
    committer.log.close();
}

/// About how many bytes a batch takes while it waits.
fn weight(batch: &Batch) -> usize {
    let samples: usize = batch.samples().map(|s| 64 + 16 * s.samples.len()).sum();
    let buckets = |h: &Histogram| h.positive.len() + h.negative.len() + h.bounds.len();
    let native: usize =
        batch.native().flat_map(|s| &s.samples).map(|p| 192 + 16 * buckets(&p.histogram)).sum::<usize>()
            + 64 * batch.native().count();
    let logs: usize = batch.logs.iter().map(|l| 256 + l.body.len() + 96 * l.attributes.len()).sum();
    let spans: usize = batch.spans.iter().map(|s| 320 + 96 * (s.attributes.len() + 2 * s.events.len())).sum();
    256 + samples + native + logs + spans + 128 * (batch.meta.len() + batch.exemplars.len())
}
