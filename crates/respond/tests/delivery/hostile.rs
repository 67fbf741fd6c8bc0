//! Other people's text: labels, annotations and a receiver's own words must do no harm where they end up.

use serde_json::{Value, json};
use watchkeeper_config::model::Receiver;
use watchkeeper_testkit::slack::StandIn;
use watchkeeper_testkit::{Answer, MockWebhook};

use super::world::{World, drain};

const HOSTILE: &str = "<!channel> <https://evil.example|click> &amp; \"><script>alert(1)</script>\r\nBcc: all@example.org {{ 7*7 }} =cmd()";

fn hostile(world: &World) -> Value {
    let mut content = world.alerts(HOSTILE, "firing");
    content["group_labels"] = json!({HOSTILE: HOSTILE});
    content["alerts"][0]["labels"] = json!({"alertname": HOSTILE, "service": HOSTILE, "job": "x".repeat(1_000_000)});
    content["alerts"][0]["annotations"] = json!({
        "summary": HOSTILE.repeat(200), "impact": HOSTILE, "runbook_url": "javascript:alert(1)",
        "dashboard_url": "https://a.example/|x><!here>",
    });
    content["alerts"][0]["comparison"] = json!("<");
    content["alerts"][0]["acknowledged_by"] = json!(HOSTILE);
    content
}

#[tokio::test]
async fn hostile_labels_neither_mention_nor_link_nor_break_slacks_limits() {
    let mut world = World::new().await;
    let slack = StandIn::start(world.clock.clone(), "http://127.0.0.1:1/", "secret").await.expect("a stand-in");
    world.slack("team", &slack.webhook_url("hooktoken1"));
    let integrations = world.settings.receivers["team"].integrations();
    let id = world.say_to("team", &integrations, "t", "firing", hostile(&world)).await[0];
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    assert_eq!(world.row(id).await.state, "delivered", "{:?}", world.row(id).await);
    let message = slack.messages()[0].payload.to_string();
    for bad in ["<!channel>", "<!here>", "<https://evil.example|", "javascript:"] {
        assert!(!message.contains(bad), "{bad} in {message}");
    }
    assert!(message.contains("&lt;!channel&gt;"));
}

#[tokio::test]
async fn hostile_labels_reach_a_webhook_as_data_and_nothing_else() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    let integrations = world.settings.receivers["team"].integrations();
    world.say_to("team", &integrations, "t", "firing", hostile(&world)).await;
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    assert_eq!(mock.requests()[0].json()["alerts"][0]["labels"]["alertname"], HOSTILE);
}

#[tokio::test]
async fn a_secret_that_a_receiver_echoes_is_written_nowhere() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    let secret = "verysecretpathelement";
    world.webhook("team", &mock.url(&format!("/{secret}?token=anothersecret99")));
    world.slack("team", &mock.url(&format!("/services/T0/B0/{secret}?token=anothersecret99")));
    let echo = format!("no route for {} and /{secret}?token=anothersecret99", mock.url(&format!("/{secret}")));
    mock.script([
        Answer::Status(500, echo.clone()),
        Answer::Status(503, echo.clone()),
        Answer::Status(200, echo.clone()),
        Answer::Status(404, echo),
    ]);
    let mut ids = world.say("team", "t", "firing", "A").await;
    let deliverer = world.deliverer("one");
    for _ in 0..6 {
        drain(&deliverer).await;
        world.clock.advance(watchkeeper_domain::Span::from_secs(600));
    }
    ids.extend(world.say("team", "u", "firing", "B").await);
    drain(&deliverer).await;
    let mut written = format!("{:?} {:?}", world.ledger().await, deliverer.destinations());
    for id in ids {
        written.push_str(&format!("{:?}", world.row(id).await));
    }
    let details: Vec<(String, Option<String>)> = sqlx::query_as("SELECT detail, receipt FROM notification_attempt")
        .fetch_all(world.state.read())
        .await
        .expect("readable");
    written.push_str(&format!("{details:?}"));
    assert!(written.contains("no route for"), "the receiver's words are kept");
    assert!(!written.contains(secret) && !written.contains("anothersecret99"), "{written}");
}

#[tokio::test]
async fn content_that_cannot_be_read_fails_visibly_and_blocks_nobody() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    let integrations = world.settings.receivers.get("team").map(Receiver::integrations).unwrap_or_default();
    let bad = world.say_to("team", &integrations, "t", "firing", json!({"alerts": [{"id": 7}]})).await[0];
    let good = world.say("team", "t", "firing", "A").await[0];
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    assert_eq!(world.row(bad).await.state, "failed");
    assert_eq!(world.row(good).await.state, "delivered");
}
