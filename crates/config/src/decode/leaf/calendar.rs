//! Single values of calendars: zones, local times, days, and the units of rotations.
//!
//! Not the arithmetic on them: `incident::oncall` does that.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use schemars::{Schema, json_schema};

use super::{Leaf, Refusal, shown};
use crate::model::oncall::{Days, Period};
use crate::suggest;

/// A zone of the IANA database.
#[derive(Debug, Clone)]
pub(crate) struct Zone(pub(crate) TimeZone);

impl Leaf for Zone {
    const EXPECTS: &'static str = "a time zone such as `Europe/Zurich`";
    fn parse(text: &str) -> Result<Self, Refusal> {
        TimeZone::get(text).map(Self).map_err(|_| {
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
            let help = suggest::nearest(text, known.iter().map(String::as_str)).map_or_else(
                || "write a name of the IANA database, for example `Europe/Zurich` or `UTC`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            (format!("`{}` is not a time zone", shown(text)), Some(help))
        })
    }
}

/// A local date and time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local(pub(crate) DateTime);

impl Leaf for Local {
    const EXPECTS: &'static str = "a local date and time such as `2026-01-05T09:00`";
    fn parse(text: &str) -> Result<Self, Refusal> {
        let help =
            || Some("write it without a zone, for example `2026-01-05T09:00`; `time_zone` says whose".to_owned());
        // Within these years every sum that a rotation makes stays inside the calendar.
        let sensible = |at: &DateTime| (1970..=2200).contains(&at.year());
        text.parse::<DateTime>()
            .ok()
            .filter(sensible)
            .map(Self)
            .ok_or_else(|| (format!("`{}` is not a local date and time", shown(text)), help()))
    }
}

/// A time of the day; `24:00` is the end of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeOfDay(pub(crate) Time);

impl Leaf for TimeOfDay {
    const EXPECTS: &'static str = "a time of the day such as `08:00`";
    fn parse(text: &str) -> Result<Self, Refusal> {
        if text == "24:00" {
            return Ok(Self(Time::midnight()));
        }
        let help = || Some("write hours and minutes, from `00:00` to `24:00`".to_owned());
        text.parse().map(Self).map_err(|_| (format!("`{}` is not a time of the day", shown(text)), help()))
    }
}

const WEEK: [(Weekday, &str, &str); 7] = [
    (Weekday::Monday, "mon", "monday"),
    (Weekday::Tuesday, "tue", "tuesday"),
    (Weekday::Wednesday, "wed", "wednesday"),
    (Weekday::Thursday, "thu", "thursday"),
    (Weekday::Friday, "fri", "friday"),
    (Weekday::Saturday, "sat", "saturday"),
    (Weekday::Sunday, "sun", "sunday"),
];

impl Leaf for Days {
    const EXPECTS: &'static str = "a day such as `mon`, or days such as `mon-fri`";
    fn parse(text: &str) -> Result<Self, Refusal> {
        let day = |text: &str| {
            let word = text.trim().to_ascii_lowercase();
            WEEK.iter().find(|(_, short, long)| word == *short || word == *long).map(|(day, ..)| *day)
        };
        let found = match text.split_once('-') {
            None => day(text).map(|day| Self::NONE.with(day)),
            Some((first, last)) => day(first).zip(day(last)).map(|(first, last)| {
                let (mut days, mut at) = (Self::NONE.with(first), first);
                // `sat-mon` goes over the end of the week.
                while at != last {
                    at = at.next();
                    days = days.with(at);
                }
                days
            }),
        };
        found.ok_or_else(|| {
            let words: Vec<&str> = WEEK.iter().map(|(_, short, _)| *short).collect();
            (format!("`{}` is not a day of the week", shown(text)), Some(suggest::help(text, &words)))
        })
    }
}

impl Leaf for Period {
    const EXPECTS: &'static str = "a rotation: `hourly`, `daily`, `weekly` or `monthly`";
    fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "hourly" => Ok(Self::Hourly),
            "daily" => Ok(Self::Daily),
            "weekly" => Ok(Self::Weekly),
            "monthly" => Ok(Self::Monthly),
            _ => {
                let help = suggest::help(text, &["hourly", "daily", "weekly", "monthly"]);
                Err((format!("`{}` is not a rotation", shown(text)), Some(help)))
            }
        }
    }
    fn schema() -> Schema {
        json_schema!({"enum": ["hourly", "daily", "weekly", "monthly"]})
    }
}
