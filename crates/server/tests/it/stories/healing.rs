//! Workflows that help, that do not, and that cannot.
//!
//! Not the engine's own cases: `respond` has those. Here the demo's workflows run against a bank on loopback.

use serde_json::json;
use watchkeeper_domain::Span;
use watchkeeper_testkit::Answer;

use super::world::{VIEWER, World, about, text};

#[tokio::test]
async fn a_service_that_does_not_answer_is_restarted_verified_and_written_up_without_anybody() {
    let mut world = World::healing().await;
    world.accounts_fail().await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    let asked = world.bank.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/processes/accounts/restart"));
    assert_eq!(asked[0].header("authorization"), Some("Bearer control-token-of-a-story"));
    assert_eq!(world.incident().await["state"], "triggered");
    let (_, public) = world.call("GET", "/status", None, None).await;
    assert!(text(&public).contains("Online banking"), "{public}");
    let (_, summary) = world.call("GET", "/summary.json", None, None).await;
    assert_ne!(summary["status"]["indicator"], "none", "{summary}");

    // The probe alone is not proof: the run ends only when it has held.
    world.accounts_recover().await;
    assert_eq!(world.incident().await["runs"][0]["state"], "waiting");
    world.run(Span::from_secs(10)).await;

    let incident = world.incident().await;
    assert_eq!(incident["state"], "resolved", "{incident}");
    assert_eq!(incident["runs"][0]["state"], "succeeded", "{}", incident["runs"]);
    assert_eq!(incident["runs"].as_array().unwrap().len(), 1);
    let id = text(&incident["id"]);
    let written = world.get(&format!("/api/watchkeeper/v1/incidents/{id}/post-mortem")).await;
    about(&written["mttd_seconds"], 60.0);
    assert_eq!(written["mtta_seconds"], serde_json::Value::Null, "nobody had to take it");
    about(&written["mttr_seconds"], 60.0);
    assert_eq!(written["tried"][0]["workflow"], "restart-service");
    let markdown = text(&world.get(&format!("/api/watchkeeper/v1/incidents/{id}/post-mortem.md")).await);
    assert!(markdown.contains("restart-service"), "{markdown}");

    world.run_reporting_every(Span::from_secs(900), Span::from_secs(30)).await;
    assert_eq!(world.bank.requests().len(), 1);
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing", "resolved"]);
    assert_eq!(world.told_of("Incident"), [""; 0], "nobody was called for what healed itself");
    let (_, summary) = world.call("GET", "/summary.json", None, None).await;
    assert_eq!(summary["status"]["indicator"], "none", "{summary}");
    world.end().await;
}

#[tokio::test]
async fn a_restart_that_does_not_help_is_tried_twice_with_a_pause_and_then_people_are_called_with_what_was_tried() {
    let mut world = World::healing().await;
    world.accounts_fail().await;
    world.run(Span::from_secs(40)).await;
    assert_eq!(world.bank.requests().len(), 1, "verification has its time");
    world.run(Span::from_secs(120)).await;
    assert_eq!(world.bank.requests().len(), 2);

    let incident = world.incident().await;
    assert_eq!(incident["state"], "triggered");
    assert_eq!(incident["runs"][0]["state"], "handed_over", "{}", incident["runs"]);
    let run = world.get(&format!("/api/watchkeeper/v1/runs/{}", text(&incident["runs"][0]["id"]))).await;
    let restart = run["steps"].as_array().unwrap().iter().find(|s| s["name"] == "restart").unwrap().clone();
    let starts: Vec<watchkeeper_domain::Timestamp> = restart["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| serde_json::from_value(attempt["started_at"].clone()).unwrap())
        .collect();
    assert_eq!(starts.len(), 2, "{run}");
    // 45 s of verification and 10 s of cooldown lie between.
    assert!(starts[1].since(starts[0]) >= Span::from_secs(55), "{starts:?}");

    assert_eq!(world.told_of("Incident"), ["firing"], "people are called once");
    let messages: Vec<String> = world.slack.messages().iter().map(|m| m.payload.to_string()).collect();
    let handovers: Vec<&String> = messages.iter().filter(|m| m.contains("What was tried")).collect();
    assert_eq!(handovers.len(), 1, "{messages:#?}");
    assert!(handovers[0].contains("restart-service"), "{}", handovers[0]);
    assert!(handovers[0].contains("2 of 2 tries did not help"), "{}", handovers[0]);
    assert!(handovers[0].contains("<@U024BE7LH>"), "the operations lead is mentioned: {}", handovers[0]);

    world.run_reporting_every(Span::from_secs(1_200), Span::from_secs(30)).await;
    assert_eq!(world.bank.requests().len(), 2, "what was handed over is left alone");
    assert_eq!(world.told_of("Incident"), ["firing"]);
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    world.end().await;
}

#[tokio::test]
async fn a_control_api_that_refuses_is_asked_as_often_as_the_workflow_says_and_then_people_are_called() {
    let mut world = World::healing().await;
    world.bank.otherwise(Answer::Status(500, "out of order".to_owned()));
    world.accounts_fail().await;
    world.run(Span::from_secs(120)).await;
    // Two tries of two attempts.
    assert_eq!(world.bank.requests().len(), 4);
    assert_eq!(world.told_of("Incident"), ["firing"]);
    world.end().await;
}

#[tokio::test]
async fn a_workflow_that_fails_once_is_no_alert_and_one_that_fails_twice_within_half_an_hour_is() {
    let mut world = World::healing().await;
    world.bank.otherwise(Answer::Status(404, "no such process".to_owned()));
    for (times, told) in [(1, 0), (2, 1)] {
        world.post("/workflows/restart-accounts-pool/run", json!({"inputs": {}})).await;
        // A counter begins when its first run was asked for: that is before it ended.
        world.clock.advance(Span::from_millis(5));
        world.run_reporting_every(Span::from_secs(240), Span::from_secs(30)).await;
        assert_eq!(world.bank.requests().len(), times);
        assert_eq!(world.told_of("WorkflowRunsFail").len(), told, "after {times} runs");
    }
    world.end().await;
}

#[tokio::test]
async fn an_alert_without_a_workflow_calls_people_at_once() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    assert_eq!(world.told_of("Incident"), ["firing"]);
    world.end().await;
}

#[tokio::test]
async fn the_explanation_of_a_healed_alert_holds_every_stage() {
    let mut world = World::healing().await;
    world.accounts_fail().await;
    world.accounts_recover().await;
    world.run(Span::from_secs(90)).await;
    let explained = world.explanation("ServiceUnreachable").await;
    let steps = explained["steps"].as_array().unwrap();
    let stages: Vec<String> = steps.iter().map(|step| text(&step["stage"])).collect();
    for stage in ["sample", "rule", "alert", "route", "incident", "workflow", "notification", "attempt", "receipt"] {
        assert!(stages.iter().any(|s| s == stage), "{stage} is missing from {stages:?}");
    }
    let titles: Vec<String> = steps.iter().map(|step| text(&step["title"])).collect();
    for title in ["The rule fires", "The alert fires", "The alert is resolved", "Delivered to operations over webhook"]
    {
        assert!(titles.iter().any(|t| t == title), "“{title}” is missing from {titles:#?}");
    }
    let times: Vec<String> = steps.iter().filter_map(|step| step["at"].as_str().map(ToOwned::to_owned)).collect();
    assert!(times.is_sorted(), "{times:?}");
    let (status, _) = world
        .call(
            "GET",
            &format!("/api/watchkeeper/v1/alerts/{}/explain", text(&explained["alert_id"])),
            Some(VIEWER),
            None,
        )
        .await;
    assert_eq!(status, 200);
    world.end().await;
}
