//! Remembers presses that were seen: Slack repeats a request that was not answered in time.
//!
//! Not the guarantee that a wish is carried out once: after a restart this knows nothing, and the commands themselves
//! are idempotent.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use watchkeeper_domain::{Span, Timestamp};

/// Longer than a signature is believed: what is forgotten cannot be repeated.
const MEMORY: Span = Span::from_secs(15 * 60);
/// More presses than people make in a quarter of an hour; beyond it the oldest are forgotten.
const MOST: usize = 10_000;

/// Presses seen of late.
#[derive(Debug, Default)]
pub struct Seen(Mutex<BTreeMap<String, Timestamp>>);

impl Seen {
    /// Whether this press is new; from now on it is not.
    pub fn is_new(&self, key: &str, now: Timestamp) -> bool {
        let mut seen = self.0.lock();
        seen.retain(|_, at| now.since(*at) < MEMORY);
        if seen.len() >= MOST
            && let Some(oldest) = seen.iter().min_by_key(|(_, at)| **at).map(|(key, _)| key.clone())
        {
            seen.remove(&oldest);
        }
        seen.insert(key.to_owned(), now).is_none()
    }
}
