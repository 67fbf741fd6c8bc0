//! Tests of the state machine: exact bounds, and what not knowing does.

use proptest::prelude::*;

use super::*;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + secs)
}

fn timing(hold: i64, keep: i64) -> RuleTiming {
    RuleTiming::new(Span::from_secs(hold), Span::from_secs(keep))
}

fn yes() -> Observation {
    Observation::True { value: Some(1.0) }
}

fn no() -> Observation {
    Observation::False { value: Some(0.0) }
}

fn failed() -> Observation {
    Observation::Unknown { cause: Cause::QueryFailed, reason: "the query failed".into() }
}

fn gone() -> Observation {
    Observation::Unknown { cause: Cause::SeriesGone, reason: "no sample".into() }
}

/// Steps through `(second, observation)` and tells the second and kind of each change.
fn run(timing: RuleTiming, story: Vec<(i64, Observation)>) -> Vec<(i64, Change)> {
    let mut state = InstanceState::Inactive;
    let mut changes = Vec::new();
    for (second, seen) in story {
        let (next, transition) = step(&state, seen, at(second), &timing);
        state = next;
        changes.extend(transition.map(|t| (second, t.change)));
    }
    changes
}

#[test]
fn for_one_minute_does_not_fire_at_59_s_and_fires_at_60_s() {
    let story = |last| vec![(0, yes()), (30, yes()), (last, yes())];
    assert_eq!(run(timing(60, 0), story(59)), [(0, Change::Pending)]);
    assert_eq!(run(timing(60, 0), story(60)), [(0, Change::Pending), (60, Change::Firing)]);
}

#[test]
fn without_for_it_fires_at_once_and_resolves_when_the_condition_ended() {
    assert_eq!(
        run(timing(0, 0), vec![(0, yes()), (5, yes()), (6, no())]),
        [(0, Change::Firing), (6, Change::Resolved)]
    );
}

#[test]
fn a_condition_that_ends_too_early_is_told_and_starts_from_zero_the_next_time() {
    let story = vec![(0, yes()), (59, no()), (60, yes()), (119, yes()), (120, yes())];
    assert_eq!(
        run(timing(60, 0), story),
        [(0, Change::Pending), (59, Change::Inactive), (60, Change::Pending), (120, Change::Firing)]
    );
}

#[test]
fn keep_firing_for_counts_from_the_first_evaluation_that_saw_the_end() {
    let story = vec![(0, yes()), (100, no()), (159, no()), (160, no())];
    assert_eq!(run(timing(0, 60), story), [(0, Change::Firing), (160, Change::Resolved)]);
    let relapse = vec![(0, yes()), (100, no()), (159, yes()), (160, no()), (219, no()), (220, no())];
    assert_eq!(run(timing(0, 60), relapse), [(0, Change::Firing), (220, Change::Resolved)]);
}

#[test]
fn a_failed_query_neither_resolves_nor_fires_however_long_it_lasts() {
    let mut story = vec![(0, yes())];
    story.extend((1..100).map(|i| (i * 600, failed())));
    assert_eq!(run(timing(0, 0), story.clone()), [(0, Change::Firing), (600, Change::Unknown(Cause::QueryFailed))]);
    // Pending does not advance, and is dropped when nothing was known for the absence limit.
    assert_eq!(run(timing(60, 0), story), [(0, Change::Pending), (1_800, Change::Inactive)]);
}

#[test]
fn pending_goes_on_after_a_failed_query_from_where_it_was() {
    let story = vec![(0, yes()), (30, failed()), (60, failed()), (61, yes())];
    assert_eq!(run(timing(60, 0), story), [(0, Change::Pending), (61, Change::Firing)]);
}

#[test]
fn data_that_comes_back_makes_the_alert_known_again() {
    let story = vec![(0, yes()), (10, failed()), (20, yes()), (30, failed()), (40, no())];
    assert_eq!(
        run(timing(0, 0), story),
        [
            (0, Change::Firing),
            (10, Change::Unknown(Cause::QueryFailed)),
            (20, Change::Known),
            (30, Change::Unknown(Cause::QueryFailed)),
            (40, Change::Resolved)
        ]
    );
}

#[test]
fn a_vanished_series_is_unknown_and_resolves_as_ended_after_the_absence_limit_only() {
    let limit = 15 * 60;
    let story = |last: i64| vec![(0, yes()), (10, gone()), (10 + last, gone())];
    assert_eq!(run(timing(0, 0), story(limit - 1)), [(0, Change::Firing), (10, Change::Unknown(Cause::SeriesGone))]);
    assert_eq!(run(timing(0, 0), story(limit)).last(), Some(&(10 + limit, Change::Resolved)));
    // A time in which the whole metric was missing does not count.
    let nothing = Observation::Unknown { cause: Cause::NoData, reason: "nothing".into() };
    let story = vec![(0, yes()), (10, gone()), (20, nothing), (10 + limit, gone())];
    assert!(!run(timing(0, 0), story).iter().any(|(_, change)| *change == Change::Resolved));
}

#[test]
fn the_next_look_is_due_exactly_at_the_bounds() {
    let timing = timing(60, 30);
    let (pending, _) = step(&InstanceState::Inactive, yes(), at(0), &timing);
    assert_eq!(pending.due(&timing), Some(at(60)));
    let (firing, _) = step(&pending, yes(), at(60), &timing);
    assert_eq!(firing.due(&timing), None);
    let (recovering, _) = step(&firing, no(), at(70), &timing);
    assert_eq!(recovering.due(&timing), Some(at(100)));
}

fn any_observation() -> impl Strategy<Value = Observation> {
    prop_oneof![Just(yes()), Just(no()), Just(failed()), Just(gone())]
}

proptest! {
    #[test]
    fn changes_alternate_and_no_alert_ends_without_a_reason_to(
        hold in 0_i64..120, keep in 0_i64..120, story in prop::collection::vec((1_i64..90, any_observation()), 0..60)
    ) {
        let timing = timing(hold, keep);
        let (mut state, mut second) = (InstanceState::Inactive, 0);
        for (gap, seen) in story {
            second += gap;
            let (next, transition) = step(&state, seen.clone(), at(second), &timing);
            let change = transition.as_ref().map(|t| t.change);
            prop_assert_eq!(change == Some(Change::Firing), !state.is_firing() && next.is_firing());
            prop_assert_eq!(change == Some(Change::Resolved), state.is_firing() && next == InstanceState::Inactive);
            if change == Some(Change::Firing) {
                let seen_true = matches!(seen, Observation::True { .. });
                prop_assert!(seen_true);
                let active = next.active_at().unwrap();
                prop_assert!(at(second).since(active) >= timing.hold);
            }
            if change == Some(Change::Resolved) {
                let seen_true = matches!(seen, Observation::True { .. });
                prop_assert!(!seen_true);
                let query_failed = matches!(seen, Observation::Unknown { cause: Cause::QueryFailed, .. });
                prop_assert!(!query_failed);
            }
            // A step taken twice at one moment changes nothing more.
            let (again, none) = step(&next, seen, at(second), &timing);
            prop_assert_eq!((&again, none), (&next, None));
            state = next;
        }
    }
}
