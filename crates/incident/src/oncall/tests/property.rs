//! Whatever the schedule, every moment has one answer or lies in a gap, and hand-offs go forward.

use jiff::civil::{Time, Weekday};
use proptest::prelude::*;
use watchkeeper_config::model::oncall::{Days, Layer, Period, Restriction, Rotation, Schedule};
use watchkeeper_domain::{Span, Timestamp};

use super::{at, schedule};
use crate::oncall::restriction::{DAYS, Window};
use crate::oncall::timetable::Source;
use crate::oncall::{Override, rotation, timetable, who};

/// Zones with changes of an hour, of half an hour, to the other side in the southern half, and with none; and one that
/// once skipped a day.
const ZONES: [&str; 6] =
    ["Europe/Zurich", "America/Chicago", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "Pacific/Apia"];
const PEOPLE: [&str; 5] = ["ana", "bo", "cy", "dee", "eve"];

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![Just(Period::Hourly), Just(Period::Daily), Just(Period::Weekly), Just(Period::Monthly)]
}

/// A moment of 2011 to 2026, often near a change of clocks.
fn moment() -> impl Strategy<Value = i64> {
    let changes = ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-11-01T07:00:00Z", "2011-12-30T10:00:00Z"];
    let near =
        (0..changes.len(), -200_000_i64..200_000).prop_map(move |(n, off)| at(changes[n]).as_millis() / 1_000 + off);
    prop_oneof![2 => near, 1 => 1_300_000_000_i64..1_790_000_000]
}

prop_compose! {
    fn a_rotation()(
        period in period(), every in 1_u16..30, start in moment(), zone in 0..ZONES.len(),
    ) -> Rotation {
        let time_zone = jiff::tz::TimeZone::get(ZONES[zone]).unwrap();
        let start = time_zone.to_datetime(jiff::Timestamp::from_second(start / 60 * 60).unwrap());
        Rotation { period, every, start, time_zone }
    }
}

fn restriction() -> impl Strategy<Value = Restriction> {
    let time = || (0_i8..24, prop_oneof![Just(0_i8), Just(30_i8)]).prop_map(|(h, m)| Time::constant(h, m, 0, 0));
    (prop::collection::vec(0_usize..7, 1..7), time(), time()).prop_map(|(days, from, to)| {
        let days = days.iter().map(|n| DAYS[*n].0).collect::<Vec<Weekday>>();
        Restriction { days: days.into_iter().fold(Days::NONE, Days::with), from, to }
    })
}

prop_compose! {
    fn a_layer()(
        rotation in a_rotation(), people in prop::collection::vec(0..PEOPLE.len(), 1..4),
        restrictions in prop::collection::vec(restriction(), 0..3), n in 0..1_000_u32,
    ) -> Layer {
        let people = people.iter().map(|n| PEOPLE[*n].to_owned()).collect();
        Layer { name: format!("layer {n}"), rotation, people, restrictions }
    }
}

prop_compose! {
    fn an_override(base: i64)(
        from in -100_000_i64..1_000_000, length in 1_i64..300_000, person in 0..PEOPLE.len(),
        instead_of in prop::option::of(0..PEOPLE.len()), n in 0..1_000_u32,
    ) -> Override {
        Override {
            id: format!("ovr {n}"),
            person: PEOPLE[person].to_owned(),
            instead_of: instead_of.map(|n| PEOPLE[n].to_owned()),
            from: Timestamp::from_secs(base + from),
            until: Timestamp::from_secs(base + from + length),
        }
    }
}

fn world() -> impl Strategy<Value = (Schedule, Vec<Override>, Window)> {
    (prop::collection::vec(a_layer(), 0..4), moment(), 3_600_i64..1_200_000).prop_flat_map(|(layers, base, length)| {
        let range = Window { from: Timestamp::from_secs(base), until: Timestamp::from_secs(base + length) };
        (Just(schedule(layers)), prop::collection::vec(an_override(base), 0..5), Just(range))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn handoffs_go_forward_and_every_moment_has_one_turn(rotation in a_rotation(), secs in moment()) {
        let now = Timestamp::from_secs(secs);
        let turn = rotation::turn(&rotation, now).unwrap();
        prop_assert!(turn.from <= now && now < turn.until);
        prop_assert_eq!(rotation::turn(&rotation, turn.from), Some(turn));
        prop_assert_eq!(rotation::turn(&rotation, turn.until - Span::from_micros(1)), Some(turn));
        let next = rotation::turn(&rotation, turn.until).unwrap();
        prop_assert!(next.number > turn.number && next.from == turn.until);
        for number in turn.number - 30..turn.number + 30 {
            prop_assert!(rotation::handoff(&rotation, number) <= rotation::handoff(&rotation, number + 1));
        }
    }

    #[test]
    fn there_is_one_answer_for_every_moment_or_a_gap((schedule, overrides, range) in world()) {
        let table = timetable(&schedule, &overrides, range);
        // Laid end to end, shifts and gaps are the range and nothing else.
        let mut pieces: Vec<(Timestamp, Timestamp)> = table.shifts.iter().map(|s| (s.from, s.until)).collect();
        pieces.extend(table.gaps.iter().map(|g| (g.from, g.until)));
        pieces.sort();
        let mut covered = range.from;
        for (from, until) in &pieces {
            prop_assert_eq!(*from, covered);
            prop_assert!(from < until);
            covered = *until;
        }
        prop_assert_eq!(covered, range.until);
        // The answer of a moment, found the other way round, is the same: at both ends of each piece and inside.
        for (from, until) in pieces {
            let inside = Timestamp::from_micros((from.as_micros() + until.as_micros()) / 2);
            for moment in [from, inside, until - Span::from_micros(1)] {
                let folded = table.shifts.iter().find(|s| s.from <= moment && moment < s.until);
                let folded: Option<(String, Source)> = folded.map(|s| (s.person.clone(), s.by.clone()));
                prop_assert_eq!(who(&schedule, &overrides, moment), folded, "{}", moment);
            }
        }
    }

    #[test]
    fn a_range_is_the_sum_of_its_parts((schedule, overrides, range) in world(), cut in 0.0..1.0) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a place to cut at")]
        let middle = range.from + Span::from_micros((range.until.since(range.from).as_micros() as f64 * cut) as i64);
        let people = |range| -> Vec<(String, i64)> {
            let mut total: Vec<(String, i64)> = Vec::new();
            for shift in timetable(&schedule, &overrides, range).shifts {
                total.push((shift.person, shift.until.since(shift.from).as_micros()));
            }
            total.sort();
            total
        };
        let sum = |shifts: &[(String, i64)], of: &str| -> i64 {
            shifts.iter().filter(|(person, _)| person == of).map(|(_, length)| length).sum()
        };
        let (all, first) = (people(range), people(Window { from: range.from, until: middle }));
        let second = people(Window { from: middle, until: range.until });
        for person in PEOPLE {
            prop_assert_eq!(sum(&all, person), sum(&first, person) + sum(&second, person));
        }
    }
}
