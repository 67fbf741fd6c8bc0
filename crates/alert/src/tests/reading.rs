//! Lists and their pages, silences and what is refused.

use watchkeeper_domain::{Actor, Matcher, Priority, Span, Verdict};

use super::world::World;
use crate::Error;
use crate::read::{self, Filter, Shown};
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
