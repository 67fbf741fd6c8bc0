//! GoAlert's rotations with every hand-off over daylight changes, and its tables of hours.
//!
//! Left out by name: tables that hold answers without the schedules that they are the answers of, or inputs without
//! answers.

use std::path::PathBuf;

use jiff::civil::Weekday;
use serde_json::Value;
use watchkeeper_config::model::oncall::{Period, Restriction};
use watchkeeper_domain::{Span, Timestamp};

use super::{WEEKDAYS, at, hours, rotation};
use crate::oncall::restriction::{Window, active, windows};
use crate::oncall::rotation::{handoff, turn};

fn corpus(file: &str) -> Option<Value> {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")), PathBuf::from);
    match std::fs::read_to_string(folder.join("oncall").join(file)) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) => {
            println!("skipped: {file} is not in the corpora (set WATCHKEEPER_CORPORA)");
            None
        }
    }
}

/// `2020-10-29 01:30:00 -0500 CDT`.
fn go_time(text: &str) -> Timestamp {
    let mut parts = text.split(' ');
    let (date, time, offset) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let (hours, minutes) = offset.split_at(3);
    at(&format!("{date}T{time}{hours}:{minutes}"))
}

#[test]
fn every_handoff_of_every_rotation_is_at_its_moment() {
    let Some(cases) = corpus("rotations.json") else { return };
    let mut handoffs = 0;
    for case in cases.as_array().unwrap() {
        let text = |key: &str| case[key].as_str().unwrap();
        let expected: Vec<&str> =
            case["expected_handoffs"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        // The corpus says Chicago throughout; hand-offs at +11 and +1030 are those of Lord Howe, whose clocks change by
        // half an hour.
        let zone = if expected[0].ends_with("+11") || expected[0].ends_with("+1030") {
            "Australia/Lord_Howe"
        } else {
            text("tz")
        };
        let period = match text("type") {
            "Hourly" => Period::Hourly,
            "Daily" => Period::Daily,
            "Weekly" => Period::Weekly,
            "Monthly" => Period::Monthly,
            other => panic!("{other}"),
        };
        let every = u16::try_from(case["shift_length"].as_u64().unwrap()).unwrap();
        let rotation = rotation(period, every, text("start"), zone);
        let moment = |key: &str| crate::oncall::civil::moment(&rotation.time_zone, text(key).parse().unwrap()).unwrap();
        let (from, to) = (moment("walk_from"), moment("walk_to"));
        let mut found = vec![turn(&rotation, from).unwrap().from];
        while found.last().is_some_and(|last| *last <= to) {
            found.push(turn(&rotation, *found.last().unwrap()).unwrap().until);
        }
        let wanted: Vec<Timestamp> = expected.iter().map(|text| go_time(text)).collect();
        assert_eq!(found, wanted, "{case}");
        handoffs += found.len();
    }
    println!("{} rotations with {handoffs} hand-offs passed, 0 failed, 0 skipped", cases.as_array().unwrap().len());
}

#[test]
fn a_turn_of_hours_ends_by_the_clock_on_the_wall() {
    let mut passed = 0;
    for table in ["TestRotation_EndTime", "TestRotation_StartTime"] {
        let Some(table) = corpus(&format!("goalert-tables/schedule.rotation.rotation.{table}.json")) else { return };
        for case in table["cases"].as_array().unwrap() {
            // `Mar 12 2017 12:00 am`.
            let civil = |key: &str| {
                let text = case[key].as_str().unwrap().to_uppercase();
                jiff::civil::DateTime::strptime("%b %d %Y %I:%M %p", text).unwrap().to_string()
            };
            let every = u16::try_from(case["l"].as_u64().unwrap()).unwrap();
            let rotation = rotation(Period::Hourly, every, &civil("s"), "America/Chicago");
            let (from, until) = (handoff(&rotation, 0).unwrap(), handoff(&rotation, 1).unwrap());
            let expected = crate::oncall::civil::moment(&rotation.time_zone, civil("exp").parse().unwrap()).unwrap();
            let length = case["dur"]["_expr"].as_str().unwrap();
            let hours: i64 = length.rsplit_once("* ").map_or(1, |(_, n)| n.parse().unwrap());
            assert_eq!((until, until.since(from)), (expected, Span::from_secs(hours * 3_600)), "{case}");
            let middle = from + Span::from_secs(1_800);
            assert_eq!(turn(&rotation, middle).map(|t| (t.from, t.until)), Some((from, until)), "{case}");
            passed += 1;
        }
    }
    println!("{passed} turns passed, 0 failed, 0 skipped");
}

/// `time.Date(2017, 7, 24, 8, 0, 0, 0, time.UTC)`.
fn go_date(value: &Value) -> Timestamp {
    let text = value["_expr"].as_str().unwrap().trim_start_matches("time.Date(");
    let n: Vec<i16> = text.split(", ").filter_map(|part| part.parse().ok()).collect();
    let small = |at: usize| i8::try_from(n[at]).unwrap();
    let civil = jiff::civil::datetime(n[0], small(1), small(2), small(3), small(4), 0, 0);
    at(&format!("{civil}Z"))
}

#[test]
fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
    let nights = |days: &[Weekday]| vec![hours(days, "20:00", "08:00")];
    let utc = jiff::tz::TimeZone::UTC;
    let table = |name: &str| corpus(&format!("goalert-tables/schedule.rule.rule.{name}.json"));
    let (Some(is_active), Some(start), Some(end)) =
        (table("TestRule_IsActive"), table("TestRule_StartTime"), table("TestRule_EndTime"))
    else {
        return;
    };
    let mut passed = 0;
    for case in is_active["cases"].as_array().unwrap() {
        let now = active(&nights(&WEEKDAYS), &utc, go_date(&case["Time"]));
        assert_eq!(Some(now), case["Active"].as_bool(), "{case}");
        passed += 1;
    }
    // The window that a moment lies in, or the next one.
    let window = |restrictions: &[Restriction], moment: Timestamp| {
        let range = Window { from: moment - Span::from_secs(86_400), until: moment + Span::from_secs(9 * 86_400) };
        windows(restrictions, &utc, range).into_iter().find(|w| w.until > moment).unwrap()
    };
    for case in start["cases"].as_array().unwrap() {
        let found = window(&nights(&[Weekday::Monday]), go_date(&case["Start"])).from;
        assert_eq!(found, go_date(&case["Expected"]), "{case}");
        passed += 1;
    }
    for case in end["cases"].as_array().unwrap() {
        let found = window(&nights(&WEEKDAYS), go_date(&case["Start"])).until;
        assert_eq!(found, go_date(&case["Expected"]), "{case}");
        passed += 1;
    }
    println!("{passed} hours passed, 0 failed");
}
