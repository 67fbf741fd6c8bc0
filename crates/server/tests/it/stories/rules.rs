//! Rules from the API: stored with their versions, evaluated at once, taken back; rules that can never fire; the series of
//! alerts; a broken rule file beside a sound one.

use serde_json::{Value, json};
use watchkeeper_domain::Span;

use super::world::{ADMIN, RESPONDER, UP, VIEWER, World};

const GROUPS: &str = "/api/watchkeeper/v1/rule-groups";

fn group(name: &str, threshold: &str, more: &str) -> String {
    format!(
        "groups:\n  - name: {name}\n    rules:\n      - alert: Down{name}\n        expr: probe_success{{service=\"accounts\"}} == {threshold}\n{more}"
    )
}

async fn put(world: &World, name: &str, source: &str, more: Value) -> (u16, Value) {
    let mut body = json!({"source": source, "reason": "a story"});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    world.call("PUT", &format!("{GROUPS}/{name}"), Some(RESPONDER), Some(body)).await
}

async fn state_of(world: &World, id: &str) -> Value {
    world.get(&format!("/api/watchkeeper/v1/rules/{id}")).await["state"].clone()
}

#[tokio::test]
async fn a_stored_group_is_evaluated_at_once_edited_disabled_rolled_back_and_deleted() {
    let mut world = World::new().await;
    world.set(UP, 0.0);
    world.report().await;
    let (status, made) = put(&world, "extra", &group("extra", "0", ""), json!({"version": 0})).await;
    assert_eq!((status, &made["version"], &made["origin"]), (200, &json!(1), &json!("stored")), "{made}");
    world.run(Span::from_secs(1)).await;
    assert_eq!(world.alert("Downextra").await["state"], "firing");
    let rule = world.get("/api/watchkeeper/v1/rules/extra/Downextra").await;
    assert_eq!(
        (&rule["origin"], &rule["comparison"]["threshold"], &rule["line"]),
        (&json!("stored"), &json!(0.0), &json!(4))
    );
    let history = world.get("/api/watchkeeper/v1/rules/extra/Downextra/history").await;
    assert_eq!(history["transitions"][0]["state"], "firing", "{history}");
    assert_eq!(history["evaluations"][0]["state"], "firing", "{history}");

    // A restart goes on with it.
    world.die_and_restart().await;
    world.run(Span::from_secs(5)).await;
    let alerts = world.alerts("Downextra").await;
    assert_eq!((alerts.len(), &alerts[0]["state"]), (1, &json!("firing")));

    // Another condition ends the alert; so does a group that is no longer evaluated.
    let (status, edited) = put(&world, "extra", &group("extra", "5", ""), json!({"version": 1})).await;
    assert_eq!((status, &edited["version"]), (200, &json!(2)), "{edited}");
    world.run(Span::from_secs(1)).await;
    assert_eq!(world.alert("Downextra").await["state"], "resolved");
    let back = json!({"version": 1, "reason": "it was right before"});
    let (status, answer) = world.call("POST", &format!("{GROUPS}/extra/rollback"), Some(RESPONDER), Some(back)).await;
    assert_eq!((status, &answer["version"]), (200, &json!(3)), "{answer}");
    world.run(Span::from_secs(1)).await;
    assert_eq!(state_of(&world, "extra/Downextra").await, "firing");
    let off = json!({"reason": "noise"});
    let (status, answer) = world.call("POST", &format!("{GROUPS}/extra/disable"), Some(RESPONDER), Some(off)).await;
    assert_eq!((status, &answer["enabled"]), (200, &json!(false)), "{answer}");
    world.run(Span::from_secs(1)).await;
    assert_eq!(world.call("GET", "/api/watchkeeper/v1/rules/extra/Downextra", Some(VIEWER), None).await.0, 404);
    let alerts = world.alerts("Downextra").await;
    assert!(alerts.len() == 2 && alerts.iter().all(|a| a["state"] == "resolved"), "{alerts:?}");

    let gone = format!("{GROUPS}/extra?reason=no%20longer");
    assert_eq!(world.call("DELETE", &gone, Some(RESPONDER), None).await.0, 403, "an administrator deletes");
    let (status, ended) = world.call("DELETE", &gone, Some(ADMIN), None).await;
    assert_eq!((status, &ended["version"], &ended["change"]), (200, &json!(5), &json!("deleted")), "{ended}");
    let versions = world.get(&format!("{GROUPS}/extra/versions")).await;
    let said: Vec<&str> = versions["items"].as_array().unwrap().iter().map(|v| v["change"].as_str().unwrap()).collect();
    assert_eq!(said, ["deleted", "disabled", "rolled_back", "edited", "created"]);
    assert_eq!(versions["items"][4]["by"], "user:responder", "{versions}");
    let entries = world.ledger().await;
    for kind in ["created", "edited", "rolled_back", "disabled", "deleted"] {
        assert!(entries.contains(&format!("rule_group.{kind}")), "{kind}: {entries:?}");
    }
    world.end().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_text_is_told_with_its_place_and_changes_nothing() {
    let world = World::new().await;
    let broken = group("extra", "0 and sum by (", "");
    let (status, answer) = put(&world, "extra", &broken, json!({})).await;
    assert_eq!((status, &answer["code"]), (400, &json!("WK3008")), "{answer}");
    assert_eq!(answer["places"][0]["line"], 5, "{answer}");
    assert!(answer["detail"].as_str().unwrap().starts_with("stored:extra:5:"), "{answer}");
    let checked = world.post("/rule-groups/check", json!({"source": broken})).await;
    assert_eq!(checked["problems"][0]["line"], 5, "{checked}");
    assert_eq!(world.call("GET", &format!("{GROUPS}/extra"), Some(VIEWER), None).await.0, 404);

    let sound = group("extra", "0", "");
    assert_eq!(put(&world, "other", &sound, json!({})).await.0, 400, "another name than the text's");
    assert_eq!(put(&world, "extra", &sound, json!({"reason": "  "})).await.0, 400, "no reason");
    assert_eq!(put(&world, "extra", &sound, json!({"version": 4})).await.0, 409, "a version that nobody made");
    let (status, answer) = put(&world, "application", &group("application", "0", ""), json!({})).await;
    assert!(status == 409 && answer["detail"].as_str().unwrap().contains("stands in a file"), "{answer}");
    let security = group("extra", "0", "        category: security\n");
    assert_eq!(put(&world, "extra", &security, json!({})).await.0, 403, "security rules are the administrators'");
    let body = json!({"source": security, "reason": "a story"});
    assert_eq!(world.call("PUT", &format!("{GROUPS}/extra"), Some(ADMIN), Some(body)).await.0, 200);
    assert_eq!(put(&world, "extra", &sound, json!({})).await.0, 403, "nor may a responder take one away");

    let checked = world.post("/expressions/check", json!({"expr": "sum(up) >> 1"})).await;
    assert_eq!(checked["problems"][0]["start"], 9, "{checked}");
    let checked = world.post("/expressions/check", json!({"expr": "sum(nothing) > 1"})).await;
    assert_eq!(
        (&checked["comparison"]["lhs"], &checked["comparison"]["threshold"]),
        (&json!("sum(nothing)"), &json!(1.0))
    );
    assert_eq!(checked["mismatches"][0]["missing"], "metric", "{checked}");
    world.end().await;
}

#[tokio::test]
async fn rules_that_can_never_fire_are_listed_with_what_was_meant() {
    let mut world = World::new().await;
    world.set(UP, 1.0);
    world.report().await;
    let source = group("extra", "0", "").replace("service=\"accounts\"", "servce=\"accounts\"");
    assert_eq!(put(&world, "extra", &source, json!({})).await.0, 200);
    world.run(Span::from_secs(1)).await;
    let list = world.get("/api/watchkeeper/v1/rules?never=true&q=extra").await;
    let reason = "no series of `probe_success` has the label `servce`; did you mean `service`?";
    assert_eq!(list["items"][0]["never"][0]["reason"], reason, "{list}");
    let rule = world.get("/api/watchkeeper/v1/rules/application/ServiceUnreachable").await;
    assert_eq!(rule["never"], json!([]), "{rule}");
    assert!(
        world.get("/api/watchkeeper/v1/rules?never=true").await["total"].as_u64().unwrap() > 1,
        "nothing else is reported"
    );
    world.end().await;
}

#[tokio::test]
async fn alerts_can_be_asked_for_as_series() {
    let mut world = World::new().await;
    world.accounts_fail().await;
    let asked = "/api/v1/query?query=ALERTS%7Balertname%3D%22ServiceUnreachable%22%7D";
    let answer = world.get(asked).await;
    let result = answer["data"]["result"].as_array().unwrap().clone();
    assert_eq!((result.len(), &result[0]["metric"]["alertstate"]), (1, &json!("firing")), "{answer}");
    world.accounts_recover().await;
    world.run(Span::from_secs(1)).await;
    assert_eq!(world.get(asked).await["data"]["result"], json!([]));
    world.end().await;
}

#[tokio::test]
async fn a_broken_rule_file_beside_sound_ones_keeps_all_of_them_as_they_were() {
    let mut world = World::new().await;
    world.write("rules/more.yaml", &group("more", "0", ""));
    let (status, answer) = world.call("POST", "/-/reload", Some(ADMIN), None).await;
    assert_eq!(status, 200, "{answer}");
    world.write("rules/more.yaml", &group("more", "0 >", ""));
    world.write("rules/new.yaml", &group("new", "0", ""));
    let (status, answer) = world.call("POST", "/-/reload", Some(ADMIN), None).await;
    let said = answer["detail"].as_str().unwrap_or_default().to_owned();
    assert!(status == 400 && said.contains("more.yaml:5:") && !said.contains("new.yaml"), "{status} {answer}");
    world.set(UP, 0.0);
    world.report().await;
    world.run(Span::from_secs(1)).await;
    assert_eq!(world.alert("Downmore").await["state"], "firing", "the last good set goes on");
    assert_eq!(world.alerts("Downnew").await.len(), 0, "nothing of a refused configuration is taken");
    world.end().await;
}
