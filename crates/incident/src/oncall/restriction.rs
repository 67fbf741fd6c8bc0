//! The hours at which a layer counts.
//!
//! Not rotations. Hours are those of the clock on the wall: a window from 08:00 to 18:00 is an hour shorter or longer when
//! a daylight change falls into it.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use watchkeeper_config::model::oncall::Restriction;
use watchkeeper_domain::Timestamp;

use super::civil::{local, moment};

/// A stretch of time; ends before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Beginning.
    pub from: Timestamp,
    /// End, excluded.
    pub until: Timestamp,
}

/// The window of one restriction that begins on a day, if one does.
fn of_day(restriction: &Restriction, zone: &TimeZone, day: Date) -> Option<Window> {
    if !restriction.days.has(day.weekday()) {
        return None;
    }
    let last = if restriction.to <= restriction.from { day.tomorrow().ok()? } else { day };
    let window = Window {
        from: moment(zone, day.to_datetime(restriction.from))?,
        until: moment(zone, last.to_datetime(restriction.to))?,
    };
    (window.from < window.until).then_some(window)
}

/// All windows that touch a range, in order, without overlap, cut to the range. No restrictions: the whole range.
#[must_use]
pub fn windows(restrictions: &[Restriction], zone: &TimeZone, range: Window) -> Vec<Window> {
    if range.from >= range.until {
        return Vec::new();
    }
    if restrictions.is_empty() {
        return vec![range];
    }
    let (Some(first), Some(last)) = (local(zone, range.from), local(zone, range.until)) else { return Vec::new() };
    // A window that began two days before cannot reach into the range: it lasts a day at most, and a zone that skips a
    // whole day (Samoa, 2011) is covered by the second.
    let mut day = first.date().checked_sub(2.days()).unwrap_or(Date::MIN);
    let mut found: Vec<Window> = Vec::new();
    loop {
        found.extend(restrictions.iter().filter_map(|restriction| of_day(restriction, zone, day)));
        match day.tomorrow() {
            Ok(next) if day <= last.date() => day = next,
            _ => break,
        }
    }
    found.sort_by_key(|window| window.from);
    let mut merged: Vec<Window> = Vec::with_capacity(found.len());
    for window in found {
        match merged.last_mut() {
            Some(before) if before.until >= window.from => before.until = before.until.max(window.until),
            _ => merged.push(window),
        }
    }
    let cut = |w: Window| Window { from: w.from.max(range.from), until: w.until.min(range.until) };
    merged.into_iter().map(cut).filter(|w| w.from < w.until).collect()
}

/// Whether a moment lies in the hours of any restriction, or there is none.
#[must_use]
pub fn active(restrictions: &[Restriction], zone: &TimeZone, at: Timestamp) -> bool {
    let Some(now) = local(zone, at) else { return false };
    restrictions.is_empty()
        || restrictions.iter().any(|restriction| {
            let days = [now.date().checked_sub(2.days()).ok(), now.date().yesterday().ok(), Some(now.date())];
            let windows = days.into_iter().flatten().filter_map(|day| of_day(restriction, zone, day));
            windows.into_iter().any(|window| window.from <= at && at < window.until)
        })
}

/// The days as people write them, Monday first.
pub const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "mon"),
    (Weekday::Tuesday, "tue"),
    (Weekday::Wednesday, "wed"),
    (Weekday::Thursday, "thu"),
    (Weekday::Friday, "fri"),
    (Weekday::Saturday, "sat"),
    (Weekday::Sunday, "sun"),
];
