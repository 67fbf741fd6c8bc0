//! What is known of each destination: a circuit breaker and a hold, so that a broken one is asked seldom.
//!
//! Not kept on disk: after a restart a destination is simply tried, which is what one wants to know then.

use std::collections::{BTreeMap, VecDeque};

use watchkeeper_config::model::receiver::Rate;
use watchkeeper_domain::{Env, Span, Timestamp};

use super::backoff;
use super::channel::SendResult;

/// After so many failures in a row the breaker opens.
pub const OPENS_AFTER: u32 = 5;
/// A destination that does not work is not tried sooner than this.
const SOONEST_PROBE: Span = Span::from_millis(900);
/// How many messages one destination takes at a time. More than one, because groups are independent of each other;
/// few, because webhooks are rate limited.
pub const SLOTS: usize = 4;

/// One integration of one receiver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// The receiver's name.
    pub receiver: String,
    /// `slack`, `email:1`, …
    pub integration: String,
}

/// How a destination does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Failures since the last success.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Nothing is sent before.
    pub hold_until: Option<Timestamp>,
    /// Why it failed last. Hostile text.
    pub last_error: Option<String>,
}

impl Health {
    /// Whether the breaker is open (or half-open: the hold has passed and one message may try).
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.failures >= OPENS_AFTER
    }
}

/// What an outcome changed for everybody who waits for the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// Wait until then.
    Hold { until: Timestamp, opened: bool },
    /// It works again: go.
    Release,
}

/// When a destination that does not work is tried again: after a thirtieth of the time that it has not, so that it is found
/// to work again soon after it does, and is not bothered much while it does not. A third of it is random.
fn probe_after(env: &Env, failing_for: Span) -> Span {
    let after = (failing_for.as_micros() / 30).clamp(SOONEST_PROBE.as_micros(), backoff::CAP.as_micros());
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "at most 3e8 microseconds")]
    let jitter = (after as f64 / 3.0 * env.random_unit()) as i64;
    Span::from_micros(after - jitter)
}

/// All destinations that something was sent to.
#[derive(Debug, Default)]
pub(super) struct Destinations {
    health: BTreeMap<Destination, Health>,
    /// When messages left to those that want only so many.
    sent: BTreeMap<Destination, VecDeque<Timestamp>>,
    /// When those that had enough take the next one.
    full_until: BTreeMap<Destination, Timestamp>,
}

impl Destinations {
    pub(super) fn all(&self) -> BTreeMap<Destination, Health> {
        self.health.clone()
    }

    /// How many more messages it may take now, given how many are on their way.
    pub(super) fn room(&mut self, to: &Destination, in_flight: usize, rate: Option<Rate>, now: Timestamp) -> usize {
        let left = rate.map_or(SLOTS, |rate| self.left(to, rate, now));
        let Some(health) = self.health.get(to) else { return SLOTS.saturating_sub(in_flight).min(left) };
        if health.hold_until.is_some_and(|until| until > now) {
            return 0;
        }
        // Half-open: one message finds out whether it works again.
        let slots = if health.is_open() { 1 } else { SLOTS };
        slots.saturating_sub(in_flight).min(left)
    }

    /// How many more it wants to hear in the present stretch of time.
    fn left(&mut self, to: &Destination, rate: Rate, now: Timestamp) -> usize {
        let sent = self.sent.entry(to.clone()).or_default();
        while sent.front().is_some_and(|at| *at + rate.per <= now) {
            sent.pop_front();
        }
        let left = usize::try_from(rate.messages).unwrap_or(usize::MAX).saturating_sub(sent.len());
        match sent.front() {
            Some(first) if left == 0 => self.full_until.insert(to.clone(), *first + rate.per),
            _ => self.full_until.remove(to),
        };
        left
    }

    /// One leaves. Whether it is the last one that the destination takes for now.
    pub(super) fn leaves(&mut self, to: &Destination, rate: Option<Rate>, now: Timestamp) -> bool {
        let Some(rate) = rate else { return false };
        self.sent.entry(to.clone()).or_default().push_back(now);
        self.left(to, rate, now) == 0
    }

    /// When a destination that is held may be tried again.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let held = self.health.values().filter_map(|health| health.hold_until);
        held.chain(self.full_until.values().copied()).filter(|until| *until > now).min()
    }

    /// Learns from an outcome.
    pub(super) fn learn(&mut self, env: &Env, to: &Destination, now: Timestamp, result: &SendResult) -> Change {
        let health = self.health.entry(to.clone()).or_default();
        let (error, wish) = match result {
            SendResult::Delivered { .. } => {
                let troubled = health.failures > 0 || health.hold_until.is_some();
                *health = Health::default();
                return if troubled { Change::Release } else { Change::None };
            }
            // It answered, and clearly: the message was at fault, or the configuration, not the destination's state.
            SendResult::Failed { error, .. } => {
                health.last_error = Some(error.clone());
                return Change::None;
            }
            SendResult::Retry { error, after, .. } => (error, *after),
            SendResult::Unknown { error } => (error, None),
        };
        health.last_error = Some(error.clone());
        if matches!(result, SendResult::Retry { status: Some(429), .. }) {
            // It works, it is only busy: hold everybody for as long as it wishes, and do not count it as broken.
            let until = now + wish.unwrap_or(Span::from_secs(1));
            health.hold_until = Some(until);
            return Change::Hold { until, opened: false };
        }
        health.failures += 1;
        let since = *health.failing_since.get_or_insert(now);
        if !health.is_open() {
            return Change::None;
        }
        let until = now + probe_after(env, now.since(since)).max(wish.unwrap_or_default().min(backoff::LONGEST_WISH));
        health.hold_until = Some(until);
        Change::Hold { until, opened: health.failures == OPENS_AFTER }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry() -> SendResult {
        SendResult::Retry { status: Some(503), error: "down".to_owned(), after: None }
    }

    #[test]
    fn the_breaker_opens_lets_one_probe_through_and_its_success_lets_all_go() {
        let (env, clock) = watchkeeper_testkit::env();
        let to = Destination { receiver: "team".to_owned(), integration: "slack".to_owned() };
        let mut all = Destinations::default();
        for _ in 1..OPENS_AFTER {
            assert_eq!(all.learn(&env, &to, env.now(), &retry()), Change::None);
        }
        let Change::Hold { until, opened: true } = all.learn(&env, &to, env.now(), &retry()) else {
            panic!("not open")
        };
        assert_eq!(all.room(&to, 0, None, env.now()), 0);
        assert_eq!(all.next_due(env.now()), Some(until));
        clock.set(until);
        assert_eq!(all.room(&to, 0, None, env.now()), 1);
        assert_eq!(all.room(&to, 1, None, env.now()), 0);
        let delivered = SendResult::Delivered { status: 200, receipt: String::new() };
        assert_eq!(all.learn(&env, &to, env.now(), &delivered), Change::Release);
        assert_eq!(all.room(&to, 0, None, env.now()), SLOTS);
    }

    #[test]
    fn too_many_requests_hold_everybody_but_do_not_count_as_broken() {
        let (env, _) = watchkeeper_testkit::env();
        let to = Destination { receiver: "team".to_owned(), integration: "slack".to_owned() };
        let mut all = Destinations::default();
        let busy = SendResult::Retry { status: Some(429), error: String::new(), after: Some(Span::from_secs(7)) };
        for _ in 0..20 {
            let change = all.learn(&env, &to, env.now(), &busy);
            assert_eq!(change, Change::Hold { until: env.now() + Span::from_secs(7), opened: false });
        }
        assert!(!all.all()[&to].is_open());
    }
}
