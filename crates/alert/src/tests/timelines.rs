//! Alertmanager's own acceptance timelines, played on a clock in the hand.
//!
//! Each is a configuration, which is used as it is, pushes and silences at their times, and what must arrive in which window.
//! Two are about what is not here: a start that waits (ours does not) and a webhook's time limit (`respond` has its tests).

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use watchkeeper_config::Config;
use watchkeeper_domain::{Actor, Labels, Matcher, Span, Timestamp};
use watchkeeper_state::{Reconciler as _, SignalSink};

use super::world::World;
use crate::silence::NewSilence;
use crate::{Alerts, Expiry, Intake, Posted, Routing};

/// Labels of each alert, and whether it is over.
type Told = Vec<(Labels, bool)>;

const PLAYED: [&str; 7] = [
    "testMergeAlerts",
    "TestRepeat",
    "TestBatching",
    "TestResolved",
    "TestInhibiting",
    "TestSilencing",
    "TestSendAlertsToUTF8Route",
];

#[test]
fn what_alertmanager_says_when_is_said_when() {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join("alertmanager/timelines.json")) else {
        println!("skipped: no corpora");
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut passed, mut skipped) = (0, 0);
    for timeline in serde_json::from_str::<Vec<Value>>(&text).unwrap() {
        let name = timeline["test"].as_str().unwrap();
        if PLAYED.contains(&name) {
            runtime.block_on(play(name, &timeline));
            passed += 1;
        } else {
            println!("skipped: {name}");
            skipped += 1;
        }
    }
    println!("{passed} passed, 0 failed, {skipped} skipped");
    assert_eq!(passed, PLAYED.len());
}

async fn play(name: &str, timeline: &Value) {
    let config = configured(timeline["config"].as_str().unwrap());
    let world = World::with(Routing::from(&config)).await;
    let sink: Arc<dyn SignalSink> = Arc::new(Alerts::new(world.env.clone(), vec![]));
    let intake = Intake::new(world.state.clone(), world.env.clone(), Arc::clone(&sink));
    let expiry = Expiry::new(world.state.clone(), world.env.clone(), sink);
    let start = world.now();
    let events = timeline["events"].as_array().unwrap();
    let tenths = |value: &Value| (value.as_f64().unwrap() * 10.0).round() as i64;
    let end = events.iter().filter(|e| e["op"] == "want").map(|e| tenths(&e["between"][1])).max().unwrap();
    for now in 0..=end {
        for event in events.iter().filter(|event| event["op"] != "want" && tenths(&event["at"]) == now) {
            match event["op"].as_str().unwrap() {
                "push" => intake.receive(pushed(event, start), config.resolve_timeout).await.unwrap(),
                _ => silence(&world, start, event["arg"].as_str().unwrap()).await,
            }
        }
        expiry.reconcile().await.unwrap();
        world.settle().await;
        world.advance(Span::from_millis(100));
    }
    let wants: Vec<(i64, i64, Told)> = events
        .iter()
        .filter(|event| event["op"] == "want")
        .map(|want| (tenths(&want["between"][0]), tenths(&want["between"][1]), told(&want["alerts"])))
        .collect();
    let said: Vec<(i64, Told)> = world
        .said()
        .await
        .iter()
        .map(|said| (said.at.since(start).as_millis() / 100, told(&said.content["alerts"])))
        .collect();
    for (from, to, alerts) in &wants {
        let heard = said.iter().any(|(at, content)| from <= at && at <= to && content == alerts);
        assert!(heard, "{name}: {alerts:?} did not come from {from} to {to}: {said:#?}");
    }
    for (at, content) in &said {
        let wanted = wants.iter().any(|(from, to, alerts)| from <= at && at <= to && content == alerts);
        assert!(wanted, "{name}: nobody waited for {content:?} at {at}");
    }
}

/// Sorted.
fn told(alerts: &Value) -> Told {
    let one = |alert: &Value| {
        let labels: Labels = serde_json::from_value(alert["labels"].clone()).unwrap();
        (labels, alert["endsAt"].is_number() || alert["status"] == "resolved")
    };
    let mut told: Vec<_> = alerts.as_array().unwrap().iter().map(one).collect();
    told.sort();
    told
}

fn pushed(event: &Value, start: Timestamp) -> Vec<Posted> {
    let at = |value: &Value| value.as_f64().map(|secs| start + Span::from_micros((secs * 1e6).round() as i64));
    let one = |alert: &Value| Posted {
        labels: serde_json::from_value(alert["labels"].clone()).unwrap(),
        annotations: serde_json::from_value(alert["annotations"].clone()).unwrap_or_default(),
        starts_at: at(&alert["startsAt"]),
        ends_at: at(&alert["endsAt"]),
        generator_url: String::new(),
        origin: None,
    };
    event["alerts"].as_array().unwrap().iter().map(one).collect()
}

/// `Silence(2.5, 4.5).Match("alertname", "test1")`
async fn silence(world: &World, start: Timestamp, text: &str) {
    let parts: Vec<&str> = text.split(['(', ')', ',', '"']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let secs = |text: &str| (text.parse::<f64>().unwrap() * 1e6).round() as i64;
    let new = NewSilence {
        matchers: vec![Matcher::equal(parts[4], parts[5])],
        starts_at: Some(start + Span::from_micros(secs(parts[1]))),
        duration: Span::from_micros(secs(parts[2]) - secs(parts[1])),
        comment: "as the timeline says".into(),
        ..NewSilence::default()
    };
    world.silences().create(new, Actor::System).await.unwrap();
}

/// The timeline's file, used as it is.
fn configured(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("am.yml"), text.replace("%s", "127.0.0.1:9")).unwrap();
    let main = folder.path().join("wk.yaml");
    std::fs::write(&main, "alertmanager_config: am.yml\n").unwrap();
    watchkeeper_config::load(&main, &watchkeeper_config::FileSystem, &|_| Ok(())).unwrap().config
}
