//! Drills over real rows: begun by the schedule, confirmed, missed, made up for after a night without a server.

use watchkeeper_alert::Alerts;
use watchkeeper_config::model::oncall::Days;
use watchkeeper_domain::{Actor, Clock as _, Span, Timestamp};
use watchkeeper_state::{Reconciler as _, State};
use watchkeeper_testkit::VirtualClock;

use super::*;

struct World {
    dir: tempfile::TempDir,
    env: Env,
    clock: Arc<VirtualClock>,
    state: State,
    drills: Drills,
}

/// Wednesday at 10:00 UTC.
fn settings() -> Settings {
    let drill = watchkeeper_config::model::self_watch::Drill {
        days: Days::NONE.with(jiff::civil::Weekday::Wednesday),
        at: jiff::civil::time(10, 0, 0, 0),
        ..Settings::default().drill_or_default()
    };
    Settings { drill: Some(drill) }
}

fn drills(state: &State, env: &Env) -> Drills {
    let sink = Arc::new(Alerts::new(env.clone(), vec![]));
    Drills::new(state.clone(), env.clone(), settings(), sink, Arc::new(|id| format!("https://wk.example/drills/{id}")))
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (env, clock) = watchkeeper_testkit::env();
        clock.set("2026-11-23T08:00:00Z".parse().unwrap());
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let drills = drills(&state, &env);
        Self { dir, env, clock, state, drills }
    }

    /// Everything that is due until then, with a restart before each look.
    async fn until(&mut self, text: &str) {
        let end: Timestamp = text.parse().unwrap();
        loop {
            self.state.close().await;
            self.state = State::open(&self.dir.path().join("state.db")).await.unwrap();
            self.drills = drills(&self.state, &self.env);
            let report = self.drills.reconcile().await.unwrap();
            match report.next_due {
                _ if report.processed > 0 => {}
                Some(due) if due <= end => self.clock.set(due),
                _ => break,
            }
        }
        self.clock.set(end);
        self.drills.reconcile().await.unwrap();
    }

    async fn held(&self) -> Vec<(String, &'static str, Option<String>)> {
        let list = read::list(self.state.read(), 100).await.unwrap();
        list.into_iter().map(|d| (d.started_at.to_string(), d.state.as_str(), d.confirmed_by)).collect()
    }

    async fn firing(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT name FROM alert WHERE state = 'firing' ORDER BY name")
            .fetch_all(self.state.read())
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_drill_is_held_on_time_and_whoever_takes_its_alert_has_confirmed_it() {
    let mut world = World::new().await;
    world.until("2026-11-25T10:03:00Z").await;
    assert_eq!(world.firing().await, [DRILL]);
    let drill = read::list(world.state.read(), 1).await.unwrap().remove(0);
    assert_eq!(
        (drill.due_at, drill.started_at.to_string().as_str()),
        (Some(drill.started_at), "2026-11-25T10:00:00.000Z")
    );
    let by = Actor::User("ana".into());
    watchkeeper_alert::command::acknowledge(&world.state, &world.env, drill.alert.unwrap(), by, None).await.unwrap();
    world.until("2026-12-01T00:00:00Z").await;
    assert_eq!(world.held().await, [("2026-11-25T10:00:00.000Z".into(), "confirmed", Some("user:ana".into()))]);
    assert!(world.firing().await.is_empty());
    // Once more is no second confirmation.
    let again = world.drills.confirm(drill.id, &Actor::User("bo".into())).await.unwrap();
    assert_eq!(again.confirmed_by.as_deref(), Some("user:ana"));
}

#[tokio::test]
async fn a_drill_that_nobody_confirms_is_an_alert_until_one_is_confirmed() {
    let mut world = World::new().await;
    world.until("2026-11-25T10:14:59Z").await;
    assert_eq!(world.firing().await, [DRILL]);
    world.until("2026-11-25T10:15:00Z").await;
    assert_eq!(world.firing().await, [UNCONFIRMED]);
    let drill = world.drills.run(&Actor::User("bo".into())).await.unwrap();
    let confirmed = world.drills.confirm(drill.id, &Actor::User("ana".into())).await.unwrap();
    assert_eq!((confirmed.state, confirmed.due_at), (DrillState::Confirmed, None));
    assert!(world.firing().await.is_empty());
    let kinds: Vec<String> = sqlx::query_scalar("SELECT kind FROM ledger WHERE kind LIKE 'drill.%' ORDER BY seq")
        .fetch_all(world.state.read())
        .await
        .unwrap();
    assert_eq!(kinds, ["drill.started", "drill.missed", "drill.started", "drill.confirmed"]);
}

#[tokio::test]
async fn a_drill_that_fell_into_a_night_without_a_server_is_made_up_for_once() {
    let mut world = World::new().await;
    world.until("2026-11-23T09:00:00Z").await;
    // Two Wednesdays go by.
    world.clock.advance(Span::from_secs(12 * 86_400));
    let now = world.clock.now().to_string();
    world.until(&now).await;
    assert_eq!(world.held().await.len(), 1);
    world.until("2026-12-09T10:00:00Z").await;
    assert_eq!(world.held().await.len(), 2, "and the next one is held as ever");
}
