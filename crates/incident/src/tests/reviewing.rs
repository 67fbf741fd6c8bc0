//! The post-mortem: figures, what it cost, edits, action items, Markdown.

use watchkeeper_domain::query::{Element, Instant};
use watchkeeper_domain::{Actor, Category, Labels, Priority, Span};

use super::world::World;
use crate::read::{self, Viewer};
use crate::review::{self, Edit, ImpactState, NewActionItem};

fn ana() -> Actor {
    Actor::User("ana".into())
}

async fn lived(world: &World) -> crate::Incident {
    world.down("payments").await;
    world.settle().await;
    world.advance(Span::from_secs(30));
    let id = world.all().await[0].id;
    world.incidents.acknowledge(Viewer::ALL, id, ana(), None).await.unwrap();
    world.advance(Span::from_secs(60));
    world.end_runs("succeeded", "verified for 5s").await;
    world.up("payments").await;
    world.settle().await;
    world.all().await.remove(0)
}

#[tokio::test]
async fn the_figures_are_those_of_the_clock() {
    let world = World::new().await;
    let answer = Instant::Vector(vec![Element { labels: Labels::empty(), value: 41.6 }]);
    world.answers.prepared.lock().push_back(Ok(answer));
    let incident = lived(&world).await;
    let review = review::get(world.state.read(), Viewer::ALL, incident.id).await.unwrap();
    let facts = &review.facts;
    assert_eq!((facts.mttd_s, facts.mtta_s, facts.mttr_s), (12.0, Some(30.0), 102.0));
    let states: Vec<_> = facts.states.iter().map(|s| (s.state.as_str(), s.seconds)).collect();
    assert_eq!(states, [("triggered", 30.0), ("acknowledged", 60.0)]);
    assert_eq!((facts.impact.state, facts.impact.failed_requests), (ImpactState::Known, Some(41.6)));
    let asked = world.answers.asked.lock().clone();
    assert_eq!(asked, [("sum(increase(failed[1m42s]))".to_owned(), incident.resolved_at.unwrap())]);
    assert_eq!((facts.tried.len(), facts.alerts.len()), (1, 1));
    assert!(review.summary.contains("42 requests failed") && review.root_cause.is_empty(), "{}", review.summary);
}

#[tokio::test]
async fn a_failed_query_is_unknown_and_is_asked_again() {
    let world = World::new().await;
    let incident = lived(&world).await;
    let impact = async || {
        let review = review::get(world.state.read(), Viewer::ALL, incident.id).await.unwrap();
        (review.facts.impact.state, review.facts.impact.failed_requests, review.summary)
    };
    let (state, failed, summary) = impact().await;
    assert_eq!((state, failed), (ImpactState::Unknown, None));
    assert!(summary.contains("not known"), "{summary}");
    world.answers.prepared.lock().push_back(Ok(Instant::Scalar(7.0)));
    let report = world.settle().await;
    assert_eq!(report.next_due, Some(world.now() + Span::from_secs(60)));
    world.advance(Span::from_secs(60));
    world.settle().await;
    assert_eq!(impact().await.1, Some(7.0));
}

#[tokio::test]
async fn an_empty_answer_is_unknown_not_zero_and_asking_ends() {
    let world = World::new().await;
    for _ in 0..5 {
        world.answers.prepared.lock().push_back(Ok(Instant::Vector(vec![])));
    }
    let incident = lived(&world).await;
    for _ in 0..10 {
        world.advance(Span::from_secs(60));
        world.settle().await;
    }
    let review = review::get(world.state.read(), Viewer::ALL, incident.id).await.unwrap();
    assert_eq!((review.facts.impact.state, review.facts.impact.attempts), (ImpactState::Unknown, 5));
    assert_eq!(review.facts.impact.why.as_deref(), Some("the query found no series"));
    assert_eq!(world.answers.asked.lock().len(), 5);
}

#[tokio::test]
async fn what_a_person_wrote_survives_a_later_draft() {
    let world = World::new().await;
    let incident = lived(&world).await;
    let edit = Edit { summary: Some("Ours.".into()), root_cause: Some("A full pool.".into()), lessons: None };
    world.incidents.edit_review(Viewer::ALL, incident.id, edit, ana()).await.unwrap();
    world.down("payments").await;
    world.settle().await;
    world.advance(Span::from_secs(10));
    world.up("payments").await;
    world.settle().await;
    let review = review::get(world.state.read(), Viewer::ALL, incident.id).await.unwrap();
    assert_eq!((review.summary.as_str(), review.root_cause.as_str()), ("Ours.", "A full pool."));
    assert_eq!(review.facts.alerts.len(), 2);
}

#[tokio::test]
async fn action_items_are_added_changed_done_and_removed() {
    let world = World::new().await;
    let incident = lived(&world).await;
    let save = async |new: NewActionItem| world.incidents.save_action_item(Viewer::ALL, incident.id, new, ana()).await;
    let wrong = NewActionItem { text: "x".into(), due: Some("2026-02-30".into()), ..NewActionItem::default() };
    assert!(save(wrong).await.is_err());
    let new =
        NewActionItem { text: "Widen the pool".into(), due: Some("2026-12-01".into()), ..NewActionItem::default() };
    let item = save(new.clone()).await.unwrap();
    let done = NewActionItem { id: Some(item.id), owner: Some("bo".into()), done: true, ..new };
    let changed = save(done).await.unwrap();
    assert_eq!((changed.id, changed.owner.as_str(), changed.done_at), (item.id, "bo", Some(world.now())));
    world.incidents.remove_action_item(Viewer::ALL, incident.id, item.id, ana()).await.unwrap();
    world.incidents.remove_action_item(Viewer::ALL, incident.id, item.id, ana()).await.unwrap();
    let review = review::get(world.state.read(), Viewer::ALL, incident.id).await.unwrap();
    assert!(review.action_items.is_empty());
}

#[tokio::test]
async fn markdown_keeps_hostile_text_in_its_cell_and_asks_for_what_is_missing() {
    let world = World::new().await;
    world.fire("Down | x", "front", Category::Application, Priority::High).await;
    world.settle().await;
    let id = world.all().await[0].id;
    world.incidents.note(Viewer::ALL, id, "<img src=x onerror=alert(1)> | [a](b)\n# heading", ana()).await.unwrap();
    world.incidents.resolve(Viewer::ALL, id, ana(), None).await.unwrap();
    let review = review::get(world.state.read(), Viewer::ALL, id).await.unwrap();
    let detail = read::get(world.state.read(), Viewer::ALL, id).await.unwrap();
    let text = review::markdown(&detail.listed.incident, &review, &detail.timeline);
    assert!(!text.contains("<img") && !text.contains("\n# heading"), "{text}");
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    let timeline: Vec<_> =
        text.lines().skip_while(|l| !l.starts_with("## Timeline")).filter(|l| l.starts_with('|')).collect();
    assert!(timeline.len() > 3 && timeline.iter().all(|line| bars(line) == 4), "{timeline:#?}");
    assert!(text.contains("## Root cause\n\n_Why did it happen"), "{text}");
}
