//! Random lives of alerts: whatever happens in whatever order, the promises hold.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use watchkeeper_domain::{Actor, Matcher, Priority, Span, Timestamp, Verdict};
use watchkeeper_state::ledger;

use super::world::{World, inhibit_warnings, routing};
use crate::silence::NewSilence;

#[derive(Debug, Clone)]
enum Step {
    Fire(usize),
    Resolve(usize),
    Lose(usize),
    Wait(i64),
    Silence(usize, i64),
    Expire,
    Restart,
}

const RULES: [(&str, &str, Priority); 5] = [
    ("Down", "payments", Priority::Critical),
    ("Slow", "payments", Priority::Medium),
    ("Errors", "payments", Priority::High),
    ("Slow", "front", Priority::Medium),
    ("Disk", "front", Priority::Low),
];

fn step() -> impl Strategy<Value = Step> {
    let rule = 0..RULES.len();
    prop_oneof![
        4 => rule.clone().prop_map(Step::Fire),
        3 => rule.clone().prop_map(Step::Resolve),
        1 => rule.clone().prop_map(Step::Lose),
        3 => prop_oneof![1_i64..60, 200_i64..400, Just(4 * 3_600)].prop_map(Step::Wait),
        1 => (rule, 30_i64..900).prop_map(|(rule, secs)| Step::Silence(rule, secs)),
        1 => Just(Step::Expire),
        1 => Just(Step::Restart),
    ]
}

async fn live(steps: &[Step], passes: &[bool]) -> Result<(), TestCaseError> {
    let mut routing = routing();
    routing.inhibit_rules = vec![inhibit_warnings()];
    let mut world = World::with(routing).await;
    let mut silences = Vec::new();
    for (step, pass) in steps.iter().zip(passes.iter().cycle()) {
        let signal = |world: &World, at: usize, verdict| {
            let (name, service, priority) = RULES[at];
            world.signal(name, service, priority, verdict)
        };
        match step {
            Step::Fire(at) => drop(world.record(signal(&world, *at, Verdict::Firing)).await),
            Step::Resolve(at) => drop(world.record(signal(&world, *at, Verdict::Resolved)).await),
            Step::Lose(at) => {
                let unknown = Verdict::Unknown { reason: "no data".into() };
                world.record(signal(&world, *at, unknown)).await;
            }
            Step::Wait(secs) => world.advance(Span::from_secs(*secs)),
            Step::Silence(at, secs) => {
                let new = NewSilence {
                    matchers: vec![Matcher::equal("service", RULES[*at].1)],
                    starts_at: None,
                    duration: Span::from_secs(*secs),
                    comment: "test".into(),
                    ..NewSilence::default()
                };
                silences.push(world.silences().create(new, Actor::System).await.unwrap().id);
            }
            Step::Expire => {
                if let Some(id) = silences.pop() {
                    world.silences().expire(id, Actor::System).await.unwrap();
                }
            }
            Step::Restart => world.restart().await,
        }
        // Sometimes nobody looks in between, as when the process was down.
        if *pass {
            world.settle().await;
        }
    }
    // Long enough for every wait and every silence, with the wake-ups that `next_due` asks for.
    world.advance(Span::from_secs(900));
    world.settle().await;
    world.advance(Span::from_secs(300));
    world.settle().await;
    every_firing_alert_that_nothing_holds_back_was_told(&world).await?;
    for (name, service, priority) in RULES {
        world.resolve(name, service, priority).await;
    }
    for _ in 0..3 {
        world.settle().await;
        world.advance(Span::from_secs(300));
    }
    resolved_is_told_once_if_and_only_if_firing_was(&world).await?;
    nothing_is_said_twice_without_a_reason(&world).await?;
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM alert_group_member").fetch_one(world.state.read()).await.unwrap();
    prop_assert_eq!(left, 0, "groups keep members that nobody will hear of");
    prop_assert_eq!(ledger::verify(world.state.read()).await.unwrap().broken, None);
    Ok(())
}

async fn told(world: &World) -> HashMap<String, Vec<String>> {
    let mut told: HashMap<String, Vec<String>> = HashMap::new();
    for said in world.said().await {
        for (id, status) in said.alerts() {
            told.entry(id).or_default().push(status);
        }
    }
    told
}

async fn every_firing_alert_that_nothing_holds_back_was_told(world: &World) -> Result<(), TestCaseError> {
    let told = told(world).await;
    let firing: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT a.id, a.name, COALESCE(m.muted, '') FROM alert a LEFT JOIN alert_group_member m ON m.alert_id = a.id \
         WHERE a.state = 'firing'",
    )
    .fetch_all(world.state.read())
    .await
    .unwrap();
    let critical_fires = firing.iter().any(|(_, name, _)| name == "Down");
    for (id, name, muted) in &firing {
        prop_assert!(muted.is_empty() || (critical_fires && muted.starts_with("inhibit:")), "{} {}", name, muted);
        prop_assert!(!muted.is_empty() || told.contains_key(id), "nobody was told of {}", name);
    }
    Ok(())
}

async fn resolved_is_told_once_if_and_only_if_firing_was(world: &World) -> Result<(), TestCaseError> {
    for (id, statuses) in told(world).await {
        let resolved = statuses.iter().filter(|status| *status == "resolved").count();
        prop_assert_eq!(resolved, 1, "{}: {:?}", id, statuses);
        prop_assert_eq!(statuses.first().map(String::as_str), Some("firing"));
        prop_assert_eq!(statuses.last().map(String::as_str), Some("resolved"), "an older state after a newer one");
    }
    Ok(())
}

async fn nothing_is_said_twice_without_a_reason(world: &World) -> Result<(), TestCaseError> {
    let mut last: BTreeMap<String, (Timestamp, Vec<(String, String)>)> = BTreeMap::new();
    for said in world.said().await {
        let mut alerts = said.alerts();
        alerts.sort();
        if let Some((at, before)) = last.get(&said.group) {
            let repeated = said.at.since(*at) >= Span::from_secs(4 * 3_600);
            let news = alerts.iter().any(|alert| !before.contains(alert));
            prop_assert!(news || repeated, "said again after {} without news", said.at.since(*at));
        }
        last.insert(said.group, (said.at, alerts));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_the_promises_hold(
        steps in proptest::collection::vec(step(), 1..40),
        passes in proptest::collection::vec(proptest::bool::weighted(0.8), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(&steps, &passes))?;
    }
}
