//! Lists and their pages, silences and what is refused.

use watchkeeper_domain::{Actor, Matcher, Priority, Span, Verdict};

use watchkeeper_state::State;
use watchkeeper_state::ledger::{self, About};

use super::world::World;
use crate::Error;
use crate::command::{acknowledge, assign_in};
use crate::read::{self, Filter, Owned, Shown, Sort};
use crate::silence::{Cache, NewSilence, SilenceState};

#[tokio::test]
async fn pages_hold_every_alert_once_most_urgent_first() {
    let world = World::new().await;
    let priorities = [Priority::Low, Priority::Critical, Priority::Medium, Priority::High, Priority::Critical];
    for (n, priority) in priorities.into_iter().enumerate() {
        world.fire(&format!("A{n}"), "payments", priority).await;
        world.advance(Span::from_secs(1));
    }
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let filter = Filter { limit: 2, cursor: cursor.clone(), ..Filter::default() };
        let page = read::list(world.state.read(), &Cache::default(), world.now(), &filter).await.unwrap();
        assert!(page.items.len() <= 2);
        names.extend(page.items.into_iter().map(|item| item.alert.name));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, ["A1", "A4", "A3", "A2", "A0"]);
}

#[tokio::test]
async fn filters_narrow_by_state_priority_and_text_without_wildcards() {
    let world = World::new().await;
    world.fire("Down", "pay%ments", Priority::Critical).await;
    world.fire("Slow", "front", Priority::Medium).await;
    world.fire("Gone", "front", Priority::Medium).await;
    world.resolve("Gone", "front", Priority::Medium).await;
    let unknown = Verdict::Unknown { reason: "no data".into() };
    world.record(world.signal("Slow", "front", Priority::Medium, unknown)).await;
    let names = async |filter: Filter| -> Vec<String> {
        let page = read::list(world.state.read(), &Cache::default(), world.now(), &filter).await.unwrap();
        page.items.into_iter().map(|item| item.alert.name).collect()
    };
    assert_eq!(names(Filter { states: vec![Shown::Unknown], ..Filter::default() }).await, ["Slow"]);
    assert_eq!(names(Filter { states: vec![Shown::Resolved], ..Filter::default() }).await, ["Gone"]);
    assert_eq!(names(Filter { priorities: vec![Priority::Critical], ..Filter::default() }).await, ["Down"]);
    assert_eq!(names(Filter { text: Some("PAY%m".into()), ..Filter::default() }).await, ["Down"]);
    assert_eq!(names(Filter { text: Some("pay_m".into()), ..Filter::default() }).await, [""; 0]);
    let nonsense = Filter { cursor: Some("nonsense".into()), ..Filter::default() };
    let refused = read::list(world.state.read(), &Cache::default(), world.now(), &nonsense).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
}

fn silence(matchers: &[&str], secs: i64, comment: &str) -> NewSilence {
    NewSilence {
        matchers: matchers.iter().map(|text| Matcher::parse(text).unwrap()).collect(),
        starts_at: None,
        duration: Span::from_secs(secs),
        comment: comment.into(),
        ..NewSilence::default()
    }
}

#[tokio::test]
async fn a_silence_without_a_reason_an_end_or_a_matcher_is_refused() {
    let world = World::new().await;
    let refused = [
        silence(&[], 60, "x"),
        silence(&["service=~\".*\""], 60, "x"),
        silence(&["service!=\"payments\""], 60, "x"),
        silence(&["service=\"payments\""], 0, "x"),
        silence(&["service=\"payments\""], 91 * 86_400, "x"),
        silence(&["service=\"payments\""], 60, "  "),
    ];
    for new in refused {
        let error = world.silences().create(new.clone(), Actor::System).await.unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{new:?}: {error}");
    }
}

#[tokio::test]
async fn silences_are_listed_by_state_with_the_alerts_that_they_are_about() {
    let world = World::new().await;
    let silences = world.silences();
    let id = world.fire("Down", "payments", Priority::Critical).await;
    let active = silences.create(silence(&["service=\"payments\""], 3_600, "x"), Actor::System).await.unwrap();
    let mut later = silence(&["service=~\"pay.*|front\""], 60, "x");
    later.starts_at = Some(world.now() + Span::from_secs(600));
    let pending = silences.create(later, Actor::System).await.unwrap();
    let short = silences.create(silence(&["service=\"front\""], 5, "x"), Actor::System).await.unwrap();
    world.advance(Span::from_secs(5));
    let all = silences.list(&[], 10, 0).await.unwrap();
    assert_eq!(all.iter().map(|s| s.id).collect::<Vec<_>>(), [active.id, pending.id, short.id]);
    let states: Vec<_> = all.iter().map(|silence| silence.state(world.now())).collect();
    assert_eq!(states, [SilenceState::Active, SilenceState::Pending, SilenceState::Expired]);
    assert_eq!(silences.matching_alerts(&all).await.unwrap(), [1, 1, 0]);
    assert_eq!(silences.list(&[SilenceState::Pending], 10, 0).await.unwrap(), [pending]);
    let shown = read::get(world.state.read(), &Cache::default(), world.now(), id).await.unwrap();
    assert_eq!(shown.silenced_by, [active.id]);
}

async fn names_of(world: &World, filter: &Filter) -> Vec<String> {
    let page = read::list(world.state.read(), &Cache::default(), world.now(), filter).await.unwrap();
    assert!(page.total >= page.items.len() as u64);
    page.items.into_iter().map(|item| item.alert.name).collect()
}

#[tokio::test]
async fn in_every_order_pages_hold_every_alert_once_and_say_how_many_there_are() {
    let world = World::new().await;
    for (n, name) in ["b.1", "a", "c", "a"].into_iter().enumerate() {
        world.fire(name, &format!("s{n}"), [Priority::Low, Priority::High][n % 2]).await;
        world.advance(Span::from_secs(1));
    }
    let wanted = [
        (Sort::Urgency, ["a", "a", "b.1", "c"]),
        (Sort::Newest, ["a", "c", "a", "b.1"]),
        (Sort::Oldest, ["b.1", "a", "c", "a"]),
        (Sort::Name, ["a", "a", "b.1", "c"]),
    ];
    for (sort, wanted) in wanted {
        for limit in 1..=4 {
            let (mut names, mut cursor) = (Vec::new(), None);
            loop {
                let filter = Filter { limit, sort, cursor, ..Filter::default() };
                let page = read::list(world.state.read(), &Cache::default(), world.now(), &filter).await.unwrap();
                assert_eq!(page.total, 4);
                names.extend(page.items.into_iter().map(|item| item.alert.name));
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(names, wanted, "{sort:?} by pages of {limit}");
        }
    }
    let first = Filter { limit: 1, sort: Sort::Newest, ..Filter::default() };
    let page = read::list(world.state.read(), &Cache::default(), world.now(), &first).await.unwrap();
    let crossed = Filter { sort: Sort::Oldest, cursor: page.next_cursor, ..Filter::default() };
    let refused = read::list(world.state.read(), &Cache::default(), world.now(), &crossed).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "a cursor of another order");
}

#[tokio::test]
async fn alerts_are_narrowed_by_service_and_owner_and_an_assigned_one_is_somebodys() {
    let world = World::new().await;
    let down = world.fire("Down", "payments", Priority::High).await;
    let slow = world.fire("Slow", "front", Priority::Low).await;
    world.fire("Full", "front", Priority::Low).await;
    let env = world.env.clone();
    acknowledge(&world.state, &env, slow, Actor::User("bob".into()), None).await.unwrap();
    let mut tx = world.state.write().await.unwrap();
    let ana = assign_in(&mut tx, world.now(), down, Some(" ana "), Actor::System).await.unwrap();
    assert_eq!(ana.owner.as_deref(), Some("ana"));
    assert!(matches!(assign_in(&mut tx, world.now(), down, Some(" "), Actor::System).await, Err(Error::Invalid(_))));
    State::commit(tx).await.unwrap();
    let of = |person: &str| Owned::By { person: person.into(), theirs: Vec::new(), others: Vec::new() };
    let narrowed = |owner| Filter { owner: Some(owner), ..Filter::default() };
    assert_eq!(names_of(&world, &narrowed(of("ana"))).await, ["Down"]);
    assert_eq!(names_of(&world, &narrowed(of("bob"))).await, ["Slow"]);
    assert_eq!(names_of(&world, &narrowed(of("eve"))).await, [""; 0]);
    assert_eq!(names_of(&world, &narrowed(Owned::ByNobody(Vec::new()))).await, ["Full"]);
    let front = Filter { services: vec!["front".into()], sort: Sort::Name, ..Filter::default() };
    assert_eq!(names_of(&world, &front).await, ["Full", "Slow"]);
    let entries = ledger::entries(world.state.read(), About::Alert(down), 10).await.unwrap();
    let given = entries.iter().find(|entry| entry.kind == "alert.assigned").unwrap();
    assert_eq!(given.data["to"], "ana");
}

#[tokio::test]
async fn counts_say_what_choosing_another_word_would_leave() {
    let world = World::new().await;
    world.fire("Down", "payments", Priority::High).await;
    world.fire("Slow", "front", Priority::Low).await;
    world.fire("Full", "front", Priority::High).await;
    world.fire("Gone", "front", Priority::High).await;
    world.resolve("Gone", "front", Priority::High).await;
    let filter = Filter {
        states: vec![Shown::Firing, Shown::Unknown],
        services: vec!["front".into()],
        priorities: vec![Priority::Low],
        ..Filter::default()
    };
    let counts = read::counts(world.state.read(), &filter).await.unwrap();
    let pairs = |map: &std::collections::BTreeMap<String, u64>| map.clone().into_iter().collect::<Vec<_>>();
    assert_eq!(pairs(&counts.priorities), [("high".to_owned(), 1), ("low".to_owned(), 1)]);
    assert_eq!(pairs(&counts.services), [("front".to_owned(), 1)]);
    assert_eq!(counts.states.into_iter().collect::<Vec<_>>(), [("firing", 1)]);
    let all = Filter { states: vec![Shown::Resolved, Shown::Firing], ..Filter::default() };
    let counts = read::counts(world.state.read(), &all).await.unwrap();
    assert_eq!(counts.states.into_iter().collect::<Vec<_>>(), [("firing", 3), ("resolved", 1)]);
}

#[tokio::test]
async fn a_preview_counts_what_matches_now_what_is_silenced_already_and_what_began_within_a_day() {
    let world = World::new().await;
    world.fire("Old", "front", Priority::Low).await;
    world.resolve("Old", "front", Priority::Low).await;
    world.advance(Span::from_secs(90_000));
    world.fire("Gone", "front", Priority::Low).await;
    world.resolve("Gone", "front", Priority::Low).await;
    world.fire("Slow", "front", Priority::Low).await;
    world.fire("Full", "front", Priority::Critical).await;
    world.fire("Down", "payments", Priority::Critical).await;
    world.silences().create(silence(&["alertname=\"Slow\""], 600, "x"), Actor::System).await.unwrap();
    let matchers = [Matcher::parse("service=\"front\"").unwrap()];
    let found = read::matching(world.state.read(), &Cache::default(), world.now(), &matchers, &[], 1).await.unwrap();
    assert_eq!((found.total, found.silenced, found.last_day), (2, 1, 3));
    assert_eq!(found.firing.iter().map(|l| l.alert.name.as_str()).collect::<Vec<_>>(), ["Full"]);
}
