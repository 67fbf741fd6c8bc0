//! Alerts of other tools over HTTP: taken, told, acknowledged, ended; and whoever is not who they should be is refused.
//!
//! Not what each body becomes: `alert::incoming` has those tests.

mod programs;

use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use watchkeeper_domain::Span;
use watchkeeper_server::http::router;

use crate::stories::world::{SECRETS, Setup, VIEWER, World};

const KEY: &str = SECRETS[5].1;

const INTEGRATIONS: &str = r#"
integrations:
  - {name: pager, kind: pagerduty, routing_key: "${file:secrets/BANK_CONTROL_TOKEN}", labels: {team: core}}
  - {name: azure, kind: azure, token: "${file:secrets/BANK_ADMIN_TOKEN}"}
  - {name: hub, kind: github, signing_secret: "${file:secrets/SLACK_SIGNING_SECRET}"}
"#;

async fn world() -> World {
    World::with(Setup { more: INTEGRATIONS.to_owned(), ..Setup::default() }).await
}

pub async fn send(world: &World, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_string())).unwrap();
    let answer = router::main(world.shared()).oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

fn event(action: &str, key: Option<&str>) -> Value {
    let mut event = json!({"routing_key": KEY, "event_action": action});
    if action == "trigger" {
        event["payload"] =
            json!({"summary": "Disk is full", "source": "db-1", "severity": "critical", "component": "ledger"});
    }
    if let Some(key) = key {
        event["dedup_key"] = key.into();
    }
    event
}

#[tokio::test]
async fn a_pagerduty_client_triggers_acknowledges_and_resolves_and_hears_what_it_expects() {
    let mut world = world().await;
    let enqueue = "/v2/enqueue";
    let (status, said) = send(&world, enqueue, &[], &event("trigger", Some("disk-1"))).await;
    assert_eq!(
        (status, said),
        (202, json!({"status": "success", "message": "Event processed", "dedup_key": "disk-1"}))
    );
    // What was answered survives a crash in the next instant.
    world.die_and_restart().await;
    world.settle().await;
    let alert = world.alert("Disk is full").await;
    assert_eq!((&alert["state"], &alert["priority"]), (&json!("firing"), &json!("critical")), "{alert}");
    assert_eq!(alert["labels"]["team"], "core");
    assert_eq!(alert["labels"]["service"], "ledger");
    assert_eq!(world.told_of("Disk is full"), ["firing"]);
    // Again, with other words: the same alert.
    let mut again = event("trigger", Some("disk-1"));
    again["payload"]["summary"] = "Disk is fuller".into();
    assert_eq!(send(&world, enqueue, &[], &again).await.0, 202);
    // It fires for as long as nobody says that it is over.
    world.advance(Span::from_secs(1_200)).await;
    assert_eq!(world.alerts("Disk is fuller").await.len(), 0);
    assert_eq!(world.alert("Disk is full").await["state"], "firing");
    assert_eq!(send(&world, enqueue, &[], &event("acknowledge", Some("disk-1"))).await.0, 202);
    let alert = world.alert("Disk is full").await;
    assert_eq!(alert["acknowledged_by"], "pager", "{alert}");
    assert_eq!(send(&world, enqueue, &[], &event("resolve", Some("disk-1"))).await.0, 202);
    world.settle().await;
    world.advance(Span::from_secs(120)).await;
    assert_eq!(world.alert("Disk is full").await["state"], "resolved");
    assert_eq!(world.told_of("Disk is full").last().unwrap(), "resolved");
    // An end without a beginning is fine and nothing.
    assert_eq!(send(&world, enqueue, &[], &event("resolve", Some("never"))).await.0, 202);
    let (status, said) = send(&world, "/api/watchkeeper/v1/in/pager", &[], &event("trigger", None)).await;
    assert_eq!((status, said["dedup_key"].as_str().unwrap().len()), (202, 32));
    world.end().await;
}

#[tokio::test]
async fn what_pagerduty_refuses_is_refused_in_its_form() {
    let world = world().await;
    let refused = |body: Value| {
        let world = &world;
        async move { send(world, "/v2/enqueue", &[], &body).await }
    };
    let (status, said) =
        refused(json!({"routing_key": KEY, "event_action": "trigger", "payload": {"source": "x", "severity": "bad"}}))
            .await;
    assert_eq!(
        (status, &said["status"], &said["message"]),
        (400, &json!("invalid event"), &json!("Event object is invalid"))
    );
    assert_eq!(said["errors"][0], "'payload.summary' is missing or blank");
    assert_eq!(
        said["errors"][1],
        "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
    );
    for (body, error) in [
        (json!({"event_action": "trigger"}), "'routing_key' is missing or blank"),
        (json!({"routing_key": "wrong", "event_action": "trigger"}), "'routing_key' is not one of this server's"),
        (json!({"routing_key": KEY, "event_action": "resolve"}), "'dedup_key' is missing or blank"),
        (json!({"routing_key": KEY}), "'event_action' is missing or blank"),
        (json!([]), "the body is no JSON object"),
    ] {
        let (status, said) = refused(body).await;
        assert_eq!((status, &said["errors"][0]), (400, &json!(error)));
    }
    world.end().await;
}

#[tokio::test]
async fn a_sender_must_show_its_token_or_sign_and_a_preview_takes_nothing() {
    let world = world().await;
    let token = SECRETS[6].1;
    let body = json!({"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {"alertId": "/a/1", "alertRule": "cpu",
        "severity": "Sev1", "monitorCondition": "Fired", "monitoringService": "Platform", "alertTargetIDs": ["/subscriptions/s/providers/microsoft.sql/servers/ledger"]}}});
    let path = "/api/watchkeeper/v1/in/azure";
    assert_eq!(send(&world, path, &[], &body).await.0, 401);
    assert_eq!(send(&world, &format!("{path}?token=wrong"), &[], &body).await.0, 401);
    let viewer = format!("Bearer {VIEWER}");
    let (status, preview) = send(&world, &format!("{path}/preview"), &[("authorization", &viewer)], &body).await;
    assert_eq!((status, &preview["alerts"][0]["act"]), (200, &json!("fire")), "{preview}");
    assert_eq!(preview["alerts"][0]["labels"]["category"], "database", "{preview}");
    assert!(world.alerts("cpu").await.is_empty());
    let (status, said) = send(&world, &format!("{path}?token={token}"), &[], &body).await;
    assert_eq!((status, said), (200, json!({"alerts": 1})));
    assert_eq!(world.alert("cpu").await["priority"], "high");
    let (status, problem) = send(&world, &format!("{path}?token={token}"), &[], &json!({"a": 1})).await;
    assert_eq!((status, &problem["code"]), (400, &json!("WK1001")));
    assert!(problem["detail"].as_str().unwrap().contains("Enable the common alert schema"), "{problem}");
    let ping = json!({"zen": "Keep it logically awesome."});
    let hub = "/api/watchkeeper/v1/in/hub";
    assert_eq!(send(&world, hub, &[("x-github-event", "ping")], &ping).await.1["code"], "WK2009");
    let signature = {
        use hmac::{Hmac, Mac as _};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRETS[4].1.as_bytes()).unwrap();
        mac.update(ping.to_string().as_bytes());
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    };
    let signed = [("x-github-event", "ping"), ("x-hub-signature-256", signature.as_str())];
    assert_eq!(send(&world, hub, &signed, &ping).await, (200, json!({"alerts": 0, "ignored": "a ping"})));
    assert_eq!(send(&world, "/api/watchkeeper/v1/in/nobody", &[], &ping).await.0, 404);
    world.end().await;
}
