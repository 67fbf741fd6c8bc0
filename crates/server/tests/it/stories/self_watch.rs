//! Watchkeeper watches over itself: receivers that do not work, a stalled pipeline, fire drills.
//!
//! Not the watchman's decisions: its core has tests beside it.

use serde_json::{Value, json};
use watchkeeper_domain::Span;
use watchkeeper_testkit::Answer;
use watchkeeper_testkit::webhook::Recorded;

use super::world::{ADMIN, RESPONDER, VIEWER, World, text};

const V1: &str = "/api/watchkeeper/v1";

/// A world with more in its configuration; `change` gets the receivers' beginning.
async fn configured(change: impl Fn(&World, String) -> String) -> World {
    let world = World::new().await;
    let file = std::fs::read_to_string(world.path("watchkeeper.yaml")).unwrap();
    world.write("watchkeeper.yaml", &change(&world, file));
    let (status, answer) = world.call("POST", "/-/reload", Some(ADMIN), Some(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    world
}

fn refuses(_: &Recorded) -> Answer {
    Answer::Status(503, "down".to_owned())
}

fn summaries(requests: &[Recorded]) -> Vec<String> {
    let all = requests.iter().filter_map(|r| r.json()["alerts"].as_array().cloned()).flatten();
    all.map(|alert| format!("{} {}", text(&alert["status"]), text(&alert["annotations"]["summary"]))).collect()
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_past_itself_and_its_recovery_too() {
    let mut world = configured(|world, file| {
        let backup =
            format!("receivers:\n  - name: backup\n    webhook: [{{ url: \"{}\" }}]\n", world.security.url("/backup"));
        let lone = format!("  - name: operations\n    webhook: [{{ url: \"{}\" }}]\n", world.operations.url("/hook"));
        let (before, rest) = file.split_once("  - name: operations\n").unwrap();
        let (_, after) = rest.split_once("  - name: security\n").unwrap();
        let file = format!("{before}{lone}  - name: security\n{after}\nself_watch: {{ receiver: backup }}\n");
        file.replace("receivers:\n", &backup)
    })
    .await;
    world.operations.answer_by(refuses);
    world.accounts_fail().await;
    world.run_reporting_every(Span::from_secs(240), Span::from_secs(15)).await;
    assert_eq!(world.alerts("ReceiverFailing").await, [json!(null); 0]);
    world.run_reporting_every(Span::from_secs(240), Span::from_secs(15)).await;
    let alert = world.alert("ReceiverFailing").await;
    assert_eq!((text(&alert["state"]).as_str(), text(&alert["priority"]).as_str()), ("firing", "high"), "{alert}");
    // Its route leads to nobody but the receiver that fails, so the second path hears of it as well, once.
    let told: Vec<String> = summaries(&world.security.requests());
    assert_eq!(told, ["firing The receiver operations does not work: nothing arrives over webhook"]);
    let listed = world.get(&format!("{V1}/receivers")).await;
    let operations = listed["items"].as_array().unwrap().iter().find(|r| r["name"] == "operations").unwrap().clone();
    assert_eq!(operations["health"], "failing");
    assert!(operations["channels"][0]["failing_since"].is_string(), "{operations}");

    // A restart forgets none of it.
    world.die_and_restart().await;
    world.run_reporting_every(Span::from_secs(120), Span::from_secs(15)).await;
    assert_eq!(world.security.requests().len(), 1);
    world.operations.otherwise(Answer::ok());
    world.run_reporting_every(Span::from_secs(900), Span::from_secs(15)).await;
    assert_eq!(world.alert("ReceiverFailing").await["state"], "resolved");
    assert_eq!(summaries(&world.security.requests())[1..], ["firing The receiver operations works again."]);
    world.end().await;
}

#[tokio::test]
async fn a_receiver_that_nobody_tried_is_an_alert_until_a_test_arrives() {
    let mut world =
        configured(|_, file| format!("{file}\nself_watch: {{ receivers: {{ untested_after: 2h }} }}\n")).await;
    world.settle().await;
    world.run_reporting_every(Span::from_secs(7_300), Span::from_secs(300)).await;
    let all = world.alerts("ReceiverUntested").await;
    let about = |alert: &Value| text(&alert["labels"]["receiver"]);
    assert!(all.iter().any(|alert| about(alert) == "security"), "{all:?}");
    let fires = |all: &[Value]| all.iter().any(|a| about(a) == "security" && a["state"] == "firing");
    world.post("/receivers/security/test", json!({})).await;
    world.advance(Span::from_secs(120)).await;
    assert!(!fires(&world.alerts("ReceiverUntested").await));
    // Who called nobody for as long is told of again.
    world.run_reporting_every(Span::from_secs(7_300), Span::from_secs(300)).await;
    assert!(fires(&world.alerts("ReceiverUntested").await));
    world.end().await;
}

#[tokio::test]
async fn a_receiver_that_calls_people_is_as_well_as_those_whom_it_reaches() {
    let mut world = configured(|world, file| {
        let ana = file.lines().find(|line| line.contains("name: ana")).unwrap().to_owned();
        let people = format!("  - {{ name: ana, webhook: {{ url: \"{}\" }} }}", world.security.url("/ana"));
        let policy = "escalation_policies: [{ name: bank, steps: [{ targets: { person: ana } }] }]\nreceivers:\n  - { name: pager, escalation_policy: bank }\n";
        file.replace(&ana, &people).replace("receivers:\n", policy).replace("  receiver: operations\n", "  receiver: pager\n")
    })
    .await;
    let health = async |world: &World| {
        let listed = world.get(&format!("{V1}/receivers")).await;
        let pager = listed["items"].as_array().unwrap().iter().find(|r| r["name"] == "pager").unwrap().clone();
        (text(&pager["health"]), pager["last_delivered_at"].is_string())
    };
    assert_eq!(health(&world).await, ("untested".to_owned(), false));
    world.accounts_fail().await;
    assert_eq!(health(&world).await, ("ok".to_owned(), true));
    world.end().await;
}

#[tokio::test]
async fn a_stalled_pipeline_withholds_the_heartbeat_and_is_told_past_the_outbox() {
    let mut world = configured(|world, file| {
        let secret = world.path("secrets/HEARTBEAT");
        std::fs::write(&secret, world.bank.url("/ping/secret-of-the-heartbeat")).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let watch = format!(
            "self_watch:\n  heartbeat: {{ url: \"${{file:{}}}\", interval: 1m }}\n  receiver: second\n",
            secret.display()
        );
        let second =
            format!("receivers:\n  - name: second\n    webhook: [{{ url: \"{}\" }}]\n", world.security.url("/second"));
        format!("{}\n{watch}", file.replace("receivers:\n", &second))
    })
    .await;
    let beats = |world: &World| world.bank.requests().iter().filter(|r| r.path.starts_with("/ping/")).count();
    // Everything works: a heartbeat at each minute.
    for _ in 0..9 {
        world.settle().await;
        world.shared().progress.completed("housekeeping", world.now());
        let next = world.shared().watchman.look(world.shared()).await;
        world.clock.set(next);
    }
    assert_eq!(beats(&world), 3, "at the beginning, after one minute and after two");
    // Now nothing is done any more: only the watchman's own thread goes on.
    for _ in 0..12 {
        let next = world.shared().watchman.look(world.shared()).await;
        world.clock.set(next);
    }
    let before = beats(&world);
    for _ in 0..12 {
        let next = world.shared().watchman.look(world.shared()).await;
        world.clock.set(next);
    }
    assert_eq!(beats(&world), before, "no heartbeat leaves");
    let told = summaries(&world.security.requests());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("pipeline is stalled") && told[0].contains("the stage `alert`"), "{told:?}");
    assert_eq!(world.security.requests()[0].path, "/second");
    let status = world.get(&format!("{V1}/self-watch")).await;
    assert!(status["stalled_since"].is_string() && status["second_path_told_at"].is_string(), "{status}");
    assert!(!status.to_string().contains("secret-of-the-heartbeat"), "{status}");
    let metrics = text(&world.get("/metrics").await);
    assert!(metrics.contains("watchkeeper_pipeline_stalled 1"), "{metrics}");
    // It works again.
    world.settle().await;
    world.shared().progress.completed("housekeeping", world.now());
    world.shared().watchman.look(world.shared()).await;
    let told = summaries(&world.security.requests());
    assert!(told.len() == 2 && told[1].contains("works again"), "{told:?}");
    assert_eq!(world.get(&format!("{V1}/self-watch")).await["faults"], json!([]));
    let kinds = world.ledger().await;
    for kind in ["watchman.stalled", "watchman.recovered"] {
        assert_eq!(kinds.iter().filter(|known| *known == kind).count(), 1, "{kind}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_drill_takes_the_real_route_opens_no_incident_and_is_confirmed_by_its_link() {
    let mut world = configured(|_, file| {
        format!("{file}\nself_watch: {{ drill: {{ days: mon-sun, at: \"03:00\", time_zone: Europe/Zurich }} }}\n")
    })
    .await;
    world.settle().await;
    let next = text(&world.get(&format!("{V1}/self-watch")).await["next_drill_at"]);
    assert!(next.ends_with("T02:00:00.000Z") || next.ends_with("T02:00:00Z"), "{next}");
    let until = next.parse::<watchkeeper_domain::Timestamp>().unwrap().since(world.now());
    world.advance(until).await;
    let alert = world.alert("FireDrill").await;
    assert_eq!((text(&alert["state"]).as_str(), text(&alert["priority"]).as_str()), ("firing", "high"));
    assert_eq!(world.told_of("FireDrill"), ["firing"], "it came to the receiver of the route");
    assert_eq!(world.get(&format!("{V1}/incidents")).await["items"], json!([]));
    let summary = summaries(&world.operations.requests()).pop().unwrap();
    let link = summary.split("https://watchkeeper.money404.example").nth(1).unwrap().to_owned();
    let (status, page) = world.call("GET", &link, None, None).await;
    assert!(status == 200 && text(&page).contains("It reached me"), "{page}");
    let history = world.get(&format!("{V1}/drills")).await;
    assert_eq!(history["items"][0]["state"], "waiting", "looking confirms nothing: {history}");
    let forged = format!("{}0000", link.split_at(link.len() - 4).0);
    assert_eq!(world.call("POST", &forged, None, None).await.0, 404);
    world.clock.advance(Span::from_secs(61));
    let (status, page) = world.call("POST", &link, None, None).await;
    assert!(status == 200 && text(&page).contains("It is confirmed"), "{page}");
    world.advance(Span::from_secs(7_200)).await;
    let history = world.get(&format!("{V1}/drills")).await;
    assert_eq!(history["items"][0]["state"], "confirmed", "{history}");
    assert!(history["items"][0]["seconds"].as_f64().unwrap() > 60.0, "{history}");
    assert_eq!(world.told_of("FireDrill"), ["firing", "resolved"]);
    assert_eq!(world.alerts("FireDrillUnconfirmed").await, [json!(null); 0]);
    world.end().await;
}

#[tokio::test]
async fn a_drill_that_nobody_confirms_is_told_and_one_that_somebody_takes_ends_that() {
    let mut world = World::new().await;
    assert_eq!(world.call("POST", &format!("{V1}/drills"), Some(VIEWER), Some(json!({}))).await.0, 403);
    let (status, drill) = world.call("POST", &format!("{V1}/drills"), Some(RESPONDER), Some(json!({}))).await;
    assert_eq!((status, drill["state"].as_str()), (201, Some("waiting")), "{drill}");
    world.advance(Span::from_secs(14 * 60)).await;
    assert_eq!(world.alerts("FireDrillUnconfirmed").await, [json!(null); 0]);
    world.advance(Span::from_secs(120)).await;
    assert_eq!(world.alert("FireDrillUnconfirmed").await["state"], "firing");
    assert_eq!(world.told_of("FireDrillUnconfirmed"), ["firing"]);
    let late = format!("{V1}/drills/{}/confirm", text(&drill["id"]));
    let (status, answer) = world.call("POST", &late, Some(RESPONDER), Some(json!({}))).await;
    assert_eq!((status, answer["state"].as_str()), (200, Some("missed")), "too late is too late: {answer}");
    // Another one, taken like any alert.
    world.post("/drills", json!({})).await;
    world.settle().await;
    let all = world.alerts("FireDrill").await;
    let id = text(&all.iter().find(|alert| alert["state"] == "firing").unwrap()["id"]);
    world.call("POST", &format!("{V1}/alerts/{id}/acknowledge"), Some(RESPONDER), Some(json!({}))).await;
    world.settle().await;
    assert_eq!(world.alert("FireDrillUnconfirmed").await["state"], "resolved");
    let history = world.get(&format!("{V1}/drills")).await;
    let states: Vec<String> = history["items"].as_array().unwrap().iter().map(|d| text(&d["state"])).collect();
    assert_eq!(states, ["confirmed", "missed"]);
    let explained = world.get(&format!("{V1}/alerts/{id}/explain")).await.to_string();
    assert!(explained.contains("A fire drill begins") && explained.contains("confirmed the fire drill"), "{explained}");
    world.end().await;
}
