//! Items that were taken already: SDKs of Application Insights send a batch again when its answer was lost, with nothing
//! in it that says so.
//!
//! Not over a restart: what an earlier process took is not remembered. Not exact for ever either: an item is remembered for
//! five to ten minutes, or until half a million others came.

use std::collections::HashSet;

use parking_lot::Mutex;
use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_ingest::app_insights::Claim;

/// After how long, and after how many items, the older half is forgotten. Two halves are about 20 MiB.
const GENERATION: Span = Span::from_secs(300);
const MOST: usize = 250_000;

/// The items of the last minutes, by what they say.
#[derive(Default)]
pub struct Repeats(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    young: HashSet<u128>,
    old: HashSet<u128>,
    under_way: HashSet<u128>,
    since: Timestamp,
}

impl Repeats {
    /// Whether an item is new. One that is is under way from here on, until [`Repeats::settle`].
    pub fn claim(&self, item: u128, now: Timestamp) -> Claim {
        let mut inner = self.0.lock();
        if inner.young.len() >= MOST || now.since(inner.since) >= GENERATION {
            inner.old = std::mem::take(&mut inner.young);
            inner.since = now;
        }
        if inner.young.contains(&item) || inner.old.contains(&item) {
            Claim::Repeated
        } else if inner.under_way.insert(item) {
            Claim::New
        } else {
            Claim::UnderWay
        }
    }

    /// Ends a claim: the items are on disk (`kept`), or they are not and may come again.
    pub fn settle(&self, items: &[u128], kept: bool) {
        let mut inner = self.0.lock();
        for item in items {
            inner.under_way.remove(item);
            if kept {
                inner.young.insert(*item);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_under_way_then_known_then_forgotten_and_a_refused_one_is_new_again() {
        let (repeats, at) = (Repeats::default(), |s: i64| Timestamp::from_secs(1_000 + s));
        assert_eq!(repeats.claim(1, at(0)), Claim::New);
        assert_eq!(repeats.claim(1, at(0)), Claim::UnderWay);
        repeats.settle(&[1], false);
        assert_eq!(repeats.claim(1, at(1)), Claim::New);
        repeats.settle(&[1], true);
        assert_eq!(repeats.claim(1, at(2)), Claim::Repeated);
        assert_eq!(repeats.claim(2, at(310)), Claim::New);
        assert_eq!(repeats.claim(1, at(310)), Claim::Repeated);
        repeats.settle(&[2], true);
        assert_eq!(repeats.claim(1, at(700)), Claim::New);
    }

    #[test]
    fn memory_is_bounded_however_many_come() {
        let repeats = Repeats::default();
        for item in 0..(3 * MOST as u128) {
            assert_eq!(repeats.claim(item, Timestamp::from_secs(1_000)), Claim::New);
            repeats.settle(&[item], true);
        }
        let inner = repeats.0.lock();
        assert!(inner.young.len() <= MOST && inner.old.len() <= MOST && inner.under_way.is_empty());
    }
}
