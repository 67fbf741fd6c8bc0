//! Receivers that are down, broken, busy or silent: it is delivered at last, and never twice without a reason.
//!
//! Not the channels' own cases: `respond` has those.

use serde_json::Value;
use watchkeeper_domain::Span;
use watchkeeper_domain::telemetry::{Batch, TelemetrySink as _};
use watchkeeper_testkit::Answer;

use super::world::{ADMIN, World, samples, text};

/// The attempts to tell the webhook of `operations` of the alert: kinds of the ledger, in order.
async fn attempts(world: &World) -> Vec<String> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT kind, data FROM ledger WHERE kind LIKE 'notification.%' ORDER BY seq")
            .fetch_all(world.shared().state.read())
            .await
            .unwrap();
    let data = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let wanted = |(kind, text): &(String, String)| {
        let data = data(text);
        // Alerts only, not the hand-over that goes the same way.
        let of_alert = !data["thread"].as_str().unwrap_or_default().starts_with("inc_");
        (data["integration"] == "webhook" && data["receiver"] == "operations" && of_alert).then(|| kind.clone())
    };
    rows.iter().filter_map(wanted).collect()
}

/// How often the webhook was sent the news that the alert fires.
fn sent(world: &World) -> Vec<watchkeeper_testkit::webhook::Recorded> {
    let fires = |r: &watchkeeper_testkit::webhook::Recorded| {
        r.json()["status"] == "firing" && r.json()["commonLabels"]["alertname"] == "ServiceUnreachable"
    };
    world.operations.requests().into_iter().filter(fires).collect()
}

/// The receiver's first answers are bad. Gives the world some time later, with the service still down.
async fn with_answers(bad: Vec<Answer>) -> World {
    let mut world = World::new().await;
    world.operations.otherwise(bad[0].clone());
    world.accounts_fail().await;
    assert_eq!(sent(&world).len(), 1);
    world
}

/// Each sending after the first has an entry before it that says why.
async fn every_repetition_has_its_reason(world: &World, times: usize) {
    let sent = sent(world);
    assert_eq!(sent.len(), times, "{:?}", attempts(world).await);
    let keys: Vec<_> = sent.iter().map(|r| r.header("idempotency-key").unwrap().to_owned()).collect();
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
    let all = world.ledger().await;
    let reasons = all.iter().filter(|kind| *kind == "notification.retry" || *kind == "notification.unknown").count();
    assert!(reasons >= times - 1, "{all:?}");
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_as_soon_as_it_works() {
    let mut world = with_answers(vec![Answer::Status(500, "out of order".to_owned())]).await;
    world.run(Span::from_secs(30)).await;
    let before = sent(&world).len();
    assert!(before > 1);
    world.operations.otherwise(Answer::ok());
    world.run_reporting_every(Span::from_secs(600), Span::from_secs(30)).await;
    every_repetition_has_its_reason(&world, before + 1).await;
    world.end().await;
}

#[tokio::test]
async fn a_busy_receiver_is_left_alone_for_as_long_as_it_asked() {
    let mut world = with_answers(vec![Answer::RetryAfter(429, 40)]).await;
    world.operations.otherwise(Answer::ok());
    world.run(Span::from_secs(39)).await;
    assert_eq!(sent(&world).len(), 1);
    world.run(Span::from_secs(60)).await;
    every_repetition_has_its_reason(&world, 2).await;
    world.end().await;
}

#[tokio::test]
async fn after_an_answer_that_is_no_http_it_is_sent_once_more_and_not_a_third_time() {
    let mut world = with_answers(vec![Answer::Garbage]).await;
    world.run_reporting_every(Span::from_secs(1_800), Span::from_secs(60)).await;
    every_repetition_has_its_reason(&world, 2).await;
    world.end().await;
}

#[tokio::test]
async fn after_a_connection_that_was_closed_unanswered_it_is_sent_once_more_with_the_same_key() {
    let mut world = with_answers(vec![Answer::CloseAfterReading]).await;
    world.operations.otherwise(Answer::ok());
    world.run_reporting_every(Span::from_secs(600), Span::from_secs(30)).await;
    every_repetition_has_its_reason(&world, 2).await;
    assert!(world.ledger().await.contains(&"notification.unknown".to_owned()));
    world.end().await;
}

#[tokio::test]
async fn a_receiver_that_cannot_be_reached_gets_everything_once_its_address_is_put_right() {
    let mut world = World::new().await;
    let right = std::fs::read_to_string(world.path("watchkeeper.yaml")).unwrap();
    // A port that was just given back: nobody listens there.
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    world.write("watchkeeper.yaml", &right.replace(&world.operations.url("/hook"), &format!("http://{dead}/hook")));
    assert_eq!(world.call("POST", "/-/reload", Some(ADMIN), None).await.0, 200);
    world.accounts_fail().await;
    world.run(Span::from_secs(60)).await;
    assert_eq!(world.operations.requests().len(), 0);
    let receivers = world.get("/api/watchkeeper/v1/receivers").await;
    assert!(
        receivers["items"].as_array().unwrap().iter().any(|r| r["name"] == "operations" && r["health"] == "failing"),
        "{receivers}"
    );

    world.write("watchkeeper.yaml", &right);
    assert_eq!(world.call("POST", "/-/reload", Some(ADMIN), None).await.0, 200);
    world.run_reporting_every(Span::from_secs(900), Span::from_secs(30)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    world.accounts_recover().await;
    world.run_reporting_every(Span::from_secs(180), Span::from_secs(15)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing", "resolved"]);
    world.end().await;
}

#[tokio::test]
async fn a_broken_receiver_does_not_delay_another() {
    let mut world = World::new().await;
    world.operations.otherwise(Answer::Status(503, "down".to_owned()));
    world.accounts_fail().await;
    let in_slack = world.slack.messages();
    let told = |m: &watchkeeper_testkit::slack::Message| {
        text(&m.payload["text"]).contains("ServiceUnreachable")
            || m.payload.to_string().contains("accounts cannot be reached")
    };
    assert!(in_slack.iter().any(told), "{in_slack:?}");
    world.end().await;
}

#[tokio::test]
async fn a_defect_in_triage_costs_nobody_the_alert() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    let told = world.told_of("ServiceUnreachable").len();
    let mut tx = world.shared().state.write().await.unwrap();
    sqlx::query("UPDATE incident SET kind = 'nonsense'").execute(&mut *tx).await.unwrap();
    watchkeeper_state::State::commit(tx).await.unwrap();
    // Another alert of the same service would join the incident that nobody can read.
    world.write(
        "rules/more.yaml",
        "groups: [{ name: more, rules: [{ alert: Full, expr: 'fill > 0.9', priority: critical, labels: { service: accounts } }] }]",
    );
    world.shared().reload().await.unwrap();
    let series = vec![samples("fill", world.now().as_millis(), 0.95)];
    world.shared().store.append(Batch { series, ..Batch::default() }).await.unwrap();
    for (stage, works) in [("rules", true), ("alert", true), ("incident", false), ("deliver", true)] {
        assert_eq!(world.stage(stage).reconcile().await.is_ok(), works, "{stage}");
    }
    world.shared().deliverer.settle().await;
    assert_eq!(world.told_of("Full"), ["firing"]);
    assert_eq!(world.told_of("ServiceUnreachable").len(), told);
    world.end().await;
}
