//! One escalation's life: called, answered, over; and with the server away at the wrong moments.

use watchkeeper_domain::ids::{AlertId, Id};
use watchkeeper_domain::{Actor, Matcher, Priority, Span};
use watchkeeper_state::{State, Wake, ledger};

use super::world::{CONFIG, World};
use crate::incident::{Incident, IncidentKind};
use crate::read::{self, Viewer};

async fn the_incident(world: &World) -> Incident {
    let page = read::list(world.state.read(), Viewer::ALL, &read::Filter::default()).await.unwrap();
    page.items.into_iter().next().unwrap().incident
}

#[tokio::test]
async fn people_are_called_step_by_step_round_by_round_until_nobody_is_left() {
    for fragile in [false, true] {
        let mut world = World::new().await;
        world.fragile = fragile;
        let alert = world.fire("Slow", Priority::Medium).await;
        world.run(3_600).await;
        // A medium alert waits for its group (30 s), opens no incident, and ana's second rule is not for it.
        assert_eq!(
            world.told().await,
            [
                "30 person:ana/email firing",
                "330 person:cy/email firing",
                "330 war-room/webhook firing",
                "930 person:ana/email firing",
                "1230 person:cy/email firing",
                "1230 war-room/webhook firing",
            ],
            "fragile: {fragile}"
        );
        assert_eq!(world.phases().await, ["exhausted"]);
        let facts = world.facts(alert, &["escalation."]).await;
        assert_eq!(
            facts,
            [
                "escalation.started",
                "escalation.called",
                "escalation.called",
                "escalation.called",
                "escalation.called",
                "escalation.exhausted: Nobody answered: everybody of payments was called, 2 times over",
            ]
        );
        // Four hours after it was told the route tells it again, and it begins anew.
        world.run(4 * 3_600).await;
        assert!(world.told().await.contains(&"14430 person:ana/email firing".to_owned()));
        assert!(ledger::verify(world.state.read()).await.unwrap().broken.is_none());
    }
}

#[tokio::test]
async fn a_persons_own_rules_hold_and_an_answer_calls_off_what_waits() {
    for fragile in [false, true] {
        let mut world = World::new().await;
        world.fragile = fragile;
        let alert = world.fire("Down", Priority::Critical).await;
        world.run(90).await;
        assert_eq!(world.told().await, ["0 person:ana/email firing", "0 war-room/webhook firing"]);
        world.acknowledge(alert, "ana").await;
        // From here on nothing but reminders, to the one who has it.
        world.run(3_600).await;
        assert_eq!(world.told().await[2..], ["1890 person:ana/email firing", "3690 person:ana/email firing",]);
        let facts = world.facts(alert, &["page.", "escalation.ack", "escalation.rem"]).await;
        assert_eq!(
            facts,
            [
                "escalation.acknowledged: user:ana has it",
                "page.not_sent: user:ana has it",
                "escalation.reminded: reminder: acknowledged by user:ana 30m ago, and not resolved",
                "escalation.reminded: reminder: acknowledged by user:ana 1h ago, and not resolved",
            ]
        );
    }
}

#[tokio::test]
async fn what_fell_due_while_the_server_was_down_is_done_at_its_start_unless_somebody_answered() {
    let mut world = World::new().await;
    world.fire("Slow", Priority::Medium).await;
    world.run(40).await;
    world.sleep(3_600);
    world.restart().await;
    world.settle().await;
    // The step that was missed, once, and the time to answer it begins now.
    assert_eq!(world.told().await[1..], ["3640 person:cy/email firing", "3640 war-room/webhook firing"]);
    world.run(599).await;
    assert_eq!(world.told().await.len(), 3);
    world.run(1).await;
    assert_eq!(world.told().await[3..], ["4240 person:ana/email firing"]);

    let mut world = World::new().await;
    let alert = world.fire("Slow", Priority::Medium).await;
    world.run(40).await;
    world.sleep(3_600);
    // The answer came in time, and nobody was there to act on it; the start finds both.
    world.acknowledge(alert, "ana").await;
    world.restart().await;
    world.settle().await;
    assert_eq!(world.told().await, ["30 person:ana/email firing"]);
    assert_eq!(world.phases().await, ["acknowledged"]);
}

#[tokio::test]
async fn whoever_was_called_is_told_that_it_is_over_over_the_same_ways_and_nobody_else() {
    for fragile in [false, true] {
        let mut world = World::new().await;
        world.fragile = fragile;
        let alert = world.fire("Slow", Priority::Medium).await;
        world.run(60).await;
        world.resolve("Slow").await;
        world.run(3_600).await;
        assert_eq!(world.told().await, ["30 person:ana/email firing", "330 person:ana/email resolved"]);
        assert_eq!(world.phases().await, ["resolved"]);
        assert!(world.facts(alert, &["escalation.ended"]).await.len() == 1);
        // The next firing is another conversation.
        world.fire("Slow", Priority::Medium).await;
        world.run(60).await;
        assert_eq!(world.phases().await, ["resolved", "paging"]);
    }
}

#[tokio::test]
async fn an_incident_that_somebody_has_calls_nobody_for_its_next_alert_either() {
    let mut world = World::new().await;
    world.fire("Down", Priority::Critical).await;
    world.run(10).await;
    let incident = the_incident(&world).await;
    world.incidents().acknowledge(Viewer::ALL, incident.id, Actor::User("ana".into()), None).await.unwrap();
    world.run(600).await;
    let before = world.told().await;
    let second = world.fire("Errors", Priority::Critical).await;
    world.run(1_000).await;
    assert_eq!(world.told().await, before);
    let facts = world.facts(second, &["page."]).await;
    assert_eq!(facts, ["page.not_sent: user:ana has it"]);
}

#[tokio::test]
async fn a_repair_that_did_not_help_is_news_to_those_who_were_called_and_the_incident_decides_when_it_is_over() {
    let text = CONFIG.replace("handover_receiver: war-room", "handover_receiver: pager");
    let mut world = World::with(&text).await;
    let alert = world.fire("Down", Priority::Critical).await;
    world.run(10).await;
    // No workflow is there: the hand-over comes to the same people for the same matter, and nobody is called twice.
    assert_eq!(world.told().await, ["0 person:ana/email firing"]);
    let incident = the_incident(&world).await;
    let mut tx = world.state.write().await.unwrap();
    let run = watchkeeper_domain::ids::RunId::new(&world.env);
    sqlx::query(
        "INSERT INTO run (id, workflow, definition, target, incident_id, alert_id, trigger, state, started_by, created_at) \
         VALUES ($1, 'restart', '{}', 'x', $2, $3, '{}', 'failed', 'system', 0)",
    )
    .bind(run.to_string())
    .bind(incident.id.to_string())
    .bind(alert.to_string())
    .execute(&mut *tx)
    .await
    .unwrap();
    let end = crate::RunEnd { run, workflow: "restart".into(), incident: incident.id, outcome: "it failed".into() };
    world.incidents().run_handed_over(&mut tx, &end).await.unwrap();
    State::commit(tx).await.unwrap();
    world.run(10).await;
    assert_eq!(world.told().await[1..], ["10 person:ana/email firing"]);
    world.incidents().resolve(Viewer::ALL, incident.id, Actor::User("cy".into()), None).await.unwrap();
    world.run(3_600).await;
    assert_eq!(world.told().await[2..], ["20 person:ana/email resolved"]);
}

#[tokio::test]
async fn an_incident_that_a_person_declares_calls_people_and_is_told_to_be_over() {
    let text = CONFIG.replace("handover_receiver: war-room", "handover_receiver: pager");
    let mut world = World::with(&text).await;
    let declaration = crate::command::Declaration {
        title: "Cards are refused".into(),
        priority: Priority::High,
        category: watchkeeper_domain::Category::Business,
        kind: IncidentKind::Operational,
        description: String::new(),
        alerts: vec![],
    };
    let incident = world.incidents().declare(declaration, Actor::User("dee".into())).await.unwrap();
    world.run(200).await;
    assert_eq!(world.told().await, ["0 person:ana/email firing", "120 person:ana/webhook firing"]);
    world.incidents().acknowledge(Viewer::ALL, incident.id, Actor::User("ana".into()), None).await.unwrap();
    world.incidents().resolve(Viewer::ALL, incident.id, Actor::User("ana".into()), None).await.unwrap();
    world.run(600).await;
    assert_eq!(world.told().await[2..], ["200 person:ana/email resolved", "200 person:ana/webhook resolved"]);
}

#[tokio::test]
async fn a_silence_holds_the_calls_back_and_its_end_begins_them_anew() {
    let mut world = World::new().await;
    let alert = world.fire("Slow", Priority::Medium).await;
    world.run(60).await;
    let silences = watchkeeper_alert::silence::Silences::new(world.state.clone(), world.env.clone(), Wake::default());
    let new = watchkeeper_alert::silence::NewSilence {
        matchers: vec![Matcher::equal("service", "payments")],
        starts_at: None,
        duration: Span::from_secs(3_600),
        comment: "known".into(),
        ..Default::default()
    };
    silences.create(new, Actor::User("ana".into())).await.unwrap();
    world.run(3_000).await;
    assert_eq!((world.told().await.len(), world.phases().await), (1, vec!["held".to_owned()]));
    assert_eq!(
        world.facts(alert, &["escalation.held"]).await,
        ["escalation.held: a silence or an inhibition holds it back"]
    );
    world.run(700).await;
    assert_eq!(world.told().await[1..], ["3660 person:ana/email firing"]);
}

#[tokio::test]
async fn a_step_that_reaches_nobody_is_passed_over_with_its_reason_and_an_override_counts() {
    let hours = "layers: [{rotation: weekly, start: 2026-11-23T09:00, people: [ana, bo], restrictions: [{from: 10:00, to: 18:00}]}]";
    let text = CONFIG.replace("layers: [{rotation: weekly, start: 2026-11-23T09:00, people: [ana, bo]}]", hours);
    let text = text.replace("announce: true", "allow_gaps: true");
    let mut world = World::with(&text).await;
    let alert = world.fire("Slow", Priority::Medium).await;
    world.run(60).await;
    assert_eq!(world.told().await, ["30 person:cy/email firing", "30 war-room/webhook firing"]);
    let facts = world.facts(alert, &["escalation.passed"]).await;
    assert_eq!(facts, ["escalation.passed_over: the step reaches nobody"]);
    // In the next round somebody stands in.
    let over = crate::oncall::NewOverride {
        schedule: "payments".into(),
        person: "bo".into(),
        instead_of: None,
        from: None,
        until: world.now() + Span::from_secs(3_600),
        reason: "covers the morning".into(),
    };
    world.on_call().create_override(over, Actor::User("bo".into())).await.unwrap();
    world.run(600).await;
    assert_eq!(world.told().await[2..], ["630 person:bo/email firing"]);
}

#[tokio::test]
async fn a_test_message_goes_to_whoever_is_on_call_and_calls_nobody_else() {
    let mut world = World::new().await;
    let integrations =
        [watchkeeper_domain::Integration { key: watchkeeper_domain::Integration::ON_CALL.into(), send_resolved: true }];
    let message = watchkeeper_state::outbox::Message {
        kind: "test",
        status: "info",
        receiver: "pager",
        thread: "test/1",
        group: None,
        incident: None,
        alerts: &[],
        content: serde_json::json!({"text": "hello"}),
        reason: "test".into(),
    };
    let mut tx = world.state.write().await.unwrap();
    watchkeeper_state::outbox::enqueue(&mut tx, &world.env, world.now(), &integrations, &message).await.unwrap();
    State::commit(tx).await.unwrap();
    world.run(3_600).await;
    assert_eq!(world.told().await, ["0 person:ana/email info", "0 person:ana/webhook info"]);
    assert!(world.phases().await.is_empty());
}

/// Random lives with random restarts: nobody is called for what somebody has, and nothing that nobody has is forgotten.
#[test]
fn whatever_happens_the_promises_hold() {
    use proptest::prelude::*;
    #[derive(Debug, Clone)]
    enum Happening {
        Fire(usize),
        Resolve(usize),
        Acknowledge,
        Wait(i64),
        Away(i64),
        Restart,
    }
    let names = ["Slow", "Down", "Errors"];
    let happening = prop_oneof![
        3 => (0..names.len()).prop_map(Happening::Fire),
        2 => (0..names.len()).prop_map(Happening::Resolve),
        1 => Just(Happening::Acknowledge),
        3 => (1_i64..900).prop_map(Happening::Wait),
        1 => (1_i64..7_200).prop_map(Happening::Away),
        1 => Just(Happening::Restart),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let check = |happenings: Vec<Happening>| {
        runtime.block_on(async {
            let mut world = World::new().await;
            let mut alerts: Vec<AlertId> = Vec::new();
            for happening in happenings {
                match happening {
                    Happening::Fire(at) => {
                        let priority = [Priority::Medium, Priority::Critical, Priority::High][at];
                        alerts.push(world.fire(names[at], priority).await);
                    }
                    Happening::Resolve(at) => world.resolve(names[at]).await,
                    Happening::Acknowledge => {
                        if let Some(alert) = alerts.last() {
                            let by = Actor::User("ana".into());
                            // One that is over cannot be acknowledged.
                            drop(
                                watchkeeper_alert::command::acknowledge(&world.state, &world.env, *alert, by, None)
                                    .await,
                            );
                        }
                    }
                    Happening::Wait(secs) => world.run(secs).await,
                    Happening::Away(secs) => world.sleep(secs),
                    Happening::Restart => world.restart().await,
                }
                let (calls, now) = (world.told().await.len(), world.now());
                let next = world.settle().await;
                let owned: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM page p JOIN escalation e ON e.id = p.escalation_id WHERE p.state = 'waiting' \
                     AND e.phase <> 'paging'",
                )
                .fetch_one(world.state.read())
                .await
                .unwrap();
                prop_assert_eq!(owned, 0, "nothing waits to call people for what somebody has or what is over");
                let late: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM escalation WHERE phase = 'paging' AND (due_at IS NULL OR due_at <= $1)",
                )
                .bind(now.as_micros())
                .fetch_one(world.state.read())
                .await
                .unwrap();
                prop_assert_eq!(late, 0, "nothing is late");
                let waits: i64 = sqlx::query_scalar("SELECT count(*) FROM escalation WHERE phase = 'paging'")
                    .fetch_one(world.state.read())
                    .await
                    .unwrap();
                prop_assert!(waits == 0 || next.is_some(), "somebody wakes for what is due");
                // Again at once: nobody is told twice.
                let told = world.told().await.len();
                world.restart().await;
                world.settle().await;
                prop_assert_eq!(world.told().await.len(), told);
                prop_assert!(told >= calls);
            }
            for name in names {
                world.resolve(name).await;
            }
            world.run(3_600).await;
            prop_assert!(world.phases().await.iter().all(|phase| phase == "resolved"));
            prop_assert!(ledger::verify(world.state.read()).await.unwrap().broken.is_none());
            Ok(())
        })
    };
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    runner.run(&prop::collection::vec(happening, 1..25), check).unwrap();
}
