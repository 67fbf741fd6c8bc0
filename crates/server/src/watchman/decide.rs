//! What the watchman does about what it sees. Pure.
//!
//! Not the looking and not the sending.

use watchkeeper_domain::{Span, Timestamp};

/// How long something must be wrong before people are told: a heartbeat is withheld at once, but a disk that is full for
/// a moment wakes nobody.
pub const PATIENCE: Span = Span::from_secs(30);
/// How often the second path is told again as long as it lasts.
pub const AGAIN: Span = Span::from_secs(30 * 60);

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// When the next heartbeat is due.
    pub beat_due: Option<Timestamp>,
    /// Since when something is wrong.
    pub stalled_since: Option<Timestamp>,
    /// When the second path was last told of it.
    pub told_at: Option<Timestamp>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A heartbeat leaves.
    Beat,
    /// A heartbeat is due and does not leave.
    Withhold,
    /// The second path is told what is wrong.
    Tell,
    /// The second path is told that it is over.
    TellOver {
        /// When it began.
        since: Timestamp,
    },
}

impl Watch {
    /// Whether telling succeeded; if not, the next look tries again.
    pub fn told(&mut self, arrived: bool, now: Timestamp) {
        self.told_at = if arrived { Some(now) } else { self.told_at };
    }
}

/// One look. `interval` is the heartbeat's, `second_path` whether there is one.
#[must_use]
pub fn step(
    watch: &Watch,
    interval: Option<Span>,
    second_path: bool,
    faults: &[String],
    now: Timestamp,
) -> (Watch, Vec<Effect>) {
    let mut next = watch.clone();
    let mut effects = Vec::new();
    if faults.is_empty() {
        if let (Some(since), Some(_)) = (next.stalled_since, next.told_at) {
            effects.push(Effect::TellOver { since });
        }
        (next.stalled_since, next.told_at) = (None, None);
    } else {
        let since = *next.stalled_since.get_or_insert(now);
        let due = next.told_at.map_or(since + PATIENCE, |told| told + AGAIN);
        if due <= now {
            effects.push(Effect::Tell);
            if !second_path {
                // Nobody to be told: the log says it, and no oftener than it would be told.
                next.told_at = Some(now);
            }
        }
    }
    match interval {
        None => next.beat_due = None,
        Some(interval) => {
            let due = next.beat_due.unwrap_or(now);
            if due <= now {
                effects.push(if faults.is_empty() { Effect::Beat } else { Effect::Withhold });
                // In step with the first one, however late this one is; what was missed is not made up for.
                let missed = now.since(due).as_micros() / interval.as_micros().max(1);
                next.beat_due = Some(due + Span::from_micros(interval.as_micros() * (missed + 1)));
            } else if due > now + interval {
                next.beat_due = Some(now + interval);
            }
        }
    }
    (next, effects)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Span = Span::from_secs(60);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1_000)
    }

    /// Looks at these seconds, with a fault between two of them; gives what was done when.
    fn run(looks: &[i64], wrong: std::ops::Range<i64>, second_path: bool, arrives: bool) -> Vec<(i64, Effect)> {
        let (mut watch, mut done) = (Watch::default(), Vec::new());
        for secs in looks {
            let faults = if wrong.contains(secs) { vec!["the disk".to_owned()] } else { Vec::new() };
            let (next, effects) = step(&watch, Some(MINUTE), second_path, &faults, at(*secs));
            watch = next;
            if effects.contains(&Effect::Tell) && second_path {
                watch.told(arrives, at(*secs));
            }
            done.extend(effects.into_iter().map(|effect| (*secs, effect)));
        }
        done
    }

    #[test]
    fn heartbeats_keep_their_interval_however_late_a_look_is() {
        let done = run(&[0, 15, 61, 119, 120, 305, 359, 360], 0..0, true, true);
        assert_eq!(done, [0, 61, 120, 305, 360].map(|secs| (secs, Effect::Beat)));
    }

    #[test]
    fn a_fault_withholds_at_once_and_tells_after_patience_once_and_over_at_its_end() {
        let looks: Vec<i64> = (0..20).map(|n| n * 15).collect();
        let done = run(&looks, 15..200, true, true);
        let beat = Effect::Beat;
        let over = Effect::TellOver { since: at(15) };
        assert_eq!(
            done,
            [
                (0, beat),
                (45, Effect::Tell),
                (60, Effect::Withhold),
                (120, Effect::Withhold),
                (180, Effect::Withhold),
                (210, over),
                (240, beat),
            ]
        );
    }

    #[test]
    fn what_did_not_arrive_is_told_again_at_the_next_look_and_what_did_after_half_an_hour() {
        let tells = |arrives| {
            let looks: Vec<i64> = (0..200).map(|n| n * 15).collect();
            run(&looks, 0..3_000, true, arrives).into_iter().filter(|(_, e)| *e == Effect::Tell).count()
        };
        assert_eq!(tells(true), 2);
        assert_eq!(tells(false), 198);
    }

    #[test]
    fn a_moment_tells_nobody_and_neither_does_its_end() {
        let done = run(&[0, 15, 30, 45], 15..30, true, true);
        assert_eq!(done, [(0, Effect::Beat)]);
    }
}
