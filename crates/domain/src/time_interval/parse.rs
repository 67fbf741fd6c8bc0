//! From the written parts of a time interval to numbers.
//!
//! Not YAML: the configuration reads that and places what is refused here.

use jiff::tz::TimeZone;

use super::{DAY, InvalidInterval, TimeInterval, Written, WrittenTime};

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

type Range = (i16, i16);

pub(super) fn interval(written: Written) -> Result<TimeInterval, InvalidInterval> {
    let zone =
        zone(written.location.as_deref()).map_err(|reason| InvalidInterval { part: "location", index: 0, reason })?;
    Ok(TimeInterval {
        times: each("times", &written.times, times)?,
        weekdays: each("weekdays", &written.weekdays, |text| range(text, weekday, "day"))?,
        days_of_month: each("days_of_month", &written.days_of_month, |text| days_of_month(text))?,
        months: each("months", &written.months, |text| range(text, month, "month"))?,
        years: each("years", &written.years, |text| range(text, year, "year"))?,
        zone,
        written,
    })
}

fn each<T>(
    part: &'static str,
    items: &[T],
    read: impl Fn(&T) -> Result<Range, String>,
) -> Result<Vec<Range>, InvalidInterval> {
    let placed = |(index, item)| read(item).map_err(|reason| InvalidInterval { part, index, reason });
    items.iter().enumerate().map(placed).collect()
}

fn zone(name: Option<&str>) -> Result<TimeZone, String> {
    match name {
        None | Some("" | "UTC") => Ok(TimeZone::UTC),
        Some("Local") => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(name)
            .map_err(|_| format!("`{}` is not a time zone; write for example `Europe/Zurich`", shown(name))),
    }
}

fn times(written: &WrittenTime) -> Result<Range, String> {
    let (from, to) = (time(&written.start_time)?, time(&written.end_time)?);
    if from >= to {
        return Err(format!("the start `{}` is not before the end `{}`", written.start_time, written.end_time));
    }
    Ok((from, to))
}

fn time(text: &str) -> Result<i16, String> {
    let read = || {
        let (hours, minutes) = text.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2)?;
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i16>().ok()).flatten();
        let (hours, minutes) = (digits(hours)?, digits(minutes)?);
        (minutes < 60 && hours * 60 + minutes <= DAY).then_some(hours * 60 + minutes)
    };
    read().ok_or_else(|| format!("`{}` is not a time of day; write `HH:MM`, at most `24:00`", shown(text)))
}

/// One value, or `from:to`.
fn range(text: &str, read: impl Fn(&str) -> Result<i16, String>, what: &str) -> Result<Range, String> {
    let text = text.trim().to_lowercase();
    let (first, last) = text.split_once(':').unwrap_or((&text, &text));
    let (from, to) = (read(first)?, read(last)?);
    if from > to {
        return Err(format!("end {what} {last} is before start {what} {first}"));
    }
    Ok((from, to))
}

fn weekday(text: &str) -> Result<i16, String> {
    position(&WEEKDAYS, text).ok_or_else(|| format!("{} is not a valid weekday", shown(text)))
}

fn month(text: &str) -> Result<i16, String> {
    let number = text.parse::<i16>().ok().filter(|n| (1..=12).contains(n));
    number
        .or_else(|| position(&MONTHS, text).map(|at| at + 1))
        .ok_or_else(|| format!("{} is not a valid month", shown(text)))
}

fn year(text: &str) -> Result<i16, String> {
    text.parse().map_err(|_| format!("{} is not a valid year", shown(text)))
}

fn days_of_month(text: &str) -> Result<Range, String> {
    let day = |text: &str| match text.parse::<i16>() {
        Ok(n) if n != 0 && (-31..=31).contains(&n) => Ok(n),
        Ok(n) => Err(format!("{n} is not a valid day of the month: out of range")),
        Err(_) => Err(format!("{} is not a valid day of the month", shown(text))),
    };
    let text = text.trim();
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let (from, to) = (day(first)?, day(last)?);
    if from < 0 && to > 0 {
        return Err("end day must be negative if start day is negative".to_owned());
    }
    // In the longest month; in a shorter one it is earlier still.
    let end = if to < 0 && from > 0 { 31 + to + 1 } else { to };
    if end < from {
        return Err(format!("end day {to} is always before start day {from}"));
    }
    Ok((from, to))
}

fn position(names: &[&str], text: &str) -> Option<i16> {
    let at = names.iter().position(|name| *name == text)?;
    i16::try_from(at).ok()
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
