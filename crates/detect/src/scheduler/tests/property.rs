//! At any instant the verdicts equal a batch evaluation over the stored data at that instant, whatever the order of
//! arrivals and however often the process restarted.

use proptest::prelude::*;
use watchkeeper_domain::query::Instant;
use watchkeeper_domain::{Clock, Timestamp};

use super::world::{World, rule};
use super::*;

#[derive(Debug, Clone)]
enum Event {
    Sample { service: usize, value: u8, late: u8 },
    Wait { millis: u32 },
    Restart,
    Reload,
}

const SERVICES: [&str; 3] = ["front", "payments", "accounts"];
const HOLD: i64 = 20;

fn events() -> impl Strategy<Value = Vec<Event>> {
    let sample =
        (0..3_usize, 0..10_u8, 0..20_u8).prop_map(|(service, value, late)| Event::Sample { service, value, late });
    let wait = (0..40_000_u32).prop_map(|millis| Event::Wait { millis });
    prop::collection::vec(
        prop_oneof![5 => sample, 3 => wait, 1 => Just(Event::Restart), 1 => Just(Event::Reload)],
        1..40,
    )
}

/// Which services fire by the book: where the condition holds at `at`, and at every evaluation since `hold` before.
async fn batch(world: &World, expr: &str, at: Timestamp) -> Vec<String> {
    let Instant::Vector(elements) = world.telemetry.instant(expr, at).await.unwrap() else { panic!("not a vector") };
    let mut services: Vec<String> =
        elements.iter().map(|e| e.labels.get("service").unwrap_or_default().to_owned()).collect();
    services.sort();
    services
}

fn active(world: &World, rule: usize) -> Vec<(String, Option<Timestamp>)> {
    let status = world.scheduler.statuses().swap_remove(rule);
    let known = status.instances.into_iter().filter(|i| i.state != Standing::Unknown);
    let mut services: Vec<_> =
        known.map(|i| (i.labels.get("service").unwrap_or_default().to_owned(), i.fired_at)).collect();
    services.sort();
    services
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_verdicts_equal_a_batch_evaluation_of_the_stored_data(events in events()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(events));
    }
}

#[tokio::test]
async fn a_lookback_that_runs_out_between_two_turns_is_seen_at_the_next_one() {
    let mut events = vec![Event::Sample { service: 0, value: 9, late: 0 }];
    events.extend((0..12).map(|_| Event::Wait { millis: 29_998 }));
    live(events).await;
}

/// One history, looked at after each event.
async fn live(events: Vec<Event>) {
    let gauge = "load > 5";
    let window = "sum by (service) (count_over_time(load[30s])) >= 3";
    let rules = || vec![rule("Load", gauge, 0), rule("Held", gauge, HOLD), rule("Busy", window, 0)];
    let mut world = World::new(rules()).await;
    // When each service's condition became true by the book, as far as any evaluation could see it.
    let mut since: BTreeMap<String, Timestamp> = BTreeMap::new();
    for event in events {
        let arrived = matches!(event, Event::Sample { .. }).then(|| world.clock.now());
        match event {
            Event::Sample { service, value, late } => {
                let labels = Labels::from_pairs([("__name__", "load"), ("service", SERVICES[service])]);
                let t = world.clock.now().as_millis() - i64::from(late) * 500;
                world.telemetry.put(&labels, t, f64::from(value));
                world.scheduler.arrived(&[labels]);
                world.pass_time(Span::from_millis(2)).await;
            }
            Event::Wait { millis } => {
                world.pass_time(Span::from_millis(i64::from(millis))).await;
            }
            Event::Restart => {
                world.restart().await;
                world.settle().await;
            }
            Event::Reload => {
                let rules = rules();
                world.reload(rules).await;
                world.settle().await;
            }
        }
        let now = world.clock.now();
        // Data moves a rule at once; where time alone does, by the end of a lookback, the next turn sees it.
        let looked = world.scheduler.statuses()[0].last_evaluation_at.unwrap_or(now);
        assert!(now.since(looked) <= Span::from_secs(60) && arrived.is_none_or(|at| looked >= at), "{now} {looked}");
        let expected = batch(&world, gauge, looked).await;
        let got: Vec<String> = active(&world, 0).into_iter().map(|(s, _)| s).collect();
        assert_eq!(got, expected, "at {looked}");
        since.retain(|service, _| expected.contains(service));
        for service in &expected {
            since.entry(service.clone()).or_insert(now);
        }
        // A window may have slid since the last look; a look now has to agree.
        let busy: Vec<String> = active(&world, 2).into_iter().map(|(s, _)| s).collect();
        let due = world.scheduler.statuses()[2].last_evaluation_at.unwrap();
        assert!(now.since(due) <= Span::from_secs(1), "{now} {due}");
        assert_eq!(busy, batch(&world, window, due).await, "at {due}");
        for (service, fired_at) in active(&world, 1) {
            let held = now.since(since[&service]);
            // The state machine may know of the condition up to 2 ms earlier than this reference.
            if held >= Span::from_secs(HOLD) {
                assert!(fired_at.is_some(), "{service} held {held} at {now}");
            } else if held < Span::from_millis(HOLD * 1_000 - 3) {
                assert!(fired_at.is_none(), "{service} held {held} only at {now}");
            }
        }
    }
}
