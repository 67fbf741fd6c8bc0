//! One alert's life: deduplication, unknown, acknowledgement, what is told and what is not.

use watchkeeper_domain::{Actor, Priority, Span, Verdict};
use watchkeeper_state::ledger;

use super::world::{World, heard};
use crate::alert::AlertState;
use crate::silence::Cache;
use crate::{Error, command, read};

#[tokio::test]
async fn a_label_set_has_one_open_alert_and_the_next_firing_is_another() {
    let world = World::new().await;
    let first = world.fire("Down", "payments", Priority::Critical).await;
    assert_eq!(world.fire("Down", "payments", Priority::Critical).await, first);
    assert_eq!(world.resolve("Down", "payments", Priority::Critical).await, Some(first));
    assert_eq!(world.resolve("Down", "payments", Priority::Critical).await, None);
    assert_ne!(world.fire("Down", "payments", Priority::Critical).await, first);
    assert_eq!(world.ledger_of(first).await, ["alert.firing", "alert.resolved"]);
}

#[tokio::test]
async fn unknown_marks_the_alert_and_resolves_nothing() {
    let world = World::new().await;
    let id = world.fire("Down", "payments", Priority::Critical).await;
    world.settle().await;
    let unknown = Verdict::Unknown { reason: "the query timed out".into() };
    for _ in 0..2 {
        let signal = world.signal("Down", "payments", Priority::Critical, unknown.clone());
        assert_eq!(world.record(signal).await, Some(id));
    }
    world.settle().await;
    let shown = read::get(world.state.read(), &Cache::default(), world.now(), id).await.unwrap().alert;
    assert_eq!((shown.state, shown.unknown_reason.as_deref()), (AlertState::Firing, Some("the query timed out")));
    world.fire("Down", "payments", Priority::Critical).await;
    let shown = read::get(world.state.read(), &Cache::default(), world.now(), id).await.unwrap().alert;
    assert_eq!(shown.unknown_reason, None);
    let states: Vec<_> =
        read::transitions(world.state.read(), id).await.unwrap().into_iter().map(|t| (t.from, t.to)).collect();
    let expected = [("inactive", "firing"), ("firing", "unknown"), ("unknown", "firing")];
    assert_eq!(states, expected.map(|(from, to)| (from.to_owned(), to.to_owned())));
    assert_eq!(world.heard().await, heard(&[("firing", 1)]));
}

#[tokio::test]
async fn unknown_for_a_label_set_that_does_not_fire_opens_nothing() {
    let world = World::new().await;
    let signal = world.signal("Down", "x", Priority::Critical, Verdict::Unknown { reason: "no data".into() });
    assert_eq!(world.record(signal).await, None);
}

#[tokio::test]
async fn what_fires_and_resolves_before_anybody_was_told_is_told_as_nothing() {
    let world = World::new().await;
    let id = world.fire("Slow", "payments", Priority::Medium).await;
    world.settle().await;
    world.advance(Span::from_secs(10));
    world.resolve("Slow", "payments", Priority::Medium).await;
    world.settle().await;
    world.advance(Span::from_secs(3_600));
    world.settle().await;
    assert!(world.said().await.is_empty());
    let kinds = world.ledger_of(id).await;
    assert_eq!(kinds, ["alert.firing", "alert.routed", "alert.waiting", "alert.resolved", "alert.not_told"]);
}

#[tokio::test]
async fn a_notification_carries_the_alert_as_data_and_stands_in_the_ledger() {
    let world = World::new().await;
    let id = world.fire("Down", "payments", Priority::Critical).await;
    world.settle().await;
    let said = world.said().await;
    let alert = &said[0].content["alerts"][0];
    assert_eq!(alert["id"], id.to_string());
    assert_eq!(alert["labels"]["service"], "payments");
    assert_eq!(alert["fired_at"], world.now().to_string());
    assert_eq!(alert["resolved_at"], serde_json::Value::Null);
    assert_eq!(said[0].content["group_labels"]["service"], "payments");
    assert_eq!(said[0].content["group_key"], r#"{}:{service="payments"}"#);
    assert_eq!((said[0].integration.as_str(), said[0].receiver.as_str()), ("slack", "team"));
    assert_eq!(world.ledger_of(id).await, ["alert.firing", "alert.routed", "notification.intended"]);
    assert_eq!(ledger::verify(world.state.read()).await.unwrap().broken, None);
}

#[tokio::test]
async fn an_acknowledgement_is_idempotent_and_the_first_stays() {
    let world = World::new().await;
    let id = world.fire("Down", "payments", Priority::Critical).await;
    let by = |name: &str| Actor::User(name.into());
    let first = command::acknowledge(&world.state, &world.env, id, by("ana"), Some("on it")).await.unwrap();
    let second = command::acknowledge(&world.state, &world.env, id, by("bo"), None).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(second.acknowledged_by.as_deref(), Some("user:ana"));
    assert_eq!(world.ledger_of(id).await, ["alert.firing", "alert.acknowledged"]);
}

#[tokio::test]
async fn a_resolved_alert_cannot_be_acknowledged() {
    let world = World::new().await;
    let id = world.fire("Down", "payments", Priority::Critical).await;
    world.resolve("Down", "payments", Priority::Critical).await;
    let refused = command::acknowledge(&world.state, &world.env, id, Actor::System, None).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(_)), "{refused}");
}
