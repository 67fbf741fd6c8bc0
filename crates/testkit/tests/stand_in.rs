//! The stand-in for Slack, tried from outside: what it takes, what it refuses and in which words, and what comes back.

use std::sync::Arc;

use serde_json::{Value, json};
use watchkeeper_domain::Span;
use watchkeeper_testkit::slack::{Error, StandIn, press::Person};
use watchkeeper_testkit::{MockWebhook, VirtualClock};

async fn world() -> (StandIn, MockWebhook, Arc<VirtualClock>, reqwest::Client) {
    let (_, clock) = watchkeeper_testkit::env();
    let app = MockWebhook::start().await;
    let slack = StandIn::start(clock.clone(), &app.url("/slack"), "signing-secret").await.expect("loopback");
    (slack, app, clock, reqwest::Client::builder().no_proxy().build().expect("a client"))
}

async fn post(http: &reqwest::Client, url: &str, body: &str) -> (u16, String) {
    let answer = http
        .post(url)
        .header("Content-Type", "application/json")
        .body(body.to_owned())
        .send()
        .await
        .expect("it answers");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

#[tokio::test]
async fn it_takes_and_refuses_in_the_very_words_of_slack() {
    let (slack, _, _, http) = world().await;
    let hook = slack.webhook_url("token");
    let base = format!("http://{}", slack.address());
    for (url, body, status, text) in [
        (hook.clone(), r#"{"text":"hello"}"#, 200, "ok"),
        (hook.clone(), "{", 400, "invalid_payload"),
        (hook.clone(), "{}", 400, "missing_text_or_fallback_or_attachments"),
        (hook.clone(), r#"{"text":"x","blocks":[{"type":"header"}]}"#, 400, "invalid_blocks"),
        (format!("{base}/services/X/B/t"), r#"{"text":"x"}"#, 404, "no_team"),
        (format!("{base}/services/T/X/t"), r#"{"text":"x"}"#, 404, "no_service"),
    ] {
        assert_eq!(post(&http, &url, body).await, (status, text.to_owned()), "{body}");
    }
    slack.revoke("token");
    assert_eq!(post(&http, &hook, r#"{"text":"x"}"#).await, (404, "no_service".to_owned()));
    let form = http
        .post(slack.webhook_url("other"))
        .form(&[("payload", r#"{"text":"as a form"}"#)])
        .send()
        .await
        .expect("it answers");
    assert_eq!(form.status(), 200);
    assert_eq!(slack.messages().len(), 2);
}

#[tokio::test]
async fn after_a_short_burst_it_takes_one_message_a_second() {
    let (slack, _, clock, http) = world().await;
    let hook = slack.webhook_url("token");
    let mut taken = 0;
    let refused = loop {
        let answer = http.post(&hook).json(&json!({"text": "x"})).send().await.expect("it answers");
        if answer.status() != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 100, "no limit at all");
    };
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.text().await.expect("text"), "rate_limited");
    assert_eq!(
        post(&http, &slack.webhook_url("another"), r#"{"text":"x"}"#).await.0,
        200,
        "each webhook has its own limit"
    );
    clock.advance(Span::from_secs(1));
    assert_eq!(post(&http, &hook, r#"{"text":"x"}"#).await.0, 200);
    assert_eq!(post(&http, &hook, r#"{"text":"x"}"#).await.0, 429);
}

#[tokio::test]
async fn a_press_is_sent_signed_and_the_answer_to_it_is_shown() {
    let (slack, app, _, http) = world().await;
    let buttons = json!({"blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*look*"}},
        {"type": "actions", "block_id": "row", "elements": [
            {"type": "button", "text": {"type": "plain_text", "text": "Yes"}, "action_id": "yes", "value": "1"},
            {"type": "button", "text": {"type": "plain_text", "text": "No"}, "action_id": "no", "value": "2"},
            {"type": "users_select", "placeholder": {"type": "plain_text", "text": "Who"}, "action_id": "who"},
        ]},
    ]});
    post(&http, &slack.webhook_url("token"), &buttons.to_string()).await;
    let ts = slack.messages()[0].ts.clone();
    let bob = Person { id: "U0G9QF9C6".to_owned(), name: "bob".to_owned() };
    assert_eq!(slack.press(&ts, "no", &bob).await, Ok(200));
    assert!(slack.press(&ts, "maybe", &bob).await.is_err());
    assert!(slack.press(&ts, "who", &bob).await.is_err(), "a menu is chosen from");
    assert!(slack.choose(&ts, "no", "U061F7AUR", &bob).await.is_err(), "a button is pressed");
    assert_eq!(slack.choose(&ts, "who", "U061F7AUR", &bob).await, Ok(200));
    let chosen = app.requests()[1].clone();
    let (_, chosen) = url::form_urlencoded::parse(&chosen.body).next().expect("a form");
    let chosen: Value = serde_json::from_str(&chosen).expect("JSON");
    assert_eq!(chosen["actions"][0]["type"], "users_select");
    assert_eq!(chosen["actions"][0]["selected_user"], "U061F7AUR");
    assert_eq!(chosen["actions"][0]["block_id"], "row");
    assert_eq!(chosen["user"]["id"], "U0G9QF9C6");
    let request = &app.requests()[0];
    let time = request.header("x-slack-request-timestamp").unwrap_or_default();
    let signature = watchkeeper_testkit::slack::press::signature("signing-secret", time, &request.body);
    assert_eq!(request.header("x-slack-signature"), Some(signature.as_str()));
    let (_, payload) = url::form_urlencoded::parse(&request.body).next().expect("a form");
    let payload: Value = serde_json::from_str(&payload).expect("JSON");
    assert_eq!(payload["type"], "block_actions");
    assert_eq!(payload["user"]["id"], "U0G9QF9C6");
    assert_eq!(payload["actions"][0]["action_id"], "no");
    assert_eq!(payload["actions"][0]["value"], "2");
    assert_eq!(payload["actions"][0]["block_id"], "row");
    assert_eq!(payload["container"]["message_ts"], ts.as_str());
    assert_eq!(payload["message"]["blocks"], buttons["blocks"]);
    let answer_to = payload["response_url"].as_str().unwrap_or_default();
    assert_eq!(post(&http, answer_to, r#"{"text":"noted","response_type":"in_channel"}"#).await.0, 200);
    assert_eq!(slack.messages()[0].thread[0].payload["text"], "noted");
    assert_eq!(post(&http, answer_to, r#"{"text":"over","replace_original":true}"#).await.0, 200);
    assert_eq!(slack.messages()[0].payload["text"], "over");
    for _ in 0..3 {
        assert_eq!(post(&http, answer_to, r#"{"text":"more"}"#).await.0, 200);
    }
    assert_eq!(post(&http, answer_to, r#"{"text":"too much"}"#).await, (404, "used_url".to_owned()));
}

#[tokio::test]
async fn the_page_runs_no_script_but_its_own_and_the_list_answers_when_something_changes() {
    let (slack, _, _, http) = world().await;
    let base = format!("http://{}", slack.address());
    let page = http.get(&base).send().await.expect("a page");
    let policy = page.headers()["content-security-policy"].to_str().unwrap_or_default().to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let first: Value = http.get(format!("{base}/messages")).send().await.expect("a list").json().await.expect("JSON");
    let waiting = http.get(format!("{base}/messages?since={}", first["version"])).send();
    let hook = slack.webhook_url("t");
    let (changed, posted) = futures::join!(waiting, post(&http, &hook, r#"{"text":"<b>"}"#));
    assert_eq!(posted.0, 200);
    let changed: Value = changed.expect("a list").json().await.expect("JSON");
    assert_eq!(changed["messages"][0]["payload"]["text"], "<b>");
}

#[tokio::test]
async fn it_refuses_to_listen_where_others_could_reach_it() {
    let open = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
    let refused = watchkeeper_testkit::slack::run(open, String::new(), String::new(), |_| {}).await;
    assert!(matches!(refused, Err(Error::NotLoopback(_))));
}
