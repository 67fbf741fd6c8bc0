//! The process dies at every await point, one after the other; a new engine goes on from what is in the database.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::*;

/// Lets a future run until it has waited `budget` times, then drops it as a dying process would.
async fn until_killed<T>(future: impl Future<Output = T>, mut budget: usize) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if budget == 0 => Poll::Ready(None),
        Poll::Pending => {
            budget -= 1;
            Poll::Pending
        }
    })
    .await
}

fn plan() -> Workflow {
    let mut safe = http("safe");
    safe.idempotent = true;
    let mut workflow =
        workflow(vec![http("once"), safe, Step { uses: Uses::Wait { duration: Span::from_secs(2) }, ..http("pause") }]);
    workflow.verify =
        Some(Verify { all: vec!["up".to_owned()], hold: Span::from_secs(2), within: Span::from_secs(10) });
    workflow
}

/// One life that ends after `budget` waits, and one that goes on. False when the first one was not interrupted.
async fn life(budget: usize) -> bool {
    let world = World::new().await;
    let id = world.start(&plan()).await;
    let first = world.engine();
    let survived = until_killed(world.finish(&first, id), budget).await.is_some();
    drop(first);
    let before = world.run(id).await;
    let ran_before = world.runner.ran.lock().clone();
    let run = world.finish(&world.engine(), id).await;

    let ran = world.runner.ran.lock().clone();
    let count = |list: &[String], step: &str| list.iter().filter(|url| url.ends_with(step)).count();
    let case = format!("killed after {budget} waits: {:?}, ran {ran:?}, then {:?}", steps_of(&before), steps_of(&run));
    assert!(count(&ran, "once") <= 1, "a step that is not idempotent ran twice; {case}");
    for record in before.records.iter().filter(|r| r.status == StepStatus::Succeeded) {
        assert_eq!(count(&ran, &record.step), count(&ran_before, &record.step), "a recorded step ran again; {case}");
    }
    match status(&run) {
        Status::Succeeded => {
            assert!(count(&ran, "once") == 1 && count(&ran, "safe") >= 1, "{case}");
            assert_eq!(
                run.records.last().map(|r| (r.step.as_str(), r.status)),
                Some(("verify", StepStatus::Succeeded)),
                "{case}"
            );
        }
        Status::HandedOver => {
            assert!(run.records.iter().any(|r| r.step == "once" && r.status == StepStatus::Unknown), "{case}");
            assert!(
                run.row.outcome.starts_with("Nobody knows whether the step `once` ran"),
                "{}; {case}",
                run.row.outcome
            );
            assert_eq!(world.hook.0.lock().len(), 1, "{case}");
        }
        other => panic!("{other:?}; {case}"),
    }
    let ends =
        world.ledger().await.iter().filter(|k| matches!(k.as_str(), "run.succeeded" | "run.handed_over")).count();
    assert_eq!(ends, 1, "a run ends once; {case}");
    assert!(watchkeeper_state::ledger::verify(world.state.read()).await.unwrap().broken.is_none(), "{case}");
    survived
}

#[tokio::test]
async fn a_run_survives_the_death_of_the_process_at_every_await_point() {
    let mut deaths = 0;
    while !life(deaths).await {
        deaths += 1;
        assert!(deaths < 3_000, "the run never completes");
    }
    println!("{deaths} deaths survived");
    assert!(deaths > 20, "only {deaths} await points were tried");
}

#[tokio::test]
async fn a_step_that_kills_the_process_again_and_again_is_handed_over() {
    let world = World::new().await;
    *world.runner.hangs.lock() = true;
    let mut step = http("deadly");
    step.idempotent = true;
    let id = world.start(&workflow(vec![step])).await;
    for _ in 0..4 {
        let engine = world.engine();
        tokio::select! {
            _ = world.settle(&engine) => break,
            () = async {
                // The step is under way when the engine waits for its time-out.
                world.clock.until_sleeping(1).await;
            } => {}
        }
    }
    let run = world.finish(&world.engine(), id).await;
    assert_eq!((status(&run), world.runner.ran.lock().len()), (Status::HandedOver, 4));
    assert!(run.row.outcome.contains("too often"), "{}", run.row.outcome);
}

#[tokio::test]
async fn a_wait_survives_a_restart_and_ends_on_time_and_a_hold_begins_again() {
    let world = World::new().await;
    let id = world.start(&plan()).await;
    let due = world.settle(&world.engine()).await.next_due.unwrap();
    world.clock.advance(Span::from_secs(1));
    assert_eq!(world.settle(&world.engine()).await.next_due, Some(due), "the timer is a row");
    world.clock.advance(Span::from_secs(1));
    let engine = world.engine();
    world.settle(&engine).await;
    world.clock.advance(Span::from_secs(1));
    world.settle(&engine).await;
    drop(engine);
    // One second was held; nobody looked while the process was gone.
    world.clock.advance(Span::from_secs(5));
    let begun = world.env.now();
    world.finish(&world.engine(), id).await;
    assert_eq!(world.env.now().since(begun), Span::from_secs(2));
}
