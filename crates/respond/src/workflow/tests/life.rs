//! What a run does from its beginning to its end.

use watchkeeper_domain::labels::NAME;

use super::*;

#[tokio::test]
async fn a_run_that_helps_succeeds_after_the_hold_and_everything_is_written_down() {
    let world = World::new().await;
    let incident = world.incident("operational").await;
    let mut second = http("warm");
    second.condition = Some("steps.restart.ok and steps.restart.result.status == 200".to_owned());
    let mut skipped = http("never");
    skipped.condition = Some("labels.service == 'other'".to_owned());
    let tell = Step {
        uses: Uses::Notify { receiver: "oncall".to_owned(), message: "{{ target }} restarted".to_owned() },
        ..http("tell")
    };
    let wait = Step { uses: Uses::Wait { duration: Span::from_secs(3) }, ..http("pause") };
    let workflow = workflow(vec![http("restart"), second, skipped, wait, tell]);
    let trigger = Trigger { incident: Some(incident), ..trigger() };
    let Queued::Queued(id) = world.queue(&workflow, &trigger).await else { panic!() };
    *world.runner.state.lock() = Some(world.state.clone());
    let begun = world.env.now();
    let run = world.finish(&world.engine(), id).await;
    assert_eq!(
        (status(&run), run.row.outcome.as_str()),
        (Status::Succeeded, "It helped at the first try: verified, held for 5s.")
    );
    assert_eq!(world.env.now().since(begun), Span::from_secs(8), "3 s of waiting, 5 s of holding");
    use StepStatus::{Skipped, Succeeded};
    let steps = [
        ("restart", Succeeded),
        ("warm", Succeeded),
        ("never", Skipped),
        ("pause", Succeeded),
        ("tell", Succeeded),
        ("verify", Succeeded),
    ];
    assert_eq!(steps_of(&run), steps.map(|(name, status)| (name, 1, status)));
    assert_eq!(*world.runner.seen_started.lock(), [1, 1], "a step is committed as started before it acts");
    assert!(world.query.1.lock().iter().all(|e| e == "up{service=\"payments\"} == 1"));
    let ledger = world.ledger().await;
    for kind in ["run.queued", "run.step_started", "run.step_skipped", "notification.intended", "run.succeeded"] {
        assert!(ledger.iter().any(|k| k == kind), "{kind} is not in {ledger:?}");
    }
    let timeline = world.timeline().await;
    assert_eq!(timeline.first().unwrap(), "Workflow restart was started for payments");
    assert!(timeline.last().unwrap().starts_with("Workflow restart: It helped"), "{timeline:?}");
    assert!(world.hook.0.lock().is_empty());
    let content: String =
        sqlx::query_scalar("SELECT content FROM notification").fetch_one(world.state.read()).await.unwrap();
    assert!(content.contains("payments restarted"), "{content}");
    assert!(watchkeeper_state::ledger::verify(world.state.read()).await.unwrap().broken.is_none());
}

#[tokio::test]
async fn metrics_tell_the_duration_and_count_rows() {
    let world = World::new().await;
    let mut workflow = workflow(vec![http("restart")]);
    workflow.guard.cooldown = Span::ZERO;
    for count in [1.0, 2.0] {
        let id = world.start(&workflow).await;
        // A new engine each time: the count is that of the rows, not of the process.
        world.finish(&world.engine(), id).await;
        let batches = world.sink.0.lock();
        let last = |name: &str| {
            let series = batches.iter().flat_map(|b| &b.series).rfind(|s| s.labels.get(NAME) == Some(name)).unwrap();
            assert_eq!(
                (series.labels.get("workflow"), series.labels.get("outcome")),
                (Some("restart"), Some("succeeded"))
            );
            series.samples[0].v
        };
        assert_eq!(
            (last("watchkeeper_workflow_runs_total"), last("watchkeeper_workflow_run_duration_seconds")),
            (count, 5.0)
        );
    }
}

#[tokio::test]
async fn what_does_not_help_is_tried_again_after_the_cooldown_and_then_handed_over() {
    let world = World::new().await;
    *world.query.0.lock() = Ok(0.0);
    let id = world.start(&workflow(vec![http("restart")])).await;
    let begun = world.env.now();
    let run = world.finish(&world.engine(), id).await;
    assert_eq!(status(&run), Status::HandedOver);
    assert_eq!(world.env.now().since(begun), Span::from_secs(60 + 60 + 60), "verify, cooldown, verify");
    assert_eq!(world.runner.ran.lock().len(), 2);
    let outcome = &run.row.outcome;
    for part in [
        "2 of 2 tries did not help",
        "Try 1: restart succeeded (status 200), verify failed",
        "Try 2:",
        "not verified within 1m",
    ] {
        assert!(outcome.contains(part), "{outcome}");
    }
    let handed = world.hook.0.lock().clone();
    assert_eq!((handed.len(), &handed[0].outcome, handed[0].status), (1, outcome, Status::HandedOver));
    assert_eq!(world.ledger().await.last().unwrap(), "run.handed_over");
}

#[tokio::test]
async fn a_query_without_an_answer_is_not_success_and_breaks_the_hold() {
    let world = World::new().await;
    let engine = world.engine();
    let mut workflow = workflow(vec![http("restart")]);
    workflow.guard.tries = 1;
    let id = world.start(&workflow).await;
    for second in 0..4 {
        world.settle(&engine).await;
        world.clock.advance(Span::from_secs(1));
        *world.query.0.lock() = if second == 2 { Err(QueryError::Unavailable("down".to_owned())) } else { Ok(1.0) };
    }
    let begun = world.env.now();
    let run = world.finish(&engine, id).await;
    assert_eq!(status(&run), Status::Succeeded);
    assert!(world.env.now().since(begun) >= Span::from_secs(5), "the hold began again");

    world.clock.advance(Span::from_secs(120));
    *world.query.0.lock() = Err(QueryError::Unavailable("the store is gone".to_owned()));
    let id = world.start(&workflow).await;
    let run = world.finish(&engine, id).await;
    assert_eq!(status(&run), Status::HandedOver);
    assert!(
        run.row.outcome.contains("has no answer") && run.row.outcome.contains("the store is gone"),
        "{}",
        run.row.outcome
    );
}

#[tokio::test]
async fn a_step_is_retried_with_a_growing_wait_and_its_failure_ends_the_try() {
    let world = World::new().await;
    let fail = || Err(StepError("status 500: no".to_owned()));
    world.runner.answers.lock().extend([fail(), fail()]);
    let mut step = http("restart");
    step.retry = Retry { attempts: 3, backoff: Span::from_secs(2) };
    let mut workflow = workflow(vec![step, http("after")]);
    workflow.verify = None;
    let id = world.start(&workflow).await;
    let begun = world.env.now();
    let run = world.finish(&world.engine(), id).await;
    assert_eq!((status(&run), world.env.now().since(begun)), (Status::Succeeded, Span::from_secs(2 + 4)));

    world.clock.advance(Span::from_secs(120));
    world.runner.ran.lock().clear();
    world.runner.answers.lock().extend([(); 6].map(|()| fail()));
    let id = world.start(&workflow).await;
    let run = world.finish(&world.engine(), id).await;
    assert_eq!((status(&run), world.runner.ran.lock().len()), (Status::HandedOver, 6));
    assert!(!run.records.iter().any(|r| r.step == "after"), "a step after a failed one does not run");
}

#[tokio::test]
async fn a_step_that_takes_too_long_is_stopped_and_so_is_a_run() {
    let world = World::new().await;
    *world.runner.hangs.lock() = true;
    let mut workflow = workflow(vec![http("restart")]);
    workflow.guard.tries = 1;
    let id = world.start(&workflow).await;
    let engine = world.engine();
    let (run, ()) = tokio::join!(world.finish(&engine, id), async {
        world.clock.until_sleeping(1).await;
        world.clock.advance(Span::from_secs(30));
    });
    assert!(run.row.outcome.contains("it took longer than 30s and was stopped"), "{}", run.row.outcome);

    world.clock.advance(Span::from_secs(120));
    let wait = Step { uses: Uses::Wait { duration: Span::from_secs(3_600) }, ..http("long") };
    workflow.steps = vec![wait];
    let id = world.start(&workflow).await;
    let begun = world.env.now();
    let run = world.finish(&engine, id).await;
    assert_eq!((status(&run), world.env.now().since(begun)), (Status::HandedOver, Span::from_secs(600)));
    assert!(run.row.outcome.starts_with("It took longer than 10m."), "{}", run.row.outcome);
}

#[tokio::test]
async fn a_slow_step_does_not_delay_another_run_and_a_wake_starts_one_at_once() {
    let world = World::new().await;
    *world.runner.hangs.lock() = true;
    let slow = world.start(&workflow(vec![http("slow")])).await;
    let engine = world.engine();
    let mut quick = workflow(vec![Step {
        uses: Uses::Notify { receiver: "oncall".to_owned(), message: "hi".to_owned() },
        ..http("tell")
    }]);
    (quick.name, quick.verify) = ("quick".to_owned(), None);
    let other = async {
        world.clock.until_sleeping(1).await;
        let id = world.start(&quick).await;
        world.options.wake.wake();
        while world.run(id).await.row.status.is_active() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = engine.reconcile() => panic!("the slow step is under way"),
        () = other => {}
    }
    assert!(world.run(slow).await.row.status.is_active());
}

/// They wait for the very connections that the look at what is due needs. Before, both waited until the pool gave up.
#[tokio::test]
async fn runs_that_wait_for_the_database_go_on_while_the_engine_looks_around() {
    let world = World::new().await;
    let workflow = workflow(vec![http("x")]);
    let mut runs = Vec::new();
    for service in 0..12 {
        let trigger =
            Trigger { labels: Labels::from_pairs([("service", format!("service-{service}").as_str())]), ..trigger() };
        let Queued::Queued(id) = world.queue(&workflow, &trigger).await else { panic!("refused") };
        runs.push(id);
    }
    let engine = world.engine();
    // It looks around again as soon as all have begun to wait.
    world.options.wake.wake();
    engine.reconcile().await.unwrap();
    world.clock.advance(Span::from_secs(5));
    engine.reconcile().await.unwrap();
    for id in runs {
        assert_eq!(status(&world.run(id).await), Status::Succeeded);
    }
}

#[tokio::test]
async fn a_run_that_is_cancelled_stops_at_once_and_nothing_of_it_goes_on() {
    let world = World::new().await;
    *world.runner.hangs.lock() = true;
    let id = world.start(&workflow(vec![http("slow")])).await;
    let engine = world.engine();
    let by = Actor::User("bo".to_owned());
    let (report, stopped) = tokio::join!(engine.reconcile(), async {
        world.clock.until_sleeping(1).await;
        let stopped = cancel(&world.state, &world.env, id, &by).await.unwrap();
        world.options.wake.wake();
        stopped
    });
    assert!(report.is_ok() && stopped);
    let run = world.run(id).await;
    assert_eq!((status(&run), run.row.outcome.as_str()), (Status::Cancelled, "Stopped by user:bo."));
    assert_eq!(steps_of(&run), [("slow", 1, StepStatus::Unknown)]);
    assert_eq!(world.settle(&engine).await.processed, 0);
    assert!(!cancel(&world.state, &world.env, id, &by).await.unwrap(), "twice is once");
    assert!(world.hook.0.lock().is_empty(), "whoever stops a run knows");
}

#[tokio::test]
async fn what_cannot_be_carried_out_as_written_fails_and_people_hear_of_it() {
    let world = World::new().await;
    let engine = world.engine();
    let mut broken = http("x");
    broken.condition = Some("labels.nothing == 1".to_owned());
    let metric = |value: &str| Step {
        uses: Uses::Metric { name: "m".to_owned(), value: value.to_owned(), labels: BTreeMap::new() },
        ..http("m")
    };
    for (step, part) in [
        (broken, "condition of the step `x`"),
        (metric("{{ target }}"), "which is not a number"),
        (metric("{{ nope }}"), "undefined"),
    ] {
        let id = world.start(&workflow(vec![step])).await;
        let run = world.finish(&engine, id).await;
        assert_eq!(status(&run), Status::Failed);
        assert!(run.row.outcome.contains(part), "{}", run.row.outcome);
        world.clock.advance(Span::from_secs(3_600));
    }
    assert_eq!(world.hook.0.lock().len(), 3);
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() {
    let world = World::new().await;
    let mut all = Vec::new();
    for name in ["a", "b", "a"] {
        let mut workflow = workflow(vec![http("x")]);
        (workflow.name, workflow.guard.cooldown) = (name.to_owned(), Span::ZERO);
        let id = world.start(&workflow).await;
        world.finish(&world.engine(), id).await;
        all.push(id);
    }
    let ids = async |filter: Filter| -> Vec<RunId> {
        list(world.state.read(), &filter).await.unwrap().iter().map(|r| r.id).collect()
    };
    assert_eq!(ids(Filter::default()).await, [all[2], all[1], all[0]]);
    assert_eq!(ids(Filter { workflow: Some("a".to_owned()), limit: Some(1), ..Filter::default() }).await, [all[2]]);
    assert_eq!(
        ids(Filter { before: Some(all[1]), states: vec![Status::Succeeded, Status::Failed], ..Filter::default() })
            .await,
        [all[0]]
    );
    assert_eq!(ids(Filter { states: vec![Status::Failed], ..Filter::default() }).await, []);
}
