//! On-call as configured: schedules, their layers and rotations, and escalation policies.
//!
//! Not the arithmetic of hand-offs and not the state of an escalation: `incident::oncall` has both. Overrides are state,
//! made by people while the server runs, and are not configured.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use watchkeeper_domain::Span;

/// Who is on call when, by layers. A later layer wins over the ones before it wherever it has somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The zone that its calendar is shown in; layers may have their own.
    pub time_zone: TimeZone,
    /// The layers, the weakest first.
    pub layers: Vec<Layer>,
    /// Whether times without anybody are intended, so that nobody is warned of them. Default false.
    pub allow_gaps: bool,
    /// How long before a gap people are warned. Default 1 day.
    pub gap_warning: Span,
    /// Whether the person who takes over is told so, with the hand-off notes. Default false.
    pub announce: bool,
}

/// One layer: people in turn, perhaps at certain hours only.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Its name; default `layer 1`, `layer 2`, …
    pub name: String,
    /// When one takes over from the other.
    pub rotation: Rotation,
    /// Who, in this order, by name; at least one.
    pub people: Vec<String>,
    /// When the layer counts; empty: always.
    pub restrictions: Vec<Restriction>,
}

/// Hand-offs at a regular distance by the clock on the wall.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// The unit.
    pub period: Period,
    /// How many units a turn lasts; at least 1.
    pub every: u16,
    /// The moment at which the first person takes over, in local time. The rotation goes on from there in both directions.
    pub start: DateTime,
    /// The zone of the clock on the wall.
    pub time_zone: TimeZone,
}

/// The unit of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// By the hour on the wall: an hour that the clock skips has no turn, one that it repeats is part of the turn before.
    Hourly,
    /// At the same time of each day.
    Daily,
    /// At the same time of the same day of the week.
    Weekly,
    /// At the same time of the same day of the month, or of its last day.
    Monthly,
}

/// Certain hours of certain days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// Days on which the hours begin.
    pub days: Days,
    /// Beginning, local time.
    pub from: Time,
    /// End, local time; not after the beginning: on the next day.
    pub to: Time,
}

/// A set of days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// No day.
    pub const NONE: Self = Self(0);
    /// All seven.
    pub const ALL: Self = Self(0b111_1111);

    /// With one more.
    #[must_use]
    pub fn with(self, day: Weekday) -> Self {
        Self(self.0 | 1 << day.to_monday_zero_offset())
    }

    /// With all of another set.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it has this day.
    #[must_use]
    pub fn has(self, day: Weekday) -> bool {
        self.0 & 1 << day.to_monday_zero_offset() != 0
    }
}

/// Who is called in which order until somebody answers.
///
/// Serialisable, because an escalation keeps the policy as it was when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationPolicy {
    /// Its name.
    pub name: String,
    /// The steps; at least one.
    pub steps: Vec<EscalationStep>,
    /// How often it starts over after the last step. Default 0.
    pub repeat: u32,
    /// How long after an acknowledgement people are reminded that it is not resolved, and again each time; none: never.
    pub remind_after: Option<Span>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationStep {
    /// Who is called, all at once.
    pub targets: Vec<Target>,
    /// How long an acknowledgement is waited for before the next step. Default 5 min.
    pub delay: Span,
}

/// Whom a step calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This person.
    Person(String),
    /// Whoever is on call in this schedule at that moment.
    Schedule(String),
    /// A receiver (action group).
    Receiver(String),
}
