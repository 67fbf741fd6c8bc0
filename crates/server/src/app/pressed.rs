//! Which presses of a button were carried out already: Slack delivers a press at least once.
//!
//! Not the guarantee: the commands themselves are idempotent; this keeps the answers from being repeated.

use std::collections::HashMap;

use parking_lot::Mutex;
use watchkeeper_domain::{Span, Timestamp};

/// How long a press is remembered: longer than a signature is believed.
const REMEMBERED: Span = Span::from_secs(600);
/// The most presses that are remembered.
const MOST: usize = 10_000;

/// The presses of the last minutes.
#[derive(Default)]
pub struct Pressed(Mutex<HashMap<String, Timestamp>>);

impl Pressed {
    /// Whether this is the first delivery of the press.
    pub fn first(&self, key: &str, now: Timestamp) -> bool {
        let mut seen = self.0.lock();
        if seen.len() >= MOST {
            seen.retain(|_, at| now.since(*at) < REMEMBERED);
        }
        seen.insert(key.to_owned(), now).is_none_or(|before| now.since(before) >= REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_delivery_within_ten_minutes_is_not_the_first() {
        let pressed = Pressed::default();
        let at = Timestamp::from_secs;
        assert!(pressed.first("a", at(0)));
        assert!(!pressed.first("a", at(1)));
        assert!(pressed.first("b", at(1)));
        assert!(pressed.first("a", at(700)));
    }
}
