//! A security incident: restricted, contained and not repaired, and unseen by everybody else.

use serde_json::json;
use watchkeeper_domain::Span;
use watchkeeper_server::http::router::{Access, routes};

use super::world::{ADMIN, RESPONDER, VIEWER, World, text};

const ADDRESS: &str = "203.0.113.7";
const FAILED_LOGINS: &str =
    r#"bank_login_attempts_total{outcome="failure",client_address="203.0.113.7",service="front"}"#;

async fn guessed(world: &mut World) {
    world.set(FAILED_LOGINS, 0.0);
    world.report().await;
    world.run_reporting_every(Span::from_secs(300), Span::from_secs(30)).await;
    world.set(FAILED_LOGINS, 12.0);
    world.advance(Span::from_secs(5)).await;
    world.report().await;
}

#[tokio::test]
async fn password_guessing_is_contained_and_nothing_is_repaired() {
    let mut world = World::healing().await;
    // A remediation that would fit, if remediation were allowed.
    let eager = "name: eager\nkind: remediation\non:\n  alert: ['alertname=\"FailedLogins\"']\ntarget: front\nsteps:\n  - name: restart\n    uses: http\n    with: { method: POST, url: \"BANK/eager\" }\n    idempotent: true\nverify:\n  all: ['vector(1)']\n  hold: 1s\n  within: 5s\n";
    world.write("workflows/eager.yaml", &eager.replace("BANK", &world.bank.url("")));
    let (status, answer) = world.call("POST", "/-/reload", Some(ADMIN), None).await;
    assert_eq!(status, 200, "{answer}");
    guessed(&mut world).await;
    world.run(Span::from_secs(60)).await;

    let incident = world.incident().await;
    assert_eq!((incident["kind"].as_str(), incident["restricted"].as_bool()), (Some("security"), Some(true)));
    let asked = world.bank.requests();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].path, "/admin/blocklist");
    assert_eq!(asked[0].header("authorization"), Some("Bearer front-admin-token-of-a-story"));
    assert_eq!(asked[0].json()["address"], ADDRESS);
    assert_eq!(incident["runs"][0]["state"], "succeeded", "{}", incident["runs"]);

    // It is over only when a person says so.
    world.run_reporting_every(Span::from_secs(600), Span::from_secs(30)).await;
    assert_eq!(world.told_of("FailedLogins"), ["firing", "resolved"]);
    assert_eq!(world.incident().await["state"], "triggered");
    world.end().await;
}

#[tokio::test]
async fn a_security_incident_is_told_to_its_own_receiver_only_also_when_people_are_called() {
    let mut world = World::new().await;
    guessed(&mut world).await;
    world.run(Span::from_secs(120)).await;
    assert_eq!(world.told_of("FailedLogins"), ["firing"]);
    assert_eq!(world.told_of("Incident"), ["firing"], "without a containment people are called");
    let elsewhere = world.operations.requests();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    assert!(world.slack.messages().is_empty(), "{:?}", world.slack.messages());
    world.end().await;
}

#[tokio::test]
async fn who_is_no_administrator_finds_no_trace_of_a_security_incident_anywhere() {
    let mut world = World::healing().await;
    guessed(&mut world).await;
    world.run(Span::from_secs(60)).await;
    let incident = world.incident().await;
    let alert = world.alert("FailedLogins").await;
    let run = text(&incident["runs"][0]["id"]);
    let traces = [text(&incident["id"]), text(&alert["id"]), run.clone(), text(&incident["title"])];

    // Whatever can be listed. Telemetry is not restricted: the metric is there for everybody who may look.
    for (method, path, access) in routes().table() {
        let telemetry = path.starts_with("/api/v1/") || path.contains("/telemetry/");
        let endless = *path == "/api/watchkeeper/v1/events";
        if method != "GET" || path.contains('{') || telemetry || endless {
            continue;
        }
        for token in [None, Some(VIEWER), Some(RESPONDER)] {
            let (status, answer) = world.call("GET", path, token, None).await;
            if matches!(access, Access::Public) || status == 200 {
                let answer = answer.to_string();
                for trace in &traces {
                    assert!(!answer.contains(trace.as_str()), "{path} shows {trace} to {token:?}: {answer}");
                }
            }
        }
    }
    // What is asked for by its id.
    let (incident, alert) = (&traces[0], &traces[1]);
    let by_id = [
        format!("incidents/{incident}"),
        format!("incidents/{incident}/post-mortem"),
        format!("incidents/{incident}/post-mortem.md"),
        format!("alerts/{alert}"),
        format!("alerts/{alert}/chart"),
        format!("alerts/{alert}/explain"),
        format!("runs/{run}"),
        format!("notifications?incident_id={incident}"),
        format!("notifications?alert_id={alert}"),
        format!("runs?incident_id={incident}"),
    ];
    for path in by_id {
        let (status, answer) = world.call("GET", &format!("/api/watchkeeper/v1/{path}"), Some(RESPONDER), None).await;
        let empty = answer["items"].as_array().is_some_and(Vec::is_empty);
        assert!(status == 404 || (status == 200 && empty), "{path}: {status} {answer}");
    }
    for path in [format!("incidents/{incident}/acknowledge"), format!("alerts/{alert}/acknowledge")] {
        let (status, answer) =
            world.call("POST", &format!("/api/watchkeeper/v1/{path}"), Some(RESPONDER), Some(json!({}))).await;
        assert_eq!(status, 404, "{path}: {answer}");
    }
    let (_, summary) = world.call("GET", "/summary.json", None, None).await;
    assert_eq!(summary["status"]["indicator"], "none", "{summary}");
    world.end().await;
}
