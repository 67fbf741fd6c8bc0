//! Alertmanager's own acceptance timelines, played on a clock in the hand.
//!
//! Each is a configuration, pushes and silences at their times, and what must arrive in which window. Those about other
//! parts (its API's resolve timeout, cold start, webhook timeouts, merging of overlapping pushes) are skipped by name.

use std::path::PathBuf;

use serde_json::Value;
use watchkeeper_config::model::InhibitRule;
use watchkeeper_config::model::route::GroupBy;
use watchkeeper_domain::{Actor, Labels, Matcher, Priority, Span, Timestamp, Verdict};

use super::world::{World, routing};
use crate::Routing;
use crate::silence::NewSilence;

/// Labels of each alert, and whether it is over.
type Told = Vec<(Labels, bool)>;

const PLAYED: [&str; 4] = ["TestRepeat", "TestBatching", "TestInhibiting", "TestSilencing"];

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
    let world = World::with(configured(timeline["config"].as_str().unwrap())).await;
    let start = world.now();
    let events = timeline["events"].as_array().unwrap();
    let tenths = |value: &Value| (value.as_f64().unwrap() * 10.0).round() as i64;
    let end = events.iter().filter(|e| e["op"] == "want").map(|e| tenths(&e["between"][1])).max().unwrap();
    for now in 0..=end {
        for event in events.iter().filter(|event| event["op"] != "want" && tenths(&event["at"]) == now) {
            match event["op"].as_str().unwrap() {
                "push" => push(&world, event, now).await,
                _ => silence(&world, start, event["arg"].as_str().unwrap()).await,
            }
        }
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

async fn push(world: &World, event: &Value, now: i64) {
    for alert in event["alerts"].as_array().unwrap() {
        let over = alert["endsAt"].as_f64().is_some_and(|at| (at * 10.0).round() as i64 <= now);
        let verdict = if over { Verdict::Resolved } else { Verdict::Firing };
        let mut signal = world.signal("pushed", "x", Priority::Critical, verdict);
        signal.labels = serde_json::from_value(alert["labels"].clone()).unwrap();
        world.record(signal).await;
    }
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

/// Reads the few settings that these configurations have.
fn configured(text: &str) -> Routing {
    let value = |key: &str| -> Option<String> {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    };
    let span = |key: &str| value(key).map(|text| text.parse::<Span>().unwrap());
    let mut routing = routing();
    let group_by = value("group_by").unwrap();
    let names = group_by.trim_matches(['[', ']']).split(',').map(str::trim).filter(|name| !name.is_empty());
    routing.route.group_by = GroupBy::Labels(names.map(ToOwned::to_owned).collect());
    routing.route.group_wait = span("group_wait");
    routing.route.group_interval = span("group_interval").unwrap();
    routing.route.repeat_interval = span("repeat_interval").unwrap();
    if text.contains("inhibit_rules") {
        routing.inhibit_rules.push(InhibitRule {
            source_matchers: vec![Matcher::equal("alertname", "JobDown")],
            target_matchers: vec![Matcher::equal("alertname", "InstanceDown")],
            equal: vec!["job".into(), "zone".into()],
        });
    }
    routing
}
