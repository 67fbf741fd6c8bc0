//! When nobody can tell: data that stops, and configuration that is broken.

use serde_json::json;
use watchkeeper_domain::Span;

use super::world::{ADMIN, UP, World, text};

#[tokio::test]
async fn an_alert_whose_data_stops_is_unknown_and_nothing_says_that_it_is_over() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    world.forget(UP);
    world.run_reporting_every(Span::from_secs(3_600), Span::from_secs(60)).await;
    let alert = world.alert("ServiceUnreachable").await;
    assert_eq!(alert["state"], "unknown", "{alert}");
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    assert_eq!(world.incident().await["state"], "triggered");
    let rules = world.get("/api/watchkeeper/v1/rules").await;
    let rule =
        rules["items"].as_array().unwrap().iter().find(|rule| rule["name"] == "ServiceUnreachable").unwrap().clone();
    assert_eq!(rule["state"], "unknown", "{rule}");

    world.accounts_recover().await;
    world.run(Span::from_secs(120)).await;
    assert_eq!(world.alert("ServiceUnreachable").await["state"], "resolved");
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing", "resolved"]);
    world.end().await;
}

#[tokio::test]
async fn a_reload_with_a_broken_file_says_where_and_keeps_the_old_rules() {
    let mut world = World::new().await;
    world.write("rules/seed.yaml", "groups:\n  - name: broken\n    rules:\n      - alert: A\n        expr: sum by (\n");
    let (status, answer) = world.call("POST", "/-/reload", Some(ADMIN), None).await;
    assert!((400..500).contains(&status), "{status} {answer}");
    assert!(answer.to_string().contains("seed.yaml:5"), "{answer}");
    world.accounts_fail().await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    world.end().await;
}

#[tokio::test]
async fn a_reload_that_changes_another_rule_leaves_a_firing_alert_alone() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    let before = text(&world.alert("ServiceUnreachable").await["id"]);
    let seed = std::fs::read_to_string(world.path("rules/seed.yaml")).unwrap();
    world.write("rules/seed.yaml", &seed.replace(">= 5\n", ">= 6\n"));
    let (status, answer) = world.call("POST", "/-/reload", Some(ADMIN), None).await;
    assert_eq!(status, 200, "{answer}");
    world.run_reporting_every(Span::from_secs(180), Span::from_secs(15)).await;
    assert_eq!(world.alert("ServiceUnreachable").await["id"], json!(before));
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    world.end().await;
}
