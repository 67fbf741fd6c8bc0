//! What people do: each command, its idempotence, and what stands in the ledger and the timeline afterwards.

use watchkeeper_domain::{Actor, Category, Priority};

use super::world::World;
use crate::command::Declaration;
use crate::incident::{IncidentKind, IncidentState, Role};
use crate::read::{self, Viewer};
use crate::{Error, timeline};

fn ana() -> Actor {
    Actor::User("ana".into())
}

#[tokio::test]
async fn an_acknowledgement_takes_the_alerts_along_and_stops_the_hand_over() {
    let world = World::new().await;
    world.down("payments").await;
    world.settle().await;
    let id = world.all().await[0].id;
    let first = world.incidents.acknowledge(Viewer::PUBLIC, id, ana(), Some("on it")).await.unwrap();
    let again = world.incidents.acknowledge(Viewer::PUBLIC, id, Actor::User("bo".into()), None).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(first.acknowledged_by.as_deref(), Some("user:ana"));
    let detail = read::get(world.state.read(), Viewer::PUBLIC, id).await.unwrap();
    assert_eq!(detail.alerts[0].acknowledged_by.as_deref(), Some("user:ana"));
    world.end_runs("failed", "no").await;
    world.settle().await;
    assert!(world.handovers().await.is_empty());
    let texts: Vec<_> = detail.timeline.iter().map(|entry| (entry.kind.as_str(), entry.text.as_str())).collect();
    assert!(texts.contains(&("state", "Acknowledged")) && texts.contains(&("note", "on it")), "{texts:?}");
}

#[tokio::test]
async fn a_life_by_hand_from_declaration_to_close() {
    let world = World::new().await;
    let alert = world.fire("Disk", "front", Category::Resource, Priority::Low).await;
    world.settle().await;
    let new = || Declaration {
        title: " Customers cannot pay ".into(),
        priority: Priority::High,
        category: Category::Business,
        kind: IncidentKind::Operational,
        description: "reported by phone".into(),
        alerts: vec![alert],
    };
    let incident = world.incidents.declare(new(), ana()).await.unwrap();
    assert_eq!((incident.title.as_str(), incident.number), ("Customers cannot pay", 1));
    assert!(matches!(world.incidents.declare(new(), ana()).await, Err(Error::AlertTaken { .. })));
    world.settle().await;
    assert_eq!(world.handovers().await[0]["headline"], "declared by a person");
    let (id, all) = (incident.id, Viewer::PUBLIC);
    let refused = world.incidents.close(all, id, ana(), None).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(_)), "{refused}");
    world.incidents.assign(all, id, Role::Scribe, Some("bo"), ana()).await.unwrap();
    world.incidents.mitigate(all, id, ana(), None).await.unwrap();
    // Its alert ends, but what a person declared a person ends.
    world.resolve("Disk", "front", Category::Resource).await;
    world.settle().await;
    assert_eq!(world.all().await[0].state, IncidentState::Mitigated);
    world.incidents.resolve(all, id, ana(), None).await.unwrap();
    let closed = world.incidents.close(all, id, ana(), None).await.unwrap();
    assert_eq!((closed.state, closed.roles["scribe"].as_str()), (IncidentState::Closed, "bo"));
    let kinds = world.ledger_of(id).await;
    let expected = ["opened", "handed_over", "assigned", "mitigated", "resolved", "closed"];
    let of_incident = kinds.iter().filter_map(|kind| kind.strip_prefix("incident.")).collect::<Vec<_>>();
    assert_eq!(of_incident, expected);
    assert!(world.incidents.note(all, id, "   ", ana()).await.is_err());
    assert!(world.incidents.note(all, id, &"x".repeat(4_001), ana()).await.is_err());
}

#[tokio::test]
async fn the_timeline_merges_alerts_commands_and_notifications_in_order() {
    let world = World::new().await;
    world.down("front").await;
    world.settle().await;
    let id = world.all().await[0].id;
    world.advance(watchkeeper_domain::Span::from_secs(5));
    world.incidents.note(Viewer::PUBLIC, id, "looking at the logs", ana()).await.unwrap();
    let entries = timeline::read(world.state.read(), id).await.unwrap();
    assert!(entries.windows(2).all(|pair| pair[0].at <= pair[1].at));
    let kinds: Vec<_> = entries.iter().map(|entry| entry.kind.as_str()).collect();
    for kind in ["state", "alert", "workflow", "notification", "note"] {
        assert!(kinds.contains(&kind), "{kind} is missing in {kinds:?}");
    }
}

#[tokio::test]
async fn lists_have_open_incidents_first_and_pages_hold_each_once() {
    let world = World::new().await;
    for service in ["a", "b", "c", "d"] {
        world.down(service).await;
        world.settle().await;
    }
    world.up("d").await;
    world.settle().await;
    let (mut numbers, mut cursor) = (Vec::new(), None);
    loop {
        let filter = read::Filter { limit: 3, cursor, ..read::Filter::default() };
        let page = read::list(world.state.read(), Viewer::PUBLIC, &filter).await.unwrap();
        numbers.extend(page.items.into_iter().map(|item| item.incident.number));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(numbers, [3, 2, 1, 4]);
    let found = read::Filter { text: Some("INC-2".into()), ..read::Filter::default() };
    let page = read::list(world.state.read(), Viewer::PUBLIC, &found).await.unwrap();
    assert_eq!(page.items.len(), 1);
}
