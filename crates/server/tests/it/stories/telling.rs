//! What is told and why: a receiver's own words, what became of a notification, which way an alert would go.
//!
//! Not each channel's encoding: `respond` tests that.

use serde_json::{Value, json};
use watchkeeper_domain::Span;

use super::world::{ADMIN, RESPONDER, VIEWER, World, text};

const V1: &str = "/api/watchkeeper/v1";

async fn configured(change: impl Fn(&World, String) -> String) -> World {
    let world = World::new().await;
    let file = std::fs::read_to_string(world.path("watchkeeper.yaml")).unwrap();
    world.write("watchkeeper.yaml", &change(&world, file));
    let (status, answer) = world.call("POST", "/-/reload", Some(ADMIN), Some(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    world
}

/// The body of the first message about the alert.
fn of_alert(world: &World) -> Value {
    let all = world.operations.requests();
    all.iter().map(|r| r.json()).find(|b| b["commonLabels"]["alertname"] == "ServiceUnreachable").unwrap()
}

#[tokio::test]
async fn a_receivers_own_words_leave_and_a_template_that_fails_loses_no_message() {
    let mut world = configured(|_, file| {
        let templates = r#"
    templates:
      title: "{{ alert.name }} in {{ place }}"
      body: "{{ alert.labels.nothing }}"
      fields: { queue: "{{ priority }}" }
"#;
        file.replace("  - name: operations\n", &format!("  - name: operations{templates}"))
    })
    .await;
    world.accounts_fail().await;
    let body = of_alert(&world);
    assert_eq!(body["title"], "ServiceUnreachable in accounts", "{body}");
    assert_eq!(body["fields"]["queue"], "critical", "{body}");
    assert_eq!(body["message"], json!(null));
    assert!(text(&body["templateError"]).contains("body of operations"), "{body}");
    let slack: Vec<String> = world.slack.messages().iter().map(|m| m.payload.to_string()).collect();
    let slack = slack.iter().find(|m| m.contains("ServiceUnreachable in accounts")).expect("the title is told");
    assert!(slack.contains("A template failed") && slack.contains("accounts"), "{slack}");
    let explained = world.explanation("ServiceUnreachable").await.to_string();
    assert!(explained.contains("template_errors: "), "{explained}");

    let id = text(&world.alert("ServiceUnreachable").await["id"]);
    let path = "/receivers/operations/preview";
    let own = world.post(path, json!({"alert_id": id})).await;
    assert_eq!(own["rendered"]["title"], "ServiceUnreachable in accounts");
    assert_eq!(own["errors"].as_array().unwrap().len(), 1);
    let before = (world.operations.requests().len(), world.slack.messages().len());
    let tried = json!({"alert_id": id, "templates": {"title": "<b>{{ alert.name }}</b>", "body": "since {{ alert.started_at }}"}});
    let made = world.post(path, tried).await;
    assert_eq!(made["errors"], json!([]), "{made}");
    let channel = |name: &str| {
        let all = made["channels"].as_array().unwrap();
        text(&all.iter().find(|c| c["channel"] == name).unwrap()["body"])
    };
    assert!(channel("webhook").contains("\"title\": \"<b>ServiceUnreachable</b>\""), "{made}");
    let slack = channel("slack");
    assert!(slack.contains("since 2") && !slack.contains("*Since*"), "the own text stands for the facts: {slack}");
    assert_eq!((world.operations.requests().len(), world.slack.messages().len()), before, "nothing is sent");
    assert!(!made.to_string().contains("/services/"), "the webhook's URL is a secret: {made}");
    let closed = world.call("POST", &format!("{V1}{path}"), Some(VIEWER), Some(json!({"alert_id": id}))).await;
    assert_eq!(closed.0, 403);
    world.end().await;
}

#[tokio::test]
async fn a_notification_says_what_led_to_it_what_became_of_it_and_who_took_it() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    let id = text(&world.alert("ServiceUnreachable").await["id"]);
    let list = world.get(&format!("{V1}/notifications?alert_id={id}&channel=webhook")).await;
    let told = text(&list["items"][0]["id"]);
    world.clock.advance(Span::from_secs(30));
    world.call("POST", &format!("{V1}/alerts/{id}/acknowledge"), Some(RESPONDER), Some(json!({}))).await;
    let explained = world.get(&format!("{V1}/notifications/{told}/explain")).await;
    let verdict = text(&explained["verdict"]);
    assert!(verdict.starts_with("It was delivered to operations over webhook at 2"), "{verdict}");
    assert!(verdict.contains("acknowledged at"), "{verdict}");
    let titles: Vec<String> = explained["steps"].as_array().unwrap().iter().map(|s| text(&s["title"])).collect();
    let at = |said: &str| {
        titles.iter().position(|title| title.contains(said)).unwrap_or_else(|| panic!("{said}: {titles:?}"))
    };
    let order =
        ["leads to operations", "To be told: operations over webhook", "Attempt 1", "Delivered to", "acknowledged"];
    assert!(order.map(at).is_sorted(), "{titles:?}");
    assert_eq!(world.get(&format!("{V1}/notifications/{told}")).await["id"], told.as_str());
    let nothing = format!("{V1}/notifications/ntf_00000000000070008000000000000000/explain");
    assert_eq!(world.call("GET", &nothing, Some(VIEWER), None).await.0, 404);
    world.end().await;
}

#[tokio::test]
async fn which_way_an_alert_would_go_counts_silences_inhibition_times_and_who_is_on_call() {
    let mut world = configured(|world, file| {
        let ana = file.lines().find(|line| line.contains("name: ana")).unwrap().to_owned();
        let people = format!(
            r#"  - {{ name: ana, webhook: {{ url: "{url}" }}, notify: [{{ via: webhook, after: 2m, priorities: [high] }}] }}
  - {{ name: bo, webhook: {{ url: "{url}" }} }}
schedules:
  - {{ name: bank, time_zone: Europe/Zurich, layers: [{{ rotation: weekly, start: 2026-11-16T09:00, people: [ana, bo] }}] }}
escalation_policies: [{{ name: bank, steps: [{{ targets: {{ schedule: bank }}, delay: 5m }}, {{ targets: {{ person: bo }} }}] }}]
time_intervals: [{{ name: weekend, time_intervals: [{{ weekdays: [saturday, sunday] }}] }}]
inhibit_rules: [{{ source_matchers: ['alertname="ServiceUnreachable"'], target_matchers: ['alertname="Slow"'], equal: [service] }}]"#,
            url = world.security.url("/people")
        );
        let routes = "  routes:\n    - { receiver: pager, matchers: ['priority=~\"critical|high\"'], continue: true }\n    - { receiver: operations, matchers: ['team=\"core\"'], mute_time_intervals: [weekend] }\n";
        file.replace(&ana, &people)
            .replace("  routes:\n", routes)
            .replace("receivers:\n", "receivers:\n  - { name: pager, escalation_policy: bank }\n")
    })
    .await;
    let which = async |world: &World, labels: Value, at: Option<&str>| {
        world.post("/routing/which", json!({"labels": labels, "at": at})).await
    };
    let tree = world.get(&format!("{V1}/routing")).await;
    let depths: Vec<u64> = tree["routes"].as_array().unwrap().iter().map(|r| r["depth"].as_u64().unwrap()).collect();
    assert_eq!(depths, [0, 1, 1, 1], "{tree}");
    // A Friday; ana's week ends on Monday at nine.
    let labels = json!({"alertname": "Slow", "service": "accounts", "team": "core", "priority": "high"});
    let answer = which(&world, labels.clone(), Some("2026-11-20T12:00:00Z")).await;
    assert_eq!(answer["verdict"], "It goes to pager, operations.", "{answer}");
    let pager = &answer["stops"][0];
    assert_eq!((&pager["steps"][0]["calls"][0]["name"], &pager["steps"][1]["after"]), (&json!("ana"), &json!("5m")));
    assert_eq!(pager["steps"][0]["calls"][0]["ways"], json!(["webhook after 2m"]), "{pager}");
    let answer = which(&world, labels.clone(), Some("2026-11-28T12:00:00Z")).await;
    assert_eq!(answer["stops"][0]["steps"][0]["calls"][0]["name"], "bo", "the next week: {answer}");
    assert_eq!(answer["stops"][1]["quiet_by"], json!(["weekend"]), "{answer}");
    assert!(text(&answer["verdict"]).contains("operations is not told"), "{answer}");

    world.accounts_fail().await;
    let answer = which(&world, labels.clone(), None).await;
    assert_eq!(answer["inhibited_by"], world.alert("ServiceUnreachable").await["id"], "{answer}");
    let silence = world.post("/silences", json!({"matchers": ["team=core"], "duration": "1h", "comment": "x"})).await;
    let other = json!({"alertname": "Other", "team": "core"});
    let answer = which(&world, other.clone(), None).await;
    assert_eq!(answer["silences"], json!([silence["id"]]), "{answer}");
    let later = (world.now() + Span::from_secs(7_200)).to_string();
    assert_eq!(which(&world, other, Some(&later)).await["silences"], json!([]));
    let empty = world.call("POST", &format!("{V1}/routing/which"), Some(VIEWER), Some(json!({"labels": {}}))).await;
    assert_eq!(empty.0, 400, "{}", empty.1);
    world.end().await;
}

#[tokio::test]
async fn a_silence_that_recurs_holds_back_in_its_window_and_is_found_by_what_it_says() {
    let mut world = World::new().await;
    let silence = json!({
        "matchers": ["alertname=\"ServiceUnreachable\""], "duration": "300d", "comment": "weekly batch", "owner": "Ana",
        "ticket": "https://tickets.example/OPS-7",
        "recurrence": {"weekdays": ["sunday:saturday"], "times": ["00:00-24:00"], "time_zone": "Europe/Zurich"},
    });
    let made = world.post("/silences", silence.clone()).await;
    assert_eq!((&made["state"], &made["recurrence"]["times"]), (&json!("active"), &json!(["00:00-24:00"])), "{made}");
    let elsewhere = json!({
        "matchers": ["service=\"front\""], "duration": "300d", "comment": "nights",
        "recurrence": {"weekdays": ["sunday"], "times": ["02:00-04:00"]},
    });
    let made = world.post("/silences", elsewhere).await;
    assert!(made["state"] == "pending" && made["next_change_at"].is_string(), "{made}");
    let found = async |world: &World, query: &str| {
        world.get(&format!("{V1}/silences?{query}")).await["total"].as_u64().unwrap()
    };
    for (query, count) in [
        ("q=ops-7", 1),
        ("q=ANA", 1),
        ("q=service%3D%22front%22", 1),
        ("q=nothing%25", 0),
        ("recurring=true", 2),
        ("recurring=false", 0),
    ] {
        assert_eq!(found(&world, query).await, count, "{query}");
    }
    let wrong = [
        json!({"times": ["22:00-06:00"]}),
        json!({"times": ["noon"]}),
        json!({"weekdays": ["someday"]}),
        json!({"time_zone": "Europe/Zurich"}),
        json!({"weekdays": ["monday"], "time_zone": "Europe/Zurch"}),
    ];
    for recurrence in wrong {
        let body = json!({"matchers": ["a=b"], "duration": "30d", "comment": "c", "recurrence": recurrence});
        let (status, answer) = world.call("POST", &format!("{V1}/silences"), Some(RESPONDER), Some(body)).await;
        assert_eq!(status, 400, "{recurrence}: {answer}");
    }
    let long = json!({"matchers": ["a=b"], "duration": "300d", "comment": "does not recur"});
    assert_eq!(world.call("POST", &format!("{V1}/silences"), Some(RESPONDER), Some(long)).await.0, 400);
    world.accounts_fail().await;
    assert_eq!(world.told_of("ServiceUnreachable"), [""; 0]);
    world.end().await;
}

#[tokio::test]
async fn what_still_fires_when_a_window_ends_is_told_and_its_end_too() {
    let mut world = World::new().await;
    let clock = |at: watchkeeper_domain::Timestamp| at.to_string().chars().skip(11).take(5).collect::<String>();
    let window = format!("00:00-{}", clock(world.now() + Span::from_secs(600)));
    let silence = json!({
        "matchers": ["alertname=ServiceUnreachable"], "duration": "200d", "comment": "nightly batch",
        "recurrence": {"times": [window]},
    });
    let made = world.post("/silences", silence).await;
    assert_eq!(made["state"], "active", "{made}");
    world.accounts_fail().await;
    assert_eq!(world.told_of("ServiceUnreachable"), [""; 0]);
    world.run_reporting_every(Span::from_secs(600), Span::from_secs(30)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    assert_eq!(world.get(&format!("{V1}/silences")).await["items"][0]["state"], "pending");
    world.accounts_recover().await;
    world.run_reporting_every(Span::from_secs(300), Span::from_secs(30)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing", "resolved"]);
    world.end().await;
}
