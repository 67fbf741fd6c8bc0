//! Heartbeats: jobs that report, and when each is expected to.
//!
//! Not what came of it: `detect::heartbeat` judges.

use std::collections::BTreeMap;
use std::fmt;

use croner::Cron;
use jiff::tz::TimeZone;
use watchkeeper_domain::{Category, Priority, Span, Timestamp};

use crate::secret::Secret;

/// A job that is expected to report.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    /// Its name: the label `heartbeat` of its alert and its metrics.
    pub name: String,
    /// When it reports.
    pub expected: Expected,
    /// How long after that it is late. Default 5 min.
    pub grace: Span,
    /// How long a run that said that it starts may take. Default: as `grace`.
    pub run_timeout: Span,
    /// The secret part of its address; none: made from this installation's key.
    pub id: Option<Secret>,
    /// Of its alert. Default high.
    pub priority: Priority,
    /// Of its alert. Default application.
    pub category: Category,
    /// Labels added to its alert and its metrics.
    pub labels: BTreeMap<String, String>,
    /// Annotations of its alert, for example `runbook_url`.
    pub annotations: BTreeMap<String, String>,
}

/// When a job reports.
#[derive(Debug, Clone)]
pub enum Expected {
    /// So long after the last time.
    Every(Span),
    /// By the clock on the wall.
    Cron(Box<Calendar>),
}

/// A cron pattern in a time zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    pattern: Cron,
    text: String,
    time_zone: TimeZone,
}

impl Calendar {
    /// Reads a pattern of five fields (or six, with seconds), or a nickname such as `@daily`.
    ///
    /// # Errors
    /// What is wrong with it, or that it never comes.
    pub fn new(text: &str, time_zone: TimeZone) -> Result<Self, String> {
        let pattern: Cron = text.parse().map_err(|error: croner::errors::CronError| error.to_string())?;
        let calendar = Self { pattern, text: text.trim().to_owned(), time_zone };
        match calendar.after(Timestamp::from_secs(1_767_225_600)) {
            Some(_) => Ok(calendar),
            None => Err("there is no such day".to_owned()),
        }
    }

    /// The first time after `at`.
    #[must_use]
    pub fn after(&self, at: Timestamp) -> Option<Timestamp> {
        let at = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?.to_zoned(self.time_zone.clone());
        let next = self.pattern.find_next_occurrence(&at, false).ok()?;
        Some(Timestamp::from_micros(next.timestamp().as_microsecond()))
    }
}

impl Expected {
    /// When it is expected, counted from `at`: its last time, or the moment from which it is watched.
    #[must_use]
    pub fn after(&self, at: Timestamp) -> Timestamp {
        match self {
            Self::Every(span) => at + *span,
            // A pattern that has come once comes again; at the end of the calendar it is far away.
            Self::Cron(calendar) => calendar.after(at).unwrap_or(at + Span::from_secs(366 * 86_400)),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(span) => write!(f, "every {span}"),
            Self::Cron(calendar) => {
                write!(f, "{} {}", calendar.text, calendar.time_zone.iana_name().unwrap_or("UTC"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(text: &str) -> Result<Calendar, String> {
        Calendar::new(text, TimeZone::get("Europe/Zurich").unwrap())
    }

    #[test]
    fn a_pattern_follows_the_clock_on_the_wall_through_both_changes_of_it() {
        let nightly = calendar("30 2 * * *").unwrap();
        let after = |text: &str| nightly.after(text.parse().unwrap()).unwrap().to_string();
        assert_eq!(after("2026-07-01T12:00:00Z"), "2026-07-02T00:30:00.000Z");
        assert_eq!(after("2026-12-01T12:00:00Z"), "2026-12-02T01:30:00.000Z");
        // The hour that is left out: at its end. The hour that comes twice: the first time, and not again.
        assert_eq!(after("2026-03-28T12:00:00Z"), "2026-03-29T01:00:00.000Z");
        assert_eq!(after("2026-10-24T12:00:00Z"), "2026-10-25T00:30:00.000Z");
        assert_eq!(after("2026-10-25T00:30:00Z"), "2026-10-26T01:30:00.000Z");
    }

    #[test]
    fn what_is_no_pattern_and_what_never_comes_is_refused() {
        assert!(calendar("61 * * * *").is_err() && calendar("nightly").is_err() && calendar("").is_err());
        assert!(calendar("0 0 30 2 *").is_err());
        assert!(calendar("@daily").is_ok() && calendar("*/5 8-18 * * mon-fri").is_ok());
    }
}
