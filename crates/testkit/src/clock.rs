//! Two clocks: the virtual one, which a test moves by hand, and the real one for stand-ins that run as a process.
//!
//! Not a scheduler: advancing the clock completes the sleeps that are due and returns; what the woken tasks then do
//! happens when the test lets them run.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use watchkeeper_domain::{Clock, Span, Timestamp};

/// A clock that stands still until it is told to move. Share it behind an `Arc`.
#[derive(Debug)]
pub struct VirtualClock {
    start: Timestamp,
    now: watch::Sender<Timestamp>,
    sleepers: watch::Sender<BTreeMap<u64, Timestamp>>,
    next_sleeper: Mutex<u64>,
}

impl VirtualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self {
            start,
            now: watch::Sender::new(start),
            sleepers: watch::Sender::new(BTreeMap::new()),
            next_sleeper: Mutex::new(0),
        }
    }

    /// Moves the clock on; every sleep that is then due completes.
    pub fn advance(&self, by: Span) {
        self.now.send_modify(|now| *now = *now + by);
    }

    /// Sets the clock, also backwards, as an operator or a time server would.
    pub fn set(&self, to: Timestamp) {
        self.now.send_replace(to);
    }

    /// The earliest deadline that somebody sleeps for, if anybody sleeps.
    #[must_use]
    pub fn earliest_sleeper(&self) -> Option<Timestamp> {
        self.sleepers.borrow().values().min().copied()
    }

    /// Waits until at least `count` sleeps are under way: what a test waits for before it advances the clock.
    pub async fn until_sleeping(&self, count: usize) {
        let mut sleepers = self.sleepers.subscribe();
        sleepers.wait_for(|all| all.len() >= count).await.expect("the sender lives as long as this clock");
    }
}

/// Takes a sleeper off the list, also when its future is dropped half-way.
struct Asleep<'a>(&'a VirtualClock, u64);

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.sleepers.send_modify(|all| {
            all.remove(&self.1);
        });
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn monotonic(&self) -> Duration {
        self.now().since(self.start).to_std()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let mut now = self.now.subscribe();
            if *now.borrow_and_update() >= deadline {
                return;
            }
            let id = {
                let mut next = self.next_sleeper.lock();
                *next += 1;
                *next
            };
            self.sleepers.send_modify(|all| {
                all.insert(id, deadline);
            });
            let _asleep = Asleep(self, id);
            now.wait_for(|now| *now >= deadline).await.expect("the sender lives as long as this clock");
        })
    }
}

/// The computer's clock, for stand-ins that run as a process of their own.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a stand-in process has nobody to be given its clock by")]
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a stand-in process has nobody to be given its clock by")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let wait = deadline.since(self.now()).to_std();
        #[expect(clippy::disallowed_methods, reason = "a stand-in process has nobody to be given its clock by")]
        let sleep = tokio::time::sleep(wait);
        Box::pin(sleep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn a_sleep_ends_when_the_clock_reaches_its_deadline_and_not_before() {
        let clock = VirtualClock::at(Timestamp::from_secs(100));
        let mut sleep = clock.sleep_until(Timestamp::from_secs(110));
        assert!((&mut sleep).now_or_never().is_none());
        assert_eq!(clock.earliest_sleeper(), Some(Timestamp::from_secs(110)));
        clock.advance(Span::from_secs(9));
        assert!((&mut sleep).now_or_never().is_none());
        clock.advance(Span::from_secs(1));
        sleep.await;
        assert_eq!(clock.earliest_sleeper(), None);
        assert_eq!(clock.monotonic(), Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_sleep_that_is_dropped_is_no_longer_waited_for() {
        let clock = VirtualClock::at(Timestamp::from_secs(100));
        let mut sleep = clock.sleep_until(Timestamp::from_secs(110));
        assert!((&mut sleep).now_or_never().is_none());
        drop(sleep);
        assert_eq!(clock.earliest_sleeper(), None);
    }
}
