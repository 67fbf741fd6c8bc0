//! Silences: what they hold back is told after their end, if it still holds.

use serde_json::json;
use watchkeeper_domain::Span;

use super::world::World;

async fn silenced() -> World {
    let world = World::new().await;
    let silence = json!({"matchers": [r#"alertname="ServiceUnreachable""#], "duration": "10m", "comment": "we know"});
    world.post("/silences", silence).await;
    world
}

#[tokio::test]
async fn a_silence_holds_back_and_what_still_fires_at_its_end_is_told_once() {
    let mut world = silenced().await;
    world.accounts_fail().await;
    let alert = world.alert("ServiceUnreachable").await;
    assert_eq!((alert["state"].as_str(), alert["suppressed"].as_bool()), (Some("firing"), Some(true)));
    assert_eq!(world.told_of("ServiceUnreachable"), [""; 0]);
    assert_eq!(world.told(), [], "nor are people called for an incident");
    assert_eq!(world.get("/api/watchkeeper/v1/incidents").await["items"], json!([]));
    let verdict = world.explanation("ServiceUnreachable").await["verdict"].clone();
    assert!(verdict.as_str().unwrap().contains("silenced"), "{verdict}");
    // 120 s have passed since the silence began.
    world.run_reporting_every(Span::from_secs(479), Span::from_secs(30)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), [""; 0]);
    world.run_reporting_every(Span::from_secs(90), Span::from_secs(15)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    assert_eq!(world.told_of("Incident"), ["firing"]);
    assert_eq!(world.incident().await["state"], "triggered");
    world.accounts_recover().await;
    world.run_reporting_every(Span::from_secs(300), Span::from_secs(30)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing", "resolved"]);
    assert_eq!(world.incident().await["state"], "resolved");
    world.end().await;
}

#[tokio::test]
async fn of_what_began_and_ended_within_a_silence_nobody_is_told_not_even_that_it_ended() {
    let mut world = silenced().await;
    world.accounts_fail().await;
    world.accounts_recover().await;
    world.run_reporting_every(Span::from_secs(1_200), Span::from_secs(30)).await;
    assert_eq!(world.alert("ServiceUnreachable").await["state"], "resolved");
    assert_eq!(world.told(), []);
    world.end().await;
}

#[tokio::test]
async fn a_repair_waits_for_the_end_of_a_silence() {
    let mut world = World::healing().await;
    let silence = json!({"matchers": [r#"service="accounts""#], "duration": "5m", "comment": "we deploy"});
    world.post("/silences", silence).await;
    world.accounts_fail().await;
    world.run_reporting_every(Span::from_secs(150), Span::from_secs(15)).await;
    assert_eq!(world.bank.requests().len(), 0);
    world.run_reporting_every(Span::from_secs(45), Span::from_secs(15)).await;
    assert_eq!(world.bank.requests().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn who_was_told_of_the_beginning_is_told_of_the_end_in_spite_of_a_silence() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    let silence = json!({"matchers": [r#"alertname="ServiceUnreachable""#], "duration": "1h", "comment": "enough"});
    world.post("/silences", silence).await;
    world.accounts_recover().await;
    world.run_reporting_every(Span::from_secs(300), Span::from_secs(30)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing", "resolved"]);
    world.end().await;
}
