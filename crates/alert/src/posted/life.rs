//! From when to when a posted alert lives, and what another posting does to it. Pure.
//!
//! Not the rows. The meaning is Alertmanager's: postings that overlap are merged, the earliest start stays, and an end that
//! a sender named outweighs one that was only assumed. One thing is better here: a late posting about an earlier firing does
//! not end the present one.

use watchkeeper_domain::Timestamp;

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// When it began.
    pub starts_at: Timestamp,
    /// When it ends, or ended.
    pub ends_at: Timestamp,
    /// Whether the end was assumed, because the sender named none.
    pub by_timeout: bool,
}

impl Life {
    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends_at <= now
    }

    fn overlaps(&self, later: &Self) -> bool {
        let within = |at: Timestamp| at > self.starts_at && at < self.ends_at;
        within(later.starts_at) || within(later.ends_at)
    }

    /// Two lives of one label set as one; `later` was posted later.
    #[must_use]
    pub fn merged(&self, later: &Self, now: Timestamp) -> Self {
        let keeps_end =
            self.ends_at > later.ends_at && if later.is_over(now) { self.is_over(now) } else { !self.by_timeout };
        Self {
            starts_at: self.starts_at.min(later.starts_at),
            ends_at: if keeps_end { self.ends_at } else { later.ends_at },
            by_timeout: later.by_timeout,
        }
    }
}

/// What a posting does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A new alert fires.
    Fire(Life),
    /// The open one goes on.
    Refresh(Life),
    /// The open one is over.
    Resolve(Life),
    /// The one that has just ended, of which nobody was told yet, ended otherwise than it was said.
    Amend(Life),
    /// Nothing.
    Ignore,
}

/// Decides. `open` is the alert that fires with these labels, `closed` the last one that ended and of which people do not
/// know yet that it did.
pub(super) fn step(open: Option<Life>, closed: Option<Life>, posted: Life, now: Timestamp) -> Step {
    let merged = |before: Life| if before.overlaps(&posted) { before.merged(&posted, now) } else { posted };
    match (open, closed) {
        (Some(open), _) if posted.is_over(now) && posted.ends_at < open.starts_at => Step::Ignore,
        (Some(open), _) => {
            let life = merged(open);
            if life.is_over(now) { Step::Resolve(life) } else { Step::Refresh(life) }
        }
        (None, Some(closed)) if posted.is_over(now) => {
            let life = merged(closed);
            if closed.overlaps(&posted) && life != closed { Step::Amend(life) } else { Step::Ignore }
        }
        (None, _) if posted.is_over(now) => Step::Ignore,
        (None, closed) => Step::Fire(closed.map_or(posted, merged)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::Value;
    use watchkeeper_domain::Span;

    use super::*;

    fn life(starts: i64, ends: i64, by_timeout: bool) -> Life {
        Life { starts_at: Timestamp::from_secs(starts), ends_at: Timestamp::from_secs(ends), by_timeout }
    }

    #[test]
    fn a_late_posting_about_an_earlier_firing_does_not_end_the_present_one() {
        let now = Timestamp::from_secs(100);
        assert_eq!(step(Some(life(90, 400, true)), None, life(10, 50, false), now), Step::Ignore);
        assert_eq!(step(Some(life(10, 400, true)), None, life(10, 50, false), now), Step::Resolve(life(10, 50, false)));
    }

    #[test]
    fn what_is_over_and_unknown_is_nothing() {
        let now = Timestamp::from_secs(100);
        assert_eq!(step(None, None, life(10, 50, false), now), Step::Ignore);
        assert_eq!(step(None, Some(life(10, 50, false)), life(60, 70, false), now), Step::Ignore);
        assert_eq!(step(None, None, life(10, 500, false), now), Step::Fire(life(10, 500, false)));
    }

    /// `now.Add(-2 * time.Minute)`, in minutes.
    fn minutes(expr: &Value) -> i64 {
        let text = expr["_expr"].as_str().unwrap();
        let Some(inner) = text.strip_prefix("now.Add(").and_then(|t| t.strip_suffix(')')) else { return 0 };
        match inner.split_once(" * ") {
            Some((count, _)) => count.parse().unwrap(),
            None if inner.starts_with('-') => -1,
            None => 1,
        }
    }

    #[test]
    fn alertmanagers_table_of_merges_comes_out_the_same() {
        let folder = std::env::var("WATCHKEEPER_CORPORA").map_or_else(
            |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")),
            PathBuf::from,
        );
        let Ok(text) = std::fs::read_to_string(folder.join("alertmanager/alert.alert.TestAlertMerge.json")) else {
            return println!("skipped: no corpora");
        };
        let now = Timestamp::from_secs(1_000_000);
        let at = |minutes: i64| now - Span::from_secs(6_000) + Span::from_secs(6_000 + minutes * 60);
        let read = |alert: &Value| Life {
            starts_at: at(minutes(&alert["Alert"]["StartsAt"])),
            ends_at: at(minutes(&alert["Alert"]["EndsAt"])),
            by_timeout: alert["Timeout"] == true,
        };
        let table: Value = serde_json::from_str(&text).unwrap();
        let cases = table["cases"].as_array().unwrap();
        for case in cases {
            assert_eq!(read(&case["A"]).merged(&read(&case["B"]), now), read(&case["Res"]), "{case}");
        }
        println!("{} passed, 0 failed", cases.len());
        assert!(!cases.is_empty());
    }
}
