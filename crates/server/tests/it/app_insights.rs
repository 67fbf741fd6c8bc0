//! What SDKs of Application Insights are answered: accepted, refused in part, repeated, from a page, over Live Metrics.
//!
//! Not what becomes of an item (`ingest`). The real SDKs are in `sdks`.

mod sdks;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write as _;

use crate::bad_input::Served;

pub(crate) const KEY: &str = "11111111-2222-3333-4444-555555555555";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// With one key, which lies in a file of its own, and what else is written.
pub(crate) fn configuration(folder: &std::path::Path, more: &str) -> String {
    let file = folder.join("key");
    std::fs::write(&file, KEY).unwrap();
    format!("app_insights: {{keys: [{{name: shop, key: '${{file:{}}}'}}]{more}}}\n", file.display())
}

fn envelope(key: &str, kind: &str, base: Value, now_ms: i64) -> Value {
    let time = jiff(now_ms);
    json!({"name": "Microsoft.ApplicationInsights.X", "time": time, "iKey": key, "tags": {"ai.cloud.role": "web"},
        "data": {"baseType": kind, "baseData": base}})
}

fn jiff(now_ms: i64) -> String {
    watchkeeper_domain::Timestamp::from_millis(now_ms).to_string()
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

async fn value(served: &Served, query: &str) -> Option<f64> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = served.json(&format!("/api/v1/query?query={query}")).await;
    answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_are_taken_refused_by_themselves_and_not_doubled_when_they_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::with(&configuration(folder.path(), "")).await;
    let now = served.now_ms();
    let request = |id: &str, code: u16| {
        let base = json!({"id": id, "name": "GET /x", "duration": "00:00:00.2", "responseCode": code.to_string(), "success": code < 400});
        envelope(KEY, "RequestData", base, now)
    };
    let batch = json!([request("a1", 200), request("a2", 500), request("a3", 200)]).to_string();
    let (status, said) = answer(served.post("/v2.1/track", &JSON, batch.clone())).await;
    assert_eq!((status, &said), (200, &json!({"itemsReceived": 3, "itemsAccepted": 3, "errors": []})));
    let total = "sum(app_insights_requests_total{service=\"web\"})";
    assert_eq!(value(&served, total).await, Some(3.0));
    assert_eq!(value(&served, "app_insights_requests_failed_total").await, Some(1.0));
    assert!(value(&served, "sum(increase(app_insights_requests_total[5m]))").await >= Some(3.0), "it counts from zero");

    // The answer was lost: the same again, some of it in other company, and compressed as lines.
    assert_eq!(answer(served.post("/v2/track", &JSON, batch)).await.1["itemsAccepted"], 3);
    let lines = format!("{}\n{}\n", request("a2", 500), request("a4", 200));
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(lines.as_bytes()).unwrap();
    let headers = [("content-type", "application/x-json-stream"), ("content-encoding", "gzip")];
    let (status, said) = answer(served.post("/v2.1/track", &headers, packed.finish().unwrap())).await;
    assert_eq!((status, &said["itemsAccepted"]), (200, &json!(2)));
    assert_eq!(value(&served, total).await, Some(4.0));
    let traces = served.json("/api/watchkeeper/v1/telemetry/traces?service=web").await;
    assert_eq!(traces["total"], 4, "{traces}");

    // In part, and not at all.
    let mixed = json!([
        request("a5", 200),
        envelope("22222222-2222-3333-4444-555555555555", "EventData", json!({"name": "x"}), now),
        envelope(KEY, "EventData", json!({}), now)
    ]);
    let (status, said) = answer(served.post("/v2.1/track", &JSON, mixed.to_string())).await;
    assert_eq!((status, &said["itemsReceived"], &said["itemsAccepted"]), (206, &json!(3), &json!(1)));
    assert_eq!(said["errors"][0], json!({"index": 1, "statusCode": 400, "message": "Invalid instrumentation key"}));
    assert_eq!((&said["errors"][1]["index"], &said["errors"][1]["statusCode"]), (&json!(2), &json!(400)), "{said}");
    for (body, status) in [("[]", 200), ("", 400), ("garbage", 400), ("{}", 400), ("[{}]", 400)] {
        let (answered, said) = answer(served.post("/v2/track", &JSON, body)).await;
        assert_eq!(answered, status, "{body}: {said}");
        assert!(said["errors"].is_array() && said["itemsAccepted"] == 0, "{body}: {said}");
    }
    let (status, said) = answer(served.post("/v2/track", &[("content-encoding", "br")], "x")).await;
    assert_eq!((status, &said["errors"][0]["statusCode"]), (415, &json!(415)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_senders_at_once_are_counted_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::with(&configuration(folder.path(), "")).await;
    let now = served.now_ms();
    let mut sends = tokio::task::JoinSet::new();
    for sender in 0..20 {
        let items: Vec<Value> = (0..25)
            .map(|n| envelope(KEY, "RequestData", json!({"id": format!("{sender}-{n}"), "name": "r", "duration": "00:00:01", "responseCode": "200", "success": true}), now))
            .collect();
        // Each batch twice at the same time: as an impatient client does it.
        for _ in 0..2 {
            let request = served.post("/v2/track", &JSON, json!(items).to_string());
            sends.spawn(async move {
                let again = request.try_clone().unwrap();
                match answer(request).await {
                    (503, said) => {
                        assert!(said["errors"][0]["message"].as_str().unwrap().contains("again in a moment"), "{said}");
                        answer(again).await.0
                    }
                    (status, _) => status,
                }
            });
        }
    }
    let statuses = sends.join_all().await;
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    assert_eq!(value(&served, "app_insights_requests_total").await, Some(500.0));
    assert_eq!(value(&served, "app_insights_request_duration_seconds_bucket{le=\"1\"}").await, Some(500.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_may_send_when_their_origin_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let allowed = ", allowed_origins: ['https://shop.bank.example']";
    let served = Served::with(&configuration(folder.path(), allowed)).await;
    let event = envelope(KEY, "EventData", json!({"name": "click"}), served.now_ms()).to_string();
    let (shop, evil) = (("origin", "https://shop.bank.example"), ("origin", "https://evil.example"));
    let asked = |origin: (&'static str, &'static str)| {
        let request = reqwest::Client::new().request(reqwest::Method::OPTIONS, served.url("/v2/track"));
        request
            .header(origin.0, origin.1)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,sdk-context")
    };
    let preflight = asked(shop).send().await.unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://shop.bank.example");
    assert!(preflight.headers()["access-control-allow-headers"].to_str().unwrap().contains("sdk-context"));
    assert_eq!(asked(evil).send().await.unwrap().status(), 403);

    // As `sendBeacon` has it: no preflight, and a type that needs none.
    let sent = served.post("/v2/track", &[("content-type", "text/plain"), shop], event.clone()).send().await.unwrap();
    assert_eq!(
        (sent.status().as_u16(), &sent.headers()["access-control-allow-origin"]),
        (200, &"https://shop.bank.example".parse().unwrap())
    );
    let (status, _) = answer(served.post("/v2/track", &[JSON[0], evil], event)).await;
    assert_eq!(status, 403);
    // Only there: commands stay closed to other origins.
    assert_eq!(answer(served.post("/-/reload", &[shop], "")).await.0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_keys_everything_is_taken_on_a_machine_where_nobody_logs_in() {
    let served = Served::start().await;
    let event = envelope(KEY, "EventData", json!({"name": "any"}), served.now_ms());
    assert_eq!(answer(served.post("/v2/track", &JSON, event.to_string())).await.0, 200);
    // A page is a stranger all the same.
    let evil = ("origin", "https://evil.example");
    assert_eq!(answer(served.post("/v2/track", &[JSON[0], evil], event.to_string())).await.0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_metrics_are_asked_for_and_taken() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::with(&configuration(folder.path(), "")).await;
    let ping = |path: &str| {
        served.post(&format!("/QuickPulseService.svc/{path}"), &JSON, json!({"InvariantVersion": 5}).to_string()).send()
    };
    let answered = ping(&format!("ping?api-version=2024-04-01-preview&ikey={KEY}")).await.unwrap();
    assert_eq!(
        (answered.status().as_u16(), &answered.headers()["x-ms-qps-subscribed"]),
        (200, &"true".parse().unwrap())
    );
    assert_eq!(ping("ping?ikey=22222222-2222-3333-4444-555555555555").await.unwrap().status(), 400);
    let point = json!([{"RoleName": "web", "Instance": "i", "Timestamp": jiff(served.now_ms()), "Metrics": [{"Name": "\\ApplicationInsights\\Requests/Sec", "Weight": 1, "Value": 42}]}]);
    let posted =
        served.post(&format!("/QuickPulseService.svc/post?ikey={KEY}"), &JSON, point.to_string()).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), &posted.headers()["x-ms-qps-subscribed"]), (200, &"true".parse().unwrap()));
    assert_eq!(value(&served, "app_insights_live_requests_per_second{instance=\"i\"}").await, Some(42.0));

    let served = Served::with(&configuration(folder.path(), ", live_metrics: false")).await;
    let answered = served.post(&format!("/QuickPulseService.svc/ping?ikey={KEY}"), &JSON, "{}").send().await.unwrap();
    assert_eq!(answered.headers()["x-ms-qps-subscribed"], "false");
}
