//! Changes in the forms of others, and what a second report makes of the first.

use serde_json::json;
use watchkeeper_state::State;

use super::*;

#[test]
fn a_deployment_of_github_is_followed_from_its_start_to_its_end() {
    let body = json!({
        "deployment": {"id": 7, "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e", "ref": "main", "task": "deploy",
            "environment": "production", "creator": {"login": "ana"}, "created_at": "2026-11-22T07:50:00Z"},
        "repository": {"full_name": "money404/payments", "name": "payments", "html_url": "https://github.com/money404/payments"},
    });
    let started = github::decode("ci", None, &body).unwrap();
    assert_eq!(started.status, Status::Started);
    assert_eq!((started.service.as_str(), started.version.as_str()), ("payments", "f95f852bd8fc"));
    assert_eq!(started.url, "https://github.com/money404/payments/deployments");
    let mut ended = body.clone();
    ended["deployment_status"] =
        json!({"state": "success", "environment": "production", "created_at": "2026-11-22T07:55:00Z"});
    let ended = github::decode("ci", Some("accounts"), &ended).unwrap();
    assert_eq!((ended.status, ended.key, ended.service.as_str()), (Status::Succeeded, started.key, "accounts"));
    let mut inactive = body;
    inactive["deployment_status"] = json!({"state": "inactive"});
    assert_eq!(github::decode("ci", None, &inactive), None);
    assert_eq!(github::decode("ci", None, &json!({"zen": "Keep it logically awesome."})), None);
}

#[test]
fn the_deployments_of_the_corpus_are_read() {
    let root = std::env::var("WATCHKEEPER_CORPORA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora").to_owned());
    let Ok(text) = std::fs::read_to_string(format!("{root}/webhooks/github-octokit/deployment.json")) else {
        println!("skipped: no corpora");
        return;
    };
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    for body in &all {
        let change = github::decode("ci", None, body).unwrap();
        assert!(change.check().is_ok() && !change.service.is_empty() && change.at.is_some(), "{change:?}");
    }
    println!("{} passed", all.len());
}

#[test]
fn a_change_event_of_pagerduty_is_read_and_its_mistakes_are_named_in_its_words() {
    let event = json!({
        "routing_key": "R", "payload": {"summary": "Build Success - Increase snapshot create timeout to 30 seconds",
            "timestamp": "2026-11-22T07:50:00.000+0000", "source": "acme-build-pipeline-tool-default-i-9999",
            "custom_details": {"build_state": "passed", "build_number": 2, "service": "payments"}},
        "links": [{"href": "https://acme.pagerduty.dev/build/2", "text": "View more details in Acme!"}],
    });
    let change = pagerduty::decode("pd", None, &event).unwrap();
    assert_eq!(change.at, Some("2026-11-22T07:50:00Z".parse().unwrap()));
    assert_eq!((change.service.as_str(), change.version.as_str()), ("payments", "2"));
    assert_eq!(change.url, "https://acme.pagerduty.dev/build/2");
    let refused = pagerduty::decode("pd", None, &json!({"payload": {"timestamp": "yesterday"}})).unwrap_err();
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[0], "'payload.summary' is missing or blank");
    assert_eq!(pagerduty::decode("pd", None, &json!({})).unwrap_err(), ["'payload' is missing or blank"]);
}

#[tokio::test]
async fn a_second_report_brings_the_first_up_to_date_and_a_repetition_changes_nothing() {
    let (env, _) = watchkeeper_testkit::env();
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(&dir.path().join("state.db")).await.unwrap();
    let mut said = NewChange::new("ci", Kind::Deploy, Status::Started);
    (said.key, said.service, said.version) = (Some("7".into()), "payments".into(), "1.2.3".into());
    let first = record(&state, &env, said.clone(), Actor::System).await.unwrap();
    let at = env.now() + Span::from_secs(60);
    let ended = NewChange { status: Status::Succeeded, at: Some(at), version: String::new(), ..said.clone() };
    let second = record(&state, &env, ended.clone(), Actor::System).await.unwrap();
    assert_eq!((second.id, second.at, second.said.ended_at), (first.id, first.at, Some(at)));
    assert_eq!((second.said.version.as_str(), second.said.status), ("1.2.3", Status::Succeeded));
    assert_eq!(record(&state, &env, ended, Actor::System).await.unwrap(), second);
    // The start overtaken by the end.
    assert_eq!(record(&state, &env, said, Actor::System).await.unwrap(), second);
    let kinds: Vec<String> =
        sqlx::query_scalar("SELECT kind FROM ledger ORDER BY seq").fetch_all(state.read()).await.unwrap();
    assert_eq!(kinds, ["change.recorded", "change.updated"]);
    let filter = |service: &str| Filter { service: Some(service.into()), limit: 10, ..Filter::default() };
    assert_eq!(list(state.read(), &filter("Payments")).await.unwrap(), [second]);
    assert_eq!(list(state.read(), &filter("accounts")).await.unwrap(), []);
}

#[test]
fn what_is_too_long_or_says_nothing_is_refused_with_its_name() {
    let mut said = NewChange::new("api", Kind::Deploy, Status::Succeeded);
    assert!(said.check().unwrap_err().contains("`summary` or a `version`"));
    said.summary = "x".into();
    said.service = "s".repeat(301);
    assert_eq!(said.check().unwrap_err(), "`service` has at most 300 bytes");
}
