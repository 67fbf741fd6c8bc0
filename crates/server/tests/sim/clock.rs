//! The simulation's clock: it moves when it is told to, and wakes sleepers in the order in which they fell asleep.
//!
//! Not `testkit`'s, whose sleepers wake in any order: here the order is a part of what a seed decides.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use watchkeeper_domain::{Clock, Span, Timestamp};

#[derive(Default)]
struct Inner {
    now: Timestamp,
    /// What has passed, steps of the clock not counted.
    passed: Span,
    next: u64,
    sleepers: BTreeMap<u64, (Timestamp, Waker)>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct SimClock {
    inner: Mutex<Inner>,
    /// Somebody fell asleep.
    pub(crate) changed: Notify,
}

impl SimClock {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self { inner: Mutex::new(Inner { now, ..Inner::default() }), changed: Notify::new() }
    }

    /// Time passes until then.
    pub(crate) fn pass_until(&self, to: Timestamp) {
        let mut inner = self.inner.lock();
        let span = to.since(inner.now);
        inner.passed = Span::from_micros(inner.passed.as_micros() + span.as_micros());
        drop(inner);
        self.set(to);
    }

    /// The clock is set, forwards or backwards, without that time passes.
    pub(crate) fn set(&self, to: Timestamp) {
        let mut inner = self.inner.lock();
        inner.now = to;
        let due: Vec<Waker> =
            inner.sleepers.values().filter(|(deadline, _)| *deadline <= to).map(|(_, waker)| waker.clone()).collect();
        drop(inner);
        due.into_iter().for_each(Waker::wake);
    }

    /// How many sleep whose time has not come.
    pub(crate) fn asleep(&self) -> usize {
        let inner = self.inner.lock();
        inner.sleepers.values().filter(|(deadline, _)| *deadline > inner.now).count()
    }

    /// When the next one wakes.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.inner.lock().sleepers.values().map(|(deadline, _)| *deadline).min()
    }
}

struct Sleep<'a> {
    clock: &'a SimClock,
    deadline: Timestamp,
    id: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.clock.inner.lock();
        if inner.now >= self.deadline {
            return Poll::Ready(());
        }
        let id = self.id.unwrap_or_else(|| {
            inner.next += 1;
            inner.next
        });
        inner.sleepers.insert(id, (self.deadline, context.waker().clone()));
        drop(inner);
        if self.id.replace(id).is_none() {
            self.clock.changed.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.clock.inner.lock().sleepers.remove(&id);
        }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.inner.lock().now
    }

    fn monotonic(&self) -> Duration {
        self.inner.lock().passed.to_std()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Sleep { clock: self, deadline, id: None })
    }
}
