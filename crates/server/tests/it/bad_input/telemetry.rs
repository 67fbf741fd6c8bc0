//! Telemetry that is cut off, too large, a bomb, mislabelled, or markup.
//!
//! Not every malformed message: `ingest` tests its decoders by themselves.

use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;
use reqwest::StatusCode;
use serde_json::json;

use super::{JSON, Served, problem, refused, wire};

const PROTOBUF: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];
/// A little over what a body may have, compressed.
const OVER: usize = (16 << 20) + 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_cut_off_anywhere_is_refused_and_nothing_of_it_is_kept() {
    let served = Served::start().await;
    let now = served.now_ms() * 1_000_000;
    let text = wire::logs("cut-off", &[(now, "never whole"), (now, "never whole either")]);
    let message: ExportLogsServiceRequest = serde_json::from_value(text.clone()).unwrap();
    let bodies = [(PROTOBUF, message.encode_to_vec()), (JSON, text.to_string().into_bytes())];
    for (headers, body) in &bodies {
        // All short ones and a sample of the long ones; only nothing at all is a message (an empty protobuf).
        for length in (1..body.len()).filter(|n| *n < 24 || n % 7 == 0 || body.len() - n < 8) {
            let detail = refused(served.post("/v1/logs", headers, body[..length].to_vec()), "WK1001").await;
            assert!(!detail.contains("never whole"), "{detail}");
        }
    }
    let sample = wire::remote_write("cut_off", &[("service", "front")], &[(served.now_ms(), 1.0)]);
    for length in 0..sample.len() {
        refused(served.post("/api/v1/write", &wire::REMOTE_WRITE, sample[..length].to_vec()), "WK1001").await;
    }
    let zipped = wire::gzip(&bodies[1].1);
    let headers = [JSON[0], ("content-encoding", "gzip")];
    for length in (1..zipped.len()).step_by(5) {
        refused(served.post("/v1/logs", &headers, zipped[..length].to_vec()), "WK1001").await;
    }

    let kept = served.json("/api/watchkeeper/v1/telemetry/logs?service=cut-off").await;
    assert_eq!(kept["items"], json!([]));
    assert_eq!(served.json("/api/v1/query?query=cut_off").await["data"]["result"], json!([]));
    served.still_works().await;
    // The whole bodies were good all along.
    for (headers, body) in bodies {
        assert_eq!(served.post("/v1/logs", &headers, body).send().await.unwrap().status(), StatusCode::OK);
    }
    let kept = served.json("/api/watchkeeper/v1/telemetry/logs?service=cut-off").await;
    assert_eq!(kept["items"].as_array().unwrap().len(), 4, "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_over_the_limit_are_refused_whether_declared_or_not() {
    let served = Served::start().await;
    for path in ["/v1/metrics", "/v1/logs", "/v1/traces"] {
        refused(served.post(path, &PROTOBUF, vec![0_u8; OVER]), "WK1002").await;
    }
    refused(served.post("/api/v1/write", &wire::REMOTE_WRITE, vec![0_u8; OVER]), "WK1002").await;
    // Chunked: no length is declared.
    let chunk = Bytes::from(vec![0_u8; 1 << 20]);
    let chunks = futures::stream::iter((0..17).map(move |_| Ok::<_, std::io::Error>(Frame::data(chunk.clone()))));
    refused(served.post("/v1/logs", &PROTOBUF, reqwest::Body::wrap(StreamBody::new(chunks))), "WK1002").await;
    served.still_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_another_type_or_encoding_is_refused_with_what_is_accepted() {
    let served = Served::start().await;
    let body = || wire::logs("front", &[]).to_string();
    for wrong in ["text/plain", "application/xml", "", "application/x-www-form-urlencoded"] {
        let detail = refused(served.post("/v1/logs", &[("content-type", wrong)], body()), "WK1003").await;
        assert!(detail.contains("application/json"), "{detail}");
    }
    for wrong in ["br", "compress", "deflate", "gzip, gzip"] {
        let detail = refused(served.post("/v1/logs", &[JSON[0], ("content-encoding", wrong)], body()), "WK1004").await;
        assert!(detail.contains("gzip"), "{detail}");
    }
    // Not compressed although it says so.
    for claimed in ["gzip", "zstd"] {
        refused(served.post("/v1/logs", &[JSON[0], ("content-encoding", claimed)], body()), "WK1001").await;
    }
    refused(served.post("/api/v1/write", &[wire::REMOTE_WRITE[0]], body()), "WK1004").await;
    refused(served.post("/api/v1/write", &[JSON[0], wire::REMOTE_WRITE[1]], body()), "WK1003").await;
    let newer =
        [("content-type", "application/x-protobuf;proto=io.prometheus.write.v3.Request"), wire::REMOTE_WRITE[1]];
    let detail = refused(served.post("/api/v1/write", &newer, body()), "WK1003").await;
    assert!(detail.contains("io.prometheus.write.v2.Request"), "{detail}");
    served.still_works().await;
}

/// A gRPC message in its frame.
fn framed(compressed: bool, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[u8::from(compressed)][..], &length, message].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_takes_and_refuses_what_http_does() {
    let served = Served::start().await;
    let endpoint = format!(
        "http://{}/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        served.addresses().otlp_grpc.unwrap()
    );
    let export = async |coding: &str, body: Vec<u8>| {
        let request = served.http.post(&endpoint).header("content-type", "application/grpc+proto");
        let request = if coding.is_empty() { request } else { request.header("grpc-encoding", coding) };
        let response = request.body(body).send().await.unwrap();
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::OK, &"application/grpc".parse().unwrap())
        );
        let header = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        // The status of a call that went well comes behind its message.
        let refusal = header("grpc-status").map(|status| (status, header("grpc-message").unwrap_or_default()));
        (refusal, response.bytes().await.unwrap())
    };
    let zeros = vec![0_u8; 40 << 20];
    let zstd = |bytes: &[u8]| zstd::bulk::compress(bytes, 3).unwrap();
    // Two million empty resources: two bytes each, a hundred in memory.
    let flood = [0x0a, 0x00].repeat(2_100_000);
    for (coding, body, code, says) in [
        ("gzip", framed(true, &wire::gzip(&zeros)), "3", "over the limit of 33554432 bytes"),
        ("zstd", framed(true, &zstd(&zeros)), "3", "over the limit of 33554432 bytes"),
        ("", framed(false, &flood), "3", "over the limit of 2000000"),
        ("", framed(false, &vec![0; OVER]), "3", "is over"),
        ("", framed(false, b"\xff\xff not protobuf"), "3", "cannot be read"),
        ("gzip", framed(true, b"not gzip"), "3", "gzip"),
        ("", framed(true, &wire::gzip(b"")), "13", "grpc-encoding"),
        ("br", framed(true, b"x"), "12", "`br`"),
        ("", framed(false, b"abc")[..6].to_vec(), "3", "length"),
        ("", b"\x00\x00".to_vec(), "3", "prefix"),
    ] {
        let (refusal, _) = export(coding, body).await;
        let (status, message) = refusal.unwrap_or_else(|| panic!("{says}: it was taken"));
        assert!(status == code && message.contains(says), "{coding}: {status} {message}; wanted {code} {says}");
    }
    let unknown = served.http.post(endpoint.replace("Logs", "Profiles")).body(framed(false, b"")).send().await.unwrap();
    assert_eq!(unknown.headers()["grpc-status"], "12");

    let now = served.now_ms() * 1_000_000;
    for (coding, body) in [("", "plain"), ("gzip", "zipped"), ("zstd", "packed")] {
        let message: ExportLogsServiceRequest =
            serde_json::from_value(wire::logs("grpc", &[(now, &format!("{body} over gRPC"))])).unwrap();
        let bytes = message.encode_to_vec();
        let body = match coding {
            "gzip" => framed(true, &wire::gzip(&bytes)),
            "zstd" => framed(true, &zstd(&bytes)),
            _ => framed(false, &bytes),
        };
        let (refusal, answer) = export(coding, body).await;
        assert_eq!((refusal, answer.as_ref()), (None, &[0; 5][..]), "{coding}");
    }
    let kept = served.json("/api/watchkeeper/v1/telemetry/logs?service=grpc").await;
    assert_eq!(kept["items"].as_array().unwrap().len(), 3, "{kept}");
    served.still_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_whose_clock_is_ahead_is_told_and_shown() {
    let served = Served::start().await;
    let metric = |ahead_s: i64| {
        let at = (served.now_ms() + ahead_s * 1_000) * 1_000_000;
        let points = json!([{"timeUnixNano": at.to_string(), "asInt": 1}]);
        json!({"resourceMetrics": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "fast"}}]},
            "scopeMetrics": [{"metrics": [{"name": "ahead", "gauge": {"dataPoints": points}}]}],
        }]})
        .to_string()
    };
    let send = async |body: String| {
        let response = served.post("/v1/metrics", &JSON, body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<serde_json::Value>().await.unwrap()["partialSuccess"].clone()
    };
    assert_eq!(send(metric(0)).await, serde_json::Value::Null);
    let warned = send(metric(60)).await;
    assert_eq!(warned["rejectedDataPoints"], "0", "{warned}");
    assert!(warned["errorMessage"].as_str().unwrap().starts_with("the clock of `fast` is "), "{warned}");
    let refused = send(metric(3_600)).await;
    assert_eq!(refused["rejectedDataPoints"], "1", "{refused}");
    assert!(refused["errorMessage"].as_str().unwrap().contains("too far in the future"), "{refused}");
    let metrics = served.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("watchkeeper_sender_clock_ahead_seconds{sender=\"fast\"}"), "{metrics}");
    served.still_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_is_no_utf8_is_refused() {
    let served = Served::start().await;
    let mut body = wire::logs("front", &[(1, "spoilt: x")]).to_string().into_bytes();
    let at = body.iter().rposition(|b| *b == b'x').unwrap();
    body[at] = 0xff;
    refused(served.post("/v1/logs", &JSON, body), "WK1001").await;
    let mut sample =
        snap::raw::Decoder::new().decompress_vec(&wire::remote_write("spoilt_x", &[], &[(1, 1.0)])).unwrap();
    let at = sample.iter().position(|b| *b == b'x').unwrap();
    sample[at] = 0xff;
    let sample = snap::raw::Encoder::new().compress_vec(&sample).unwrap();
    refused(served.post("/api/v1/write", &wire::REMOTE_WRITE, sample), "WK1001").await;
    served.still_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn markup_in_names_labels_and_logs_stays_data() {
    const IMAGE: &str = "<img src=x onerror=alert(1)>";
    const SCRIPT: &str = "\"><script>alert(1)</script>";
    let served = Served::start().await;
    let now = served.now_ms();
    let sample = wire::remote_write("hostile", &[("who", SCRIPT), ("what", IMAGE)], &[(now, 1.0)]);
    assert_eq!(
        served.post("/api/v1/write", &wire::REMOTE_WRITE, sample).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    let body = wire::logs(SCRIPT, &[(now * 1_000_000, IMAGE)]).to_string();
    assert_eq!(served.post("/v1/logs", &JSON, body).send().await.unwrap().status(), StatusCode::OK);

    let found = served.json("/api/v1/query?query=hostile").await;
    assert_eq!(found["data"]["result"][0]["metric"], json!({"__name__": "hostile", "who": SCRIPT, "what": IMAGE}));
    let found = served.json("/api/watchkeeper/v1/telemetry/logs?q=onerror").await;
    assert_eq!(
        (found["items"][0]["body"].as_str(), found["items"][0]["service"].as_str()),
        (Some(IMAGE), Some(SCRIPT))
    );

    let declared =
        json!({"title": SCRIPT, "priority": "high", "category": "application", "description": IMAGE}).to_string();
    let response = served.post("/api/watchkeeper/v1/incidents", &JSON, declared).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let incident: serde_json::Value = response.json().await.unwrap();
    assert_eq!(incident["title"], SCRIPT);
    // The post-mortem is Markdown that others render; it never comes as a page.
    let path = format!("/api/watchkeeper/v1/incidents/{}", incident["id"].as_str().unwrap());
    let note = json!({"note": IMAGE}).to_string();
    for step in ["acknowledge", "resolve"] {
        let done = served.post(&format!("{path}/{step}"), &JSON, note.clone()).send().await.unwrap();
        assert_eq!(done.status(), StatusCode::OK, "{step}");
    }
    let path = format!("{path}/post-mortem.md");
    let markdown = served.get(&path).send().await.unwrap();
    assert_eq!(markdown.status(), StatusCode::OK);
    assert!(markdown.headers()["content-type"].to_str().unwrap().starts_with("text/markdown"));
    assert_eq!(
        markdown.headers()["content-security-policy"].to_str().unwrap().split(';').next(),
        Some("default-src 'none'")
    );
    assert!(!markdown.text().await.unwrap().contains("<script>"));
    // A refusal repeats what was sent, as JSON.
    let path = "/api/watchkeeper/v1/alerts/%3Cimg%20src=x%20onerror=alert(1)%3E";
    assert!(problem(served.get(path).send().await.unwrap(), "WK2003").await.contains(IMAGE));

    for page in ["/status", "/login"] {
        let response = served.get(page).send().await.unwrap();
        let headers = response.headers().clone();
        assert!(headers["content-type"].to_str().unwrap().starts_with("text/html"), "{page}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{page}: {policy}");
        assert!(!policy.contains("script-src"), "{page}: {policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{page}");
        let html = response.text().await.unwrap();
        assert!(!html.contains("<script") && !html.contains("onerror=alert"), "{page}");
    }
    served.still_works().await;
}
