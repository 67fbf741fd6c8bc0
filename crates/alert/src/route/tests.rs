//! The walk, against a small tree and against Alertmanager's own tables.

use std::path::PathBuf;

use serde_json::Value;
use watchkeeper_config::model::Route;
use watchkeeper_config::model::route::GroupBy;
use watchkeeper_domain::{Labels, Matcher, Span};

use super::walk;

fn node(receiver: &str, matchers: &[&str], continue_: bool, routes: Vec<Route>) -> Route {
    Route {
        receiver: receiver.into(),
        group_by: GroupBy::All,
        group_wait: None,
        group_interval: Span::from_secs(300),
        repeat_interval: Span::from_secs(3_600),
        matchers: matchers.iter().map(|text| Matcher::parse(text).unwrap()).collect(),
        continue_,
        mute_time_intervals: vec![],
        active_time_intervals: vec![],
        labels: std::collections::BTreeMap::new(),
        routes,
    }
}

fn stops(root: &Route, labels: &[(&str, &str)]) -> Vec<(String, String)> {
    let walk = walk(root, &Labels::from_pairs(labels.iter().copied()));
    walk.stops.into_iter().map(|stop| (stop.route.receiver.clone(), stop.path)).collect()
}

#[test]
fn the_first_match_wins_unless_it_continues_and_the_parent_catches_the_rest() {
    let root = node(
        "default",
        &[],
        false,
        vec![
            node("audit", &["severity=\"critical\""], true, vec![]),
            node("core", &["team=\"core\""], false, vec![node("core-db", &["tier=\"db\""], false, vec![])]),
            node("late", &["team=~\".+\""], false, vec![]),
        ],
    );
    let pair = |receiver: &str, path: &str| (receiver.to_owned(), path.to_owned());
    assert_eq!(stops(&root, &[]), [pair("default", "{}")]);
    assert_eq!(stops(&root, &[("team", "core")]), [pair("core", "{}/{team=\"core\"}")]);
    assert_eq!(
        stops(&root, &[("team", "core"), ("tier", "db"), ("severity", "critical")]),
        [pair("audit", "{}/{severity=\"critical\"}"), pair("core-db", "{}/{team=\"core\"}/{tier=\"db\"}")]
    );
    assert_eq!(stops(&root, &[("team", "web")]), [pair("late", "{}/{team=~\".+\"}")]);
}

#[test]
fn siblings_with_the_same_matchers_have_paths_of_their_own() {
    let twins = vec![node("a", &["team=\"core\""], true, vec![]), node("b", &["team=\"core\""], false, vec![])];
    let root = node("default", &[], false, twins);
    let paths: Vec<_> = stops(&root, &[("team", "core")]).into_iter().map(|(_, path)| path).collect();
    assert_eq!(paths, ["{}/{team=\"core\"}", "{}/{team=\"core\"}#2"]);
}

#[test]
fn a_walk_says_what_it_tried() {
    let root = node("default", &[], false, vec![node("core", &["team=\"core\""], false, vec![])]);
    let tried = walk(&root, &Labels::empty()).tried;
    assert_eq!(
        tried.iter().map(|t| (t.route.as_str(), t.matched)).collect::<Vec<_>>(),
        [("{}", true), ("{}/{team=\"core\"}", false)]
    );
}

/// The tables hold the answers of a tree that stands only in the upstream test's source; this is that tree.
fn upstream_tree() -> Route {
    node(
        "notify-def",
        &[],
        false,
        vec![
            node(
                "notify-A",
                &["owner=\"team-A\""],
                false,
                vec![
                    node("notify-testing", &["env=\"testing\""], false, vec![]),
                    node("notify-productionA", &["env=\"production\""], true, vec![]),
                    node("notify-productionB", &["env=~\"produ.*\"", "job=~\".*\""], true, vec![]),
                ],
            ),
            node("notify-BC", &["owner=~\"team-(B|C)\""], false, vec![]),
            node(
                "notify-testing",
                &["group_by=\"role\""],
                false,
                vec![node(
                    "notify-testing",
                    &["env=\"testing\""],
                    false,
                    vec![node("notify-testing", &["wait=\"long\""], false, vec![])],
                )],
            ),
        ],
    )
}

#[test]
fn alertmanagers_table_of_matches_comes_out_the_same() {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join("alertmanager/dispatch.route.TestRouteMatch.json")) else {
        println!("skipped: no corpora");
        return;
    };
    let table: Value = serde_json::from_str(&text).unwrap();
    let tree = upstream_tree();
    let mut passed = 0;
    for case in table["cases"].as_array().unwrap() {
        let labels: Labels = case["input"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name != "_type")
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let expected: Vec<&str> =
            case["result"].as_array().unwrap().iter().map(|route| route["Receiver"].as_str().unwrap()).collect();
        let walk = walk(&tree, &labels);
        let receivers: Vec<&str> = walk.stops.iter().map(|stop| stop.route.receiver.as_str()).collect();
        assert_eq!(receivers, expected, "{labels}");
        passed += 1;
    }
    println!("{passed} passed, 0 failed");
    assert!(passed > 0);
}
