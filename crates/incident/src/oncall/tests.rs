//! Hand-offs and hours that another on-call tool settled, and properties of what is folded from them.

mod corpora;
mod property;

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use watchkeeper_config::model::oncall::{Days, Layer, Period, Restriction, Rotation, Schedule};
use watchkeeper_domain::{Span, Timestamp};

use super::restriction::Window;
use super::{Override, timetable, who};

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn rotation(period: Period, every: u16, start: &str, zone: &str) -> Rotation {
    let start: DateTime = start.parse().unwrap();
    Rotation { period, every, start, time_zone: TimeZone::get(zone).unwrap() }
}

pub(super) fn hours(days: &[Weekday], from: &str, to: &str) -> Restriction {
    let time = |text: &str| text.parse::<Time>().unwrap();
    Restriction { days: days.iter().fold(Days::NONE, |all, day| all.with(*day)), from: time(from), to: time(to) }
}

pub(super) fn layer(name: &str, people: &[&str], rotation: Rotation, restrictions: Vec<Restriction>) -> Layer {
    Layer { name: name.into(), rotation, people: people.iter().map(ToString::to_string).collect(), restrictions }
}

pub(super) fn schedule(layers: Vec<Layer>) -> Schedule {
    Schedule {
        name: "payments".into(),
        time_zone: TimeZone::get("Europe/Zurich").unwrap(),
        layers,
        allow_gaps: false,
        gap_warning: Span::from_secs(86_400),
        announce: false,
    }
}

pub(super) fn over(id: &str, person: &str, instead_of: Option<&str>, from: &str, until: &str) -> Override {
    Override {
        id: id.into(),
        person: person.into(),
        instead_of: instead_of.map(ToOwned::to_owned),
        from: at(from),
        until: at(until),
    }
}

const WEEKDAYS: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

/// Office hours by one team, the rest by another; the week is the one of the change to winter time in Zurich.
fn team() -> Schedule {
    let weekly = || rotation(Period::Weekly, 1, "2026-10-19T09:00", "Europe/Zurich");
    schedule(vec![
        layer("round the clock", &["ana", "bo"], weekly(), Vec::new()),
        layer("office", &["cy"], weekly(), vec![hours(&WEEKDAYS, "08:00", "18:00")]),
    ])
}

/// To the minute: `2026-10-23T12:00`.
fn minute(t: Timestamp) -> String {
    t.to_string().chars().take(16).collect()
}

fn shown(schedule: &Schedule, overrides: &[Override], from: &str, until: &str) -> Vec<String> {
    let table = timetable(schedule, overrides, Window { from: at(from), until: at(until) });
    let mut lines: Vec<(Timestamp, String)> = table
        .shifts
        .iter()
        .map(|s| (s.from, format!("{} {} {}", minute(s.from), minute(s.until), s.person)))
        .chain(table.gaps.iter().map(|g| (g.from, format!("{} {} nobody", minute(g.from), minute(g.until)))))
        .collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

#[test]
fn the_later_layer_wins_and_a_turn_over_the_change_to_winter_time_is_an_hour_longer() {
    assert_eq!(
        shown(&team(), &[], "2026-10-23T12:00:00Z", "2026-10-26T12:00:00Z"),
        [
            "2026-10-23T12:00 2026-10-23T16:00 cy",
            "2026-10-23T16:00 2026-10-26T07:00 ana",
            "2026-10-26T07:00 2026-10-26T12:00 cy",
        ]
    );
    // Sunday night: 24 hours and one more, and Monday's hand-off is at 09:00 in Zurich, 08:00 in UTC.
    let without_office = Schedule { layers: team().layers[..1].to_vec(), ..team() };
    assert_eq!(
        shown(&without_office, &[], "2026-10-25T00:00:00Z", "2026-10-26T12:00:00Z"),
        ["2026-10-25T00:00 2026-10-26T08:00 ana", "2026-10-26T08:00 2026-10-26T12:00 bo"]
    );
}

#[test]
fn overrides_win_over_layers_the_last_one_over_those_before_and_a_swap_takes_only_the_one_it_names() {
    let overrides = [
        over("o1", "dee", None, "2026-10-23T14:00:00Z", "2026-10-23T20:00:00Z"),
        over("o2", "eve", Some("ana"), "2026-10-23T18:00:00Z", "2026-10-24T06:00:00Z"),
        over("o3", "bo", None, "2026-10-23T15:00:00Z", "2026-10-23T15:30:00Z"),
    ];
    assert_eq!(
        shown(&team(), &overrides, "2026-10-23T12:00:00Z", "2026-10-24T12:00:00Z"),
        [
            "2026-10-23T12:00 2026-10-23T14:00 cy",
            "2026-10-23T14:00 2026-10-23T15:00 dee",
            "2026-10-23T15:00 2026-10-23T15:30 bo",
            "2026-10-23T15:30 2026-10-23T20:00 dee",
            "2026-10-23T20:00 2026-10-24T06:00 eve",
            "2026-10-24T06:00 2026-10-24T12:00 ana",
        ]
    );
}

#[test]
fn hours_alone_leave_gaps_and_an_override_fills_one() {
    let office = Schedule { layers: team().layers[1..].to_vec(), ..team() };
    let cover = [over("o1", "ana", None, "2026-10-23T16:00:00Z", "2026-10-24T00:00:00Z")];
    assert_eq!(
        shown(&office, &cover, "2026-10-23T06:00:00Z", "2026-10-26T12:00:00Z"),
        [
            "2026-10-23T06:00 2026-10-23T16:00 cy",
            "2026-10-23T16:00 2026-10-24T00:00 ana",
            "2026-10-24T00:00 2026-10-26T07:00 nobody",
            "2026-10-26T07:00 2026-10-26T12:00 cy",
        ]
    );
    assert_eq!(who(&office, &cover, at("2026-10-24T01:00:00Z")), None);
    assert_eq!(who(&office, &cover, at("2026-10-23T23:59:00Z")).unwrap().0, "ana");
}

#[test]
fn a_month_that_is_too_short_hands_over_on_its_last_day() {
    let monthly = rotation(Period::Monthly, 1, "2026-01-31T09:00", "Europe/Zurich");
    let moments: Vec<String> = (0..4).map(|n| minute(super::rotation::handoff(&monthly, n).unwrap())).collect();
    assert_eq!(moments, ["2026-01-31T08:00", "2026-02-28T08:00", "2026-03-31T07:00", "2026-04-30T07:00"]);
}

#[test]
fn a_day_that_a_zone_left_out_leaves_its_turn_the_hours_after_the_change() {
    // Samoa went from the 29th to the 31st of December 2011.
    let daily = rotation(Period::Daily, 1, "2011-12-28T09:00", "Pacific/Apia");
    let turn = super::rotation::turn(&daily, at("2011-12-30T12:00:00Z")).unwrap();
    assert_eq!((turn.number, turn.from, turn.until), (2, at("2011-12-30T10:00:00Z"), at("2011-12-30T19:00:00Z")));
}
