//! Requests to the API that cannot be meant: ids that are none, methods and paths that are not offered, bodies that are
//! no JSON, parameters out of all proportion.
//!
//! Not commands that do not fit the object's state: those are stories.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{JSON, Served, problem, refused};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_is_none_is_not_found_and_nothing_else() {
    let served = Served::start().await;
    let ids = [
        ":id",
        "*",
        "%2e%2e%2f",
        "..%2f..%2fetc%2fpasswd",
        "alr_",
        "inc_00000000000000000000000000",
        "%27%20OR%201=1--",
        "%F0%9F%94%A5",
        "null",
    ];
    for id in ids {
        for path in [
            "alerts/ID",
            "alerts/ID/explain",
            "alerts/ID/chart",
            "incidents/ID",
            "incidents/ID/post-mortem",
            "incidents/ID/post-mortem.md",
            "runs/ID",
        ] {
            refused(served.get(&format!("/api/watchkeeper/v1/{}", path.replace("ID", id))), "WK2003").await;
        }
        for path in [
            "alerts/ID/acknowledge",
            "incidents/ID/resolve",
            "incidents/ID/close",
            "runs/ID/cancel",
            "workflows/ID/run",
            "receivers/ID/test",
        ] {
            refused(served.post(&format!("/api/watchkeeper/v1/{}", path.replace("ID", id)), &JSON, "{}"), "WK2003")
                .await;
        }
        let gone = served.http.delete(served.url(&format!("/api/watchkeeper/v1/silences/{id}")));
        refused(gone, "WK2003").await;
        refused(served.get(&format!("/docs/errors/{id}")), "WK2003").await;
        refused(served.get(&format!("/charts/{id}")), "WK2003").await;
    }
    // Nothing between two slashes, and bytes that are no text.
    refused(served.get("/api/watchkeeper/v1/alerts/"), "WK2003").await;
    refused(served.get("/api/watchkeeper/v1/incidents//post-mortem"), "WK2003").await;
    refused(served.get("/api/watchkeeper/v1/alerts/%ff"), "WK2001").await;
    refused(served.get("/api/watchkeeper/v1/telemetry/traces/zz"), "WK2001").await;
    served.still_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_or_path_that_is_not_offered_says_so() {
    let served = Served::start().await;
    let methods = [
        ("DELETE", "/api/watchkeeper/v1/alerts"),
        ("GET", "/v1/logs"),
        ("PUT", "/-/healthy"),
        ("BREW", "/api/v1/query"),
        ("POST", "/status"),
        ("POST", "/nowhere"),
    ];
    for (method, path) in methods {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        refused(served.http.request(method, served.url(path)), "WK2007").await;
    }
    for path in [
        "/api/watchkeeper/v1/nothing",
        "/api/v9/query",
        "/v1/profiles",
        "/assets/..%2f..%2fetc/passwd",
        "/assets/none.js",
    ] {
        refused(served.get(path), "WK2003").await;
    }
    served.still_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_json_body_that_is_not_usable_is_refused_with_its_place() {
    let served = Served::start().await;
    let silences = "/api/watchkeeper/v1/silences";
    let detail = refused(served.post(silences, &JSON, "{\n  \"comment\": oops\n}"), "WK1001").await;
    assert!(detail.contains("line 2, column 1"), "{detail}");
    let detail =
        refused(served.post(silences, &JSON, r#"{"matchers": 7, "duration": "1h", "comment": "x"}"#), "WK1001").await;
    assert!(detail.contains("line 1") && detail.contains("expected a sequence"), "{detail}");
    let detail = refused(served.post(silences, &JSON, "{}"), "WK1001").await;
    assert!(detail.contains("missing field"), "{detail}");
    refused(served.post(silences, &JSON, vec![b'{', 0xff, b'}']), "WK1001").await;
    // Deep enough for a parser that recurses without a limit to die of it.
    refused(served.post(silences, &JSON, "[".repeat(200_000)), "WK1001").await;

    let good = json!({"matchers": ["alertname=\"X\""], "duration": "1h", "comment": "x"});
    for wrong in [&[("content-type", "text/plain")][..], &[("content-type", "application/x-www-form-urlencoded")], &[]]
    {
        let detail = refused(served.post(silences, wrong, good.to_string()), "WK1003").await;
        assert!(detail.contains("application/json"), "{detail}");
    }
    let large = json!({"matchers": ["alertname=\"X\""], "duration": "1h", "comment": "x".repeat(1 << 20)}).to_string();
    refused(served.post(silences, &JSON, large), "WK1002").await;

    let spoilt = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        served.post(silences, &JSON, body.to_string())
    };
    for (key, value) in [
        ("duration", json!("soon")),
        ("duration", json!("-1h")),
        ("duration", json!("99999999999999999999y")),
        ("matchers", json!([])),
        ("matchers", json!(["="])),
        ("matchers", json!(["a=~\"(\""])),
        ("matchers", json!([format!("a=~\"{}\"", BOMB)])),
        ("matchers", json!([".*=~\".*\""])),
    ] {
        refused(spoilt(key, value), "WK2001").await;
    }
    assert_eq!(served.json("/api/watchkeeper/v1/silences").await["items"], json!([]), "none of them was made");
    assert_eq!(served.post(silences, &JSON, good.to_string()).send().await.unwrap().status(), StatusCode::CREATED);
}

/// A regular expression of 30 characters that would take gigabytes to compile.
const BOMB: &str = "((((((x{99}){99}){99}){99}){99}){99})";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_out_of_all_proportion_are_refused() {
    let served = Served::start().await;
    for list in [
        "alerts",
        "incidents",
        "silences",
        "runs",
        "notifications",
        "ledger",
        "telemetry/metrics",
        "telemetry/logs",
        "telemetry/traces",
    ] {
        for limit in ["0", "1000000000", "-1", "ten", "99999999999999999999"] {
            refused(served.get(&format!("/api/watchkeeper/v1/{list}?limit={limit}")), "WK2001").await;
        }
    }
    for query in [
        "alerts?state=fireing",
        "alerts?cursor=%27",
        "incidents?cursor=x",
        "silences?cursor=-1",
        "ledger?cursor=x",
        "runs?cursor=x",
        "telemetry/logs?since=yesterday",
        "telemetry/logs?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
        "telemetry/logs?severity=LOUD",
        "telemetry/traces?min_duration_ms=-1",
        "telemetry/traces?min_duration_ms=NaN",
        "telemetry/traces?min_duration_ms=1e300",
    ] {
        refused(served.get(&format!("/api/watchkeeper/v1/{query}")), "WK2001").await;
    }
    served.still_works().await;
}

/// An error in the shape that Prometheus's clients know; gives its text.
async fn prometheus_error(served: &Served, parameters: &[(&str, &str)], path: &str, status: u16) -> String {
    let response = served.http.post(served.url(path)).form(parameters).send().await.unwrap();
    let got = response.status().as_u16();
    let answer: Value = response.json().await.unwrap();
    assert_eq!((got, &answer["status"]), (status, &json!("error")), "{answer}");
    let text = answer["error"].as_str().unwrap().to_owned();
    assert!(!text.is_empty() && text.len() < 4_000, "{} bytes of error", text.len());
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_no_one_can_mean_is_refused_quickly() {
    let served = Served::start().await;
    served.still_works().await;
    let (instant, range) = ("/api/v1/query", "/api/v1/query_range");
    let nested = |n: usize| format!("{}1{}", "(".repeat(n), ")".repeat(n));
    let signs = format!("{}1", "-".repeat(100_000));
    let calls = format!("{}still_works{}", "abs(".repeat(20_000), ")".repeat(20_000));
    let long = format!("still_works{{a=\"{}\"}}", "x".repeat(900_000));
    let sum = vec!["1"; 100_000].join("+");
    for query in [nested(100_000).as_str(), &signs, &calls, &sum] {
        prometheus_error(&served, &[("query", query)], instant, 400).await;
    }
    // Long alone is no crime.
    let response = served.http.post(served.url(instant)).form(&[("query", &long)]).send().await.unwrap();
    assert!(response.status().is_success() || response.status() == StatusCode::BAD_REQUEST);
    let over = [("query", "x".repeat(1 << 20))];
    problem(served.http.post(served.url(instant)).form(&over).send().await.unwrap(), "WK1002").await;
    for query in [
        format!("still_works{{a=~\"{BOMB}\"}}"),
        "still_works{a=~\"(\"}".to_owned(),
        "sum(".to_owned(),
        "\u{0}".to_owned(),
    ] {
        prometheus_error(&served, &[("query", &query)], instant, 400).await;
    }
    prometheus_error(&served, &[], instant, 400).await;
    prometheus_error(&served, &[("query", "1"), ("time", "soon")], instant, 400).await;
    for step in ["0", "-1", "NaN", "inf", "soon", "0.0000001"] {
        prometheus_error(&served, &[("query", "1"), ("start", "0"), ("end", "60"), ("step", step)], range, 400).await;
    }
    prometheus_error(&served, &[("query", "1"), ("start", "60"), ("end", "0"), ("step", "1")], range, 400).await;
    let years = [("query", "still_works"), ("start", "0"), ("end", "1795334400"), ("step", "1")];
    prometheus_error(&served, &years, range, 422).await;
    let far = [("query", "still_works[100y:1ms]")];
    prometheus_error(&served, &far, instant, 422).await;
    prometheus_error(&served, &[("match[]", "{")], "/api/v1/series", 400).await;
    problem(served.post(instant, &JSON, "{}").send().await.unwrap(), "WK1003").await;
    served.still_works().await;
}
