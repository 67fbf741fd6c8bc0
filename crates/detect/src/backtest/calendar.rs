//! When people would have been told: pages by day and by hour of the day, in the time zone of those who are woken.
//!
//! Not on-call: who it would have been is the schedules' matter.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use watchkeeper_domain::{Span, Timestamp};

/// One day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// `2026-11-22`, in the time zone of the backtest.
    pub date: String,
    /// Pages that began on it.
    pub pages: u64,
    /// How long at least one alert was on.
    pub firing: Span,
    /// How long nothing was known of the rule.
    pub unknown: Span,
}

/// One hour of the day, over all days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hour {
    /// Pages that began in it.
    pub pages: u64,
    /// How long at least one alert was on.
    pub firing: Span,
}

/// Days and hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Every day of the window, oldest first.
    pub days: Vec<Day>,
    /// The 24 hours from midnight.
    pub hours: Vec<Hour>,
}

/// The offset of every time zone in use is a multiple of this.
const QUARTER_MICROS: i64 = 15 * 60 * 1_000_000;

/// Sorts stretches of time into days and hours.
pub(super) fn of(
    window: (Timestamp, Timestamp),
    zone: &TimeZone,
    pages: &[(Timestamp, Timestamp)],
    unknown: &[(Timestamp, Timestamp)],
) -> Calendar {
    let mut days: BTreeMap<jiff::civil::Date, Day> = BTreeMap::new();
    let mut hours = vec![Hour::default(); 24];
    let day = |at: Timestamp| local(at, zone).date();
    for (start, end) in quarters(window.0, window.1) {
        for at in [start, end] {
            days.entry(day(at)).or_insert_with(|| Day {
                date: day(at).to_string(),
                pages: 0,
                firing: Span::ZERO,
                unknown: Span::ZERO,
            });
        }
    }
    for (start, end) in pages {
        if let Some(day) = days.get_mut(&day(*start)) {
            day.pages += 1;
        }
        if let Some(hour) = hours.get_mut(hour(*start, zone)) {
            hour.pages += 1;
        }
        for (from, to) in quarters(*start, *end) {
            if let Some(day) = days.get_mut(&day(from)) {
                day.firing = day.firing + to.since(from);
            }
            if let Some(hour) = hours.get_mut(hour(from, zone)) {
                hour.firing = hour.firing + to.since(from);
            }
        }
    }
    for (start, end) in unknown {
        for (from, to) in quarters(*start, *end) {
            if let Some(day) = days.get_mut(&day(from)) {
                day.unknown = day.unknown + to.since(from);
            }
        }
    }
    Calendar { days: days.into_values().collect(), hours }
}

fn local(at: Timestamp, zone: &TimeZone) -> jiff::civil::DateTime {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    zone.to_datetime(at)
}

/// The hour of the day, 0 to 23.
pub(super) fn hour(at: Timestamp, zone: &TimeZone) -> usize {
    usize::try_from(local(at, zone).hour()).unwrap_or(0)
}

/// A stretch of time cut at the quarters of an hour.
fn quarters(start: Timestamp, end: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let mut from = start;
    std::iter::from_fn(move || {
        if from >= end {
            return None;
        }
        let next = (from.as_micros().div_euclid(QUARTER_MICROS) + 1).saturating_mul(QUARTER_MICROS);
        let to = Timestamp::from_micros(next).min(end);
        let part = (from, to);
        from = to;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_belongs_to_the_local_day_and_lasts_through_midnight() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let zone = TimeZone::get("Europe/Zurich").unwrap();
        let window = (at("2026-11-21T00:00:00Z"), at("2026-11-23T00:00:00Z"));
        let page = (at("2026-11-21T22:50:00Z"), at("2026-11-21T23:10:00Z"));
        let calendar = of(window, &zone, &[page], &[(at("2026-11-22T12:00:00Z"), at("2026-11-22T13:00:00Z"))]);
        let shown: Vec<_> = calendar.days.iter().map(|d| (d.date.as_str(), d.pages, d.firing, d.unknown)).collect();
        let minutes = |m: i64| Span::from_secs(60 * m);
        assert_eq!(
            shown,
            [
                ("2026-11-21", 1, minutes(10), Span::ZERO),
                ("2026-11-22", 0, minutes(10), minutes(60)),
                ("2026-11-23", 0, Span::ZERO, Span::ZERO)
            ]
        );
        assert_eq!((calendar.hours[23].pages, calendar.hours[23].firing), (1, minutes(10)));
        assert_eq!((calendar.hours[0].pages, calendar.hours[0].firing), (0, minutes(10)));
    }
}
