//! Services with an API of their own, against stand-ins that refuse what the real ones refuse.

use serde_json::Value;
use watchkeeper_config::Secret;
use watchkeeper_config::model::receiver::{Service, ServiceIntegration};
use watchkeeper_domain::Span;
use watchkeeper_testkit::{Answer, MockWebhook, providers};

use crate::world::{World, drain};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn secret(name: &str, value: &str) -> Secret {
    Secret::new(format!("${{env:{name}}}"), value)
}

/// What is said of one alert from its beginning to its end: the requests, and the states of the rows.
async fn told(mock: &MockWebhook, service: Service, content: Option<Value>) -> (Vec<Value>, Vec<String>) {
    let mut world = World::new().await;
    world.receiver("team").services.push(ServiceIntegration { service, send_resolved: true });
    let deliverer = world.deliverer("one");
    let mut states = Vec::new();
    for status in ["firing", "resolved"] {
        let content = content.clone().unwrap_or_else(|| world.alerts("HighErrorRate", status));
        let integrations = world.settings.receivers["team"].integrations();
        let ids = world.say_to("team", &integrations, "group/1", status, content).await;
        drain(&deliverer).await;
        for id in ids {
            let row = world.row(id).await;
            let error = row.last_error.unwrap_or_default();
            assert!(!error.contains(KEY) && !row.receipt.clone().unwrap_or_default().contains(KEY), "{error}");
            states.push(format!("{} {error}", row.state).trim_end().to_owned());
        }
    }
    (mock.requests().iter().map(watchkeeper_testkit::webhook::Recorded::json).collect(), states)
}

const BOTH: [&str; 2] = ["delivered", "delivered"];

#[tokio::test]
async fn pagerduty_opens_and_closes_one_alert_under_one_key() {
    let mock = MockWebhook::start().await;
    mock.answer_by(providers::pagerduty);
    let service = Service::PagerDuty { routing_key: secret("PD", KEY), url: mock.url("/v2/enqueue") };
    let (said, states) = told(&mock, service, None).await;
    assert_eq!(states, BOTH);
    assert_eq!((&said[0]["event_action"], &said[1]["event_action"]), (&"trigger".into(), &"resolve".into()));
    assert_eq!(said[0]["dedup_key"], said[1]["dedup_key"]);
    assert_eq!(said[0]["payload"]["severity"], "critical");
    assert_eq!(said[0]["payload"]["source"], "checkout");
    assert_eq!(said[0]["links"][0]["href"], "https://runbooks.example.org/errors");
    // A key that PagerDuty refuses is a failure for good, and says so.
    let service = Service::PagerDuty { routing_key: secret("PD", "short"), url: mock.url("/v2/enqueue") };
    let (_, states) = told(&mock, service, None).await;
    assert!(
        states[0].starts_with("failed") && states[0].contains("Length of 'routing_key' is incorrect"),
        "{states:?}"
    );
}

#[tokio::test]
async fn opsgenie_creates_and_closes_by_alias() {
    let mock = MockWebhook::start().await;
    mock.answer_by(providers::opsgenie);
    let service = Service::Opsgenie {
        api_key: secret("OG", KEY),
        api_url: mock.url(""),
        teams: vec!["Payments".to_owned()],
        tags: vec!["bank".to_owned()],
    };
    let (said, states) = told(&mock, service, None).await;
    assert_eq!(states, BOTH);
    assert_eq!(said[0]["priority"], "P1");
    assert_eq!(said[0]["responders"][0]["name"], "Payments");
    let alias = said[0]["alias"].as_str().unwrap().to_owned();
    assert_eq!(mock.requests()[1].path, format!("/v2/alerts/{alias}/close?identifierType=alias"));
}

#[tokio::test]
async fn teams_shows_a_card_whose_texts_are_no_markup() {
    let mock = MockWebhook::start().await;
    mock.answer_by(providers::teams);
    let (said, states) =
        told(&mock, Service::Teams { webhook_url: secret("TEAMS", &mock.url("/workflows/x")) }, None).await;
    assert_eq!(states, BOTH);
    let card = &said[0]["attachments"][0]["content"];
    assert!(card["fallbackText"].as_str().unwrap().contains("HighErrorRate"), "{card}");
    assert_eq!(card["actions"][0]["title"], "Open in Watchkeeper");
    // The old connector answers 200 to what it has not posted.
    mock.script([Answer::Status(
        200,
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 400".to_owned(),
    )]);
    let (_, states) =
        told(&mock, Service::Teams { webhook_url: secret("TEAMS", &mock.url("/workflows/x")) }, None).await;
    assert!(states[0].starts_with("failed"), "{states:?}");
}

#[tokio::test]
async fn discord_mentions_nobody_and_its_wait_is_honoured() {
    let mock = MockWebhook::start().await;
    mock.answer_by(providers::discord);
    let service = Service::Discord { webhook_url: secret("DISCORD", &mock.url("/api/webhooks/1/token")) };
    let (said, states) = told(&mock, service, None).await;
    assert_eq!(states, BOTH);
    assert_eq!(said[0]["allowed_mentions"]["parse"], serde_json::json!([]));
    assert_eq!(said[1]["embeds"][0]["color"], 0x002e_b67d);
    mock.script([Answer::Status(
        429,
        r#"{"message": "You are being rate limited.", "retry_after": 64.57, "global": false}"#.to_owned(),
    )]);
    let mut world = World::new().await;
    let service = Service::Discord { webhook_url: secret("DISCORD", &mock.url("/api/webhooks/1/token")) };
    world.receiver("team").services.push(ServiceIntegration { service, send_resolved: true });
    let deliverer = world.deliverer("one");
    world.say("team", "t", "firing", "A").await;
    drain(&deliverer).await;
    let due = watchkeeper_state::Reconciler::reconcile(&deliverer).await.unwrap().next_due.unwrap();
    assert!(due.since(world.env.now()) > Span::from_secs(60), "{due}");
}

#[tokio::test]
async fn telegram_gets_html_that_it_can_read_whatever_the_alert_says() {
    let mock = MockWebhook::start().await;
    mock.answer_by(providers::telegram);
    let service = |api_url: String| Service::Telegram {
        bot_token: secret("TG", &format!("123:{KEY}")),
        chat_id: "-100123".to_owned(),
        message_thread_id: Some(7),
        api_url,
    };
    let (said, states) = told(&mock, service(mock.url("")), None).await;
    assert_eq!(states, BOTH);
    assert_eq!((&said[0]["chat_id"], &said[0]["message_thread_id"]), (&"-100123".into(), &7.into()));
    assert_eq!(mock.requests()[0].path, format!("/bot123:{KEY}/sendMessage"));
    mock.script([Answer::Status(
        400,
        r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#.to_owned(),
    )]);
    let (_, states) = told(&mock, service(mock.url("")), None).await;
    assert!(states[0].starts_with("failed") && states[0].contains("chat not found"), "{states:?}");
}

#[tokio::test]
async fn ntfy_is_published_to_the_topic_of_the_url() {
    let mock = MockWebhook::start().await;
    mock.answer_by(providers::ntfy);
    let service =
        Service::Ntfy { url: secret("NTFY", &mock.url("/night-pager")), token: Some(secret("TOKEN", "tk_0123456789")) };
    let (said, states) = told(&mock, service, None).await;
    assert_eq!(states, BOTH);
    assert_eq!(
        (&said[0]["topic"], &said[0]["priority"], &said[1]["priority"]),
        (&"night-pager".into(), &5.into(), &3.into())
    );
    assert_eq!(mock.requests()[0].header("authorization"), Some("Bearer tk_0123456789"));
}

#[tokio::test]
async fn hostile_and_endless_texts_are_taken_by_every_service() {
    let nasty = "<b>@everyone</b> [x](http://evil) *_~`|> & \" \u{202e}".repeat(400);
    let alert = |at: u8| {
        serde_json::json!({
            "id": format!("alr_{:032x}", u128::from(at) + 1), "status": "firing", "name": nasty, "labels": {"service": nasty, "instance": nasty},
            "annotations": {"summary": nasty, "impact": nasty, "runbook_url": "javascript:alert(1)"}, "category": "application",
            "priority": "low", "value": 1.0, "started_at": "2026-01-01T00:00:00Z", "fired_at": "2026-01-01T00:00:00Z", "fingerprint": "00",
        })
    };
    let content =
        serde_json::json!({"group_key": "g", "group_labels": {}, "alerts": (0..40).map(alert).collect::<Vec<_>>()});
    let of = |name: &str, mock: &MockWebhook| match name {
        "pagerduty" => Service::PagerDuty { routing_key: secret("PD", KEY), url: mock.url("/v2/enqueue") },
        "opsgenie" => {
            Service::Opsgenie { api_key: secret("OG", KEY), api_url: mock.url(""), teams: vec![], tags: vec![] }
        }
        "teams" => Service::Teams { webhook_url: secret("TEAMS", &mock.url("/w")) },
        "discord" => Service::Discord { webhook_url: secret("DISCORD", &mock.url("/d")) },
        "telegram" => Service::Telegram {
            bot_token: secret("TG", KEY),
            chat_id: "@c".to_owned(),
            message_thread_id: None,
            api_url: mock.url(""),
        },
        _ => Service::Ntfy { url: secret("NTFY", &mock.url("/t")), token: None },
    };
    let all: [(&str, providers::Provider); 6] = [
        ("pagerduty", providers::pagerduty),
        ("opsgenie", providers::opsgenie),
        ("teams", providers::teams),
        ("discord", providers::discord),
        ("telegram", providers::telegram),
        ("ntfy", providers::ntfy),
    ];
    for (name, provider) in all {
        let mock = MockWebhook::start().await;
        mock.answer_by(provider);
        let (said, states) = told(&mock, of(name, &mock), Some(content.clone())).await;
        assert_eq!(states[0], "delivered", "{name}");
        assert!(!said[0].to_string().contains("javascript:"), "{name}");
    }
}

#[tokio::test]
async fn a_program_gets_the_body_and_its_exit_code_decides() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("said");
    let program = |script: &str| Service::Exec {
        command: vec!["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()],
        env: [("TARGET".to_owned(), Secret::new("plain", file.display().to_string()))].into(),
        timeout: Span::from_secs(20),
    };
    let mock = MockWebhook::start().await;
    let script = "cat > \"$TARGET\"; echo \"$WATCHKEEPER_STATUS $WATCHKEEPER_PRIORITY\" >> \"$TARGET.env\"; echo done";
    let (_, states) = told(&mock, program(script), None).await;
    assert_eq!(states, BOTH);
    let body: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!((&body["version"], &body["alerts"][0]["labels"]["service"]), (&"4".into(), &"checkout".into()));
    let env = std::fs::read_to_string(file.with_extension("env")).unwrap();
    assert_eq!(env, "firing critical\nresolved critical\n");
    let (_, states) = told(&mock, program("echo broken >&2; exit 3"), None).await;
    assert_eq!(states, ["failed exit code 3: broken"; 2]);
    let mut world = World::new().await;
    world.receiver("team").services.push(ServiceIntegration { service: program("exit 75"), send_resolved: true });
    let id = world.say("team", "t", "firing", "A").await[0];
    drain(&world.deliverer("one")).await;
    assert_eq!(world.row(id).await.outcomes, ["retry"]);
}
