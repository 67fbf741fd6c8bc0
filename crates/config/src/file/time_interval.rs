//! `time_intervals`, in Alertmanager's shape.
//!
//! Not their meaning: `domain::time_interval` has it.

use std::collections::BTreeMap;

use watchkeeper_domain::TimeInterval;
use watchkeeper_domain::time_interval::{Written, WrittenTime};

use super::names::Names;
use crate::decode::record::record;
use crate::decode::{At, Context, List, items};
use crate::place::Place;

record! {
    /// A name for times that recur.
    NamedIntervalsFile, "a time interval" {
        /// The name that routes refer to.
        name: At<String> = "name";
        /// The times; one of them must hold.
        time_intervals: Option<List<TimeIntervalFile>> = "time_intervals";
    }
}

record! {
    /// Times that recur: all parts that are written must hold.
    TimeIntervalFile, "an entry of `time_intervals`" {
        /// Parts of the day.
        times: Option<List<TimeOfDayFile>> = "times";
        /// `monday:friday`, `sunday`.
        weekdays: Option<List<At<String>>> = "weekdays";
        /// `1:7`; negative counts from the month's end: `-3:-1`.
        days_of_month: Option<List<At<String>>> = "days_of_month";
        /// `january:march`, `12`.
        months: Option<List<At<String>>> = "months";
        /// `2026:2027`.
        years: Option<List<At<String>>> = "years";
        /// The time zone, for example `Europe/Zurich`; UTC when absent.
        location: Option<At<String>> = "location";
    }
}

record! {
    /// A part of the day.
    TimeOfDayFile, "an entry of `times`" {
        /// `HH:MM`.
        start_time: At<String> = "start_time";
        /// `HH:MM`, up to `24:00`; it does not belong to it any more.
        end_time: At<String> = "end_time";
    }
}

/// All names with their intervals.
pub(crate) fn build(
    files: &[&NamedIntervalsFile],
    names: &mut Names,
    cx: &mut Context<'_>,
) -> BTreeMap<String, Vec<TimeInterval>> {
    let mut all = BTreeMap::new();
    for file in files {
        names.define(&file.name, cx);
        let intervals = items(&file.time_intervals).iter().filter_map(|one| one.build(cx)).collect();
        all.insert(file.name.value.clone(), intervals);
    }
    all
}

impl TimeIntervalFile {
    fn build(&self, cx: &mut Context<'_>) -> Option<TimeInterval> {
        let texts = |list: &Option<List<At<String>>>| items(list).iter().map(|at| at.value.clone()).collect();
        let time = |time: &TimeOfDayFile| WrittenTime {
            start_time: time.start_time.value.clone(),
            end_time: time.end_time.value.clone(),
        };
        let written = Written {
            times: items(&self.times).iter().map(time).collect(),
            weekdays: texts(&self.weekdays),
            days_of_month: texts(&self.days_of_month),
            months: texts(&self.months),
            years: texts(&self.years),
            location: self.location.as_ref().map(|at| at.value.clone()),
        };
        match TimeInterval::new(written) {
            Ok(interval) => Some(interval),
            Err(refused) => {
                let place = self.place_of(refused.part, refused.index).clone();
                cx.invalid(&place, format!("`{}`: {}", refused.part, refused.reason), None);
                None
            }
        }
    }

    fn place_of(&self, part: &str, index: usize) -> &Place {
        let list = match part {
            "times" => return items(&self.times).get(index).map_or(&self.place, |time| &time.place),
            "location" => return self.location.as_ref().map_or(&self.place, |at| &at.place),
            "weekdays" => &self.weekdays,
            "days_of_month" => &self.days_of_month,
            "months" => &self.months,
            _ => &self.years,
        };
        items(list).get(index).map_or(&self.place, |at| &at.place)
    }
}
