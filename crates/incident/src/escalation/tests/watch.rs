//! Hand-offs are noticed, and people are warned before nobody is on call.

use sqlx::Row;
use watchkeeper_domain::{Actor, Span};
use watchkeeper_state::ledger;

use super::world::{CONFIG, World};
use crate::error::Error;
use crate::oncall::NewOverride;
use crate::oncall::restriction::Window;
use crate::oncall::timetable::Source;

const DAY: i64 = 86_400;

fn over(world: &World, person: &str, from: i64, until: i64) -> NewOverride {
    NewOverride {
        schedule: "payments".into(),
        person: person.into(),
        instead_of: None,
        from: Some(world.now() + Span::from_secs(from)),
        until: world.now() + Span::from_secs(until),
        reason: String::new(),
    }
}

async fn alerts(world: &World) -> Vec<String> {
    let rows = sqlx::query("SELECT name, state, annotations FROM alert ORDER BY fired_at, name")
        .fetch_all(world.state.read())
        .await
        .unwrap();
    let line = |row: &sqlx::sqlite::SqliteRow| {
        let said: serde_json::Value = serde_json::from_str(row.get("annotations")).unwrap();
        format!("{} {}: {}", row.get::<&str, _>("name"), row.get::<&str, _>("state"), said["summary"].as_str().unwrap())
    };
    rows.iter().map(line).collect()
}

#[tokio::test]
async fn the_one_who_takes_over_is_told_with_the_notes_of_the_one_who_goes() {
    for fragile in [false, true] {
        let mut world = World::new().await;
        world.fragile = fragile;
        world.run(60).await;
        let note = world.on_call().add_note("payments", "the ledger job is slow", Actor::User("ana".into())).await;
        assert_eq!(note.unwrap().author, "user:ana");
        world.run(7 * DAY - 60).await;
        assert_eq!(world.told().await, [format!("{} person:bo/email info", 7 * DAY)], "fragile: {fragile}");
        let content: String =
            sqlx::query_scalar("SELECT content FROM notification").fetch_one(world.state.read()).await.unwrap();
        assert!(content.contains("the ledger job is slow") && content.contains("2026-12-07"), "{content}");
        let facts = ledger::entries(world.state.read(), ledger::About::Subject("payments"), 10).await.unwrap();
        assert_eq!(facts.iter().map(|f| f.kind.as_str()).collect::<Vec<_>>(), ["oncall.handed_off"]);
    }
}

#[tokio::test]
async fn a_gap_is_an_alert_a_day_before_another_when_it_begins_and_none_when_it_is_filled() {
    // Office hours only: the first gap begins at 18:00.
    let hours = "layers: [{rotation: weekly, start: 2026-11-23T09:00, people: [ana, bo], restrictions: [{from: 09:00, to: 18:00}]}]";
    let text = CONFIG.replace("layers: [{rotation: weekly, start: 2026-11-23T09:00, people: [ana, bo]}]", hours);
    let text =
        text.replace("announce: true", "gap_warning: 2h").replace("handover_receiver: war-room", "open_from_: x");
    let text = text.replace("incidents: {open_from: high, open_from_: x}", "incidents: {open_from: critical}");
    for fragile in [false, true] {
        let mut world = World::with(&text).await;
        world.fragile = fragile;
        world.run(7 * 3_600 - 60).await;
        assert!(alerts(&world).await.is_empty(), "not yet");
        world.run(120).await;
        let ahead = "Nobody will be on call in payments from 2026-11-23T17:00:00.000Z to 2026-11-24T08:00:00.000Z";
        assert_eq!(alerts(&world).await, [format!("OnCallGap firing: {ahead}")]);
        world.run(2 * 3_600).await;
        let [gap, now] = &alerts(&world).await[..] else { panic!() };
        assert_eq!(
            (gap, now.as_str()),
            (&format!("OnCallGap resolved: {ahead}"), "OnCallUncovered firing: Nobody is on call in payments now")
        );
        let made = world.on_call().create_override(over(&world, "cy", 0, DAY), Actor::User("cy".into())).await.unwrap();
        world.run(60).await;
        assert!(alerts(&world).await.iter().all(|alert| alert.contains(" resolved: ")), "cy stands in");
        world.on_call().remove_override(&made.id, Actor::User("cy".into())).await.unwrap();
        world.run(60).await;
        assert_eq!(alerts(&world).await.iter().filter(|alert| alert.contains("Uncovered firing")).count(), 1);
        // It was cy until a moment ago, and that stays true.
        let then = world.now() - Span::from_secs(90);
        let who = world.on_call().answers(then, Some("payments")).await.unwrap();
        assert_eq!(who[0].now.as_ref().map(|shift| shift.person.as_str()), Some("cy"));
    }
}

#[tokio::test]
async fn who_answers_who_comes_next_and_where_nobody_would() {
    let world = World::new().await;
    let asked = world.on_call().answers(world.now(), None).await.unwrap();
    let [answer] = asked.as_slice() else { panic!() };
    let (now, next) = (answer.now.as_ref().unwrap(), answer.next.as_ref().unwrap());
    assert_eq!((now.person.as_str(), next.person.as_str(), next.from), ("ana", "bo", now.until));
    assert_eq!(now.until, world.now() + Span::from_secs(7 * DAY));
    let range = Window { from: world.now(), until: world.now() + Span::from_secs(30 * DAY) };
    assert!(world.on_call().gaps(range, None).await.unwrap().is_empty());
    let calendar = world.on_call().calendar("payments", range).await.unwrap();
    assert_eq!((calendar.folded.shifts.len(), calendar.layers.len(), calendar.folded.gaps.len()), (5, 1, 0));
    assert!(matches!(world.on_call().answers(world.now(), Some("nope")).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_turn_that_goes_on_in_another_layer_is_one_turn_and_comes_from_the_layer_of_the_moment() {
    let second = "people: [ana, bo]}, {name: noon, rotation: daily, start: 2026-11-23T00:00, people: [ana], \
                  restrictions: [{from: \"12:00\", to: \"13:00\"}]}";
    let world = World::with(&CONFIG.replace("people: [ana, bo]}", second)).await;
    for (hours, layer) in [(3, "layer 1"), (4, "noon"), (5, "layer 1")] {
        let at = world.now() + Span::from_secs(hours * 3_600 - 1_800);
        let asked = world.on_call().answers(at, None).await.unwrap();
        let now = asked[0].now.as_ref().unwrap();
        assert_eq!((now.from, now.until), (world.now(), world.now() + Span::from_secs(7 * DAY)), "{now:?}");
        assert_eq!(now.by, Source::Layer(layer.into()));
    }
}

#[tokio::test]
async fn an_override_that_makes_no_sense_is_refused_and_one_that_is_made_is_in_the_ledger() {
    let world = World::new().await;
    let by = || Actor::User("ana".into());
    let refused = [
        NewOverride { schedule: "nope".into(), ..over(&world, "bo", 0, 60) },
        over(&world, "nobody", 0, 60),
        over(&world, "bo", 60, 60),
        over(&world, "bo", -600, -60),
        over(&world, "bo", 0, 400 * DAY),
        NewOverride { instead_of: Some("bo".into()), ..over(&world, "bo", 0, 60) },
        NewOverride { reason: "x".repeat(501), ..over(&world, "bo", 0, 60) },
    ];
    for new in refused {
        let error = world.on_call().create_override(new.clone(), by()).await.unwrap_err();
        assert!(matches!(error, Error::Invalid(_) | Error::NotFound { .. }), "{new:?}: {error}");
    }
    let made = world.on_call().create_override(over(&world, "bo", 3_600, 7_200), by()).await.unwrap();
    world.on_call().remove_override(&made.id, by()).await.unwrap();
    assert!(matches!(world.on_call().remove_override(&made.id, by()).await, Err(Error::NotFound { .. })));
    let facts = ledger::entries(world.state.read(), ledger::About::Subject(&made.id), 10).await.unwrap();
    assert_eq!(
        facts.iter().map(|f| f.kind.as_str()).collect::<Vec<_>>(),
        ["oncall.override_created", "oncall.override_removed"]
    );
}
