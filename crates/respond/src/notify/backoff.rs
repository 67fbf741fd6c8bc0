//! When the next attempt is made.
//!
//! Not whether: that depends on the outcome and the deadline.

use watchkeeper_domain::{Env, Span};

/// The first wait, before jitter.
const BASE: Span = Span::from_secs(1);
/// The longest wait.
pub const CAP: Span = Span::from_secs(5 * 60);
/// The longest that a peer's `Retry-After` is believed.
pub const LONGEST_WISH: Span = Span::from_secs(3_600);

/// The wait after `failures` failed attempts in a row (at least one): doubles from a second to five minutes, and half
/// of it is random, so that many that failed together do not come back together. A peer's wish is never undercut.
#[must_use]
pub fn wait(env: &Env, failures: u32, wish: Option<Span>) -> Span {
    let doubled = BASE.as_micros().saturating_mul(1_i64 << failures.saturating_sub(1).min(20)).min(CAP.as_micros());
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "at most 3e8 microseconds")]
    let jittered = doubled / 2 + (doubled as f64 / 2.0 * env.random_unit()) as i64;
    Span::from_micros(jittered).max(wish.unwrap_or_default().min(LONGEST_WISH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_a_peers_wish_is_not_undercut() {
        let (env, _) = watchkeeper_testkit::env();
        let (mut lower, mut upper) = (500, 1_000);
        for failures in 1..=12 {
            let wait = wait(&env, failures, None).as_millis();
            assert!((lower..=upper).contains(&wait), "{failures}: {wait}");
            (lower, upper) = ((lower * 2).min(150_000), (upper * 2).min(300_000));
        }
        assert_eq!(wait(&env, 1, Some(Span::from_secs(30))), Span::from_secs(30));
        assert_eq!(wait(&env, 1, Some(Span::from_secs(1_000_000))), LONGEST_WISH);
        assert!(wait(&env, u32::MAX, None) <= CAP);
    }
}
