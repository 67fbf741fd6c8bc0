//! People take an incident: in the console, over Slack, and not with a forged press.

use serde_json::json;
use watchkeeper_domain::Span;
use watchkeeper_testkit::slack::press::Person;

use super::world::{RESPONDER, VIEWER, World, about, text};

fn ana() -> Person {
    Person { id: "U024BE7LH".to_owned(), name: "Ana".to_owned() }
}

#[tokio::test]
async fn an_acknowledgement_in_the_console_counts_for_the_post_mortem() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    world.run(Span::from_secs(30)).await;
    let id = text(&world.incident().await["id"]);
    let path = format!("/api/watchkeeper/v1/incidents/{id}/acknowledge");
    assert_eq!(world.call("POST", &path, Some(VIEWER), Some(json!({}))).await.0, 403);
    assert_eq!(world.incident().await["state"], "triggered");
    let (status, answer) = world.call("POST", &path, Some(RESPONDER), Some(json!({"note": "on it"}))).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(world.incident().await["state"], "acknowledged");
    world.run(Span::from_secs(60)).await;
    world.accounts_recover().await;
    let written = world.get(&format!("/api/watchkeeper/v1/incidents/{id}/post-mortem")).await;
    about(&written["mttd_seconds"], 60.0);
    about(&written["mtta_seconds"], 30.0);
    about(&written["mttr_seconds"], 150.0);
    world.end().await;
}

#[tokio::test]
async fn a_button_in_slack_acknowledges_in_the_name_of_the_person_and_says_so_in_the_thread() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    let message =
        world.slack.messages().into_iter().find(|m| m.payload.to_string().contains("\"acknowledge\"")).unwrap();
    assert_eq!(world.slack.press(&message.ts, "acknowledge", &ana()).await, Ok(200));
    world.settle().await;
    let incident = world.incident().await;
    assert_eq!(incident["state"], "acknowledged", "{incident}");
    let alert = world.alert("ServiceUnreachable").await;
    assert!(incident.to_string().contains("\"ana\""), "{incident}");
    assert!(alert["owner"].as_str().is_some() || alert["acknowledged_by"].as_str().is_some(), "{alert}");
    // Once more is no second acknowledgement.
    assert_eq!(world.slack.press(&message.ts, "acknowledge", &ana()).await, Ok(200));
    world.settle().await;
    let taken = world.ledger().await.iter().filter(|kind| *kind == "incident.acknowledged").count();
    assert_eq!(taken, 1);
    world.end().await;
}

#[tokio::test]
async fn an_incident_is_assigned_in_slack_to_oneself_and_to_somebody_else() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    let message = world.slack.messages().into_iter().find(|m| m.payload.to_string().contains("\"assign\"")).unwrap();
    assert_eq!(world.slack.press(&message.ts, "assign_to_me", &ana()).await, Ok(200));
    world.settle().await;
    assert_eq!(world.incident().await["roles"]["incident_commander"], "ana");
    // Whom the configuration does not know keeps the id that Slack gave.
    assert_eq!(world.slack.choose(&message.ts, "assign", "U0G9QF9C6", &ana()).await, Ok(200));
    world.settle().await;
    assert_eq!(world.incident().await["roles"]["incident_commander"], "slack/U0G9QF9C6");
    assert_eq!(world.incident().await["state"], "triggered", "giving it to somebody is not taking it");
    let given = world.ledger().await.iter().filter(|kind| *kind == "incident.assigned").count();
    assert_eq!(given, 2);
    world.end().await;
}

#[tokio::test]
async fn a_button_in_slack_silences_for_an_hour() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    let message = world.slack.messages().into_iter().find(|m| m.payload.to_string().contains("\"silence\"")).unwrap();
    assert_eq!(world.slack.press(&message.ts, "silence", &ana()).await, Ok(200));
    world.settle().await;
    assert_eq!(world.alert("ServiceUnreachable").await["suppressed"], true);
    let silences = world.get("/api/watchkeeper/v1/silences").await;
    assert_eq!(silences["items"].as_array().unwrap().len(), 1, "{silences}");
    world.end().await;
}

#[tokio::test]
async fn a_press_with_a_forged_signature_changes_nothing() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    let before = world.ledger().await.len();
    let (status, answer) = world.call("POST", "/slack/interactions", None, Some(json!({"payload": "x"}))).await;
    assert!(status == 401 || status == 403, "{status} {answer}");
    assert_eq!(world.ledger().await.len(), before);
    assert_eq!(world.incident().await["state"], "triggered");
    world.end().await;
}

#[tokio::test]
async fn many_alerts_are_taken_in_one_command_and_what_is_refused_is_said_for_that_one_alone() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    let alert = world.alert("ServiceUnreachable").await;
    let id = text(&alert["id"]);
    let nothing = "alr_00000000000070008000000000000000";
    let body = json!({"alert_ids": [id, nothing, id]});
    let path = "/api/watchkeeper/v1/alerts/acknowledge";
    assert_eq!(world.call("POST", path, Some(VIEWER), Some(body.clone())).await.0, 403);
    let done = world.post("/alerts/acknowledge", body).await;
    assert_eq!(done["items"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(done["refused"][0]["id"], nothing);
    assert!(done["items"][0]["acknowledged_by"].is_string(), "{done}");
    // It belongs to an open incident, which gets its commander.
    let done = world.post("/alerts/assign", json!({"alert_ids": [id], "person": "ana"})).await;
    assert_eq!(done["items"][0]["owner"], "ana", "{done}");
    assert_eq!(world.incident().await["owner"], "ana");
    let hers = world.get("/api/watchkeeper/v1/alerts?owner=ana").await;
    assert_eq!((hers["total"].as_u64(), hers["items"][0]["id"].as_str()), (Some(1), Some(id.as_str())), "{hers}");
    assert_eq!(world.get("/api/watchkeeper/v1/alerts?owner=bob").await["total"], 0);
    let preview = world.post("/silences/preview", json!({"matchers": ["alertname=\"ServiceUnreachable\""]})).await;
    assert_eq!((preview["total"].as_u64(), preview["silenced"].as_u64()), (Some(1), Some(0)), "{preview}");
    let entries = world.get(&format!("/api/watchkeeper/v1/ledger?kind=alert,incident.assigned&subject={id}")).await;
    let kinds: Vec<&str> = entries["items"].as_array().unwrap().iter().filter_map(|e| e["kind"].as_str()).collect();
    assert!(kinds.contains(&"alert.acknowledged") && kinds.iter().all(|k| k.starts_with("alert.")), "{kinds:?}");
    world.end().await;
}
