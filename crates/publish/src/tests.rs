//! From an incident's rows to what the public reads.

use std::sync::Arc;

use watchkeeper_config::model::{Component, StatusPage};
use watchkeeper_domain::ids::IncidentId;
use watchkeeper_domain::{Actor, Env, Matcher, Span, Timestamp};
use watchkeeper_state::{Reconciler, State, ledger};
use watchkeeper_testkit::VirtualClock;

use crate::{Error, Impact, Page, PublicState, StatusReconciler, post};

/// The testkit's world, in the evening: 2026-11-22T19:40:00Z.
fn env() -> (Env, Arc<VirtualClock>) {
    let (env, clock) = watchkeeper_testkit::env();
    clock.set(Timestamp::from_secs(1_795_376_400));
    (env, clock)
}

const HOSTILE: &str = "<script>alert('x')</script> \"&' db-7.internal";

fn config() -> StatusPage {
    let component = |name: &str, title: &str| Component {
        name: name.into(),
        title: title.into(),
        matchers: vec![Matcher::equal("service", name)],
    };
    StatusPage {
        title: "Money & <b>more</b>".into(),
        components: vec![component("payments", "Payments"), component("front", "\"><script>Front</script>")],
    }
}

struct World {
    _dir: tempfile::TempDir,
    state: State,
    env: Env,
    clock: Arc<VirtualClock>,
    reconciler: StatusReconciler,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (env, clock) = env();
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let reconciler = StatusReconciler::new(state.clone(), env.clone(), config());
        Self { _dir: dir, state, env, clock, reconciler }
    }

    fn advance(&self, by: Span) {
        self.clock.advance(by);
    }

    async fn open(&self, number: u8, component: &str, priority: &str, kind: &str) -> IncidentId {
        let id: IncidentId = format!("inc_{number:032x}").parse().unwrap();
        let mut tx = self.state.write().await.unwrap();
        sqlx::query(
            "INSERT INTO incident (id, number, key, title, kind, restricted, state, priority, category, component, \
             summary, started_at, opened_at, updated_at) VALUES ($1, $2, $1, $3, $4, $5, 'triggered', $6, 'application', \
             $7, $3, $8, $8, $8)",
        )
        .bind(id.to_string())
        .bind(number)
        .bind(HOSTILE)
        .bind(kind)
        .bind(i64::from(kind == "security"))
        .bind(priority)
        .bind(component)
        .bind(self.env.now().as_micros())
        .execute(&mut *tx)
        .await
        .unwrap();
        State::commit(tx).await.unwrap();
        id
    }

    async fn set(&self, id: IncidentId, state: &str, priority: &str) {
        let mut tx = self.state.write().await.unwrap();
        let over = (state == "resolved").then_some(self.env.now().as_micros());
        sqlx::query("UPDATE incident SET state = $2, priority = $3, resolved_at = $4 WHERE id = $1")
            .bind(id.to_string())
            .bind(state)
            .bind(priority)
            .bind(over)
            .execute(&mut *tx)
            .await
            .unwrap();
        State::commit(tx).await.unwrap();
    }

    async fn page(&self) -> Page {
        while self.reconciler.reconcile().await.unwrap().processed > 0 {}
        Page::load(self.state.read(), &config(), self.env.now()).await.unwrap()
    }
}

#[tokio::test]
async fn a_page_follows_an_incident_from_investigating_to_resolved() {
    let world = World::new().await;
    let id = world.open(1, "payments", "high", "operational").await;
    assert_eq!(world.page().await.components[0].impact, Impact::PartialOutage);
    for (state, priority) in
        [("triggered", "critical"), ("acknowledged", "critical"), ("mitigated", "critical"), ("resolved", "critical")]
    {
        world.advance(Span::from_secs(60));
        world.set(id, state, priority).await;
        world.page().await;
        world.page().await;
    }
    let page = world.page().await;
    assert_eq!((page.impact(), page.current.len(), page.history.len()), (Impact::Operational, 0, 1));
    let told: Vec<_> = page.history[0].updates.iter().rev().map(|update| (update.state, update.impact)).collect();
    assert_eq!(
        told,
        [
            (PublicState::Investigating, Impact::PartialOutage),
            (PublicState::Investigating, Impact::MajorOutage),
            (PublicState::Identified, Impact::MajorOutage),
            (PublicState::Monitoring, Impact::MajorOutage),
            (PublicState::Resolved, Impact::Operational),
        ]
    );
    assert_eq!(page.history[0].name, "Payments: Major outage");
    let kinds = ledger::entries(world.state.read(), ledger::About::Incident(id), 100).await.unwrap();
    assert_eq!(kinds.iter().filter(|row| row.kind == "status.published").count(), 5);
}

#[tokio::test]
async fn a_security_incident_is_never_published() {
    let world = World::new().await;
    let id = world.open(1, "payments", "critical", "security").await;
    let page = world.page().await;
    assert_eq!((page.impact(), page.current.len()), (Impact::Operational, 0));
    let refused = post::post(&world.state, &world.env, id, "hello", Actor::System).await;
    assert!(matches!(refused, Err(Error::NotFound(_))));
    for text in [page.html().unwrap(), page.atom("https://x").unwrap(), page.summary("https://x").to_string()] {
        assert!(!text.contains(&id.to_string()), "{text}");
    }
}

#[tokio::test]
async fn nothing_from_inside_and_no_markup_reaches_the_public() {
    let world = World::new().await;
    let id = world.open(1, "front", "critical", "operational").await;
    world.page().await;
    post::post(&world.state, &world.env, id, "We <b>know</b> & ]]> care", Actor::User("ana".into())).await.unwrap();
    let page = world.page().await;
    let (html, atom) = (page.html().unwrap(), page.atom("https://status.example").unwrap());
    for text in [&html, &atom, &page.summary("https://status.example").to_string()] {
        assert!(!text.contains("internal") && !text.contains("alert("), "{text}");
    }
    for text in [&html, &atom] {
        assert!(!text.contains("<script") && !text.contains("<b>") && !text.contains("]]>"), "{text}");
        assert!(!text.contains("ana"), "who wrote it stays inside: {text}");
    }
    assert!(!html.contains("style=") && !html.contains("javascript:"));
}

#[tokio::test]
async fn what_a_person_wrote_stands_and_is_not_followed_by_the_same_state() {
    let world = World::new().await;
    let id = world.open(1, "payments", "high", "operational").await;
    world.page().await;
    world.advance(Span::from_secs(1));
    post::post(&world.state, &world.env, id, "Card payments fail.", Actor::User("ana".into())).await.unwrap();
    let page = world.page().await;
    assert_eq!(page.current[0].updates.len(), 2);
    assert_eq!(page.current[0].updates[0].text, "Card payments fail.");
    assert!(post::post(&world.state, &world.env, id, " ", Actor::System).await.is_err());
}

#[tokio::test]
async fn what_was_over_before_anybody_was_told_is_not_told() {
    let world = World::new().await;
    let id = world.open(1, "payments", "high", "operational").await;
    world.set(id, "resolved", "high").await;
    let page = world.page().await;
    assert_eq!((page.current.len(), page.history.len()), (0, 0));
}

#[tokio::test]
async fn an_incident_that_comes_back_says_so() {
    let world = World::new().await;
    let id = world.open(1, "payments", "high", "operational").await;
    for state in ["triggered", "resolved", "triggered"] {
        world.set(id, state, "high").await;
        world.page().await;
        world.advance(Span::from_secs(1));
    }
    let page = world.page().await;
    assert_eq!(page.current[0].updates[0].text, "The problem with Payments has come back. We are investigating.");
}

#[tokio::test]
async fn the_bars_show_the_worst_of_each_day_and_nothing_before_watch_was_kept() {
    let world = World::new().await;
    let day = Span::from_secs(86_400);
    let first = world.open(1, "payments", "medium", "operational").await;
    world.page().await;
    world.advance(day);
    world.open(2, "payments", "critical", "operational").await;
    world.set(first, "resolved", "medium").await;
    world.advance(day);
    let days = world.page().await.components[0].days.clone();
    assert_eq!(days.len(), 90);
    assert_eq!(days[86], None);
    assert_eq!(days[87..], [Some(Impact::DegradedPerformance), Some(Impact::MajorOutage), Some(Impact::MajorOutage)]);
}

#[tokio::test]
async fn history_ends_after_fourteen_days() {
    let world = World::new().await;
    let id = world.open(1, "payments", "high", "operational").await;
    world.page().await;
    world.set(id, "resolved", "high").await;
    world.advance(Span::from_secs(14 * 86_400));
    assert_eq!(world.page().await.history.len(), 1);
    world.advance(Span::from_secs(1));
    assert_eq!(world.page().await.history.len(), 0);
}

#[tokio::test]
async fn the_summary_has_statuspages_shape() {
    let world = World::new().await;
    world.open(1, "payments", "critical", "operational").await;
    let summary = world.page().await.summary("https://status.example");
    assert_eq!(summary["status"]["indicator"], "critical");
    assert_eq!(summary["components"][0]["status"], "major_outage");
    assert_eq!(summary["components"][1]["status"], "operational");
    let incident = &summary["incidents"][0];
    assert_eq!((incident["status"].as_str(), incident["impact"].as_str()), (Some("investigating"), Some("critical")));
    assert_eq!(incident["incident_updates"][0]["body"], "We are investigating an outage of Payments.");
    assert_eq!(incident["components"][0]["id"], "payments");
}
