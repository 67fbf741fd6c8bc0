//! What comes in besides telemetry and alerts: heartbeats of jobs, and changes.

use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use watchkeeper_domain::Span;

use super::world::{RESPONDER, SECRETS, Setup, VIEWER, World, text};
use crate::incoming::send;

/// A heartbeat whose id is a secret of the world, one whose id the server makes, and where changes come from.
const MORE: &str = r#"
heartbeats:
  - {name: settlement, every: 10m, grace: 2m, id: "${file:secrets/BANK_ADMIN_TOKEN}", labels: {service: payments}}
  - {name: backup, cron: "0 2 * * *", time_zone: Europe/Zurich, grace: 30m, priority: critical}
integrations:
  - {name: hub, kind: github, signing_secret: "${file:secrets/SLACK_SIGNING_SECRET}", labels: {service: accounts}}
  - {name: pd, kind: pagerduty, routing_key: "${file:secrets/BANK_CONTROL_TOKEN}"}
"#;

async fn world() -> World {
    World::with(Setup { more: MORE.to_owned(), ..Setup::default() }).await
}

async fn heartbeat(world: &World, name: &str) -> Value {
    world.get(&format!("/api/watchkeeper/v1/heartbeats/{name}")).await
}

#[tokio::test]
async fn a_job_that_stops_reporting_pages_and_ends_the_page_when_it_is_back() {
    let mut world = world().await;
    let address = format!("/heartbeat/{}", SECRETS[6].1);
    assert_eq!(heartbeat(&world, "settlement").await["state"], "new");
    assert_eq!(world.call("GET", &format!("{address}/start?rid=7"), None, None).await.0, 200);
    world.advance(Span::from_secs(90)).await;
    assert_eq!(world.call("POST", &format!("{address}?rid=7"), None, None).await, (200, json!("OK")));
    let up = heartbeat(&world, "settlement").await;
    assert_eq!((&up["state"], &up["last_duration_ms"]), (&json!("up"), &json!(90_000.0)), "{up}");
    assert_eq!(world.call("HEAD", &address, None, None).await.0, 200);
    world.advance(Span::from_secs(11 * 60)).await;
    assert_eq!(heartbeat(&world, "settlement").await["state"], "grace");
    assert!(world.told_of("HeartbeatLate").is_empty());
    world.advance(Span::from_secs(61)).await;
    assert_eq!(world.told_of("HeartbeatLate"), ["firing"]);
    let alert = world.alert("HeartbeatLate").await;
    assert_eq!((&alert["priority"], &alert["labels"]["service"]), (&json!("high"), &json!("payments")), "{alert}");
    world.die_and_restart().await;
    world.advance(Span::from_secs(300)).await;
    assert_eq!(world.told_of("HeartbeatLate"), ["firing"]);
    assert_eq!(world.call("GET", &address, None, None).await.0, 200);
    world.advance(Span::from_secs(120)).await;
    assert_eq!(world.told_of("HeartbeatLate"), ["firing", "resolved"]);
    let query = "/api/v1/query?query=heartbeat_up%7Bheartbeat%3D%22settlement%22%7D";
    assert_eq!(world.get(query).await["data"]["result"][0]["value"][1], "1");
    world.end().await;
}

#[tokio::test]
async fn the_address_of_a_heartbeat_is_shown_to_those_who_act_and_takes_the_words_of_healthchecks() {
    let world = world().await;
    let list = |token| world.call("GET", "/api/watchkeeper/v1/heartbeats", Some(token), None);
    let (_, seen) = list(VIEWER).await;
    assert!(seen["items"].as_array().unwrap().iter().all(|one| one["url"].is_null()), "{seen}");
    let (_, seen) = list(RESPONDER).await;
    let backup = seen["items"].as_array().unwrap().iter().find(|one| one["name"] == "backup").unwrap().clone();
    let url = text(&backup["url"]);
    let address = url.strip_prefix("https://watchkeeper.money404.example").unwrap();
    assert_eq!(address.len(), "/heartbeat/".len() + 32);
    for (act, status) in [("/3", 200), ("/log", 200), ("/fail", 200), ("/0", 200), ("/256", 404), ("/stop", 404)] {
        assert_eq!(world.call("POST", &format!("{address}{act}"), None, None).await.0, status, "{act}");
    }
    let beats = heartbeat(&world, "backup").await["beats"].clone();
    let kinds: Vec<String> = beats.as_array().unwrap().iter().map(|beat| text(&beat["kind"])).collect();
    assert_eq!(kinds, ["success", "fail", "log", "fail"]);
    assert_eq!(beats[3]["exit_code"], 3);
    assert_eq!(world.call("GET", "/heartbeat/0123456789abcdef0123456789abcdef", None, None).await.0, 404);
    world.end().await;
}

#[tokio::test]
async fn what_changed_just_before_stands_on_the_incident_and_in_its_post_mortem() {
    let mut world = world().await;
    let said = json!({"service": "accounts", "version": "2.4.0", "environment": "production", "key": "run-1"});
    let (status, made) = world.call("POST", "/api/watchkeeper/v1/changes", Some(SECRETS[0].1), Some(said)).await;
    assert_eq!((status, &made["title"]), (201, &json!("Deploy of accounts 2.4.0 to production by ingest")), "{made}");
    world.post("/changes", json!({"service": "front", "summary": "another service"})).await;

    let deployment = json!({"deployment": {"id": 9, "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e", "ref": "main",
        "task": "deploy", "environment": "production", "creator": {"login": "ana"}}, "deployment_status": {"state": "success"},
        "repository": {"full_name": "money404/core", "name": "core"}});
    let signed = |body: &Value| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRETS[4].1.as_bytes()).unwrap();
        mac.update(body.to_string().as_bytes());
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    };
    let hub = "/api/watchkeeper/v1/in/hub";
    let event = ("x-github-event", "deployment_status");
    let refused = send(&world, hub, &[event, ("x-hub-signature-256", &signed(&json!({})))], &deployment).await;
    assert_eq!(refused.0, 401, "{refused:?}");
    let taken = send(&world, hub, &[event, ("x-hub-signature-256", &signed(&deployment))], &deployment).await;
    assert_eq!((taken.0, &taken.1["changes"]), (200, &json!(1)), "{taken:?}");

    let event = json!({"routing_key": SECRETS[5].1, "payload": {"summary": "New limits", "custom_details": {"service": "accounts"}}});
    let answer = world.call("POST", "/v2/change/enqueue", None, Some(event)).await;
    assert_eq!(answer, (202, json!({"status": "success", "message": "Change event processed"})));
    let wrong = json!({"routing_key": "of nobody", "payload": {"summary": "x"}});
    assert_eq!(world.call("POST", "/v2/change/enqueue", None, Some(wrong)).await.0, 400);

    world.accounts_fail().await;
    let incident = world.incident().await;
    let titles: Vec<String> = incident["changes"].as_array().unwrap().iter().map(|c| text(&c["title"])).collect();
    assert_eq!(titles.len(), 3, "{titles:?}");
    assert!(
        titles.iter().any(|t| t == "Deploy of accounts f95f852bd8fc to production by ana: money404/core main"),
        "{titles:?}"
    );
    world.accounts_recover().await;
    world.run(Span::from_secs(300)).await;
    let id = text(&incident["id"]);
    let markdown = text(&world.get(&format!("/api/watchkeeper/v1/incidents/{id}/post-mortem.md")).await);
    assert!(markdown.contains("Deploy of accounts 2.4.0 to production by ingest"), "{markdown}");
    let kinds = world.get("/api/watchkeeper/v1/ledger?limit=1000").await["items"].to_string();
    assert_eq!(kinds.matches("change.recorded").count(), 4);
    world.end().await;
}
