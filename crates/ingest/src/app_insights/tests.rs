//! Tests: what becomes of each kind of item, of broken ones, of repeats; captures of real SDKs; hostile bodies.

mod corpora;
mod hostile;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use watchkeeper_domain::telemetry::{LogRecord, SpanRecord};

use super::*;

const KEY: &str = "11111111-2222-3333-4444-555555555555";

/// One known key; what was claimed once is a repeat.
#[derive(Default)]
struct Door(HashSet<u128>);

impl Gate for Door {
    fn sender(&self, key: &str) -> Option<Arc<str>> {
        (key == KEY).then(|| Arc::from("shop"))
    }
    fn claim(&mut self, fingerprint: u128) -> Claim {
        if self.0.insert(fingerprint) { Claim::New } else { Claim::Repeated }
    }
}

fn envelope(base_type: &str, base: Value) -> Value {
    json!({
        "name": "Microsoft.ApplicationInsights.Something", "time": "2026-11-22T16:30:05.635Z", "iKey": KEY,
        "tags": {"ai.cloud.role": "web", "ai.cloud.roleInstance": "pod-1", "ai.operation.id": "c9781077a9c23352ccfdd558fa86873f",
                 "ai.operation.parentId": "3b0d9eb1c9bee5d8", "ai.operation.name": "GET /x", "ai.internal.sdkVersion": "test:1"},
        "data": {"baseType": base_type, "baseData": base},
    })
}

fn track(body: &Value) -> Track {
    decode(body.to_string().as_bytes(), &Limits::default(), None, &mut Door::default()).unwrap()
}

fn one(base_type: &str, base: Value) -> Track {
    let track = track(&json!([envelope(base_type, base)]));
    assert_eq!((track.received, &track.rejected), (1, &vec![]));
    track
}

fn attribute<'a>(list: &'a [(Arc<str>, Value)], key: &str) -> &'a Value {
    list.iter().find(|(k, _)| k.as_ref() == key).map_or(&Value::Null, |(_, v)| v)
}

/// Of the increments, that of a series.
fn counted(track: &Track, text: &str) -> f64 {
    let found: Vec<f64> =
        track.batch.deltas.iter().filter(|s| s.labels.to_string() == text).map(|s| s.samples[0].v).collect();
    assert_eq!(
        found.len(),
        1,
        "{text} in {:#?}",
        track.batch.deltas.iter().map(|s| s.labels.to_string()).collect::<Vec<_>>()
    );
    found[0]
}

/// Of the gauges, that of a metric.
fn gauge(track: &Track, name: &str) -> Option<f64> {
    track.batch.series.iter().find(|s| s.labels.name() == Some(name)).map(|s| s.samples[0].v)
}

fn span(track: &Track) -> &SpanRecord {
    assert_eq!(track.batch.spans.len(), 1);
    &track.batch.spans[0]
}

fn log(track: &Track) -> &LogRecord {
    assert_eq!(track.batch.logs.len(), 1);
    &track.batch.logs[0]
}

#[test]
fn a_request_is_a_server_span_and_is_counted_for_those_that_were_sampled_out() {
    let mut item = envelope(
        "RequestData",
        json!({"id": "aaaaaaaaaaaaaaaa", "name": "GET /x", "duration": "00:00:00.250", "responseCode": 500, "success": "False",
               "url": "http://shop/x", "properties": {"tier": "gold", "_MS.Internal": "x"}, "measurements": {"items": 3}}),
    );
    item["sampleRate"] = json!(25);
    let track = track(&item);
    let span = span(&track);
    assert_eq!(
        (span.trace_id.as_str(), span.span_id.as_str()),
        ("c9781077a9c23352ccfdd558fa86873f", "aaaaaaaaaaaaaaaa")
    );
    assert_eq!(
        (span.parent_span_id.as_str(), span.name.as_ref(), span.kind.as_ref()),
        ("3b0d9eb1c9bee5d8", "GET /x", "server")
    );
    assert_eq!((span.service.as_ref(), span.status.as_ref()), ("web", "error"));
    assert_eq!((span.start_ns, span.end_ns - span.start_ns), (1_795_365_005_635_000_000, 250_000_000));
    let of = |key| attribute(&span.attributes, key);
    assert_eq!(
        (of("azure.type"), of("azure.item_count"), of("tier"), of("items")),
        (&json!("request"), &json!(4), &json!("gold"), &json!(3))
    );
    assert_eq!(
        (of("http.response.status_code"), of("url.full"), of("_MS.Internal")),
        (&json!(500), &json!("http://shop/x"), &Value::Null)
    );
    assert_eq!((of("ai.operation.name"), of("ai.operation.id")), (&json!("GET /x"), &Value::Null));
    assert_eq!(attribute(&span.resource, "service.instance.id"), "pod-1");
    assert_eq!(attribute(&span.resource, "ai.internal.sdkVersion"), "test:1");
    let who = r#"instance="pod-1", job="web", "#;
    assert_eq!(
        counted(
            &track,
            &format!(r#"app_insights_requests_total{{{who}result_code="500", service="web", success="false"}}"#)
        ),
        4.0
    );
    assert_eq!(counted(&track, &format!(r#"app_insights_requests_failed_total{{{who}service="web"}}"#)), 4.0);
    for (le, count) in [("0.1", 0.0), ("0.25", 4.0), ("+Inf", 4.0)] {
        let bucket = format!(
            r#"app_insights_request_duration_seconds_bucket{{instance="pod-1", job="web", le="{le}", service="web"}}"#
        );
        assert_eq!(counted(&track, &bucket), count, "{le}");
    }
    assert_eq!(counted(&track, &format!(r#"app_insights_request_duration_seconds_sum{{{who}service="web"}}"#)), 1.0);

    let mut batch = track.batch;
    Track::count_at(&mut batch, 5_000);
    assert!(batch.deltas.iter().all(|d| d.start == Some(4_999) && d.samples[0].t == 5_000));
}

#[test]
fn whether_a_request_failed_follows_from_its_code_when_it_does_not_say() {
    for (code, said, failed) in [
        (json!("200"), Value::Null, false),
        (json!("401"), Value::Null, false),
        (json!("404"), Value::Null, true),
        (json!(503), Value::Null, true),
        (json!("OK"), Value::Null, false),
        (json!("500"), json!(true), false),
        (json!("0"), json!(false), true),
    ] {
        let track = one(
            "RequestData",
            json!({"name": "r", "id": "1", "duration": "00:00:01", "responseCode": code, "success": said}),
        );
        assert_eq!(span(&track).status.as_ref(), if failed { "error" } else { "unset" }, "{code} {said}");
    }
}

#[test]
fn a_dependency_is_a_client_span_that_a_503_makes_a_failure_whatever_its_sender_says() {
    let call = |kind: &str, code: &str, success: bool| {
        one(
            "RemoteDependencyData",
            json!({"id": "a153152e7c06e64f", "name": "GET /charge", "duration": "0.00:00:00.030", "type": kind,
            "resultCode": code, "success": success, "data": "http://pay.local/charge?x=1", "target": "http://pay.local/charge/17 | cid-v1:x"}),
        )
    };
    let track = call("Http", "503", true);
    let dependency = span(&track);
    assert_eq!((dependency.kind.as_ref(), dependency.status.as_ref()), ("client", "error"));
    assert_eq!(attribute(&dependency.attributes, "url.full"), "http://pay.local/charge?x=1");
    assert_eq!(attribute(&dependency.attributes, "azure.success"), true, "what was said stays to be seen");
    let text = r#"app_insights_dependencies_failed_total{instance="pod-1", job="web", service="web", target="pay.local", type="Http"}"#;
    assert_eq!(counted(&track, text), 1.0, "a target is a machine and not a path");
    assert_eq!(span(&call("Http", "404", true)).status.as_ref(), "unset", "a sender may well expect that");
    assert_eq!(span(&call("SQL", "503", true)).status.as_ref(), "unset", "503 means nothing to a database");
    assert_eq!(attribute(&span(&call("SQL", "0", true)).attributes, "db.query.text"), "http://pay.local/charge?x=1");
    assert_eq!(span(&call("InProc", "", false)).kind.as_ref(), "internal");
}

#[test]
fn traces_have_their_level_as_a_number_or_a_word_and_the_span_in_which_they_were_written() {
    for (level, number, word) in [
        (json!(0), 5, "Verbose"),
        (json!(2), 13, "Warning"),
        (json!("Warning"), 13, "Warning"),
        (json!("critical"), 21, "Critical"),
        (json!("3"), 17, "Error"),
        (json!(9), 0, ""),
        (Value::Null, 0, ""),
    ] {
        let track = one("MessageData", json!({"message": "hello", "severityLevel": level}));
        let record = log(&track);
        assert_eq!(
            (record.severity, record.severity_text.as_ref(), record.body.as_str()),
            (number, word, "hello"),
            "{level}"
        );
        assert_eq!(
            (record.trace_id.as_str(), record.span_id.as_str()),
            ("c9781077a9c23352ccfdd558fa86873f", "3b0d9eb1c9bee5d8")
        );
    }
    // Outside of a span the SDK for Python sends ids of zeros.
    let mut item = envelope("MessageData", json!({"message": "hello"}));
    item["tags"] = json!({"ai.operation.id": "0".repeat(32), "ai.operation.parentId": "0".repeat(16)});
    let track = track(&item);
    assert_eq!(
        (log(&track).trace_id.as_str(), log(&track).span_id.as_str(), log(&track).service.as_ref()),
        ("", "", "shop")
    );
}

#[test]
fn exceptions_events_and_page_views_are_records() {
    let track = one(
        "ExceptionData",
        json!({"exceptions": [
        {"typeName": "Error", "message": "boom", "parsedStack": [{"level": 0, "method": "pay", "fileName": "a.js", "line": 4}]},
        {"typeName": "Inner", "message": "why"}]}),
    );
    let record = log(&track);
    assert_eq!((record.severity, record.body.as_str()), (17, "Error: boom"));
    assert_eq!(attribute(&record.attributes, "exception.stacktrace"), "   at pay in a.js:4\n");
    assert_eq!(attribute(&record.attributes, "azure.inner_exceptions")[0]["type"], "Inner");
    assert_eq!(
        counted(&track, r#"app_insights_exceptions_total{instance="pod-1", job="web", service="web", type="Error"}"#),
        1.0
    );

    let track = one("EventData", json!({"name": "OrderPlaced", "measurements": {"amount": 9.5}}));
    assert_eq!(
        (attribute(&log(&track).attributes, "event.name"), attribute(&log(&track).attributes, "amount")),
        (&json!("OrderPlaced"), &json!(9.5))
    );

    // As the web SDK spells it.
    let track = one("PageviewData", json!({"name": "Home", "url": "http://shop/", "duration": "00:00:02.100"}));
    assert_eq!(attribute(&log(&track).attributes, "azure.duration_ms"), 2100);
    let text = |le: &str| {
        format!(
            r#"app_insights_page_view_duration_seconds_bucket{{instance="pod-1", job="web", le="{le}", service="web"}}"#
        )
    };
    assert_eq!((counted(&track, &text("2")), counted(&track, &text("2.5"))), (0.0, 1.0));
    let track =
        one("PageViewPerfData", json!({"name": "Home", "perfTotal": "00:00:01.5", "domProcessing": "00:00:00.5"}));
    assert_eq!(
        (
            attribute(&log(&track).attributes, "azure.total_ms"),
            attribute(&log(&track).attributes, "azure.processing_ms")
        ),
        (&json!(1500), &json!(500))
    );
}

#[test]
fn an_availability_result_is_a_span_and_a_probe() {
    let track = one(
        "AvailabilityData",
        json!({"id": "av", "name": "ping", "duration": "00:00:00.120", "success": false, "runLocation": "eu", "message": "no route"}),
    );
    assert_eq!((span(&track).status.as_ref(), span(&track).status_message.as_str()), ("error", "no route"));
    assert_eq!(attribute(&span(&track).attributes, "azure.id"), "av");
    assert_eq!((gauge(&track, "probe_success"), gauge(&track, "probe_duration_seconds")), (Some(0.0), Some(0.12)));
    assert_eq!(track.batch.series[0].labels.get("location"), Some("eu"));
}

#[test]
fn a_metrics_sum_count_least_and_greatest_are_series_and_items_of_one_moment_add_up() {
    let point = |value: f64, least: f64, greatest: f64| {
        envelope(
            "MetricData",
            json!({"metrics": [{"name": "latency ms", "kind": "Aggregation", "value": value, "count": 2, "min": least, "max": greatest},
            {"name": "ignored", "value": 1}], "properties": {"route": "/api", "_MS.MetricId": "x", "cloud/roleName": "web"}}),
        )
    };
    let track = track(&json!([point(10.0, 4.0, 6.0), point(20.0, 1.0, 19.0)]));
    assert_eq!(track.rejected, vec![]);
    let labels = |name: &str| format!(r#"{name}{{instance="pod-1", job="web", route="/api", service="web"}}"#);
    let all: Vec<_> = track.batch.series.iter().map(|s| (s.labels.to_string(), s.samples[0].v)).collect();
    let expected = [("latency_ms", 30.0), ("latency_ms_count", 4.0), ("latency_ms_max", 19.0), ("latency_ms_min", 1.0)];
    assert_eq!(all, expected.map(|(name, v)| (labels(name), v)));
    assert_eq!(track.origins, [0, 0, 0, 0]);
    // The resource, and what exporters say of themselves.
    let track = one(
        "MetricData",
        json!({"metrics": [{"name": "_OTELRESOURCE_", "value": 1}], "properties": {"service.name": "web", "os.type": "linux"}}),
    );
    assert_eq!(
        track.batch.series[0].labels.to_string(),
        r#"target_info{instance="pod-1", job="web", os_type="linux", service="web"}"#
    );
    assert!(one("MetricData", json!({"metrics": [{"name": "Item_Success_Count", "value": 14}]})).batch.is_empty());
}

#[test]
fn what_is_broken_is_refused_by_itself_with_the_words_of_the_real_service() {
    let good = envelope("EventData", json!({"name": "fine"}));
    let mut stranger = good.clone();
    stranger["iKey"] = json!("22222222-2222-3333-4444-555555555555");
    let mut timeless = good.clone();
    timeless["time"] = json!("yesterday");
    let mut keyless = good.clone();
    keyless["iKey"] = Value::Null;
    let body = json!([
        good,
        stranger,
        timeless,
        keyless,
        envelope("EventData", json!({})),
        envelope("NoData", json!({})),
        envelope("RequestData", json!({"name": "r", "id": "1", "duration": "soon"})),
        envelope("MetricData", json!({"metrics": [{"name": "m", "value": "NaN"}]})),
        5,
        envelope("ExceptionData", json!({"exceptions": [{}]})),
    ]);
    let track = track(&body);
    assert_eq!((track.received, track.accepted(), track.batch.logs.len()), (10, 1, 1));
    let said: Vec<_> = track.rejected.iter().map(|r| (r.index, r.status, r.message.as_str())).collect();
    for (at, text) in [
        (0, "Invalid instrumentation key"),
        (1, "Field 'time' on type 'Envelope'"),
        (
            2,
            "109: Field 'iKey' on type 'Envelope' is required but missing or empty. Expected: string, Actual: undefined",
        ),
        (3, "109: Field 'name' on type 'EventData'"),
        (4, "Actual: NoData"),
        (5, "Field 'duration' on type 'RequestData'"),
        (6, "109: Field 'value' on type 'DataPoint'"),
        (7, "there is no envelope at byte"),
        (8, "109: Field 'message' on type 'ExceptionDetails'"),
    ] {
        assert_eq!(said[at].0, at + 1);
        assert_eq!(said[at].1, 400);
        assert!(said[at].2.contains(text), "{said:?}");
    }
    // The request's own key counts where an envelope has none.
    let track = decode(keyless.to_string().as_bytes(), &Limits::default(), Some(KEY), &mut Door::default()).unwrap();
    assert_eq!(track.accepted(), 1);
}

#[test]
fn a_body_is_an_array_lines_objects_or_one_object() {
    let item = |n: u32| envelope("EventData", json!({"name": format!("{n} {{[\"]}}, \\")})).to_string();
    let (a, b) = (item(1), item(2));
    for body in [
        format!("[{a},{b}]"),
        format!("{a}\n{b}\n"),
        format!("{a}\r\n\r\n{b}"),
        format!("{a}{b}"),
        format!("\u{feff}[\n{a} , {b}\n]\n"),
    ] {
        let track = decode(body.as_bytes(), &Limits::default(), None, &mut Door::default()).unwrap();
        assert_eq!((track.received, track.accepted()), (2, 2), "{body}");
    }
    assert_eq!(track(&envelope("EventData", json!({"name": "x"}))).received, 1);
    assert_eq!(track(&json!([])).received, 0);
    // A line that was cut costs itself.
    let body = format!("{a}\ngarbage\n{b}\n{}", a.get(..40).unwrap());
    let track = decode(body.as_bytes(), &Limits::default(), None, &mut Door::default()).unwrap();
    assert_eq!((track.received, track.accepted()), (4, 2));
    assert!(track.rejected[1].message.contains("ends within"), "{:?}", track.rejected);
    for body in ["", "  \n", "garbage", "\"text\"", "7"] {
        let error = decode(body.as_bytes(), &Limits::default(), None, &mut Door::default()).unwrap_err();
        assert_eq!(error.code().as_str(), "WK1001", "{body}");
    }
}

#[test]
fn a_body_that_comes_again_is_a_repeat_and_equal_items_of_one_body_are_not() {
    let mut door = Door::default();
    let event = envelope("EventData", json!({"name": "click"}));
    let body = json!([event, event, envelope("EventData", json!({"name": "other"}))]);
    let first = decode(body.to_string().as_bytes(), &Limits::default(), None, &mut door).unwrap();
    assert_eq!((first.repeated, first.batch.logs.len()), (0, 3));
    let pretty = serde_json::to_vec_pretty(&body).unwrap();
    let again = decode(&pretty, &Limits::default(), None, &mut door).unwrap();
    assert_eq!((again.received, again.accepted(), again.repeated, again.batch.is_empty()), (3, 3, 3, true));
    // A part of it that is sent again is recognised too.
    let part = decode(event.to_string().as_bytes(), &Limits::default(), None, &mut door).unwrap();
    assert_eq!(part.repeated, 1);
}

#[test]
fn live_metrics_are_gauges_in_base_units() {
    let body = json!([{"RoleName": "web", "Instance": "pod-1", "Timestamp": "/Date(1795334400000)/", "Metrics": [
        {"Name": "\\ApplicationInsights\\Requests/Sec", "Weight": 1, "Value": 12.5},
        {"Name": "\\ApplicationInsights\\Request Duration", "Value": 250},
        {"Name": "\\Custom\\Thing", "Value": 1}, {"Name": "no value"}], "Documents": [{"DocumentType": "Trace"}]}]);
    let batch = live::decode(body.to_string().as_bytes(), &Limits::default(), "shop", 7).unwrap();
    let all: Vec<_> = batch.series.iter().map(|s| (s.labels.name().unwrap(), s.samples[0].t, s.samples[0].v)).collect();
    assert_eq!(all.len(), 3);
    assert!(all.contains(&("app_insights_live_requests_per_second", 1_795_334_400_000, 12.5)), "{all:?}");
    assert!(all.contains(&("app_insights_live_request_duration_seconds", 1_795_334_400_000, 0.25)), "{all:?}");
    assert!(live::decode(b"7", &Limits::default(), "shop", 7).is_err());
}
