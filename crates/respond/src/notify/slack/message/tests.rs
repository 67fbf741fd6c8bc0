//! Messages under the limits of Block Kit, with hostile text. Not their looks.

use super::*;
use crate::client::Left;
use crate::notify::context::{IncidentLink, WorkflowOffer};
use watchkeeper_domain::ids::{AlertId, Id, NotificationId};
use watchkeeper_domain::{Env, Span};
use watchkeeper_testkit::slack::check;

fn look() -> Look {
    let people = [("alice".to_owned(), "U024BE7LH".to_owned()), ("mallory".to_owned(), "X> <!channel".to_owned())];
    Look { external_url: "http://127.0.0.1:7404".to_owned(), charts: true, people: people.into() }
}

fn outgoing(env: &Env, kind: &str, status: &str, content: &Value) -> Outgoing {
    let alerts = content["alerts"].as_array().into_iter().flatten();
    Outgoing {
        wording: Default::default(),
        id: NotificationId::new(env),
        status: status.to_owned(),
        receiver: "team".to_owned(),
        thread: "t".to_owned(),
        alerts: alerts.filter_map(|a| a["id"].as_str()?.parse().ok()).collect(),
        incident_id: None,
        content: Content::read(kind, &content.to_string()).expect("a test's content is well formed"),
        reason: "new alerts".to_owned(),
        now: env.now(),
        incident: None,
        workflows: Vec::new(),
        chart: None,
        chart_path: Some("/charts/alr.sealed.png".to_owned()),
        left: Left::default(),
    }
}

fn alert(env: &Env, text: &str) -> Value {
    json!({
        "id": AlertId::new(env), "status": "firing", "name": text, "labels": {"service": text, "job": text},
        "annotations": {"summary": text, "impact": text, "runbook_url": text}, "category": "database", "priority": "high",
        "value": 0.25, "threshold": 0.1, "comparison": "<", "started_at": env.now() - Span::from_secs(90), "fired_at": env.now(),
    })
}

fn handover(env: &Env) -> Value {
    json!({
        "incident": {
            "id": IncidentId::new(env), "number": 12, "title": "checkout is down", "kind": "operational", "state": "triggered",
            "priority": "critical", "category": "application", "opened_at": env.now() - Span::from_secs(600),
            "roles": {"incident commander": "alice", "scribe": "mallory"},
        },
        "headline": "", "text": "The error rate did not fall.",
        "tried": [
            {"workflow": "restart-checkout", "outcome": "did not help", "at": env.now(), "detail": "error rate still 40 %"},
            {"workflow": "<!here>", "outcome": "refused", "at": null, "detail": ""},
        ],
    })
}

#[test]
fn any_amount_of_any_text_stays_within_slacks_limits() {
    let (env, _) = watchkeeper_testkit::env();
    for letter in ["x", "<", "&", "é", "😀", "\n"] {
        let long = letter.repeat(10_000);
        let alerts: Vec<Value> = (0..300).map(|_| alert(&env, &long)).collect();
        let mut message = outgoing(&env, "alert", "firing", &json!({"alerts": alerts}));
        message.reason = long.clone();
        message.incident = Some(IncidentLink { id: IncidentId::new(&env), number: 3, title: long.clone() });
        message.workflows = (0..40).map(|i| WorkflowOffer { name: format!("{i}{long}") }).collect();
        assert_eq!(check::payload(&render(&message, &look())), Ok(()), "{letter:?}");
        message.status = "resolved".to_owned();
        assert_eq!(check::payload(&render(&message, &look())), Ok(()), "{letter:?}");
        let text = outgoing(&env, "test", "info", &json!({"text": long}));
        assert_eq!(check::payload(&render(&text, &look())), Ok(()), "{letter:?}");
        let mut it = handover(&env);
        it["text"] = json!(long);
        it["incident"]["title"] = json!(long);
        it["tried"] = json!(vec![json!({"workflow": long, "outcome": long, "detail": long}); 99]);
        assert_eq!(check::payload(&render(&outgoing(&env, "handover", "firing", &it), &look())), Ok(()), "{letter:?}");
    }
    let empty = outgoing(&env, "alert", "firing", &json!({"alerts": []}));
    assert_eq!(check::payload(&render(&empty, &look())), Ok(()));
    let blank = outgoing(&env, "test", "info", &json!({"text": ""}));
    assert_eq!(check::payload(&render(&blank, &look())), Ok(()));
}

#[test]
fn a_hand_over_says_what_was_tried_and_calls_the_people_who_have_a_role() {
    let (env, _) = watchkeeper_testkit::env();
    let payload = render(&outgoing(&env, "handover", "firing", &handover(&env)), &look());
    let header = payload["blocks"][0]["text"]["text"].as_str().unwrap_or_default();
    assert!(
        header.contains("Self-healing gave up: people needed") && header.contains("#12 checkout is down"),
        "{header}"
    );
    let text = payload.to_string();
    for wanted in
        ["<@U024BE7LH>", "restart-checkout · did not help: error rate still 40 %", "\"acknowledge\"", "|Incident #12>"]
    {
        assert!(text.contains(wanted), "{wanted} is missing in {text}");
    }
    assert!(!text.contains("<!here>") && !text.contains("<!channel"), "{text}");
}

#[test]
fn the_buttons_name_their_incident_and_their_workflow_and_read_back() {
    let (env, _) = watchkeeper_testkit::env();
    let mut message = outgoing(&env, "alert", "firing", &json!({"alerts": [alert(&env, "slow queries")]}));
    let incident = IncidentId::new(&env);
    message.incident = Some(IncidentLink { id: incident, number: 3, title: String::new() });
    message.workflows = vec![WorkflowOffer { name: "restart".to_owned() }];
    let payload = render(&message, &look());
    let blocks = payload["blocks"].as_array().cloned().unwrap_or_default();
    let row = blocks.iter().find(|b| b["type"] == "actions").expect("buttons");
    let ids: Vec<&str> =
        row["elements"].as_array().into_iter().flatten().filter_map(|e| e["action_id"].as_str()).collect();
    assert_eq!(ids, ["acknowledge", "assign_to_me", "assign", "silence", "resolve", "run_workflow:restart"]);
    let row_id = row["block_id"].as_str().unwrap_or_default();
    assert_eq!(Target::of_row(row_id).and_then(|target| target.incident), Some(incident), "{row_id}");
    let target = Target::read(row["elements"][5]["value"].as_str().unwrap_or_default()).expect("it reads back");
    assert_eq!(
        target,
        Target { incident: Some(incident), alerts: message.alerts.clone(), workflow: Some("restart".to_owned()) }
    );
}
