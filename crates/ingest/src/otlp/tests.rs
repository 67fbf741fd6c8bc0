//! OTLP: the official examples, requests that the Python SDK sent, hostile bodies, and both encodings against each other.

use std::path::PathBuf;

use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse},
    metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse},
    trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use serde_json::{Value, json};
use watchkeeper_domain::telemetry::{Appended, Batch, Refusal, SeriesSamples, Unwanted, is_stale};

use super::json::JsonMessage;
use super::{Decoded, Encoding, json, logs, metrics, traces};
use crate::error::DecodeError;
use crate::limits::Limits;

/// A file of the shared corpora, or `None`, visibly, where they are absent.
fn corpus(name: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("WATCHKEEPER_CORPORA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"), PathBuf::from);
    let found = std::fs::read(root.join("otlp").join(name)).ok();
    if found.is_none() {
        println!("skipped: otlp/{name} is not there; set WATCHKEEPER_CORPORA");
    }
    found
}

fn of_metrics(body: &Value) -> Decoded {
    metrics::decode(body.to_string().as_bytes(), Encoding::Json, &Limits::default()).unwrap()
}

/// A metrics request with one resource and these metrics.
fn request(resource: &Value, list: &Value) -> Value {
    json!({"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [{"metrics": list}]}]})
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn lines(batch: &Batch) -> Vec<String> {
    let line = |s: &SeriesSamples| format!("{} {} @{}", s.labels, s.samples[0].v, s.samples[0].t);
    batch.series.iter().map(line).collect()
}

#[test]
fn the_official_metrics_example_is_read() {
    let Some(body) = corpus("otlp-proto/metrics.json") else { return };
    let decoded = metrics::decode(&body, Encoding::Json, &Limits::default()).unwrap();
    let scope = "otel_scope_my_scope_attribute=\"some scope attribute\", otel_scope_name=\"my.library\", otel_scope_version=\"1.0.0\"";
    assert_eq!(
        lines(&decoded.batch),
        [format!(
            "my_gauge_ratio{{job=\"my.service\", my_gauge_attr=\"some value\", {scope}, service=\"my.service\"}} 10 @1544712660300"
        )]
    );
    // The counter and the histogram have delta temporality.
    let deltas: Vec<(&str, Option<&str>, f64, Option<i64>)> = decoded
        .batch
        .deltas
        .iter()
        .map(|s| (s.labels.name().unwrap(), s.labels.get("le"), s.samples[0].v, s.start))
        .collect();
    assert_eq!(
        deltas,
        [
            ("my_counter_total", None, 5.0, None),
            ("my_histogram_bucket", Some("1"), 1.0, None),
            ("my_histogram_bucket", Some("+Inf"), 2.0, None),
            ("my_histogram_sum", None, 2.0, None),
            ("my_histogram_count", None, 2.0, None),
        ]
    );
    // The same example with cumulative temporality.
    let cumulative =
        String::from_utf8(body).unwrap().replace("\"aggregationTemporality\": 1", "\"aggregationTemporality\": 2");
    let decoded = metrics::decode(cumulative.as_bytes(), Encoding::Json, &Limits::default()).unwrap();
    let names: Vec<&str> = decoded.batch.series.iter().filter_map(|s| s.labels.name()).collect();
    assert_eq!(
        names,
        [
            "my_counter_total",
            "my_gauge_ratio",
            "my_histogram_bucket",
            "my_histogram_bucket",
            "my_histogram_sum",
            "my_histogram_count"
        ]
    );
    assert!(decoded.batch.deltas.is_empty());
    assert_eq!((decoded.answer.rejected(), decoded.answer.message().as_str()), (0, ""));
    let native: Vec<_> = decoded.batch.histograms.iter().map(|s| (s.labels.name(), s.samples.len())).collect();
    assert_eq!(native, [(Some("my_exponential_histogram"), 1)]);
}

#[test]
fn exponential_histograms_become_native_ones() {
    let point = json!({
        "timeUnixNano": "5000000000", "startTimeUnixNano": "4000000000", "count": "5", "sum": 9.5, "scale": 9,
        "zeroCount": "1", "zeroThreshold": 0.5, "positive": {"offset": 0, "bucketCounts": ["1", "2"]},
        "negative": {"offset": -1, "bucketCounts": ["1"]}, "attributes": [{"key": "a", "value": {"stringValue": "b"}}],
        "exemplars": [{"timeUnixNano": "4500000000", "asDouble": 1.0, "traceId": "0af7651916cd43dd8448eb211c80319c"}],
    });
    let mut wrong = point.clone();
    wrong["scale"] = json!(-5);
    let mut ended = point.clone();
    ended["flags"] = json!(1);
    ended["timeUnixNano"] = json!("6000000000");
    let body = request(
        &json!([]),
        &json!([
            {"name": "e", "unit": "s", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [point, wrong, ended]}},
            {"name": "d", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [point, ended]}},
        ]),
    );
    let mut decoded = of_metrics(&body);
    assert_eq!(decoded.answer.rejected(), 1);
    assert_eq!(
        decoded.answer.message(),
        "metric `e`: a data point is refused: its scale is -5, and nothing below -4 is kept"
    );
    let batch = &decoded.batch;
    let names: Vec<_> = batch.native().map(|s| (s.labels.to_string(), s.start, s.samples[0].t)).collect();
    let named = |name: &str| format!("{name}{{a=\"b\"}}");
    assert_eq!(
        names,
        [
            (named("e_seconds"), Some(4_000), 5_000),
            (named("e_seconds"), None, 6_000),
            (named("d"), None, 6_000),
            (named("d"), Some(4_000), 5_000)
        ]
    );
    let kept = &batch.histograms[0].samples[0].histogram;
    assert_eq!((kept.schema, kept.zero_threshold, kept.zero_count, kept.count, kept.sum), (8, 0.5, 1.0, 5.0, 9.5));
    // Two buckets of scale 9 are one of schema 8.
    assert_eq!((kept.positive[0].index, kept.positive[0].count, kept.positive.len()), (1, 3.0, 1));
    assert_eq!((kept.negative[0].index, kept.negative[0].count), (0, 1.0));
    assert!(is_stale(batch.histograms[1].samples[0].histogram.sum));
    assert_eq!(batch.exemplars[0].labels, batch.histograms[0].labels);
    let meta: Vec<_> = batch.meta.iter().map(|m| (m.name.as_ref(), m.kind.as_ref())).collect();
    assert_eq!(meta, [("e_seconds", "histogram"), ("d", "histogram")]);
    // A point that the store refuses counts once more.
    let refusal = |place: usize, labels: &watchkeeper_domain::Labels| Refusal {
        place,
        labels: labels.clone(),
        samples: 1,
        why: Unwanted::CountedAlready,
    };
    let refusals = batch.labels().enumerate().map(|(place, labels)| refusal(place, labels)).collect();
    decoded.answer.refuse(&Appended { refusals, ..Appended::default() });
    assert_eq!(decoded.answer.rejected(), 5);
}

#[test]
fn increments_are_told_from_sums_and_what_is_neither_is_refused() {
    let number = |v: f64| json!({"timeUnixNano": "5000000000", "startTimeUnixNano": "4000000000", "asDouble": v});
    let histogram = json!({"timeUnixNano": "5000000000", "startTimeUnixNano": "4000000000", "count": 3, "sum": 4.5, "bucketCounts": [1, 2], "explicitBounds": [1]});
    let decoded = of_metrics(&request(
        &json!([]),
        &json!([
            {"name": "d", "sum": {"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [number(2.0), {"timeUnixNano": "5000000000", "asDouble": "NaN"}]}},
            {"name": "u", "sum": {"aggregationTemporality": 1, "dataPoints": [number(-2.0)]}},
            {"name": "h", "histogram": {"aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA", "dataPoints": [histogram]}},
            {"name": "n", "sum": {"isMonotonic": true, "dataPoints": [number(1.0), number(1.0)]}},
            {"name": "m", "sum": {"isMonotonic": true, "aggregationTemporality": 1, "dataPoints": [number(-1.0)]}},
            {"name": "s", "sum": {"aggregationTemporality": 1, "dataPoints": [{"timeUnixNano": "5000000000", "flags": 1}]}},
        ]),
    ));
    let deltas: Vec<String> =
        decoded.batch.deltas.iter().map(|s| format!("{} {}", s.labels.name().unwrap(), s.samples[0].v)).collect();
    assert_eq!(deltas, ["d_total 2", "u -2", "h_bucket 1", "h_bucket 3", "h_sum 4.5", "h_count 3"]);
    assert!(decoded.batch.deltas.iter().all(|s| s.start == Some(4_000)));
    assert!(is_stale(decoded.batch.series[0].samples[0].v));
    assert_eq!(
        (decoded.answer.rejected(), decoded.answer.message().as_str()),
        (
            4,
            "metric `d`: a data point is refused: NaN is no increment; \
             metric `n`: it does not say whether it is cumulative or delta (×2); \
             metric `m`: a data point is refused: -1 is no increment of a sum that only grows"
        )
    );
}

#[test]
fn what_the_store_refuses_is_told_by_data_point() {
    let histogram =
        json!({"timeUnixNano": "5000000000", "count": 3, "sum": 4.5, "bucketCounts": [1, 2], "explicitBounds": [1]});
    let mut decoded = of_metrics(&request(
        &json!([attribute("service.name", "s"), attribute("host.name", "h")]),
        &json!([
            {"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": "5000000000", "asInt": 1}]}},
            {"name": "c", "histogram": {"aggregationTemporality": 2, "dataPoints": [histogram]}},
            {"name": "d", "histogram": {"aggregationTemporality": 1, "dataPoints": [histogram]}},
        ]),
    ));
    let refusals = decoded
        .batch
        .samples()
        .enumerate()
        .map(|(place, s)| Refusal { place, labels: s.labels.clone(), samples: 1, why: Unwanted::Ahead })
        .filter(|r| r.labels.name() != Some("g"))
        .collect();
    decoded.answer.refuse(&Appended { refusals, ..Appended::default() });
    // Two histograms of four series each; `target_info` is no data point.
    assert_eq!(decoded.answer.rejected(), 2);
    let message = decoded.answer.message();
    assert!(message.contains("metric `c_bucket`: the time is too far in the future"), "{message}");
    decoded.answer.warn("a word of advice");
    let body: Value = serde_json::from_slice(&decoded.answer.body()).unwrap();
    assert_eq!(body["partialSuccess"]["rejectedDataPoints"], "2");
    assert!(body["partialSuccess"]["errorMessage"].as_str().unwrap().ends_with("; a word of advice"));
}

#[test]
fn the_official_logs_events_and_trace_examples_are_read() {
    if let Some(body) = corpus("otlp-proto/logs.json") {
        let decoded = logs::decode(&body, Encoding::Json, &Limits::default()).unwrap();
        let log = &decoded.batch.logs[0];
        assert_eq!((log.severity, log.body.as_str(), log.service.as_ref()), (10, "Example log record", "my.service"));
        assert_eq!(
            (log.trace_id.as_str(), log.span_id.as_str()),
            ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
        );
        let value = |key: &str| &log.attributes.iter().find(|(k, _)| k.as_ref() == key).unwrap().1;
        assert_eq!((value("int.attribute"), value("array.attribute")), (&json!(10), &json!(["many", "values"])));
        assert_eq!(
            (value("map.attribute"), value("double.attribute")),
            (&json!({"some.map.key": "some value"}), &json!(637.704))
        );
        assert_eq!((decoded.answer.rejected(), decoded.answer.body().as_slice()), (0, b"{}".as_slice()));
    }
    if let Some(body) = corpus("otlp-proto/events.json") {
        let decoded = logs::decode(&body, Encoding::Json, &Limits::default()).unwrap();
        let log = &decoded.batch.logs[0];
        assert!(log.attributes.iter().any(|(k, v)| k.as_ref() == "event.name" && v == "browser.page_view"));
        assert!(log.body.starts_with('{'), "{}", log.body);
    }
    if let Some(body) = corpus("otlp-proto/trace.json") {
        let decoded = traces::decode(&body, Encoding::Json, &Limits::default()).unwrap();
        let span = &decoded.batch.spans[0];
        assert_eq!(
            (span.kind.as_ref(), span.status.as_ref(), span.parent_span_id.as_str()),
            ("server", "unset", "eee19b7ec3c1b173")
        );
        assert_eq!(span.end_ns - span.start_ns, 1_000_000_000);
    }
}

/// Reads a JSON request, writes it as protobuf, and expects the same from both.
fn both<M: Message + JsonMessage + Default>(
    body: &[u8],
    decode: fn(&[u8], Encoding, &Limits) -> Result<Decoded, DecodeError>,
) -> Decoded {
    let limits = Limits::default();
    let from_json = decode(body, Encoding::Json, &limits).unwrap();
    let message: M = json::read(body, &limits, "a test").unwrap();
    let bytes = message.encode_to_vec();
    let from_protobuf = decode(&bytes, Encoding::Protobuf, &limits).unwrap();
    assert_eq!((&from_json.batch, from_json.answer.message()), (&from_protobuf.batch, from_protobuf.answer.message()));
    // Every prefix is an error or a batch, never a panic.
    for cut in (0..bytes.len()).step_by(bytes.len() / 400 + 1) {
        drop(decode(&bytes[..cut], Encoding::Protobuf, &limits));
    }
    for cut in (0..body.len()).step_by(body.len() / 400 + 1) {
        assert!(decode(&body[..cut], Encoding::Json, &limits).is_err(), "a JSON prefix of {cut} bytes was read");
    }
    from_json
}

#[test]
fn requests_of_the_python_sdk_are_read_alike_in_both_encodings() {
    let (mut passed, mut skipped) = (0, 0);
    for number in [
        "015_traces",
        "035_metrics",
        "045_metrics",
        "054_metrics",
        "065_metrics",
        "069_metrics",
        "074_metrics",
        "076_logs",
        "078_logs",
    ] {
        let Some(body) = corpus(&format!("captured-otel-python/{number}.otlp.json")) else {
            skipped += 1;
            continue;
        };
        let decoded = match number.split_once('_').map(|(_, kind)| kind) {
            Some("traces") => both::<ExportTraceServiceRequest>(&body, traces::decode),
            Some("logs") => both::<ExportLogsServiceRequest>(&body, logs::decode),
            _ => both::<ExportMetricsServiceRequest>(&body, metrics::decode),
        };
        assert!(!decoded.batch.is_empty(), "{number}");
        if number == "035_metrics" {
            let counter =
                decoded.batch.series.iter().find(|s| s.labels.name() == Some("http_server_requests_total")).unwrap();
            assert_eq!(
                (counter.labels.get("code"), counter.labels.get("service"), counter.labels.get("job")),
                (Some("500"), Some("checkout"), Some("checkout"))
            );
            assert_eq!(counter.labels.get("instance"), Some("70c55784-1258-44e2-b9ed-ded7157e6c71"));
            assert_eq!((counter.samples[0].v, counter.start), (11.0, Some(1_795_366_593_107)));
            let info = decoded.batch.series.iter().find(|s| s.labels.name() == Some("target_info")).unwrap();
            assert_eq!(
                (info.labels.get("host_name"), info.labels.get("unicode"), info.labels.get("arr")),
                (Some("n1"), Some("ünï"), Some("[\"a\",\"b\"]"))
            );
            assert_eq!(info.labels.get("service_name"), None);
        }
        if number == "015_traces" {
            let span = &decoded.batch.spans[0];
            assert_eq!(
                (span.kind.as_ref(), span.status.as_ref(), span.status_message.as_str()),
                ("client", "error", "boom")
            );
            assert_eq!((span.events[0].name.as_str(), span.service.as_ref()), ("exception", "checkout"));
        }
        passed += 1;
    }
    println!("{passed} passed, 0 failed, {skipped} skipped");
}

#[test]
fn labels_carry_the_identity_of_the_resource_and_hostile_text_as_it_is() {
    let resource = json!([
        attribute("service.namespace", "bank"),
        attribute("service.name", "<img onerror=x>"),
        attribute("service.instance.id", "i-1")
    ]);
    let point = |attributes: Value| json!({"timeUnixNano": "5000000000", "asInt": "7", "attributes": attributes});
    let decoded = of_metrics(&request(
        &resource,
        &json!([
            {"name": "a", "gauge": {"dataPoints": [point(json!([attribute("k.x", "2"), attribute("k_x", "1"), attribute("__name__", "evil"), attribute("9", "n")]))]}},
            {"name": "b", "gauge": {"dataPoints": [point(json!([attribute("service", "own"), attribute("job", "forged")]))]}},
        ]),
    ));
    assert_eq!(
        lines(&decoded.batch),
        [
            "a{instance=\"i-1\", job=\"bank/<img onerror=x>\", k_x=\"2;1\", key_9=\"n\", key__name__=\"evil\", service=\"<img onerror=x>\"} 7 @5000",
            "b{instance=\"i-1\", job=\"bank/<img onerror=x>\", service=\"own\"} 7 @5000",
        ]
    );
}

#[test]
fn a_point_without_a_recorded_value_is_a_stale_marker() {
    let decoded = of_metrics(&request(
        &json!([]),
        &json!([{"name": "a", "gauge": {"dataPoints": [{"timeUnixNano": 5_000_000_000_u64, "flags": 1}]}}]),
    ));
    assert!(is_stale(decoded.batch.series[0].samples[0].v));
}

#[test]
fn a_histogram_is_cumulative_and_its_exemplars_stand_on_their_buckets() {
    let point = json!({
        "timeUnixNano": "2000000000", "startTimeUnixNano": "1000000000", "count": "6", "sum": 9.5,
        "bucketCounts": ["1", "2", "3"], "explicitBounds": [0.005, 1],
        "exemplars": [{"asDouble": 0.7, "timeUnixNano": "1500000000", "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174"}],
    });
    let decoded = of_metrics(&request(
        &json!([]),
        &json!([{"name": "t", "unit": "s", "histogram": {"aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE", "dataPoints": [point]}}]),
    ));
    assert_eq!(
        lines(&decoded.batch),
        [
            "t_seconds_bucket{le=\"0.005\"} 1 @2000",
            "t_seconds_bucket{le=\"1\"} 3 @2000",
            "t_seconds_bucket{le=\"+Inf\"} 6 @2000",
            "t_seconds_sum 9.5 @2000",
            "t_seconds_count 6 @2000",
        ]
    );
    assert!(decoded.batch.series.iter().all(|s| s.start == Some(1_000)));
    let exemplar = &decoded.batch.exemplars[0];
    assert_eq!(
        (exemplar.labels.get("le"), exemplar.trace_id.as_str(), exemplar.span_id.as_str()),
        (Some("1"), "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    );
    assert_eq!(
        (decoded.batch.meta[0].name.as_ref(), decoded.batch.meta[0].kind.as_ref(), decoded.batch.meta[0].unit.as_ref()),
        ("t_seconds", "histogram", "seconds")
    );
}

#[test]
fn what_is_wrong_with_a_point_rejects_that_point_and_says_so_in_protobuf_too() {
    let body = request(
        &json!([]),
        &json!([
            {"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [{"timeUnixNano": "1000000", "bucketCounts": ["1"], "explicitBounds": [1, 2]}]}},
            {"name": "g", "gauge": {"dataPoints": [{"asInt": 1}, {"timeUnixNano": "1000000", "asInt": 1}]}},
            {"name": "e", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [{}, {}]}},
            {"name": "<>", "gauge": {"dataPoints": [{"timeUnixNano": "1000000", "asInt": 1}]}},
        ]),
    );
    let message: ExportMetricsServiceRequest =
        json::read(body.to_string().as_bytes(), &Limits::default(), "a test").unwrap();
    let decoded = metrics::decode(&message.encode_to_vec(), Encoding::Protobuf, &Limits::default()).unwrap();
    assert_eq!((decoded.batch.series.len(), decoded.answer.rejected()), (1, 5));
    let message = decoded.answer.message();
    assert!(
        message.starts_with("metric `h`: a data point is refused: it has 1 bucket counts for 2 bounds; metric `g`: "),
        "{message}"
    );
    let response =
        ExportMetricsServiceResponse::decode(decoded.answer.body().as_slice()).unwrap().partial_success.unwrap();
    assert_eq!((response.rejected_data_points, response.error_message), (5, message));
}

#[test]
fn json_follows_the_protobuf_mapping() {
    let record = json!({
        "timeUnixNano": 1_700_000_000_000_000_000_u64, "severityNumber": "SEVERITY_NUMBER_WARN", "unknownField": {"deep": [1, {"x": null}]},
        "body": {"kvlistValue": {"values": [{"key": "bytes", "value": {"bytesValue": "Zm9v"}}, {"key": "nan", "value": {"doubleValue": "NaN"}}, {"key": "int", "value": {"intValue": -5}}, {"key": "null", "value": null}]}},
        "traceId": "", "attributes": null,
    });
    let body = json!({"resourceLogs": [{"resource": null, "scopeLogs": [{"logRecords": [record]}]}], "extra": 1});
    let decoded = logs::decode(body.to_string().as_bytes(), Encoding::Json, &Limits::default()).unwrap();
    let log = &decoded.batch.logs[0];
    assert_eq!((log.severity, log.trace_id.as_str()), (13, ""));
    assert_eq!(
        serde_json::from_str::<Value>(&log.body).unwrap(),
        json!({"bytes": "Zm9v", "nan": "NaN", "int": -5, "null": null})
    );
    for (bad, what) in [
        (json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": "xyz"}]}]}]}), "hexadecimal"),
        (json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"severityNumber": "LOUD"}]}]}]}), "enum"),
        (json!({"resourceLogs": {"a": 1}}), "array"),
    ] {
        let error = logs::decode(bad.to_string().as_bytes(), Encoding::Json, &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(what) && error.to_string().contains("line 1"), "{error}");
    }
}

#[test]
fn small_bodies_that_would_take_much_memory_are_refused_before_they_do() {
    let limits = Limits { elements: 10_000, ..Limits::default() };
    // 50,000 empty resources: two bytes each on the wire.
    let empty = [0x0a, 0x00].repeat(50_000);
    assert_eq!(metrics::decode(&empty, Encoding::Protobuf, &limits).unwrap_err().code().as_str(), "WK1002");
    let list = format!("{{\"resourceMetrics\":[{}{{}}]}}", "{},".repeat(50_000));
    assert_eq!(metrics::decode(list.as_bytes(), Encoding::Json, &limits).unwrap_err().code().as_str(), "WK1002");
    // An attribute value nested a thousand deep.
    let nested = (0..1_000).fold(vec![], |inner: Vec<u8>, _| wrap(5, &wrap(1, &inner)));
    let record = wrap(1, &wrap(2, &wrap(2, &wrap(5, &nested))));
    assert_eq!(logs::decode(&record, Encoding::Protobuf, &limits).unwrap_err().code().as_str(), "WK1002");
    let deep = format!("{{\"resourceLogs\":{}", "[".repeat(100_000));
    assert_eq!(logs::decode(deep.as_bytes(), Encoding::Json, &limits).unwrap_err().code().as_str(), "WK1001");
    // Too many, and too long, labels refuse their series only.
    let many: Vec<Value> = (0..100).map(|n| attribute(&format!("k{n}"), "v")).collect();
    let long = [attribute("k", &"v".repeat(1 << 20))];
    let point = |attributes: &[Value]| json!({"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": "1000000", "asInt": 1, "attributes": attributes}]}});
    let decoded = of_metrics(&request(&json!([]), &json!([point(&many), point(&long), point(&[])])));
    assert_eq!((decoded.batch.series.len(), decoded.answer.rejected()), (1, 2));
}

/// A length-delimited protobuf field.
fn wrap(field: u8, inner: &[u8]) -> Vec<u8> {
    let mut out = vec![field << 3 | 2];
    let mut length = inner.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(inner);
    out
}

#[test]
fn an_accepted_request_is_answered_with_an_empty_message() {
    let decoded = logs::decode(&[], Encoding::Protobuf, &Limits::default()).unwrap();
    assert_eq!(
        ExportLogsServiceResponse::decode(decoded.answer.body().as_slice()).unwrap(),
        ExportLogsServiceResponse::default()
    );
    assert!(decoded.batch.is_empty());
}

#[test]
fn content_types_are_told_apart() {
    assert_eq!(Encoding::from_content_type(Some("application/json; charset=utf-8")).unwrap(), Encoding::Json);
    assert_eq!(Encoding::from_content_type(Some("application/x-protobuf")).unwrap(), Encoding::Protobuf);
    assert_eq!(Encoding::from_content_type(Some("text/plain")).unwrap_err().code().as_str(), "WK1003");
    assert_eq!(Encoding::from_content_type(None).unwrap_err().code().as_str(), "WK1003");
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let limits = Limits::default();
            for encoding in [Encoding::Protobuf, Encoding::Json] {
                drop(metrics::decode(&bytes, encoding, &limits));
                drop(logs::decode(&bytes, encoding, &limits));
                drop(traces::decode(&bytes, encoding, &limits));
            }
        }
    }
}
