//! Random lives of incidents: whatever happens in whatever order, nobody is left alone with one.

use proptest::prelude::*;
use watchkeeper_domain::{Actor, Category, Priority, Span};
use watchkeeper_state::ledger;

use super::world::World;
use crate::incident::{IncidentKind, IncidentState};
use crate::read::Viewer;
use crate::review;

#[derive(Debug, Clone)]
enum Step {
    Fire(usize),
    End(usize),
    Acknowledge(usize),
    Mitigate(usize),
    Resolve(usize),
    Runs(&'static str),
    Wait(i64),
    Restart,
}

const ALERTS: [(&str, &str, Category, Priority); 5] = [
    ("Down", "payments", Category::Application, Priority::Critical),
    ("Slow", "payments", Category::Database, Priority::Medium),
    ("Logins", "payments", Category::Security, Priority::High),
    ("Down", "front", Category::Application, Priority::High),
    ("Disk", "front", Category::Resource, Priority::Low),
];

fn step() -> impl Strategy<Value = Step> {
    let alert = 0..ALERTS.len();
    prop_oneof![
        4 => alert.clone().prop_map(Step::Fire),
        3 => alert.prop_map(Step::End),
        1 => (0_usize..4).prop_map(Step::Acknowledge),
        1 => (0_usize..4).prop_map(Step::Mitigate),
        1 => (0_usize..4).prop_map(Step::Resolve),
        2 => prop_oneof![Just("succeeded"), Just("failed"), Just("handed_over")].prop_map(Step::Runs),
        2 => prop_oneof![1_i64..60, 250_i64..700].prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

async fn live(steps: &[Step], passes: &[bool]) -> Result<(), TestCaseError> {
    let mut world = World::new().await;
    for (step, pass) in steps.iter().zip(passes.iter().cycle()) {
        let who = Actor::User("ana".into());
        let nth = async |world: &World, n: usize| world.all().await.get(n).map(|incident| incident.id);
        match step {
            Step::Fire(at) => {
                let (name, service, category, priority) = ALERTS[*at];
                world.fire(name, service, category, priority).await;
            }
            Step::End(at) => {
                let (name, service, category, _) = ALERTS[*at];
                world.resolve(name, service, category).await;
            }
            // A conflict with the state is a right answer here.
            Step::Acknowledge(n) => {
                if let Some(id) = nth(&world, *n).await {
                    drop(world.incidents.acknowledge(Viewer::ALL, id, who, None).await);
                }
            }
            Step::Mitigate(n) => {
                if let Some(id) = nth(&world, *n).await {
                    drop(world.incidents.mitigate(Viewer::ALL, id, who, None).await);
                }
            }
            Step::Resolve(n) => {
                if let Some(id) = nth(&world, *n).await {
                    drop(world.incidents.resolve(Viewer::ALL, id, who, None).await);
                }
            }
            Step::Runs(state) => world.end_runs(state, "as the test says").await,
            Step::Wait(secs) => world.advance(Span::from_secs(*secs)),
            Step::Restart => world.restart().await,
        }
        if *pass {
            world.settle().await;
            nobody_is_left_alone(&world).await?;
        }
    }
    world.settle().await;
    nobody_is_left_alone(&world).await?;
    what_is_over_has_a_review(&world).await?;
    prop_assert_eq!(ledger::verify(world.state.read()).await.unwrap().broken, None);
    Ok(())
}

/// Every open incident is acknowledged, has a workflow running or just succeeded, or was handed over.
async fn nobody_is_left_alone(world: &World) -> Result<(), TestCaseError> {
    let alone: Vec<String> = sqlx::query_scalar(
        "SELECT i.title FROM incident i WHERE i.state = 'triggered' AND i.handed_over_at IS NULL AND NOT EXISTS \
         (SELECT 1 FROM run r WHERE r.incident_id = i.id AND (r.state IN ('queued', 'running', 'waiting') \
         OR (r.state = 'succeeded' AND r.finished_at > $1)))",
    )
    .bind((world.now() - crate::open::AFTERCARE).as_micros())
    .fetch_all(world.state.read())
    .await
    .unwrap();
    prop_assert!(alone.is_empty(), "nobody has {:?}", alone);
    let wrong: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM run r JOIN incident i ON i.id = r.incident_id WHERE i.kind = 'security' AND r.workflow <> 'isolate'",
    )
    .fetch_one(world.state.read())
    .await
    .unwrap();
    prop_assert_eq!(wrong, 0, "a remediation ran for a security incident");
    Ok(())
}

async fn what_is_over_has_a_review(world: &World) -> Result<(), TestCaseError> {
    for incident in world.all().await {
        prop_assert_eq!(incident.restricted, incident.kind == IncidentKind::Security);
        let firing: i64 = sqlx::query_scalar("SELECT count(*) FROM alert WHERE incident_id = $1 AND state = 'firing'")
            .bind(incident.id.to_string())
            .fetch_one(world.state.read())
            .await
            .unwrap();
        if incident.state == IncidentState::Resolved {
            let review = review::get(world.state.read(), Viewer::ALL, incident.id).await;
            prop_assert!(review.is_ok(), "no post-mortem for a resolved incident");
        } else if incident.kind == IncidentKind::Operational {
            prop_assert!(firing > 0, "an operational incident is open without a firing alert");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_nobody_is_left_alone(
        steps in proptest::collection::vec(step(), 1..30),
        passes in proptest::collection::vec(proptest::bool::weighted(0.7), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(&steps, &passes))?;
    }
}
