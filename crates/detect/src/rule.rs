//! The life of one instance of a rule: inactive, pending, firing, recovering, and unknown beside each of them.
//!
//! Sans-IO: [`step`] is a pure function of state, observation and time. It does not evaluate expressions, does not know
//! labels, and writes nothing down; `scheduler` does that with what it answers.
//!
//! Two decisions differ from Prometheus on purpose:
//! - An instance that leaves the result resolves only while its series still has data. Otherwise it is *unknown*.
//! - An unknown instance is not resolved, with one exception: when its own series is gone but the metric goes on being
//!   reported for others (labels such as `client_address` come and go), it resolves after
//!   [`RuleTiming::absence_limit`] with the reason `series ended`. When the metric as a whole is missing, nobody knows,
//!   for however long that lasts.

use std::fmt;

use watchkeeper_domain::{Span, Timestamp};

/// How long a vanished series keeps its instance unknown before that is resolved as `series ended`.
pub const ABSENCE_LIMIT: Span = Span::from_secs(15 * 60);

/// What a rule says about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleTiming {
    /// `for`: how long the condition must hold.
    pub hold: Span,
    /// `keep_firing_for`: how long it goes on firing after the condition ended.
    pub keep_firing_for: Span,
    /// How long a vanished series stays unknown; see the module's documentation.
    pub absence_limit: Span,
}

impl RuleTiming {
    /// The usual absence limit with the two times that a rule states.
    #[must_use]
    pub fn new(hold: Span, keep_firing_for: Span) -> Self {
        Self { hold, keep_firing_for, absence_limit: ABSENCE_LIMIT }
    }
}

/// Why nobody can tell. A change of cause is told again, a change of its wording is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The query failed.
    QueryFailed,
    /// Nothing that the expression selects is being reported.
    NoData,
    /// This instance's series is gone, while others of its metric are reported.
    SeriesGone,
    /// No series has enough history for the rule's dynamic threshold.
    TooLittleHistory,
}

impl Cause {
    const ALL: [Self; 4] = [Self::QueryFailed, Self::NoData, Self::SeriesGone, Self::TooLittleHistory];

    /// The word used in rows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueryFailed => "query_failed",
            Self::NoData => "no_data",
            Self::SeriesGone => "series_gone",
            Self::TooLittleHistory => "too_little_history",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == word)
    }
}

/// Not knowing: since when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// When it began.
    pub since: Timestamp,
    /// Of which kind it is.
    pub cause: Cause,
    /// In words for people.
    pub reason: String,
}

/// What an evaluation found out about one instance.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// The condition holds. Without a value when missing data counts as firing.
    True {
        /// The expression's value.
        value: Option<f64>,
    },
    /// There is data, and the condition does not hold. The value, where the compared side has one.
    False {
        /// The compared side's value.
        value: Option<f64>,
    },
    /// Nobody can tell.
    Unknown {
        /// Of which kind.
        cause: Cause,
        /// In words for people.
        reason: String,
    },
}

/// The state of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum InstanceState {
    /// Nothing to say; instances in this state are not kept.
    #[default]
    Inactive,
    /// The condition holds, not yet for long enough.
    Pending {
        /// When it became true.
        active_at: Timestamp,
        /// Set while nobody can tell.
        unknown: Option<Unknown>,
    },
    /// The alert is on.
    Firing {
        /// When the condition became true.
        active_at: Timestamp,
        /// When the alert began.
        fired_at: Timestamp,
        /// When the condition was first seen to have ended, while `keep_firing_for` holds the alert on.
        recovering_since: Option<Timestamp>,
        /// Set while nobody can tell.
        unknown: Option<Unknown>,
    },
}

/// A change that is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The condition became true.
    Pending,
    /// The condition ended before it had held for long enough.
    Inactive,
    /// The alert begins.
    Firing,
    /// The alert was unknown, and now it is known to fire.
    Known,
    /// Nobody can tell any more whether the alert should fire.
    Unknown(Cause),
    /// The alert ends.
    Resolved,
}

/// A change with its reason in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// What changed.
    pub change: Change,
    /// Why: `held for 1m`, `the condition ended`, `series ended`.
    pub reason: String,
}

impl Transition {
    fn new(change: Change, reason: impl fmt::Display) -> Option<Self> {
        Some(Self { change, reason: reason.to_string() })
    }
}

/// One step. At most one transition comes of it.
///
/// The bounds are Prometheus's: with `for: 1m` an instance fires at the first evaluation that is 60 s or more after the
/// one that found the condition true; with `keep_firing_for: 1m` it resolves 60 s or more after the one that found it ended.
#[must_use]
pub fn step(
    state: &InstanceState,
    seen: Observation,
    now: Timestamp,
    timing: &RuleTiming,
) -> (InstanceState, Option<Transition>) {
    match state {
        InstanceState::Inactive => match seen {
            Observation::True { value } => begin(value, now, timing),
            Observation::False { .. } | Observation::Unknown { .. } => (InstanceState::Inactive, None),
        },
        InstanceState::Pending { active_at, unknown } => pending(*active_at, unknown.as_ref(), seen, now, timing),
        InstanceState::Firing { active_at, fired_at, recovering_since, unknown } => {
            let firing = Firing { active_at: *active_at, fired_at: *fired_at, recovering_since: *recovering_since };
            firing.step(unknown.as_ref(), seen, now, timing)
        }
    }
}

fn begin(value: Option<f64>, now: Timestamp, timing: &RuleTiming) -> (InstanceState, Option<Transition>) {
    let why = if value.is_some() { "the condition holds" } else { "there is no data, which counts as firing" };
    if timing.hold.is_zero() {
        (
            Firing { active_at: now, fired_at: now, recovering_since: None }.state(None),
            Transition::new(Change::Firing, why),
        )
    } else {
        let reason = format!("{why}; it fires when that has lasted for {}", timing.hold);
        (InstanceState::Pending { active_at: now, unknown: None }, Transition::new(Change::Pending, reason))
    }
}

fn pending(
    active_at: Timestamp,
    unknown: Option<&Unknown>,
    seen: Observation,
    now: Timestamp,
    timing: &RuleTiming,
) -> (InstanceState, Option<Transition>) {
    match seen {
        Observation::True { .. } if now.since(active_at) >= timing.hold => (
            Firing { active_at, fired_at: now, recovering_since: None }.state(None),
            Transition::new(Change::Firing, format_args!("held for {}", timing.hold)),
        ),
        Observation::True { .. } => (InstanceState::Pending { active_at, unknown: None }, None),
        Observation::False { .. } => (
            InstanceState::Inactive,
            Transition::new(
                Change::Inactive,
                format_args!("the condition ended before it had held for {}", timing.hold),
            ),
        ),
        Observation::Unknown { cause, reason } => {
            let unknown = unknown_now(unknown, cause, reason, now);
            // A condition that was last seen true that long ago has not been holding all the while.
            if now.since(unknown.since) >= timing.absence_limit {
                let reason = format!("nothing was known for {}: {}", timing.absence_limit, unknown.reason);
                return (InstanceState::Inactive, Transition::new(Change::Inactive, reason));
            }
            (InstanceState::Pending { active_at, unknown: Some(unknown) }, None)
        }
    }
}

/// The state `Firing` without what is unknown about it.
#[derive(Clone, Copy)]
struct Firing {
    active_at: Timestamp,
    fired_at: Timestamp,
    recovering_since: Option<Timestamp>,
}

impl Firing {
    fn state(self, unknown: Option<Unknown>) -> InstanceState {
        let Self { active_at, fired_at, recovering_since } = self;
        InstanceState::Firing { active_at, fired_at, recovering_since, unknown }
    }

    fn step(
        self,
        unknown: Option<&Unknown>,
        seen: Observation,
        now: Timestamp,
        timing: &RuleTiming,
    ) -> (InstanceState, Option<Transition>) {
        match seen {
            Observation::True { .. } => {
                let known =
                    unknown.and_then(|_| Transition::new(Change::Known, "data is back, and the condition holds"));
                (Self { recovering_since: None, ..self }.state(None), known)
            }
            Observation::False { .. } => {
                let since = self.recovering_since.unwrap_or(now);
                if now.since(since) >= timing.keep_firing_for {
                    let reason = match timing.keep_firing_for {
                        Span::ZERO => "the condition ended".to_owned(),
                        keep => format!("the condition ended {keep} ago (keep_firing_for)"),
                    };
                    return (InstanceState::Inactive, Transition::new(Change::Resolved, reason));
                }
                let known = unknown.and_then(|_| {
                    Transition::new(
                        Change::Known,
                        "data is back, the condition ended, keep_firing_for holds the alert on",
                    )
                });
                (Self { recovering_since: Some(since), ..self }.state(None), known)
            }
            Observation::Unknown { cause, reason } => {
                let told = unknown.is_some_and(|u| u.cause == cause);
                let unknown = unknown_now(unknown, cause, reason, now);
                if cause == Cause::SeriesGone && now.since(unknown.since) >= timing.absence_limit {
                    let reason = format!("series ended: {} for {}", unknown.reason, timing.absence_limit);
                    return (InstanceState::Inactive, Transition::new(Change::Resolved, reason));
                }
                let transition = if told { None } else { Transition::new(Change::Unknown(cause), &unknown.reason) };
                (self.state(Some(unknown)), transition)
            }
        }
    }
}

/// Not knowing for another cause begins anew: the absence limit counts only the time in which the metric was reported.
fn unknown_now(before: Option<&Unknown>, cause: Cause, reason: String, now: Timestamp) -> Unknown {
    let since = before.filter(|u| u.cause == cause).map_or(now, |u| u.since);
    Unknown { since, cause, reason }
}

impl InstanceState {
    /// When it must be looked at again even if nothing arrives.
    #[must_use]
    pub fn due(&self, timing: &RuleTiming) -> Option<Timestamp> {
        match self {
            Self::Inactive => None,
            Self::Pending { unknown: Some(unknown), .. } => Some(unknown.since + timing.absence_limit),
            Self::Pending { active_at, unknown: None } => Some(*active_at + timing.hold),
            Self::Firing { unknown: Some(unknown), .. } => {
                (unknown.cause == Cause::SeriesGone).then(|| unknown.since + timing.absence_limit)
            }
            Self::Firing { recovering_since, .. } => recovering_since.map(|since| since + timing.keep_firing_for),
        }
    }

    /// Moves all its moments: when the wall clock was set, the time that passed between them did not change.
    pub fn shift(&mut self, by: impl Fn(Timestamp) -> Timestamp) {
        let unknown = match self {
            Self::Inactive => return,
            Self::Pending { active_at, unknown } => {
                *active_at = by(*active_at);
                unknown
            }
            Self::Firing { active_at, fired_at, recovering_since, unknown } => {
                *active_at = by(*active_at);
                *fired_at = by(*fired_at);
                *recovering_since = recovering_since.map(&by);
                unknown
            }
        };
        if let Some(unknown) = unknown {
            unknown.since = by(unknown.since);
        }
    }

    /// When the condition became true.
    #[must_use]
    pub fn active_at(&self) -> Option<Timestamp> {
        match self {
            Self::Inactive => None,
            Self::Pending { active_at, .. } | Self::Firing { active_at, .. } => Some(*active_at),
        }
    }

    /// What is unknown about it.
    #[must_use]
    pub fn unknown(&self) -> Option<&Unknown> {
        match self {
            Self::Inactive => None,
            Self::Pending { unknown, .. } | Self::Firing { unknown, .. } => unknown.as_ref(),
        }
    }

    /// Whether its alert is on.
    #[must_use]
    pub fn is_firing(&self) -> bool {
        matches!(self, Self::Firing { .. })
    }
}

#[cfg(test)]
mod tests;
