//! Stories of the scheduler on a clock that is moved by hand, with the real evaluator and a real database.

mod groups;
mod property;
mod seed;
mod world;

use std::sync::atomic::Ordering;

use watchkeeper_config::model::OnNoData;
use watchkeeper_domain::ids::Id;
use watchkeeper_domain::telemetry::STALE_NAN_BITS;
use watchkeeper_domain::{Clock, Verdict};

use super::*;
use world::{World, on_no_data, rule};

const DOWN: &str = "probe_success == 0";

fn secs(secs: i64) -> Span {
    Span::from_secs(secs)
}

#[tokio::test]
async fn a_service_that_is_down_for_59_s_pages_nobody_and_for_61_s_pages_at_60_s() {
    for (down_for, expected) in [(59, vec![]), (61, vec![(60.0, "firing"), (61.0, "resolved")])] {
        let world = World::new(vec![rule("Down", DOWN, 60)]).await;
        world.put("probe_success", &[("service", "front")], 0.0);
        world.pass_time(secs(down_for)).await;
        world.put("probe_success", &[("service", "front")], 1.0);
        world.pass_time(secs(120)).await;
        let told: Vec<_> = world.verdicts().into_iter().map(|(at, word, _)| (at, word)).collect();
        assert_eq!(told, expected, "down for {down_for} s");
    }
}

#[tokio::test]
async fn an_error_ratio_of_exactly_five_percent_is_fine_and_of_5_1_percent_is_not() {
    let expr = r#"sum by (service) (increase(requests_total{code=~"5.."}[10m])) / sum by (service) (increase(requests_total[10m])) > 0.05"#;
    for (errors, expected) in [(50.0, vec![]), (51.0, vec!["firing"])] {
        let world = World::new(vec![rule("Errors", expr, 0)]).await;
        let put = |errors: f64, all: f64| {
            world.put("requests_total", &[("service", "api"), ("code", "500")], errors);
            world.put("requests_total", &[("service", "api"), ("code", "200")], all - errors);
        };
        put(0.0, 0.0);
        world.pass_time(secs(300)).await;
        put(errors, 1_000.0);
        world.pass_time(secs(1)).await;
        assert_eq!(world.words(), expected, "{errors} errors of 1,000");
    }
}

#[tokio::test]
async fn a_signal_carries_its_evidence_and_the_ledger_its_steps() {
    let world = World::new(vec![rule("Slow", "latency_seconds > 2", 10)]).await;
    for value in [1.0, 1.5, 3.0, 4.0, 5.0] {
        world.put("latency_seconds", &[("service", "front")], value);
        world.pass_time(secs(5)).await;
    }
    let signals = world.sink.signals.lock().clone();
    let [signal] = signals.as_slice() else { panic!("one signal, not {signals:?}") };
    assert_eq!((signal.value, signal.threshold, signal.comparison.as_deref()), (Some(4.0), Some(2.0), Some(">")));
    assert_eq!(signal.annotations["summary"], "front is at 4");
    assert_eq!(signal.labels.get("alertname"), Some("Slow"));
    assert_eq!(signal.at.since(signal.started_at), secs(10));
    assert_eq!(signal.reason, "held for 10s");
    let crossed = signal.evidence["crossed"]["points"].as_array().unwrap();
    assert!(crossed.iter().all(|point| point[1].as_f64().unwrap() > 2.0), "{crossed:?}");
    let points = signal.evidence["points"].as_array().unwrap();
    assert!(points.len() <= 200 && points.last().unwrap()[1] == 4.0, "{points:?}");
    assert_eq!(world.ledger().await, ["rule.pending", "rule.firing"]);
    let status = &world.scheduler.statuses()[0];
    assert_eq!((status.state, status.instances.len(), status.series_seen), (Standing::Firing, 1, 1));
    assert_eq!(status.instances[0].alert_id, Some(AlertIdOf::nth(1)));
}

struct AlertIdOf;
impl AlertIdOf {
    fn nth(n: u128) -> watchkeeper_domain::ids::AlertId {
        watchkeeper_domain::ids::AlertId::from_uuid(uuid::Uuid::from_u128(n))
    }
}

#[tokio::test]
async fn a_failed_query_makes_the_alert_unknown_and_resolves_nothing() {
    let world = World::new(vec![rule("Down", DOWN, 0)]).await;
    world.put("probe_success", &[("service", "front")], 0.0);
    world.settle().await;
    *world.telemetry.broken.lock() = Some("connection refused".into());
    world.pass_time(secs(3_600)).await;
    assert_eq!(world.words(), ["firing", "unknown"]);
    let status = &world.scheduler.statuses()[0];
    assert_eq!(status.state, Standing::Unknown);
    assert!(status.reason.contains("connection refused") && status.failures > 0, "{status:?}");
    *world.telemetry.broken.lock() = None;
    world.put("probe_success", &[("service", "front")], 0.0);
    world.pass_time(secs(1)).await;
    world.put("probe_success", &[("service", "front")], 1.0);
    world.settle().await;
    assert_eq!(world.words(), ["firing", "unknown", "firing", "resolved"]);
}

#[tokio::test]
async fn missing_data_is_what_the_rule_says_and_a_mistyped_name_is_pointed_out() {
    let rules = vec![
        rule("Unknown", "probe_sucess == 0", 0),
        on_no_data(rule("Ok", "probe_sucess == 0", 0), OnNoData::Ok),
        on_no_data(rule("Firing", "probe_sucess == 0", 0), OnNoData::Firing),
        rule("Absent", "absent(probe_sucess)", 0),
    ];
    let world = World::new(rules).await;
    world.put("probe_success", &[("service", "front")], 1.0);
    world.settle().await;
    let statuses = world.scheduler.statuses();
    let states: Vec<Standing> = statuses.iter().map(|s| s.state).collect();
    assert_eq!(states, [Standing::Unknown, Standing::Ok, Standing::Firing, Standing::Firing]);
    assert_eq!(statuses[0].reason, "no data: there is no metric `probe_sucess`; did you mean `probe_success`?");
}

#[tokio::test]
async fn a_series_that_ends_while_others_go_on_is_unknown_and_ends_after_15_minutes() {
    let world = World::new(vec![rule("Down", DOWN, 0)]).await;
    let other = |world: &World| world.put("probe_success", &[("service", "other")], 1.0);
    world.put("probe_success", &[("service", "gone")], 0.0);
    other(&world);
    world.settle().await;
    world.put("probe_success", &[("service", "gone")], f64::from_bits(STALE_NAN_BITS));
    for minute in 0..14 {
        world.pass_time(secs(60)).await;
        other(&world);
        world.settle().await;
        assert_eq!(world.words(), ["firing", "unknown"], "after {minute} minutes");
    }
    world.pass_time(secs(120)).await;
    assert_eq!(world.words(), ["firing", "unknown", "resolved"]);
    assert!(world.sink.signals.lock()[2].reason.starts_with("series ended"));
}

#[tokio::test]
async fn when_all_telemetry_stops_nothing_ever_resolves() {
    let world = World::new(vec![rule("Down", DOWN, 0)]).await;
    world.put("probe_success", &[("service", "front")], 0.0);
    world.pass_time(secs(86_400)).await;
    assert_eq!(world.words(), ["firing", "unknown"]);
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was_and_tells_nothing_twice() {
    let mut world = World::new(vec![rule("Down", DOWN, 60)]).await;
    world.put("probe_success", &[("service", "front")], 0.0);
    world.pass_time(secs(40)).await;
    world.restart().await;
    world.pass_time(secs(40)).await;
    assert_eq!(world.verdicts(), [(60.0, "firing", "front".to_owned())]);
    world.restart().await;
    world.pass_time(secs(40)).await;
    assert_eq!(world.words(), ["firing"]);
    assert!(world.scheduler.statuses()[0].instances[0].alert_id.is_some());
    world.put("probe_success", &[("service", "front")], 1.0);
    world.settle().await;
    assert_eq!(world.words(), ["firing", "resolved"]);
    world.restart().await;
    assert!(world.scheduler.statuses()[0].instances.is_empty());
}

#[tokio::test]
async fn a_reload_disturbs_only_what_changed() {
    let mut world = World::new(vec![rule("Down", DOWN, 60), rule("Slow", "latency_seconds > 2", 0)]).await;
    world.put("probe_success", &[("service", "front")], 0.0);
    world.put("latency_seconds", &[("service", "front")], 3.0);
    world.pass_time(secs(30)).await;
    let before = world.scheduler.statuses()[0].evaluations;
    // The first is unchanged, the second now asks for more, a third is new.
    let rules =
        vec![rule("Down", DOWN, 60), rule("Slow", "latency_seconds > 4", 0), rule("New", "latency_seconds > 1", 0)];
    world.reload(rules).await;
    world.settle().await;
    assert_eq!(world.scheduler.statuses()[0].evaluations, before);
    assert_eq!(world.words(), ["firing", "resolved", "firing"]);
    // Gone from the configuration: its alert ends; the first fires on time all the same.
    world.reload(vec![rule("Down", DOWN, 60)]).await;
    world.pass_time(secs(30)).await;
    let told = world.verdicts();
    assert_eq!(told[3].1, "resolved");
    assert_eq!(world.sink.signals.lock()[3].reason, "the rule was removed");
    assert_eq!(told[4], (60.0, "firing", "front".to_owned()));
}

#[tokio::test]
async fn nothing_is_written_when_nothing_changed() {
    let world = World::new(vec![rule("Down", DOWN, 0)]).await;
    world.put("probe_success", &[("service", "front")], 0.0);
    world.settle().await;
    // With the only writer taken, a pass that wrote would wait for ever.
    let _writer = world.state.write().await.unwrap();
    let before = world.telemetry.queries.load(Ordering::Relaxed);
    world.put("probe_success", &[("service", "front")], 0.0);
    world.pass_time(secs(1)).await;
    assert!(world.telemetry.queries.load(Ordering::Relaxed) > before);
}

#[tokio::test]
async fn a_pass_that_could_not_be_written_is_done_again() {
    let world = World::new(vec![rule("Down", DOWN, 0)]).await;
    *world.sink.refuse.lock() = true;
    world.put("probe_success", &[("service", "front")], 0.0);
    assert!(world.scheduler.reconcile().await.is_err());
    assert!(world.scheduler.statuses()[0].instances.is_empty());
    *world.sink.refuse.lock() = false;
    world.pass_time(secs(1)).await;
    assert_eq!(world.words(), ["firing"]);
    assert_eq!(world.sink.committed.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_signal_is_carried_on_in_its_transaction_and_survives_a_defect_further_on() {
    for (stumbles, reason) in [(false, "carried on"), (true, "")] {
        let world = World::new(vec![rule("Down", DOWN, 0)]).await;
        *world.sink.stumble.lock() = stumbles;
        world.put("probe_success", &[("service", "front")], 0.0);
        let before = world.state.commits();
        world.scheduler.reconcile().await.unwrap();
        assert_eq!(world.words().len(), if stumbles { 2 } else { 1 }, "recorded again, not lost");
        assert_eq!(world.state.commits() - before, 1, "what was found is committed once");
        assert_eq!(world.sink.carried.load(Ordering::Relaxed), 1);
        assert_eq!(world.sink.committed.load(Ordering::Relaxed), 1);
        let written: String =
            sqlx::query_scalar("SELECT reason FROM rule_health").fetch_one(world.state.read()).await.unwrap();
        assert_eq!(written, reason, "what stumbled left nothing");
    }
}

#[tokio::test]
async fn arrivals_are_taken_at_once_then_gathered_and_never_starved() {
    let world = World::new(vec![rule("Down", DOWN, 0)]).await;
    world.settle().await;
    world.pass_time(secs(1)).await;
    // A query that takes 30 ms: the group rests 100 ms, counted from where the last evaluation began.
    *world.telemetry.cost.lock() = Some((world.clock.clone(), Span::from_millis(30)));
    let mut evaluations = Vec::new();
    for _ in 0..100 {
        let before = world.scheduler.statuses()[0].evaluations;
        let arrived = world.clock.now();
        world.put("probe_success", &[("service", "front")], 1.0);
        world.settle().await;
        if world.scheduler.statuses()[0].evaluations > before {
            evaluations.push(arrived);
        }
        world.clock.advance(Span::from_millis(10));
    }
    assert_eq!(evaluations.first(), Some(&(watchkeeper_testkit::START + secs(1))), "the first is taken at once");
    let gaps: Vec<i64> = evaluations.windows(2).map(|w| w[1].since(w[0]).as_millis()).collect();
    assert!(gaps.len() >= 10 && gaps.iter().all(|gap| (100..=110).contains(gap)), "{gaps:?}");
}

#[tokio::test]
async fn a_window_that_slides_ends_an_alert_without_any_arrival() {
    let world = World::new(vec![rule("Logins", "sum by (service) (increase(failures_total[5m])) >= 5", 0)]).await;
    for value in [0.0, 0.0, 6.0] {
        world.put("failures_total", &[("service", "login")], value);
        world.pass_time(secs(60)).await;
    }
    assert_eq!(world.words(), ["firing"]);
    // Nobody reports any more; the increase leaves the window long before the interval would have told.
    world.pass_time(secs(240)).await;
    assert_ne!(world.words(), ["firing"]);
}

#[tokio::test]
async fn a_clock_that_is_set_neither_fires_nor_delays() {
    let (_, clock) = watchkeeper_testkit::env();
    let steady = Arc::new(Steady { wall: clock.clone(), set_by: Mutex::new(0) });
    let env = Env { clock: steady.clone(), entropy: Arc::new(watchkeeper_testkit::SeededEntropy::new(1)) };
    let world = World::with(vec![rule("Down", "vector(0) == 0", 60)], env, clock.clone()).await;
    world.pass_time(secs(10)).await;
    for (hours, told) in [(1, 0), (-2, 0)] {
        *steady.set_by.lock() += hours * 3_600;
        clock.advance(secs(if hours > 0 { 3_600 } else { 0 }));
        if hours < 0 {
            clock.set(clock.now() - secs(7_200));
        }
        world.settle().await;
        assert_eq!(world.words().len(), told, "after a step of {hours} h");
    }
    world.pass_time(secs(49)).await;
    assert_eq!(world.words().len(), 0);
    world.pass_time(secs(1)).await;
    assert_eq!(world.words(), ["firing"]);
}

/// A clock whose monotonic time does not follow when the wall clock is set.
struct Steady {
    wall: Arc<watchkeeper_testkit::VirtualClock>,
    set_by: Mutex<i64>,
}

impl watchkeeper_domain::Clock for Steady {
    fn now(&self) -> watchkeeper_domain::Timestamp {
        self.wall.now()
    }
    fn monotonic(&self) -> std::time::Duration {
        let moved =
            self.wall.now().as_micros() - watchkeeper_testkit::START.as_micros() - *self.set_by.lock() * 1_000_000;
        Span::from_micros(moved).to_std()
    }
    fn sleep_until(&self, deadline: watchkeeper_domain::Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.wall.sleep_until(deadline)
    }
}

#[tokio::test]
async fn a_recorded_series_feeds_the_alert_behind_it_and_does_not_wake_itself_for_ever() {
    let mut recording = rule("service:errors:ratio", "errors / requests", 0);
    recording.kind = watchkeeper_config::model::RuleKind::Recording;
    let world = World::new(vec![recording, rule("Errors", "service:errors:ratio > 0.5", 0)]).await;
    world.put("requests", &[("service", "api")], 10.0);
    world.put("errors", &[("service", "api")], 9.0);
    world.settle().await;
    assert_eq!(world.words(), ["firing"]);
    assert!(matches!(world.sink.signals.lock()[0].verdict, Verdict::Firing));
    assert!(world.scheduler.statuses()[0].evaluations <= 2);
}

#[tokio::test]
async fn from_arrival_to_the_committed_signal_it_takes_milliseconds() {
    let env = Env {
        clock: Arc::new(watchkeeper_testkit::SystemClock::default()),
        entropy: Arc::new(watchkeeper_testkit::SeededEntropy::new(1)),
    };
    let (_, unused) = watchkeeper_testkit::env();
    let clock = env.clock.clone();
    let world = World::with(vec![rule("Down", DOWN, 0)], env, unused).await;
    let mut took = Vec::new();
    for round in 0_u32..40 {
        let labels = Labels::from_pairs([("__name__", "probe_success"), ("service", "front")]);
        // Two samples of one series need two milliseconds.
        let last = clock.now().as_millis();
        while clock.now().as_millis() == last {
            std::hint::spin_loop();
        }
        let began = clock.monotonic();
        world.telemetry.put(&labels, clock.now().as_millis(), f64::from(round % 2));
        world.scheduler.arrived(&[labels]);
        loop {
            world.scheduler.reconcile().await.unwrap();
            if world.sink.committed.load(Ordering::Relaxed) > usize::try_from(round).unwrap() {
                break;
            }
        }
        took.push(clock.monotonic().saturating_sub(began));
    }
    took.sort();
    println!("arrival to commit: median {:?}, slowest {:?}", took[20], took[39]);
    assert!(took[20] < std::time::Duration::from_millis(50), "{took:?}");
}
