//! What real SDKs sent, captured by others on the wire: every item becomes what a person would expect.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::compression::{ContentEncoding, decompress};

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")), PathBuf::from);
    if folder.join("azure").is_dir() {
        return Some(folder.join("azure"));
    }
    println!("skipped: no corpora at {}", folder.display());
    None
}

/// The bodies of a capture, in order, each once: a compressed one instead of its copy in plain.
fn bodies(folder: &Path, path: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let named = |file: &&PathBuf| file.to_string_lossy().contains(path);
    let packed = |file: &PathBuf| file.extension().is_some_and(|e| e == "gz");
    files
        .iter()
        .filter(named)
        .filter(|file| packed(file) || file.extension().is_some_and(|e| e == "body"))
        .filter(|file| !files.contains(&PathBuf::from(format!("{}.gz", file.display()))))
        .map(|file| {
            let bytes = std::fs::read(file).unwrap();
            let encoding = if packed(file) { ContentEncoding::Gzip } else { ContentEncoding::Identity };
            decompress(&bytes, encoding, &Limits::default()).unwrap().into_owned()
        })
        .collect()
}

/// How many spans and records of each type, and series by name, the bodies hold.
fn kinds(bodies: &[Vec<u8>]) -> BTreeMap<String, usize> {
    let (mut counts, mut door) = (BTreeMap::new(), Door::default());
    for body in bodies {
        let track = decode(body, &Limits::default(), None, &mut door).unwrap();
        assert_eq!((&track.rejected, track.repeated), (&vec![], 0));
        let spans = track.batch.spans.iter().map(|s| (&s.attributes, &s.trace_id));
        for (attributes, _) in spans.chain(track.batch.logs.iter().map(|l| (&l.attributes, &l.trace_id))) {
            *counts.entry(attribute(attributes, "azure.type").as_str().unwrap().to_owned()).or_default() += 1;
        }
        for span in &track.batch.spans {
            assert_eq!((span.trace_id.len(), span.span_id.len()), (32, 16));
            assert!(!span.service.is_empty() && !span.name.is_empty() && span.end_ns >= span.start_ns);
        }
        for series in &track.batch.series {
            *counts.entry(series.labels.name().unwrap().to_owned()).or_default() += 1;
        }
    }
    counts
}

fn expect(bodies: &[Vec<u8>], expected: &[(&str, usize)]) {
    let expected: BTreeMap<String, usize> = expected.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect();
    assert_eq!(kinds(bodies), expected);
}

#[test]
fn the_sdk_for_node_2x_which_sends_compressed_lines() {
    let Some(corpora) = corpora() else { return };
    let bodies = bodies(&corpora.join("breeze-captures/breeze_node_ai2x"), "track");
    let expected = [
        ("availabilityResult", 1),
        ("customEvent", 1),
        ("dependency", 1),
        ("exception", 1),
        ("pageView", 1),
        ("probe_duration_seconds", 1),
        ("probe_success", 1),
        ("q", 1),
        ("q_count", 1),
        ("q_max", 1),
        ("q_min", 1),
        ("request", 1),
        ("trace", 1),
    ];
    expect(&bodies, &expected);
    let track = decode(&bodies[0], &Limits::default(), None, &mut Door::default()).unwrap();
    let request = track.batch.spans.iter().find(|s| s.kind.as_ref() == "server").unwrap();
    assert_eq!((request.name.as_ref(), request.service.as_ref(), request.status.as_ref()), ("GET /x", "Web", "error"));
    assert_eq!(request.end_ns - request.start_ns, 309_000_000);
    let event = track.batch.logs.iter().find(|l| l.body == "OrderPlaced").unwrap();
    assert_eq!(
        (attribute(&event.attributes, "o"), attribute(&event.attributes, "amount")),
        (&json!("42"), &json!(9.5))
    );
}

#[test]
fn the_exporter_for_node() {
    let Some(corpora) = corpora() else { return };
    let bodies = bodies(&corpora.join("breeze-captures/breeze_node_exporter_beta47"), "track");
    expect(&bodies, &[("dependency", 1), ("exception", 1), ("request", 1), ("target_info", 1)]);
    let track = decode(&bodies[0], &Limits::default(), None, &mut Door::default()).unwrap();
    let (request, exception) = (&track.batch.spans[0], &track.batch.logs[0]);
    assert_eq!((&exception.trace_id, &exception.span_id), (&request.trace_id, &request.span_id));
    assert_eq!(track.batch.spans[1].status.as_ref(), "error", "a 503 is a failure");
}

#[test]
fn the_exporter_for_python() {
    let Some(corpora) = corpora() else { return };
    let bodies = bodies(&corpora.join("breeze-captures/breeze_py"), "track");
    let expected = [
        ("customEvent", 1),
        ("exception", 1),
        ("http_server_request_duration", 1),
        ("http_server_request_duration_count", 1),
        ("http_server_request_duration_max", 1),
        ("http_server_request_duration_min", 1),
        ("latency_ms", 1),
        ("latency_ms_count", 1),
        ("latency_ms_max", 1),
        ("latency_ms_min", 1),
        ("orders_total", 1),
        ("orders_total_count", 1),
        ("queue_depth", 1),
        ("queue_depth_count", 1),
        ("trace", 3),
    ];
    expect(&bodies, &expected);
}

#[test]
fn a_session_with_live_metrics() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("quickpulse_py");
    let counts = kinds(&bodies(&folder, "track"));
    assert_eq!((counts["request"], counts["trace"], counts["target_info"]), (14, 14, 3), "{counts:?}");
    let posts = bodies(&folder, "svc_post");
    assert!(posts.len() > 10);
    for post in &posts {
        let batch = live::decode(post, &Limits::default(), "shop", 0).unwrap();
        let rate =
            batch.series.iter().find(|s| s.labels.name() == Some("app_insights_live_requests_per_second")).unwrap();
        assert_eq!(rate.labels.get("service"), Some("unknown_service:python"));
        assert!(rate.samples[0].t > 1_795_000_000_000);
        let took = batch
            .series
            .iter()
            .find(|s| s.labels.name() == Some("app_insights_live_request_duration_seconds"))
            .unwrap();
        assert!((0.0..1.0).contains(&took.samples[0].v), "{took:?}");
    }
}

#[test]
fn captures_that_were_cut_or_altered_are_refused_in_part_and_never_worse() {
    let Some(corpora) = corpora() else { return };
    let folders = ["breeze_node_ai2x", "breeze_node_exporter_beta47", "breeze_py"];
    let mut runs = 0;
    for body in folders.iter().flat_map(|f| bodies(&corpora.join("breeze-captures").join(f), "track")) {
        let whole = decode(&body, &Limits::default(), None, &mut Door::default()).unwrap();
        for at in (0..body.len()).step_by(41) {
            let cut = decode(&body[..at], &Limits::default(), None, &mut Door::default());
            if let Ok(track) = cut {
                assert!(track.accepted() <= whole.accepted() && track.received <= whole.received);
            }
            for byte in [b'"', b'{', b'}', b'0', 0xff] {
                let mut altered = body.clone();
                altered[at] = byte;
                if let Ok(track) = decode(&altered, &Limits::default(), None, &mut Door::default()) {
                    assert_eq!(track.accepted() + track.rejected.len(), track.received);
                }
                runs += 1;
            }
        }
    }
    assert!(runs > 500, "{runs}");
}
