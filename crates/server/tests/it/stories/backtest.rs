//! A rule replayed over what was stored while the same rule ran: it says what really happened.

use serde_json::{Value, json};
use watchkeeper_domain::{Span, Timestamp};

use super::world::{ADMIN, RESPONDER, UP, VIEWER, World, text};

const PATH: &str = "/api/watchkeeper/v1/backtests";

async fn backtest(world: &World, mut body: Value) -> Value {
    body["wait_ms"] = json!(10_000);
    let (status, answer) = world.call("POST", PATH, Some(VIEWER), Some(body)).await;
    assert_eq!((status, &answer["state"]), (202, &json!("done")), "{answer}");
    answer["report"].clone()
}

fn at(value: &Value) -> Timestamp {
    text(value).parse().unwrap_or_else(|_| panic!("{value}"))
}

/// As near as the moments that the backtest looks at: the services report every five seconds.
fn near(a: &Value, b: Timestamp) -> bool {
    let a = at(a);
    a.since(b).max(b.since(a)) <= Span::from_secs(6)
}

#[tokio::test]
async fn a_backtest_of_the_rule_that_ran_says_what_happened() {
    let mut world = World::new().await;
    world.run(Span::from_secs(600)).await;
    world.accounts_fail().await;
    world.run(Span::from_secs(300)).await;
    world.accounts_recover().await;
    world.run(Span::from_secs(900)).await;
    let (alert, incident) = (world.alert("ServiceUnreachable").await, world.incident().await);
    assert_eq!(alert["state"], "resolved", "{alert}");

    let asked = json!({"rule": "ServiceUnreachable", "since": "30m", "step": "5s"});
    let report = backtest(&world, asked.clone()).await;
    let rule = &report["candidate"];
    assert_eq!((&rule["pages"], &rule["fired"], &report["current"]), (&json!(1), &json!(1), &Value::Null), "{rule}");
    let firing = &rule["firings"][0];
    assert!(near(&firing["active_at"], at(&alert["started_at"])), "{firing} {alert}");
    assert!(near(&firing["fired_at"], at(&alert["started_at"]) + Span::from_secs(60)), "{firing} {alert}");
    assert!(near(&firing["resolved_at"], at(&alert["resolved_at"])), "{firing} {alert}");
    assert_eq!(firing["labels"], alert["labels"]);
    let caught = &rule["incidents"][0];
    assert_eq!((&caught["verdict"], &caught["id"]), (&json!("caught"), &incident["id"]), "{caught}");
    assert!(caught["earlier_seconds"].as_f64().unwrap().abs() < 6.0, "{caught}");
    assert_eq!(rule["pages_without_incident"], 0);
    assert!(!report["chart"]["series"][0]["points"].as_array().unwrap().is_empty());

    // Before the service was first looked at, nobody knows.
    let unknown = &rule["unknown"][0];
    assert!(text(&unknown["reason"]).contains("nothing that the rule selects"), "{rule}");

    // A longer `for` would have missed it, and the rule that runs stands beside.
    let mut patient = asked;
    patient["for"] = json!("10m");
    let report = backtest(&world, patient).await;
    let rule = &report["candidate"];
    assert_eq!((&rule["pages"], &rule["not_held"], &report["current"]["pages"]), (&json!(0), &json!(1), &json!(1)));
    assert_eq!((&rule["incidents"][0]["verdict"], &rule["for"]), (&json!("missed"), &json!("10m")));

    // A threshold that is explored says what a backtest of it says.
    let expr = format!("{} < 0.5", UP.split_once('{').unwrap().0);
    let report = backtest(&world, json!({"expr": expr, "for": "1m", "since": "30m", "step": "5s"})).await;
    let explored = &report["candidate"]["exploration"];
    let place = |list: &str, wanted: f64| {
        explored[list].as_array().unwrap().iter().position(|v| v.as_f64() == Some(wanted)).unwrap()
    };
    let cell = &explored["cells"][place("thresholds", 0.5)][place("holds_seconds", 60.0)];
    assert_eq!((&cell["pages"], &cell["caught"]), (&json!(1), &json!(1)), "{explored}");
    world.end().await;
}

#[tokio::test]
async fn a_backtest_is_its_callers_own_and_what_is_wrong_with_it_is_said() {
    let mut world = World::new().await;
    world.set(UP, 1.0);
    world.run(Span::from_secs(60)).await;
    let refused = |body: Value| {
        let world = &world;
        async move {
            let (status, answer) = world.call("POST", PATH, Some(VIEWER), Some(body)).await;
            assert!((400..500).contains(&status), "{status} {answer}");
            format!("{} {}", text(&answer["code"]), text(&answer["detail"]))
        }
    };
    for (body, said) in [
        (json!({}), "WK2001 `expr`: say which `rule`"),
        (json!({"rule": "NoSuch"}), "WK2003 There is no alerting rule `NoSuch`"),
        (json!({"expr": "sum by ("}), "WK3008"),
        (json!({"expr": "up", "for": "soon"}), "WK2001 `for`"),
        (json!({"expr": "up", "step": "1ms"}), "WK2001 `step`"),
        (json!({"expr": "up", "since": "10y", "step": "1s"}), "WK2001 `step`: that makes"),
        (json!({"expr": "up", "time_zone": "Atlantis"}), "WK2001 `time_zone`"),
        (json!({"expr": "up", "on_no_data": "panic"}), "WK2001 `on_no_data`"),
        (json!({"expr": "up", "threshold": 1}), "WK1001"),
    ] {
        let answer = refused(body.clone()).await;
        assert!(answer.starts_with(said), "{body}: {answer}");
    }

    let body = json!({"expr": "up[5m]", "since": "1h", "wait_ms": 10_000});
    let (_, failed) = world.call("POST", PATH, Some(VIEWER), Some(body)).await;
    assert_eq!(failed["state"], "done", "a rule whose every evaluation fails is unknown throughout: {failed}");
    let unknown = &failed["report"]["candidate"]["unknown"][0];
    assert!(text(&unknown["reason"]).contains("a number or an instant vector"), "{unknown}");

    let path = format!("{PATH}/{}", text(&failed["id"]));
    assert_eq!(world.call("GET", &path, Some(VIEWER), None).await.0, 200);
    for other in [RESPONDER, ADMIN] {
        assert_eq!(world.call("GET", &path, Some(other), None).await.0, 404);
        assert_eq!(world.call("DELETE", &path, Some(other), None).await.0, 404);
    }
    let body = json!({"expr": "up > 0", "since": "40d", "step": "10s"});
    let (_, started) = world.call("POST", PATH, Some(VIEWER), Some(body)).await;
    let path = format!("{PATH}/{}", text(&started["id"]));
    let (status, stopped) = world.call("DELETE", &path, Some(VIEWER), None).await;
    assert_eq!((status, &stopped["state"]), (200, &json!("cancelled")), "{stopped}");
    world.end().await;
}
