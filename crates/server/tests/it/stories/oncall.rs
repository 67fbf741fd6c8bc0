//! People who are on call: called step by step until one answers, over the real routes, delivery and API.
//!
//! Not the arithmetic of schedules and not each turn of an escalation: `incident` tests those.

use serde_json::{Value, json};
use watchkeeper_domain::Span;

use super::world::{ADMIN, RESPONDER, VIEWER, World, text};

const V1: &str = "/api/watchkeeper/v1";

/// Ana's week began on Monday the 16th; on Monday at 09:00 in Zurich bo takes over.
async fn world() -> World {
    let world = World::new().await;
    let file = std::fs::read_to_string(world.path("watchkeeper.yaml")).unwrap();
    let (ana, bo) = (world.security.url("/ana"), world.security.url("/bo"));
    let people = format!(
        r#"people:
  - {{ name: ana, slack_id: U024BE7LH, webhook: {{ url: "{ana}" }} }}
  - {{ name: bo, webhook: {{ url: "{bo}" }}, notify: [{{ via: webhook, after: 1m, priorities: [critical, high] }}] }}
schedules:
  - name: bank
    time_zone: Europe/Zurich
    layers: [{{ rotation: weekly, start: 2026-11-16T09:00, people: [ana, bo] }}]
escalation_policies:
  - {{ name: bank, steps: [{{ targets: {{ schedule: bank }}, delay: 5m }}, {{ targets: {{ person: bo }}, delay: 10m }}] }}
"#
    );
    let ana = file.lines().find(|line| line.contains("name: ana")).unwrap();
    let file = file.replace(&format!("people:\n{ana}\n"), &people);
    let file = file.replace("  receiver: operations\n", "  receiver: pager\n");
    let file = file.replace("receivers:\n", "receivers:\n  - { name: pager, escalation_policy: bank }\n");
    world.write("watchkeeper.yaml", &file);
    let (status, answer) = world.call("POST", "/-/reload", Some(ADMIN), Some(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    world
}

/// Who was told what by the people's own webhooks.
fn called(world: &World) -> Vec<String> {
    let of_people = world.told().into_iter().filter(|told| told.to.starts_with("person:"));
    of_people.map(|told| format!("{} {} {}", told.to, told.name, told.status)).collect()
}

#[tokio::test]
async fn nobody_answers_the_server_dies_and_the_next_one_is_called_all_the_same_until_somebody_does() {
    let mut world = world().await;
    world.accounts_fail().await;
    assert_eq!(called(&world), ["person:ana ServiceUnreachable firing"]);
    let listed = world.get(&format!("{V1}/oncall/escalations")).await;
    assert_eq!(
        (&listed["items"][0]["phase"], &listed["items"][0]["calls"][0]["person"]),
        (&json!("paging"), &json!("ana"))
    );
    // The second step falls due while nobody is there; bo wants a minute more.
    world.clock.advance(Span::from_secs(400));
    world.die_and_restart().await;
    world.settle().await;
    assert_eq!(called(&world).len(), 1);
    world.run_reporting_every(Span::from_secs(75), Span::from_secs(15)).await;
    assert_eq!(called(&world), ["person:ana ServiceUnreachable firing", "person:bo Incident firing"]);

    let id = text(&world.alert("ServiceUnreachable").await["id"]);
    world.call("POST", &format!("{V1}/alerts/{id}/acknowledge"), Some(RESPONDER), Some(json!({}))).await;
    world.run_reporting_every(Span::from_secs(3_600), Span::from_secs(60)).await;
    assert_eq!(called(&world).len(), 2, "what somebody has is not escalated");
    let escalations = world.get(&format!("{V1}/oncall/escalations")).await;
    assert_eq!(escalations["items"][0]["phase"], "acknowledged", "{escalations}");

    world.accounts_recover().await;
    world.run_reporting_every(Span::from_secs(360), Span::from_secs(60)).await;
    assert!(called(&world).iter().any(|line| line.starts_with("person:ana") && line.ends_with("resolved")));
    assert_eq!(called(&world).iter().filter(|line| line.ends_with("resolved")).count(), 2, "{:?}", called(&world));
    let explained = world.explanation("ServiceUnreachable").await.to_string();
    for said in ["Step 1 calls ana (on call in bank)", "Step 2 calls bo (named by the step)", "Nobody else is called"] {
        assert!(explained.contains(said), "{said}: {explained}");
    }
    world.end().await;
}

#[tokio::test]
async fn an_override_and_its_end_decide_who_is_called_and_why_somebody_was_not() {
    let mut world = world().await;
    let who = |answer: &Value| text(&answer["schedules"][0]["now"]["person"]);
    assert_eq!(who(&world.get(&format!("{V1}/oncall")).await), "ana");
    assert_eq!(who(&world.get(&format!("{V1}/oncall?at=2026-11-23T08:00:00Z")).await), "bo");
    assert_eq!(who(&world.get(&format!("{V1}/oncall?at=2026-11-23T07:59:59Z")).await), "ana");

    let until = (world.now() + Span::from_secs(3_600)).to_string();
    let body = json!({"schedule": "bank", "person": "bo", "until": until, "reason": "ana is on a train"});
    let path = format!("{V1}/oncall/overrides");
    assert_eq!(world.call("POST", &path, Some(VIEWER), Some(body.clone())).await.0, 403);
    let (status, made) = world.call("POST", &path, Some(RESPONDER), Some(body)).await;
    assert_eq!(status, 201, "{made}");
    let now = world.get(&format!("{V1}/oncall")).await;
    assert_eq!((who(&now), &now["schedules"][0]["now"]["override_id"]), ("bo".to_owned(), &made["id"]));
    assert_eq!(who(&json!({"schedules": world.get(&format!("{V1}/overview")).await["on_call"]})), "bo");

    world.accounts_fail().await;
    world.run_reporting_every(Span::from_secs(75), Span::from_secs(15)).await;
    // By then it is an incident, which is what bo hears of.
    assert_eq!(called(&world), ["person:bo Incident firing"]);
    let ana = world.get(&format!("{V1}/oncall/people/ana/explain")).await;
    let verdict = "step 1 of bank came when it was not their turn: it called bo (on call in bank)";
    assert_eq!((&ana["alerts"][0]["reached"], &ana["alerts"][0]["verdict"]), (&json!(false), &json!(verdict)), "{ana}");
    let bo = world.get(&format!("{V1}/oncall/people/bo/explain?around=30m")).await;
    assert_eq!(bo["alerts"][0]["reached"], true, "{bo}");
    assert_eq!(world.call("GET", &format!("{V1}/oncall/people/nobody/explain"), Some(VIEWER), None).await.0, 404);

    let remove = format!("{path}/{}", text(&made["id"]));
    assert_eq!(world.call("DELETE", &remove, Some(RESPONDER), None).await.0, 200);
    world.settle().await;
    assert_eq!(who(&world.get(&format!("{V1}/oncall")).await), "ana");
    let kinds = world.ledger().await;
    for kind in ["oncall.override_created", "oncall.override_removed", "oncall.handed_off"] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_calendar_reads_the_feed_without_logging_in_and_only_under_its_sealed_name() {
    let world = world().await;
    let listed = world.get(&format!("{V1}/oncall/schedules")).await;
    let url = text(&listed["items"][0]["calendar_url"]);
    let path = url.strip_prefix("https://watchkeeper.money404.example").unwrap();
    let (status, feed) = world.call("GET", path, None, None).await;
    let feed = text(&feed);
    assert_eq!(status, 200, "{feed}");
    assert!(feed.starts_with("BEGIN:VCALENDAR\r\n") && feed.contains("SUMMARY:bo is on call: bank\r\n"), "{feed}");
    assert!(feed.contains("DTSTART:20261123T080000Z\r\n"), "a Monday at 09:00 in Zurich: {feed}");
    let forged = path.replace("/bank/", "/other/");
    assert_eq!(world.call("GET", &forged, Some(ADMIN), None).await.0, 404);
    let person = world.get(&format!("{V1}/oncall/people")).await;
    let person = text(&person["items"][0]["calendar_url"]);
    let path = person.strip_prefix("https://watchkeeper.money404.example").unwrap();
    let (_, feed) = world.call("GET", path, None, None).await;
    assert!(text(&feed).contains("SUMMARY:ana is on call: bank") && !text(&feed).contains("SUMMARY:bo"), "{feed}");
    // The name of a person's feed does not open a schedule's, nor does half of a seal.
    assert_eq!(world.call("GET", &path.replace("/people/", "/schedules/"), None, None).await.0, 404);
    let short = path.split_at(path.len() - ".ics".len() - 16).0.to_owned() + ".ics";
    assert_eq!(world.call("GET", &short, None, None).await.0, 404);
}

#[tokio::test]
async fn a_note_is_in_the_calendar_and_a_time_without_anybody_is_found() {
    let world = world().await;
    let notes = format!("{V1}/oncall/schedules/bank/notes");
    let (status, _) =
        world.call("POST", &notes, Some(RESPONDER), Some(json!({"text": "the ledger job is slow"}))).await;
    assert_eq!(status, 201);
    let calendar = world.get(&format!("{V1}/oncall/schedules/bank")).await;
    assert_eq!(calendar["notes"][0]["text"], "the ledger job is slow", "{calendar}");
    assert_eq!(calendar["gaps"], json!([]));
    assert_eq!(calendar["shifts"].as_array().unwrap().len(), 5, "{calendar}");
    assert_eq!(world.get(&format!("{V1}/oncall/gaps")).await["items"], json!([]));
    let refused = world.call("GET", &format!("{V1}/oncall/gaps?from=now&until=then"), Some(VIEWER), None).await;
    assert_eq!(refused.0, 400, "{}", refused.1);
}

#[tokio::test]
async fn what_people_are_called_for_in_a_security_matter_is_shown_to_administrators_only() {
    let mut world = world().await;
    let file = std::fs::read_to_string(world.path("watchkeeper.yaml")).unwrap();
    world.write("watchkeeper.yaml", &file.replace("    - receiver: security\n", "    - receiver: pager\n"));
    assert_eq!(world.call("POST", "/-/reload", Some(ADMIN), Some(json!({}))).await.0, 200);
    let labels = json!({"alertname": "VaultReadAtNight", "category": "security", "priority": "critical"});
    let posted = world.call("POST", "/api/v2/alerts", Some(ADMIN), Some(json!([{"labels": labels}]))).await;
    assert_eq!(posted.0, 200, "{}", posted.1);
    world.settle().await;
    assert!(called(&world)[0].starts_with("person:ana "), "{:?}", called(&world));
    let count = |answer: &Value, key: &str| answer[key].as_array().map_or(0, Vec::len);
    for (path, key) in [("oncall/escalations", "items"), ("oncall/people/ana/explain", "alerts")] {
        let path = format!("{V1}/{path}");
        assert_eq!(count(&world.get(&path).await, key), 1, "{path}");
        let (status, answer) = world.call("GET", &path, Some(RESPONDER), None).await;
        assert_eq!((status, count(&answer, key)), (200, 0), "{path}: {answer}");
        assert!(!answer.to_string().contains("VaultReadAtNight"), "{path}: {answer}");
    }
    world.end().await;
}
