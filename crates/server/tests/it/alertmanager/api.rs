//! Shapes, statuses and refusals of the API, request by request.
//!
//! Not what programs make of them: see `programs`.

use serde_json::{Value, json};
use watchkeeper_domain::{Span, Timestamp};

use crate::stories::world::{ADMIN, RESPONDER, SECRETS, Setup, VIEWER, World};

const INGEST: &str = SECRETS[0].1;

async fn post(world: &World, alerts: Value) -> (u16, Value) {
    world.call("POST", "/api/v2/alerts", Some(INGEST), Some(alerts)).await
}

async fn alerts(world: &World, query: &str) -> Vec<Value> {
    let answer = world.get(&format!("/api/v2/alerts{query}")).await;
    answer.as_array().unwrap().clone()
}

fn names(alerts: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = alerts.iter().map(|a| a["labels"]["alertname"].as_str().unwrap_or("")).collect();
    names.sort_unstable();
    names
}

fn at(world: &World, secs: i64) -> Timestamp {
    if secs < 0 { world.now() - Span::from_secs(-secs) } else { world.now() + Span::from_secs(secs) }
}

#[tokio::test]
async fn an_alert_has_every_field_that_the_document_demands() {
    let mut world = World::new().await;
    let labels = json!({"alertname": "Down", "service": "payments", "severity": "critical", "empty": ""});
    let (status, _) = post(&world, json!([{"labels": labels, "annotations": {"summary": "x"}, "startsAt": at(&world, -60), "generatorURL": "javascript:alert(1)"}])).await;
    assert_eq!(status, 200);
    let before = alerts(&world, "").await;
    assert_eq!(before[0]["status"]["state"], "active", "one commit carries it on: {before:?}");
    assert_eq!(
        alerts(&world, "?unprocessed=false").await.len(),
        1,
        "amtool asks so, and must find what it just posted"
    );
    world.settle().await;
    let found = alerts(&world, "").await;
    let alert = &found[0];
    assert_eq!(alert["status"], json!({"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}));
    assert_eq!(alert["labels"], json!({"alertname": "Down", "service": "payments", "severity": "critical"}));
    assert_eq!(alert["startsAt"], json!(at(&world, -60)));
    assert_eq!(alert["endsAt"], json!(at(&world, 300)), "the resolve timeout");
    assert_eq!(alert["receivers"], json!([{"name": "operations"}]));
    // FNV-1a over the sorted names and values, each followed by 0xFF, as `LabelSet.Fingerprint` of prometheus/common.
    assert_eq!(alert["fingerprint"].as_str().unwrap().len(), 16);
    assert!(alert["generatorURL"].as_str().unwrap().starts_with("https://"), "a script is no link: {alert}");
    let groups = world.get("/api/v2/alerts/groups").await;
    assert_eq!(groups[0]["labels"], json!({"alertname": "Down", "service": "payments"}), "{groups}");
    assert_eq!((&groups[0]["receiver"]["name"], &groups[0]["routeLabels"]), (&json!("operations"), &json!({})));
    assert_eq!(groups[0]["alerts"][0]["fingerprint"], alert["fingerprint"]);
    let status = world.get("/api/v2/status").await;
    assert_eq!(status["cluster"]["status"], "disabled", "{status}");
    for field in ["version", "revision", "branch", "buildUser", "buildDate", "goVersion"] {
        assert!(status["versionInfo"][field].is_string(), "{status}");
    }
    assert!(status["config"]["original"].as_str().unwrap().contains("group_interval: 1m"), "{status}");
    assert!(!status.to_string().contains("http://127.0.0.1"), "a receiver's address is shown: {status}");
    world.end().await;
}

#[tokio::test]
async fn filters_narrow_by_state_labels_and_receivers() {
    let mut world = World::with(Setup {
        more:
            "inhibit_rules: [{source_matchers: [alertname=Down], target_matchers: [alertname=Slow], equal: [service]}]"
                .to_owned(),
        ..Setup::default()
    })
    .await;
    let alert = |name: &str, service: &str| json!({"labels": {"alertname": name, "service": service, "foo🙂": "bar"}});
    let (status, _) =
        post(&world, json!([alert("Down", "a"), alert("Slow", "a"), alert("Slow", "b"), alert("Disk", "c")])).await;
    assert_eq!(status, 200);
    let silence = json!({
        "matchers": [{"name": "alertname", "value": "Di.k", "isRegex": true}], "startsAt": at(&world, 0),
        "endsAt": at(&world, 3_600), "createdBy": "ana", "comment": "",
    });
    let (status, made) = world.call("POST", "/api/v2/silences", Some(RESPONDER), Some(silence)).await;
    assert_eq!(status, 200, "{made}");
    world.settle().await;
    assert_eq!(names(&alerts(&world, "").await), ["Disk", "Down", "Slow", "Slow"]);
    assert_eq!(names(&alerts(&world, "?active=false").await), ["Disk", "Slow"]);
    assert_eq!(names(&alerts(&world, "?silenced=false").await), ["Down", "Slow", "Slow"]);
    assert_eq!(names(&alerts(&world, "?inhibited=false&silenced=false").await), ["Down", "Slow"]);
    assert_eq!(names(&alerts(&world, "?filter=service=a&filter=alertname!=Down").await), ["Slow"]);
    assert_eq!(names(&alerts(&world, "?filter=foo%F0%9F%99%82=bar&receiver=oper.*&filter=service=c").await), ["Disk"]);
    assert_eq!(names(&alerts(&world, "?receiver=oper").await), [""; 0], "the expression is anchored");
    assert_eq!(names(&alerts(&world, "?receiver_matchers=name=~%22sec.*%22").await), [""; 0]);
    let inhibited = alerts(&world, "?filter=alertname=Slow&filter=service=a").await;
    let source = alerts(&world, "?filter=alertname=Down").await;
    assert_eq!(inhibited[0]["status"]["inhibitedBy"], json!([source[0]["fingerprint"]]));
    let groups = world.get("/api/v2/alerts/groups?muted=false").await;
    assert_eq!(groups.as_array().unwrap().len(), 2, "{groups}");
    for query in ["?filter=nonsense", "?active=perhaps", "?receiver=(", "?receiver_matchers=~"] {
        let (status, text) = world.call("GET", &format!("/api/v2/alerts{query}"), Some(VIEWER), None).await;
        assert!(status == 400 && text.is_string(), "{query}: {status} {text}");
    }
    world.end().await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_said_and_keeps_nothing_else_out() {
    let world = World::new().await;
    for body in [json!({}), json!([{"annotations": {}}]), json!([{"labels": {"a": 1}}]), json!("x")] {
        let (status, text) = post(&world, body.clone()).await;
        assert!(status == 400 && text.is_string(), "{body}: {status} {text}");
    }
    let bad = [
        json!({"labels": {}}),
        json!({"labels": {"a": ""}}),
        json!({"labels": {"": "b"}}),
        json!({"labels": {"a": "x".repeat(9_000)}}),
        json!({"labels": {"alertname": "x"}, "startsAt": at(&world, 10), "endsAt": at(&world, 5)}),
    ];
    let mut batch = bad.to_vec();
    batch.push(json!({"labels": {"alertname": "Good"}}));
    let (status, text) = post(&world, json!(batch)).await;
    assert_eq!(status, 400, "{text}");
    let said = text.as_str().unwrap();
    assert!(said.contains("alert 1: ") && said.contains("alert 5: the alert ends before it starts"), "{said}");
    assert_eq!(names(&alerts(&world, "").await), ["Good"]);
    world.end().await;
}

#[tokio::test]
async fn silences_are_made_edited_replaced_and_ended() {
    let mut world = World::new().await;
    let body = |id: Option<&str>, service: &str, ends: i64, world: &World| {
        json!({
            "id": id, "matchers": [{"name": "service", "value": service, "isRegex": false, "isEqual": true}],
            "startsAt": at(world, 0), "endsAt": at(world, ends), "createdBy": "ana", "comment": "work",
            "annotations": {"ticket": "OPS-404"},
        })
    };
    let put =
        async |world: &World, body: Value| world.call("POST", "/api/v2/silences", Some(RESPONDER), Some(body)).await;
    let (status, made) = put(&world, body(None, "a", 600, &world)).await;
    assert_eq!(status, 200, "{made}");
    let id = made["silenceID"].as_str().unwrap().to_owned();
    let shown = world.get(&format!("/api/v2/silence/{id}")).await;
    assert_eq!((&shown["status"]["state"], &shown["createdBy"]), (&json!("active"), &json!("ana")), "{shown}");
    assert_eq!(shown["annotations"], json!({"ticket": "OPS-404"}));
    let mut longer = body(Some(&id), "a", 1_200, &world);
    longer["startsAt"] = shown["startsAt"].clone();
    world.advance(Span::from_secs(10)).await;
    let (_, edited) = put(&world, longer).await;
    assert_eq!(edited["silenceID"], json!(id), "a longer silence keeps its id");
    let (_, replaced) = put(&world, body(Some(&id), "b", 1_200, &world)).await;
    let other = replaced["silenceID"].as_str().unwrap().to_owned();
    assert_ne!(other, id, "other matchers are another silence");
    assert_eq!(world.get(&format!("/api/v2/silence/{id}")).await["status"]["state"], "expired");
    let (status, _) = world.call("DELETE", &format!("/api/v2/silence/{other}"), Some(RESPONDER), None).await;
    assert_eq!(status, 200);
    let all = world.get("/api/v2/silences?active=true").await;
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    let none = world.get("/api/v2/silences?expired=false").await;
    assert_eq!(none, json!([]));
    let filtered = world.get("/api/v2/silences?filter=service=b").await;
    assert_eq!(filtered[0]["id"], json!(other), "{filtered}");

    let nobody = "00000000-0000-7000-8000-000000000000";
    for (body, expected) in [
        (body(Some(nobody), "a", 600, &world), 404),
        (body(Some("nonsense"), "a", 600, &world), 404),
        (body(None, "a", -600, &world), 400),
        (body(None, "", 600, &world), 400),
        (json!({"matchers": []}), 400),
        (json!([]), 400),
    ] {
        let (status, text) = put(&world, body.clone()).await;
        assert!(status == expected && text.is_string(), "{body}: {status} {text}");
    }
    for method in ["GET", "DELETE"] {
        assert_eq!(world.call(method, &format!("/api/v2/silence/{nobody}"), Some(ADMIN), None).await.0, 404);
    }
    world.end().await;
}

#[tokio::test]
async fn a_posted_alert_ends_when_nobody_posts_it_again_also_after_a_crash() {
    let mut world = World::new().await;
    let alert = |end: Option<Timestamp>| json!([{"labels": {"alertname": "Down", "service": "a", "severity": "critical"}, "endsAt": end}]);
    post(&world, alert(None)).await;
    world.settle().await;
    assert_eq!(world.told_of("Down"), ["firing"]);
    world.advance(Span::from_secs(200)).await;
    post(&world, alert(None)).await;
    world.die_and_restart().await;
    world.advance(Span::from_secs(299)).await;
    assert_eq!(world.told_of("Down"), ["firing"], "it was posted again and has another five minutes");
    world.advance(Span::from_secs(2)).await;
    assert_eq!(world.told_of("Down"), ["firing", "resolved"]);
    assert!(alerts(&world, "").await.is_empty());
    let explained = world.explanation("Down").await;
    assert!(explained.to_string().contains("resolve timeout"), "{explained}");

    // What would have ended while the server was down waits for its sender.
    post(&world, alert(Some(at(&world, 60)))).await;
    world.settle().await;
    world.clock.advance(Span::from_secs(600));
    world.die_and_restart().await;
    world.settle().await;
    assert_eq!(world.told_of("Down"), ["firing", "resolved", "firing"]);
    world.advance(Span::from_secs(60)).await;
    post(&world, alert(Some(at(&world, 600)))).await;
    world.advance(Span::from_secs(300)).await;
    assert_eq!(world.told_of("Down"), ["firing", "resolved", "firing"], "its sender was only waiting for us");
    post(&world, alert(Some(at(&world, 0)))).await;
    // Told with the group's next turn.
    world.advance(Span::from_secs(300)).await;
    assert_eq!(world.told_of("Down"), ["firing", "resolved", "firing", "resolved"]);
    world.end().await;
}

#[tokio::test]
async fn a_security_alert_is_seen_by_administrators_only() {
    let mut world = World::new().await;
    post(&world, json!([{"labels": {"alertname": "Login", "category": "security", "service": "a"}}])).await;
    world.settle().await;
    for path in ["/api/v2/alerts", "/api/v2/alerts/groups"] {
        let (_, seen) = world.call("GET", path, Some(RESPONDER), None).await;
        assert_eq!(seen, json!([]), "{path}");
        assert_eq!(world.get(path).await.as_array().unwrap().len(), 1, "{path}");
    }
    assert!(world.told().iter().all(|told| told.to == "security"));
    world.end().await;
}
