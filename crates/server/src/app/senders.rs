//! Senders whose clocks are ahead of this server's.
//!
//! Not those whose clocks are behind: telemetry that waited in a queue looks the same. Not a refusal either; the store
//! refuses what is too far ahead.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use watchkeeper_domain::telemetry::Batch;
use watchkeeper_domain::{Labels, Span, Timestamp};

/// Ahead by more than this is not the way of the network.
const TOLERATED: Span = Span::from_secs(5);
/// Senders that are remembered.
const LIMIT: usize = 1_000;
/// How long a sender counts as ahead after it was seen so, and how long until the log says it again.
const REMEMBERED: Span = Span::from_secs(600);

/// Who is ahead.
#[derive(Default)]
pub struct Senders(Mutex<BTreeMap<String, Seen>>);

struct Seen {
    ahead: Span,
    at: Timestamp,
    logged: Timestamp,
}

impl Senders {
    /// Looks at a batch. When something in it is ahead of `now`: whose it is and by how much, as the end of a sentence that
    /// begins with "the clock of".
    pub fn see(&self, batch: &Batch, now: Timestamp) -> Option<String> {
        let (tolerated, now_ms) = (now.as_millis() + TOLERATED.as_millis(), now.as_millis());
        let numbers = batch.samples().filter_map(|s| Some((s.samples.last()?.t, &s.labels)));
        let native = batch.native().filter_map(|s| Some((s.samples.last()?.t, &s.labels)));
        let series = numbers
            .chain(native)
            .filter(|(t, _)| *t > tolerated)
            .max_by_key(|(t, _)| *t)
            .map(|(t, labels)| (t, name(labels)));
        let millis = |nanos: u64| i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
        let logs = batch.logs.iter().map(|l| (millis(l.t_ns), &l.service));
        let spans = batch.spans.iter().map(|s| (millis(s.start_ns), &s.service));
        let records = logs.chain(spans).filter(|(t, _)| *t > tolerated).max_by_key(|(t, _)| *t);
        let records = records.map(|(t, service)| (t, service.to_string()));
        let (t, sender) = series.into_iter().chain(records).max_by_key(|(t, _)| *t)?;
        let sender = if sender.is_empty() { "a sender that does not name itself".to_owned() } else { sender };
        let ahead = Span::from_millis(t.saturating_sub(now_ms));
        self.note(&sender, ahead, now);
        Some(format!("`{sender}` is {ahead} ahead of this server's"))
    }

    fn note(&self, sender: &str, ahead: Span, now: Timestamp) {
        let mut seen = self.0.lock();
        seen.retain(|_, s| now.since(s.at) < REMEMBERED);
        if !seen.contains_key(sender) && seen.len() >= LIMIT {
            return;
        }
        let one = seen.entry(sender.to_owned()).or_insert(Seen { ahead, at: now, logged: Timestamp::from_millis(0) });
        (one.ahead, one.at) = (ahead, now);
        if now.since(one.logged) >= REMEMBERED {
            one.logged = now;
            tracing::warn!(sender, %ahead, "a sender's clock is ahead of this server's; check the time of both");
        }
    }

    /// Those seen lately, with how far they were ahead.
    pub fn ahead(&self, now: Timestamp) -> Vec<(String, Span)> {
        let seen = self.0.lock();
        seen.iter().filter(|(_, s)| now.since(s.at) < REMEMBERED).map(|(n, s)| (n.clone(), s.ahead)).collect()
    }
}

/// What a series says about who sent it.
fn name(labels: &Labels) -> String {
    let parts = ["job", "instance"].into_iter().filter_map(|label| labels.get(label));
    let text = parts.collect::<Vec<_>>().join(" ");
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use watchkeeper_domain::telemetry::{Sample, SeriesSamples};

    use super::*;

    fn batch(t: i64) -> Batch {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "node"), ("instance", "a:9100")]);
        Batch {
            series: vec![SeriesSamples { labels, samples: vec![Sample { t, v: 1.0 }], start: None }],
            ..Batch::default()
        }
    }

    #[test]
    fn a_sender_is_named_while_its_clock_is_ahead_and_forgotten_later() {
        let senders = Senders::default();
        let now = Timestamp::from_millis(1_000_000);
        assert_eq!(senders.see(&batch(1_005_000), now), None);
        let said = senders.see(&batch(1_042_000), now);
        assert_eq!(said.as_deref(), Some("`node a:9100` is 42s ahead of this server's"));
        assert_eq!(senders.ahead(now), [("node a:9100".to_owned(), Span::from_secs(42))]);
        assert_eq!(senders.ahead(Timestamp::from_millis(1_700_000)), []);
    }
}
