//! Times that recur: working hours, weekends, the last day of the month, with Alertmanager's meaning.
//!
//! Not a schedule of people: on-call has rotations. A time interval says of each minute whether it belongs to it; all its
//! parts must hold, and a part that is absent always holds. Source: Alertmanager's documentation of `time_interval`.

use std::fmt;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Unit, Zoned};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

mod parse;

/// Minutes in a day.
const DAY: i16 = 24 * 60;
/// Boundaries looked at until a search gives up: more than a year of days with several times each.
const MOST_STEPS: usize = 4_000;

/// One interval.
#[derive(Clone, PartialEq)]
pub struct TimeInterval {
    /// Minutes of the day, from and to; the end does not belong to it.
    times: Vec<(i16, i16)>,
    /// Sunday is 0, both ends belong to it, as to all that follow.
    weekdays: Vec<(i16, i16)>,
    /// 1 to 31; negative counts from the month's end.
    days_of_month: Vec<(i16, i16)>,
    months: Vec<(i16, i16)>,
    years: Vec<(i16, i16)>,
    zone: TimeZone,
    written: Written,
}

/// An interval as files and rows hold it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// From and to, `09:00` to `17:00`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<WrittenTime>,
    /// `monday:friday`, `sunday`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<String>,
    /// `1:7`, `-3:-1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days_of_month: Vec<String>,
    /// `january:march`, `12`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<String>,
    /// `2026:2027`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub years: Vec<String>,
    /// A name of the time zone database, `Local` for this machine's; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// A part of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenTime {
    /// `HH:MM`.
    pub start_time: String,
    /// `HH:MM`, up to `24:00`.
    pub end_time: String,
}

/// What cannot be read, and in which part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidInterval {
    /// `times`, `weekdays`, `days_of_month`, `months`, `years` or `location`.
    pub part: &'static str,
    /// Which of them, from 0.
    pub index: usize,
    /// Why.
    pub reason: String,
}

impl TimeInterval {
    /// Reads an interval.
    pub fn new(written: Written) -> Result<Self, InvalidInterval> {
        parse::interval(written)
    }

    /// The interval as it was written.
    #[must_use]
    pub fn written(&self) -> &Written {
        &self.written
    }

    /// Whether a moment belongs to it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.zoned(at).is_some_and(|local| {
            let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
            (self.times.is_empty() || self.times.iter().any(|(from, to)| (*from..*to).contains(&minute)))
                && self.has_day(&local)
        })
    }

    /// The first boundary after a moment: where it may begin or end to contain. None beyond the calendar.
    #[must_use]
    pub fn next_boundary(&self, after: Timestamp) -> Option<Timestamp> {
        let local = self.zoned(after)?;
        let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
        let times = self.times.iter().flat_map(|(from, to)| [*from, *to]);
        let next = times.filter(|boundary| *boundary > minute && *boundary < DAY).min();
        let midnight = local.start_of_day().ok()?;
        let boundary = match next {
            // The wall clock decides, also on the two days that are longer or shorter.
            Some(next) => midnight.with().hour(hour(next)).minute(minute_of_hour(next)).build().ok()?,
            None => midnight.checked_add(1.day()).ok()?.start_of_day().ok()?,
        };
        let boundary =
            if boundary > local { boundary } else { local.round(Unit::Minute).ok()?.checked_add(1.minute()).ok()? };
        Some(Timestamp::from_micros(boundary.timestamp().as_microsecond()))
    }

    fn zoned(&self, at: Timestamp) -> Option<Zoned> {
        let at = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
        Some(at.to_zoned(self.zone.clone()))
    }

    fn has_day(&self, local: &Zoned) -> bool {
        let within = |ranges: &[(i16, i16)], value: i16| {
            ranges.is_empty() || ranges.iter().any(|(from, to)| (*from..=*to).contains(&value))
        };
        let last = i16::from(local.days_in_month());
        let from_end = |day: i16| if day < 0 { last + day + 1 } else { day };
        let in_month = |(from, to): &(i16, i16)| {
            let (begin, end) = (from_end(*from), if *from < 0 && *to > 0 { *to } else { from_end(*to) });
            begin <= last && (begin..=end).contains(&i16::from(local.day()))
        };
        let weekday = match local.weekday() {
            Weekday::Sunday => 0,
            other => i16::from(other.to_monday_one_offset()),
        };
        (self.days_of_month.is_empty() || self.days_of_month.iter().any(in_month))
            && within(&self.weekdays, weekday)
            && within(&self.months, i16::from(local.month()))
            && within(&self.years, local.year())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a minute of a day has at most 23 hours before it")]
fn hour(minute: i16) -> i8 {
    (minute / 60) as i8
}

fn minute_of_hour(minute: i16) -> i8 {
    (minute % 60) as i8
}

/// When `holds` changes for the first time after `after`, looked for at the boundaries of `intervals`. None: not within
/// about a year.
#[must_use]
pub fn next_change(
    intervals: &[&TimeInterval],
    after: Timestamp,
    holds: impl Fn(Timestamp) -> bool,
) -> Option<Timestamp> {
    let now = holds(after);
    let mut at = after;
    for _ in 0..MOST_STEPS {
        at = intervals.iter().filter_map(|interval| interval.next_boundary(at)).min()?;
        if holds(at) != now {
            return Some(at);
        }
    }
    None
}

impl fmt::Debug for TimeInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.written, f)
    }
}

impl Serialize for TimeInterval {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(s)
    }
}

impl<'de> Deserialize<'de> for TimeInterval {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::new(Written::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
