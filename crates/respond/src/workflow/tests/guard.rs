//! Each guard says no, in words, and people see it.

use super::*;

async fn refusal(world: &World, workflow: &Workflow, trigger: &Trigger) -> String {
    match world.queue(workflow, trigger).await {
        Queued::Refused { run, reason } => {
            let row = world.run(run).await.row;
            assert_eq!((row.status, row.outcome.as_str()), (Status::Refused, reason.as_str()));
            assert_eq!(world.ledger().await.last().unwrap(), "run.refused");
            reason
        }
        Queued::Queued(_) => panic!("it was not refused"),
    }
}

#[tokio::test]
async fn one_run_per_target_at_a_time() {
    let world = World::new().await;
    let workflow = workflow(vec![http("x")]);
    world.start(&workflow).await;
    let reason = refusal(&world, &workflow, &trigger()).await;
    assert!(reason.contains("already works for `payments`"), "{reason}");
    let other = Trigger { labels: Labels::from_pairs([("service", "cards")]), ..Trigger::default() };
    assert!(matches!(world.queue(&workflow, &other).await, Queued::Queued(_)), "another target has its own lock");
}

#[tokio::test]
async fn the_cooldown_counts_from_the_end_of_the_last_run() {
    let world = World::new().await;
    let workflow = workflow(vec![http("x")]);
    let id = world.start(&workflow).await;
    world.finish(&world.engine(), id).await;
    world.clock.advance(Span::from_secs(59));
    let reason = refusal(&world, &workflow, &trigger()).await;
    assert_eq!(reason, "the last run for `payments` ended 59s ago; the cooldown is 1m");
    world.clock.advance(Span::from_secs(1));
    world.start(&workflow).await;
}

#[tokio::test]
async fn runs_per_hour_are_limited_and_refused_ones_do_not_count() {
    let world = World::new().await;
    let mut workflow = workflow(vec![http("x")]);
    workflow.guard.cooldown = Span::ZERO;
    for _ in 0..3 {
        let id = world.start(&workflow).await;
        world.finish(&world.engine(), id).await;
    }
    for _ in 0..2 {
        let reason = refusal(&world, &workflow, &trigger()).await;
        assert_eq!(reason, "it ran 3 times for `payments` within the hour; the limit is 3");
    }
    world.clock.advance(Span::from_secs(3_600));
    world.start(&workflow).await;
}

#[tokio::test]
async fn only_containment_runs_for_a_security_incident() {
    let world = World::new().await;
    let incident = world.incident("security").await;
    let trigger = Trigger { incident: Some(incident), ..trigger() };
    let mut workflow = workflow(vec![http("x")]);
    let reason = refusal(&world, &workflow, &trigger).await;
    assert!(reason.contains("security incident"), "{reason}");
    assert!(
        world.timeline().await[0].starts_with("Workflow restart was not started: the incident is a security incident")
    );
    workflow.kind = WorkflowKind::Containment;
    assert!(matches!(world.queue(&workflow, &trigger).await, Queued::Queued(_)));
}

#[tokio::test]
async fn a_target_that_cannot_be_told_is_refused() {
    let world = World::new().await;
    let workflow = Workflow { target: "{{ labels.nothing }}".to_owned(), ..workflow(vec![http("x")]) };
    assert!(refusal(&world, &workflow, &trigger()).await.contains("its target cannot be told"));
}
