//! Watching the watchman: what tells people when Watchkeeper itself, or the way to them, does not work.
//!
//! Not the watching: `server::watchman`, `respond::notify::watch` and `incident::drill` do that.

use std::collections::BTreeMap;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use watchkeeper_domain::{Priority, Span};

use super::oncall::Days;
use crate::secret::Secret;

/// How it watches over itself.
#[derive(Debug, Clone)]
pub struct SelfWatch {
    /// The signal of life that leaves as long as all is well.
    pub heartbeat: Option<Heartbeat>,
    /// The receiver of the second path: it is told directly, past every stage that may be stalled.
    pub receiver: Option<String>,
    /// How long a stage may do nothing before it counts as stalled. Default 2 min.
    pub stalled_after: Span,
    /// How many messages may wait before the outbox counts as stalled. Default 50,000.
    pub most_waiting: u32,
    /// When a receiver that works but was not tried is an alert; none: never. Default 30 days.
    pub untested_after: Option<Span>,
    /// How long a receiver may fail before it is an alert. Default 5 min.
    pub failing_after: Span,
    /// The weekly fire drill.
    pub drill: Option<Drill>,
}

/// A signal of life, as dead man's switches want it.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    /// Where it goes; whoever knows the URL can pretend to be us.
    pub url: Secret,
    /// Whether it is a POST; else a GET.
    pub post: bool,
    /// Sent as `Authorization: Bearer …` when set.
    pub bearer_token: Option<Secret>,
    /// How often. Default 1 min.
    pub interval: Span,
}

/// A fire drill: an alert that means nothing but "are you there?", through the real route.
#[derive(Debug, Clone)]
pub struct Drill {
    /// On which days of the week. Default Wednesday.
    pub days: Days,
    /// At which time of the day.
    pub at: Time,
    /// Whose clock on the wall. Default UTC.
    pub time_zone: TimeZone,
    /// How long a confirmation is waited for. Default 15 min.
    pub confirm_within: Span,
    /// The alert's priority, which routes match on. Default high.
    pub priority: Priority,
    /// More labels of the alert, so that it takes the route that is to be tried.
    pub labels: BTreeMap<String, String>,
}

impl Default for SelfWatch {
    fn default() -> Self {
        Self {
            heartbeat: None,
            receiver: None,
            stalled_after: Span::from_secs(120),
            most_waiting: 50_000,
            untested_after: Some(Span::from_secs(30 * 86_400)),
            failing_after: Span::from_secs(300),
            drill: None,
        }
    }
}

/// Every chain of reconcilers looks around at least twice a minute, so less than this says nothing.
pub const LEAST_STALLED: Span = Span::from_secs(60);
