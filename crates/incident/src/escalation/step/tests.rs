//! The table of steps, and what holds for every life of an escalation.

use proptest::prelude::*;
use watchkeeper_config::model::oncall::EscalationStep;

use super::*;

fn policy(delays: &[i64], repeat: u32, remind_after: Option<i64>) -> EscalationPolicy {
    let step = |secs: &i64| EscalationStep { targets: vec![], delay: Span::from_secs(*secs) };
    EscalationPolicy {
        name: "p".into(),
        steps: delays.iter().map(step).collect(),
        repeat,
        remind_after: remind_after.map(Span::from_secs),
    }
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_000 + secs)
}

const UNOWNED: Event = Event::Is(Condition::Unowned);
const OWNED: Event = Event::Is(Condition::Owned);
const MUTED: Event = Event::Is(Condition::Muted);
const OVER: Event = Event::Is(Condition::Over);

/// Plays events at their seconds; what happened, as `second: effect`.
fn play(policy: &EscalationPolicy, reaches: &[bool], events: &[(i64, Event)]) -> (Progress, Vec<(i64, Effect)>) {
    let (mut progress, mut happened) = (Progress::new(), Vec::new());
    for (secs, event) in events {
        let (next, effects) = step(policy, progress, *event, at(*secs), &|n| reaches[n]);
        progress = next;
        happened.extend(effects.into_iter().map(|effect| (*secs, effect)));
    }
    (progress, happened)
}

#[test]
fn it_goes_through_the_steps_starts_over_and_gives_up() {
    let times = [
        (0, UNOWNED),
        (59, Event::Time),
        (60, Event::Time),
        (180, Event::Time),
        (240, Event::Time),
        (360, Event::Time),
        (900, Event::Time),
    ];
    let (end, happened) = play(&policy(&[60, 120], 1, None), &[true, true], &times);
    let call = |step, round| Effect::Call { step, round };
    assert_eq!(
        happened,
        [(0, call(0, 0)), (60, call(1, 0)), (180, call(0, 1)), (240, call(1, 1)), (360, Effect::GiveUp)]
    );
    assert_eq!((end.phase, end.due_at), (Phase::Exhausted, None));
}

#[test]
fn a_step_that_comes_late_gives_people_their_whole_time_to_answer() {
    let (end, happened) = play(&policy(&[60, 120], 0, None), &[true, true], &[(0, UNOWNED), (4_000, Event::Time)]);
    assert_eq!(happened[1], (4_000, Effect::Call { step: 1, round: 0 }));
    assert_eq!(end.due_at, Some(at(4_120)));
}

#[test]
fn a_step_that_reaches_nobody_is_passed_over_at_once() {
    let (end, happened) = play(&policy(&[60, 60, 60], 0, None), &[false, false, true], &[(0, UNOWNED)]);
    let over = |step| Effect::PassOver { step };
    assert_eq!(happened, [(0, over(0)), (0, over(1)), (0, Effect::Call { step: 2, round: 0 })]);
    assert_eq!(end.due_at, Some(at(60)));
    // Nobody anywhere: it looks again in the next round, and says so when that was the last.
    let (end, happened) = play(&policy(&[60, 60], 1, None), &[false, false], &[(0, UNOWNED), (60, Event::Time)]);
    assert_eq!(happened, [(0, over(0)), (0, over(1)), (60, over(0)), (60, over(1)), (60, Effect::GiveUp)]);
    assert_eq!(end.phase, Phase::Exhausted);
}

#[test]
fn an_answer_ends_the_calls_and_reminders_begin() {
    let events = [
        (0, UNOWNED),
        (30, OWNED),
        (60, Event::Time),
        (929, Event::Time),
        (930, Event::Time),
        (1_830, Event::Time),
        (1_900, OVER),
        (3_000, Event::Time),
    ];
    let (end, happened) = play(&policy(&[60, 60], 3, Some(900)), &[true, true], &events);
    assert_eq!(
        happened,
        [
            (0, Effect::Call { step: 0, round: 0 }),
            (30, Effect::CallOff),
            (930, Effect::Remind),
            (1_830, Effect::Remind),
            (1_900, Effect::CallOff),
            (1_900, Effect::End),
        ]
    );
    assert_eq!(end.phase, Phase::Resolved);
}

#[test]
fn what_belongs_to_nobody_again_begins_again_and_what_is_given_up_waits_for_news() {
    let events = [
        (0, UNOWNED),
        (10, MUTED),
        (60, Event::Time),
        (70, UNOWNED),
        (80, OWNED),
        (90, UNOWNED),
        (150, Event::Time),
        (160, UNOWNED),
        (170, Event::News),
    ];
    let (_, happened) = play(&policy(&[60], 0, None), &[true], &events);
    let call = Effect::Call { step: 0, round: 0 };
    assert_eq!(
        happened,
        [
            (0, call),
            (10, Effect::CallOff),
            (70, call),
            (80, Effect::CallOff),
            (90, call),
            (150, Effect::GiveUp),
            (170, call)
        ]
    );
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Time),
        3 => Just(UNOWNED),
        1 => Just(OWNED),
        1 => Just(MUTED),
        1 => Just(Event::News),
    ]
}

proptest! {
    #[test]
    fn nobody_is_called_for_what_somebody_has_and_everybody_on_time_for_what_nobody_has(
        delays in prop::collection::vec(1_i64..600, 1..5), repeat in 0_u32..3,
        reaches in prop::collection::vec(any::<bool>(), 5), events in prop::collection::vec((event(), 0_i64..700), 1..60),
    ) {
        let policy = policy(&delays, repeat, Some(300));
        let (mut progress, mut now, mut last) = (Progress::new(), 0, MUTED);
        for (event, wait) in events {
            now += wait;
            let before = progress;
            let (next, effects) = step(&policy, progress, event, at(now), &|n| reaches[n]);
            if matches!(event, Event::Is(_)) {
                last = event;
            }
            let calls = effects.iter().filter(|effect| matches!(effect, Effect::Call { .. })).count();
            prop_assert!(calls <= 1, "one step at a time");
            if calls > 0 {
                prop_assert_eq!(last, UNOWNED, "nobody is called for what somebody has, or nobody may hear");
                let due = before.due_at.is_some_and(|due| due <= at(now));
                prop_assert!(event != Event::Time || due, "nobody is called early");
            }
            if event == Event::Time && before.phase == Phase::Paging && before.due_at.is_some_and(|due| due <= at(now)) {
                prop_assert!(next.due_at.is_none_or(|due| due > at(now)), "what is due is done");
                prop_assert!(!effects.is_empty());
            }
            // Paging has a time; every other phase has none, so no timer is forgotten and none is left over.
            prop_assert_eq!(next.phase == Phase::Paging, next.due_at.is_some());
            prop_assert!(next.round <= policy.repeat && next.step <= policy.steps.len());
            // The same event again changes nothing: a reconciler may be interrupted and repeat itself.
            if event != Event::News {
                let (again, effects) = step(&policy, next, event, at(now), &|n| reaches[n]);
                prop_assert_eq!((again, effects.len()), (next, 0));
            }
            progress = next;
        }
    }

    #[test]
    fn it_comes_to_an_end_when_nobody_answers(
        delays in prop::collection::vec(1_i64..600, 1..5), repeat in 0_u32..5, reaches in prop::collection::vec(any::<bool>(), 5),
    ) {
        let policy = policy(&delays, repeat, None);
        let (mut progress, _) = step(&policy, Progress::new(), UNOWNED, at(0), &|n| reaches[n]);
        let mut turns = 0;
        while let Some(due) = progress.due_at {
            let (next, _) = step(&policy, progress, Event::Time, due, &|n| reaches[n]);
            progress = next;
            turns += 1;
            prop_assert!(turns <= (delays.len() + 1) * (repeat as usize + 1));
        }
        prop_assert_eq!(progress.phase, Phase::Exhausted);
    }
}
