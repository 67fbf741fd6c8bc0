//! Time intervals, and Alertmanager's own tables of them.

use std::path::PathBuf;

use serde_json::Value;

use super::*;

fn table(name: &str) -> Option<Vec<Value>> {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join(format!("alertmanager/timeinterval.timeinterval.{name}.json")))
    else {
        println!("skipped: no corpora");
        return None;
    };
    let table: Value = serde_json::from_str(&text).unwrap();
    Some(table["cases"].as_array().unwrap().clone())
}

/// `04 May 20 15:04 +0000`.
fn moment(text: &Value) -> Timestamp {
    let at = jiff::fmt::strtime::parse("%d %b %y %H:%M %z", text.as_str().unwrap()).unwrap().to_timestamp().unwrap();
    Timestamp::from_micros(at.as_microsecond())
}

fn written(json: Value) -> TimeInterval {
    serde_json::from_value(json).unwrap()
}

/// The numbers of one range of the table, which leaves out what is zero in Go.
fn numbers(range: &Value) -> (i64, i64) {
    match range["_pos"].as_array() {
        Some(pair) => (pair[0].as_i64().unwrap(), pair[1].as_i64().unwrap()),
        None => (range["Begin"].as_i64().unwrap_or(0), range["End"].as_i64().unwrap_or(0)),
    }
}

/// An interval of the table as a file writes it.
fn from_go(case: &Value) -> Value {
    let ranges = |key: &str| -> Vec<(i64, i64)> {
        case[key].as_array().into_iter().flatten().map(|one| numbers(&one[0])).collect()
    };
    let plain = |key: &str| -> Vec<String> { ranges(key).iter().map(|(a, b)| format!("{a}:{b}")).collect() };
    let weekday = |n: i64| ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"][n as usize];
    let weekdays: Vec<String> =
        ranges("Weekdays").iter().map(|(a, b)| format!("{}:{}", weekday(*a), weekday(*b))).collect();
    let clock =
        |minutes: &Value| format!("{:02}:{:02}", minutes.as_i64().unwrap() / 60, minutes.as_i64().unwrap() % 60);
    let times: Vec<Value> = case["Times"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|t| serde_json::json!({"start_time": clock(&t["StartMinute"]), "end_time": clock(&t["EndMinute"])}))
        .collect();
    let location = case["Location"]["_pos"][0]["_expr"].as_str().map(|text| text.split('"').nth(1).unwrap());
    serde_json::json!({
        "times": times, "weekdays": weekdays, "days_of_month": plain("DaysOfMonth"), "months": plain("Months"),
        "years": plain("Years"), "location": location,
    })
}

#[test]
fn alertmanagers_table_of_moments_comes_out_the_same() {
    let Some(cases) = table("top") else { return };
    let mut passed = 0;
    for case in &cases {
        let mut json = from_go(&case["timeInterval"]);
        // A file cannot write this range, which begins before any month and ends after it.
        let wide = json["days_of_month"] == serde_json::json!(["-31:31"]);
        if wide {
            json["days_of_month"] = serde_json::json!([]);
        }
        let mut interval = written(json);
        if wide {
            interval.days_of_month = vec![(-31, 31)];
        }
        for (list, expected) in [("validTimeStrings", true), ("invalidTimeStrings", false)] {
            for text in case[list].as_array().unwrap() {
                assert_eq!(interval.contains(moment(text)), expected, "{text} in {interval:?}");
                passed += 1;
            }
        }
    }
    println!("{passed} passed, 0 failed");
    assert!(passed > 20);
}

#[test]
fn alertmanagers_table_of_times_of_day_comes_out_the_same() {
    let Some(cases) = table("top2") else { return };
    for case in &cases {
        let text = case["timeString"].as_str().unwrap().replace('\'', "\"");
        let got = serde_json::from_str::<WrittenTime>(&text).map_err(|e| e.to_string()).and_then(|time| {
            TimeInterval::new(Written { times: vec![time], ..Written::default() }).map_err(|e| e.reason)
        });
        match got {
            Ok(interval) => {
                assert_eq!(case["expectError"], false, "{text}");
                let (from, to) = interval.times[0];
                assert_eq!(Value::from(from), case["TimeRange"]["StartMinute"]);
                assert_eq!(Value::from(to), case["TimeRange"]["EndMinute"]);
            }
            Err(reason) => assert_eq!(case["expectError"], true, "{text}: {reason}"),
        }
    }
    println!("{} passed, 0 failed", cases.len());
}

/// `- weekdays: ['monday:friday']` and so on: lists of one line, and times of two.
fn from_yaml(text: &str) -> Written {
    let mut written = Written::default();
    let mut start = String::new();
    for line in text.lines() {
        let line = line.trim().trim_start_matches("- ");
        let Some((key, value)) = line.split_once(": ") else { continue };
        let list = || -> Vec<String> {
            value.trim_matches(['[', ']']).split(',').map(|one| one.trim().trim_matches('\'').to_owned()).collect()
        };
        match key {
            "weekdays" => written.weekdays = list(),
            "days_of_month" => written.days_of_month = list(),
            "months" => written.months = list(),
            "years" => written.years = list(),
            "location" => written.location = Some(value.trim_matches('\'').to_owned()),
            "start_time" => start = value.trim_matches('\'').to_owned(),
            "end_time" => written
                .times
                .push(WrittenTime { start_time: start.clone(), end_time: value.trim_matches('\'').to_owned() }),
            _ => {}
        }
    }
    written
}

#[test]
fn alertmanagers_table_of_written_intervals_comes_out_the_same() {
    let Some(cases) = table("top3") else { return };
    let mut passed = 0;
    for case in &cases {
        let text = case["in"].as_str().unwrap();
        match TimeInterval::new(from_yaml(text)) {
            Err(refused) => {
                assert_eq!(case["expectError"], true, "{text}: {refused}");
                let reason = case["err"].as_str().unwrap();
                assert!(refused.reason.contains(reason), "{text}: {refused}, not {reason}");
            }
            Ok(interval) => {
                assert_ne!(case["expectError"], true, "{text}");
                let expected = &case["intervals"][0];
                if expected.is_object() {
                    let expected = written(from_go(expected));
                    assert_eq!(
                        (
                            &interval.times,
                            &interval.weekdays,
                            &interval.days_of_month,
                            &interval.months,
                            &interval.years
                        ),
                        (
                            &expected.times,
                            &expected.weekdays,
                            &expected.days_of_month,
                            &expected.months,
                            &expected.years
                        ),
                        "{text}"
                    );
                }
                for (list, inside) in [("contains", true), ("excludes", false)] {
                    for at in case[list].as_array().into_iter().flatten() {
                        assert_eq!(interval.contains(moment(at)), inside, "{at} in {text}");
                    }
                }
            }
        }
        passed += 1;
    }
    println!("{passed} passed, 0 failed");
    assert!(passed > 15);
}

#[test]
fn the_end_of_a_night_is_found_across_both_clock_changes() {
    let night = written(serde_json::json!({
        "times": [{"start_time": "00:00", "end_time": "06:00"}, {"start_time": "22:00", "end_time": "24:00"}],
        "location": "Europe/Zurich",
    }));
    let ends = |from: &str| {
        let from: Timestamp = from.parse().unwrap();
        assert!(night.contains(from), "{from}");
        next_change(&[&night], from, |at| night.contains(at)).unwrap().to_string()
    };
    assert_eq!(ends("2026-11-25T22:30:00Z"), "2026-11-26T05:00:00.000Z");
    assert_eq!(ends("2026-03-28T23:30:00Z"), "2026-03-29T04:00:00.000Z", "the clock goes forward in this night");
    assert_eq!(ends("2026-10-24T22:30:00Z"), "2026-10-25T05:00:00.000Z", "and back in this one");
    let day: Timestamp = "2026-11-25T12:00:30Z".parse().unwrap();
    let begins = next_change(&[&night], day, |at| night.contains(at)).unwrap();
    assert_eq!(begins.to_string(), "2026-11-25T21:00:00.000Z");
}

#[test]
fn an_interval_that_never_ends_has_no_end() {
    let always = written(serde_json::json!({}));
    let now: Timestamp = "2026-11-25T12:00:30Z".parse().unwrap();
    assert!(always.contains(now));
    assert_eq!(next_change(&[&always], now, |at| always.contains(at)), None);
    let text = serde_json::to_string(&written(serde_json::json!({"weekdays": ["saturday"], "location": "Asia/Tokyo"})));
    assert_eq!(text.unwrap(), r#"{"weekdays":["saturday"],"location":"Asia/Tokyo"}"#);
}
