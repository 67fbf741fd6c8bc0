//! Slack's side played by the stand-in: refusals in its own words, its rate limit, and buttons that come back.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::sync::mpsc;
use watchkeeper_domain::Span;
use watchkeeper_respond::chatops::Command;
use watchkeeper_respond::chatops::slack::{presses, signature};
use watchkeeper_state::Reconciler;
use watchkeeper_testkit::slack::StandIn;
use watchkeeper_testkit::slack::press::Person;

use super::world::{World, drain};

async fn stand_in(world: &World) -> StandIn {
    StandIn::start(world.clock.clone(), "http://127.0.0.1:1/", "secret").await.expect("a stand-in")
}

#[tokio::test]
async fn firing_and_resolved_are_shown_as_an_engineer_wants_to_read_them() {
    let mut world = World::new().await;
    let slack = stand_in(&world).await;
    world.slack("team", &slack.webhook_url("hooktoken1"));
    world.say("team", "t", "firing", "HighErrorRate").await;
    world.say("team", "t", "resolved", "HighErrorRate").await;
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    let messages = slack.messages();
    assert_eq!(messages.len(), 2);
    let header = |i: usize| messages[i].payload["blocks"][0]["text"]["text"].as_str().unwrap_or_default().to_owned();
    assert_eq!(header(0), "🔴 [FIRING:1] HighErrorRate checkout (Critical)");
    assert_eq!(header(1), "🟢 [RESOLVED] HighErrorRate checkout (Critical)");
    let firing = messages[0].payload.to_string();
    for wanted in [
        "7.3 (&gt; 5)",
        "too many errors",
        "|Runbook>",
        "|Alert>",
        "chart.png",
        "Acknowledge",
        "Silence 1 h",
        "Resolve",
    ] {
        assert!(firing.contains(wanted), "{wanted} is missing in {firing}");
    }
    let resolved = messages[1].payload.to_string();
    assert!(resolved.contains("Lasted") && resolved.contains("1m") && !resolved.contains("\"actions\""), "{resolved}");
}

#[tokio::test]
async fn a_revoked_webhook_fails_at_once_in_slacks_words() {
    let mut world = World::new().await;
    let slack = stand_in(&world).await;
    slack.revoke("hooktoken1");
    world.slack("team", &slack.webhook_url("hooktoken1"));
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    let row = world.row(id).await;
    assert_eq!((row.state.as_str(), row.last_error.as_deref()), ("failed", Some("no_service")));
}

#[tokio::test]
async fn a_storm_is_paced_by_slacks_rate_limit_and_nothing_is_lost() {
    let mut world = World::new().await;
    let slack = stand_in(&world).await;
    world.slack("team", &slack.webhook_url("hooktoken1"));
    let mut ids = Vec::new();
    for i in 0..30 {
        ids.extend(world.say("team", &format!("t{i}"), "firing", "Storm").await);
    }
    let deliverer = world.deliverer("one");
    let start = world.env.now();
    for _ in 0..400 {
        drain(&deliverer).await;
        match deliverer.reconcile().await.expect("a pass").next_due {
            Some(due) => world.clock.set(due),
            None => break,
        }
    }
    assert_eq!(slack.messages().len(), 30);
    let took = world.env.now().since(start);
    assert!(took >= Span::from_secs(20) && took < Span::from_secs(120), "{took}");
    assert!(!deliverer.destinations().values().any(|h| h.is_open()), "a rate limit is no outage");
}

#[tokio::test]
async fn a_press_in_the_message_comes_back_as_the_command_that_it_promised() {
    let mut world = World::new().await;
    let (tell, mut told) = mpsc::channel(1);
    let app = Router::new().route(
        "/slack",
        post(move |headers: HeaderMap, body: Bytes| async move {
            tell.send((headers, body)).await.expect("the test listens");
            StatusCode::OK
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}/slack", listener.local_addr().expect("bound"));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    let slack = StandIn::start(world.clock.clone(), &url, "signing-secret").await.expect("a stand-in");
    world.slack("team", &slack.webhook_url("hooktoken1"));
    world.say("team", "t", "firing", "HighErrorRate").await;
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    let ts = slack.messages()[0].ts.clone();
    let alice = Person { id: "U024BE7LH".to_owned(), name: "alice".to_owned() };
    assert_eq!(slack.press(&ts, "acknowledge", &alice).await, Ok(200));
    let (headers, body) = told.recv().await.expect("a press");
    let all = |name: &str| -> Vec<String> {
        headers.get_all(name).iter().map(|v| v.to_str().unwrap_or_default().to_owned()).collect()
    };
    let (signatures, times) = (all("x-slack-signature"), all("x-slack-request-timestamp"));
    let refs = |v: &[String]| -> Vec<String> { v.to_vec() };
    let (s, t) = (refs(&signatures), refs(&times));
    let (s, t): (Vec<&str>, Vec<&str>) =
        (s.iter().map(String::as_str).collect(), t.iter().map(String::as_str).collect());
    assert_eq!(signature::verify(&["signing-secret"], &s, &t, &body, world.env.now()), Ok(()));
    let press = presses(&body).expect("a press").remove(0);
    assert_eq!(press.wish, Ok(Command::Acknowledge { incident: None, alerts: vec![world.alert] }));
    assert_eq!((press.user.id.as_str(), press.message_ts.as_str()), ("U024BE7LH", ts.as_str()));
    assert!(press.response_url.is_some());
}
