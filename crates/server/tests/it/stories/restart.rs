//! The process dies at every stage of an alert's life: nobody is paged twice, and nothing is lost.
//!
//! Not SIGKILL of a real process: the crash test does that. Here each death is at a chosen place.

use serde_json::json;
use watchkeeper_domain::Span;
use watchkeeper_testkit::Answer;

use super::world::{ANSWERED, UP, World, text};

#[tokio::test]
async fn a_process_that_dies_after_every_stage_tells_each_thing_once_and_heals_once() {
    let mut world = World::healing().await;
    world.set(UP, 0.0);
    world.set(ANSWERED, 100.0);
    world.report().await;
    world.run(Span::from_secs(55)).await;
    world.fragile = true;
    world.run(Span::from_secs(10)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    world.accounts_recover().await;
    world.run(Span::from_secs(10)).await;
    world.fragile = false;
    world.run_reporting_every(Span::from_secs(300), Span::from_secs(30)).await;
    assert!(world.deaths > 15, "{}", world.deaths);
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing", "resolved"]);
    assert_eq!(world.told_of("Incident"), [""; 0]);
    assert_eq!(world.bank.requests().len(), 1);
    let incident = world.incident().await;
    assert_eq!(incident["state"], "resolved");
    assert_eq!(incident["runs"][0]["state"], "succeeded", "{}", incident["runs"]);
    world.end().await;
}

#[tokio::test]
async fn a_restart_while_a_condition_is_pending_does_not_begin_its_minute_anew() {
    let mut world = World::new().await;
    world.set(UP, 0.0);
    world.report().await;
    for _ in 0..5 {
        world.run(Span::from_secs(10)).await;
        world.die_and_restart().await;
    }
    world.run(Span::from_secs(9)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), [""; 0]);
    world.die_and_restart().await;
    world.run(Span::from_secs(2)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    world.end().await;
}

#[tokio::test]
async fn restarts_while_it_fires_is_acknowledged_is_silenced_and_ends_tell_nothing_twice() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    world.die_and_restart().await;
    world.run(Span::from_secs(30)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);

    let incident = text(&world.incident().await["id"]);
    world.post(&format!("/incidents/{incident}/acknowledge"), json!({})).await;
    world.die_and_restart().await;
    world.settle().await;
    assert_eq!(world.incident().await["state"], "acknowledged");

    let silence = json!({"matchers": [r#"service="accounts""#], "duration": "5m", "comment": "during the repair"});
    world.post("/silences", silence).await;
    world.die_and_restart().await;
    world.run_reporting_every(Span::from_secs(400), Span::from_secs(30)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);

    world.accounts_recover().await;
    world.die_and_restart().await;
    world.run_reporting_every(Span::from_secs(300), Span::from_secs(30)).await;
    world.die_and_restart().await;
    world.run(Span::from_secs(60)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing", "resolved"]);
    assert_eq!(world.incident().await["state"], "resolved");
    assert_eq!(world.alerts("ServiceUnreachable").await.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_restart_between_the_repair_and_its_verification_repairs_nothing_twice() {
    let mut world = World::healing().await;
    world.accounts_fail().await;
    assert_eq!(world.bank.requests().len(), 1);
    world.run(Span::from_secs(10)).await;
    world.die_and_restart().await;
    world.run(Span::from_secs(5)).await;
    world.accounts_recover().await;
    world.run(Span::from_secs(3)).await;
    world.die_and_restart().await;
    world.run(Span::from_secs(60)).await;
    assert_eq!(world.bank.requests().len(), 1);
    let incident = world.incident().await;
    assert_eq!(incident["runs"][0]["state"], "succeeded", "{}", incident["runs"]);
    assert_eq!(incident["state"], "resolved");
    world.end().await;
}

#[tokio::test]
async fn a_message_that_was_on_its_way_when_the_process_died_is_sent_once_more_with_the_same_key() {
    let mut world = World::new().await;
    world.set(UP, 0.0);
    world.report().await;
    world.run(Span::from_secs(55)).await;
    world.operations.otherwise(Answer::Hang);
    world.clock.advance(Span::from_secs(5));
    world.look_once().await;
    // The alert and the call for people; both have arrived whole, and neither was answered.
    world.operations.received(2).await;
    world.operations.otherwise(Answer::ok());
    world.die_and_restart().await;
    world.run(Span::from_secs(120)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing", "firing"]);
    let requests = world.operations.requests();
    let keys: Vec<_> = requests
        .iter()
        .filter(|r| r.json()["commonLabels"]["alertname"] == "ServiceUnreachable")
        .map(|r| r.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert_eq!(keys[0], keys[1]);
    assert!(world.ledger().await.contains(&"notification.unknown".to_owned()));
    world.end().await;
}
