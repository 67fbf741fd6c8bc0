//! Who is told when: waits and their boundaries, mutes and their ends, restarts, reloads.

use watchkeeper_domain::{Actor, Matcher, Priority, Span};

use super::world::{World, heard, inhibit_warnings, route, routing};
use crate::command;
use crate::silence::NewSilence;

const JUST_BEFORE: Span = Span::from_micros(1);

fn silence_of(service: &str, secs: i64) -> NewSilence {
    NewSilence {
        matchers: vec![Matcher::equal("service", service)],
        starts_at: None,
        duration: Span::from_secs(secs),
        comment: "known, being worked on".into(),
        ..NewSilence::default()
    }
}

fn ana() -> Actor {
    Actor::User("ana".into())
}

#[tokio::test]
async fn a_page_goes_at_once_and_what_does_not_page_waits_for_group_wait() {
    let world = World::new().await;
    world.fire("Down", "payments", Priority::High).await;
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 1)]));
    world.fire("Slow", "front", Priority::Medium).await;
    let report = world.settle().await;
    let due = world.now() + Span::from_secs(30);
    assert_eq!(report.next_due, Some(due));
    world.advance(Span::from_micros(Span::from_secs(30).as_micros() - JUST_BEFORE.as_micros()));
    world.settle().await;
    assert_eq!(world.said().await.len(), 1);
    world.advance(JUST_BEFORE);
    world.settle().await;
    let said = world.said().await;
    assert_eq!((said.len(), said[1].at), (2, due));
}

#[tokio::test]
async fn a_group_wait_in_the_file_holds_for_pages_too() {
    let mut routing = routing();
    routing.route.group_wait = Some(Span::from_secs(10));
    let world = World::with(routing).await;
    world.fire("Down", "payments", Priority::Critical).await;
    world.settle().await;
    assert!(world.said().await.is_empty());
    world.advance(Span::from_secs(10));
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 1)]));
}

#[tokio::test]
async fn changes_of_a_known_group_wait_for_group_interval_but_a_new_page_does_not() {
    let world = World::new().await;
    world.fire("Down", "payments", Priority::Critical).await;
    world.settle().await;
    world.advance(Span::from_secs(60));
    world.fire("Slow", "payments", Priority::Medium).await;
    world.settle().await;
    assert_eq!(world.said().await.len(), 1);
    world.advance(Span::from_micros(Span::from_secs(240).as_micros() - 1));
    world.settle().await;
    assert_eq!(world.said().await.len(), 1);
    world.advance(JUST_BEFORE);
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 1), ("firing", 2)]));
    world.advance(Span::from_secs(1));
    world.fire("Errors", "payments", Priority::High).await;
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 1), ("firing", 2), ("firing", 3)]));
}

#[tokio::test]
async fn a_partial_resolve_waits_and_the_all_clear_of_a_page_goes_at_once() {
    let world = World::new().await;
    world.fire("Down", "payments", Priority::Critical).await;
    world.fire("Errors", "payments", Priority::High).await;
    world.settle().await;
    world.advance(Span::from_secs(20));
    world.resolve("Errors", "payments", Priority::High).await;
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 2)]));
    world.advance(Span::from_secs(1));
    world.resolve("Down", "payments", Priority::Critical).await;
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 2), ("resolved", 2)]));
}

#[tokio::test]
async fn an_unchanged_group_is_repeated_unless_somebody_has_it() {
    let world = World::new().await;
    let id = world.fire("Down", "payments", Priority::Critical).await;
    let four_hours = Span::from_secs(4 * 3_600);
    let report = world.settle().await;
    assert_eq!(report.next_due, Some(world.now() + four_hours));
    world.advance(Span::from_micros(four_hours.as_micros() - 1));
    world.settle().await;
    assert_eq!(world.said().await.len(), 1);
    world.advance(JUST_BEFORE);
    world.settle().await;
    assert_eq!(world.said().await.len(), 2);
    command::acknowledge(&world.state, &world.env, id, ana(), None).await.unwrap();
    world.advance(four_hours);
    world.settle().await;
    assert_eq!(world.said().await.len(), 2);
    world.resolve("Down", "payments", Priority::Critical).await;
    world.settle().await;
    assert_eq!(world.said().await.len(), 3);
}

#[tokio::test]
async fn a_silenced_alert_that_still_fires_is_told_when_the_silence_ends() {
    let world = World::new().await;
    world.silences().create(silence_of("payments", 600), ana()).await.unwrap();
    let id = world.fire("Down", "payments", Priority::Critical).await;
    let report = world.settle().await;
    assert!(world.said().await.is_empty());
    assert_eq!(report.next_due, Some(world.now() + Span::from_secs(600)));
    world.advance(Span::from_secs(600));
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 1)]));
    let kinds = world.ledger_of(id).await;
    assert_eq!(kinds[1..], ["alert.routed", "alert.silenced", "alert.unmuted", "notification.intended"]);
}

#[tokio::test]
async fn a_silence_that_is_ended_by_hand_lets_go_at_once() {
    let world = World::new().await;
    let silence = world.silences().create(silence_of("payments", 86_400), ana()).await.unwrap();
    world.fire("Down", "payments", Priority::Critical).await;
    world.settle().await;
    let ended = world.silences().expire(silence.id, ana()).await.unwrap();
    let again = world.silences().expire(silence.id, ana()).await.unwrap();
    assert_eq!(ended, again);
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 1)]));
}

#[tokio::test]
async fn two_silences_hold_until_the_last_of_them_ends() {
    let world = World::new().await;
    world.silences().create(silence_of("payments", 100), ana()).await.unwrap();
    world.silences().create(silence_of("payments", 200), ana()).await.unwrap();
    world.fire("Down", "payments", Priority::Critical).await;
    world.settle().await;
    world.advance(Span::from_secs(199));
    world.settle().await;
    assert!(world.said().await.is_empty());
    world.advance(Span::from_secs(1));
    world.settle().await;
    assert_eq!(world.said().await.len(), 1);
}

#[tokio::test]
async fn the_end_of_what_was_told_is_told_even_under_a_silence() {
    let world = World::new().await;
    world.fire("Down", "payments", Priority::Critical).await;
    world.settle().await;
    world.silences().create(silence_of("payments", 3_600), ana()).await.unwrap();
    world.resolve("Down", "payments", Priority::Critical).await;
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 1), ("resolved", 1)]));
}

#[tokio::test]
async fn what_resolves_under_a_silence_without_having_been_told_is_never_told() {
    let world = World::new().await;
    world.silences().create(silence_of("payments", 600), ana()).await.unwrap();
    world.fire("Down", "payments", Priority::Critical).await;
    world.settle().await;
    world.resolve("Down", "payments", Priority::Critical).await;
    world.settle().await;
    world.advance(Span::from_secs(600));
    world.settle().await;
    assert!(world.said().await.is_empty());
}

#[tokio::test]
async fn an_inhibited_alert_is_told_when_its_source_resolves() {
    let mut routing = routing();
    routing.inhibit_rules = vec![inhibit_warnings()];
    let world = World::with(routing).await;
    world.fire("Down", "payments", Priority::Critical).await;
    let id = world.fire("Slow", "payments", Priority::Medium).await;
    world.settle().await;
    world.advance(Span::from_secs(3_600));
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 1)]));
    assert_eq!(world.ledger_of(id).await[1..], ["alert.routed", "alert.inhibited"]);
    world.resolve("Down", "payments", Priority::Critical).await;
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 1), ("firing", 2)]));
}

#[tokio::test]
async fn a_restart_between_any_two_steps_changes_nothing_that_people_hear() {
    let mut heard_by_cut = Vec::new();
    for cut in 0..=7 {
        let mut world = World::new().await;
        for step in 0..7 {
            if step == cut {
                world.restart().await;
            }
            match step {
                0 => drop(world.fire("Down", "payments", Priority::Critical).await),
                1 => drop(world.fire("Slow", "payments", Priority::Medium).await),
                2 | 4 | 6 => drop(world.settle().await),
                3 => world.advance(Span::from_secs(300)),
                _ => {
                    world.resolve("Down", "payments", Priority::Critical).await;
                    world.resolve("Slow", "payments", Priority::Medium).await;
                }
            }
        }
        if cut == 7 {
            world.restart().await;
        }
        world.settle().await;
        heard_by_cut.push(world.heard().await);
    }
    assert_eq!(heard_by_cut[0], heard(&[("firing", 2), ("resolved", 2)]));
    assert!(heard_by_cut.windows(2).all(|pair| pair[0] == pair[1]), "{heard_by_cut:?}");
}

#[tokio::test]
async fn after_a_reload_the_new_receiver_hears_of_it_and_the_old_one_hears_the_end() {
    let mut world = World::new().await;
    world.fire("Down", "payments", Priority::Critical).await;
    world.settle().await;
    let mut changed = routing();
    changed.route = route("other");
    world.routing = changed.clone();
    world.reconciler.reload(changed);
    world.settle().await;
    world.restart().await;
    world.settle().await;
    world.resolve("Down", "payments", Priority::Critical).await;
    world.settle().await;
    let mut said: Vec<_> = world.said().await.into_iter().map(|said| (said.receiver, said.status)).collect();
    said.sort();
    let expected = [("other", "firing"), ("other", "resolved"), ("team", "firing"), ("team", "resolved")];
    assert_eq!(said, expected.map(|(receiver, status)| (receiver.to_owned(), status.to_owned())));
}

#[tokio::test]
async fn who_does_not_want_resolved_hears_of_it_in_no_message() {
    let mut routing = routing();
    routing.receivers.get_mut("team").unwrap()[0].send_resolved = false;
    let world = World::with(routing).await;
    world.fire("Down", "payments", Priority::Critical).await;
    world.fire("Errors", "payments", Priority::Critical).await;
    world.settle().await;
    world.resolve("Errors", "payments", Priority::Critical).await;
    world.settle().await;
    world.advance(Span::from_secs(300));
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 2)]));
    world.fire("Slow", "payments", Priority::High).await;
    world.settle().await;
    assert_eq!(world.heard().await, heard(&[("firing", 2), ("firing", 2)]));
}

#[tokio::test]
async fn twelve_hundred_alerts_of_one_group_are_told_in_bounded_pieces() {
    let world = World::new().await;
    let signals: Vec<_> = (0..1_200)
        .map(|n| {
            let mut signal = world.signal("Down", "payments", Priority::Critical, watchkeeper_domain::Verdict::Firing);
            signal.labels = signal.labels.with("instance", &n.to_string());
            signal
        })
        .collect();
    let mut tx = world.state.write().await.unwrap();
    let alerts = crate::Alerts::new(world.env.clone(), vec![]);
    watchkeeper_state::SignalSink::record(&alerts, &mut tx, &signals).await.unwrap();
    watchkeeper_state::State::commit(tx).await.unwrap();
    world.settle().await;
    let said = world.said().await;
    assert!(said.iter().all(|said| said.alerts().len() <= crate::group::MAX_CHANGES + crate::notice::MAX_CONTEXT));
    let mut told: Vec<_> = said.iter().flat_map(|said| said.alerts()).map(|(id, _)| id).collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 1_200);
}
