//! Random and hostile bodies: no panic, no more out than a body's size allows, every envelope accounted for.

use proptest::prelude::*;

use super::*;

/// JSON of any shape, with the names of real fields so that the mapping is reached.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["00:00:01", "2026-11-22T16:30:05Z", KEY, "|a.b.", "\u{fffd}ü", "500"])
            .prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "name",
        "time",
        "iKey",
        "tags",
        "data",
        "baseType",
        "baseData",
        "properties",
        "measurements",
        "metrics",
        "value",
        "count",
        "exceptions",
        "message",
        "parsedStack",
        "duration",
        "id",
        "success",
        "severityLevel",
        "ai.cloud.role",
        "ai.operation.id",
    ]);
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "RequestData",
        "RemoteDependencyData",
        "ExceptionData",
        "MessageData",
        "EventData",
        "MetricData",
        "PageViewData",
        "PageViewPerfData",
        "AvailabilityData",
        "requestDATA",
        "Other",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = decode(&body, &Limits::default(), None, &mut Door::default());
        let _ = live::decode(&body, &Limits::default(), "x", 0);
    }

    #[test]
    fn random_json_in_a_real_envelope_is_taken_or_refused(kind in kind(), data in value(), tags in value(), rate in value()) {
        let mut item = envelope(kind, data);
        item["tags"] = tags;
        item["sampleRate"] = rate;
        let body = json!([item, envelope("EventData", json!({"name": "after"}))]).to_string();
        let track = decode(body.as_bytes(), &Limits::default(), None, &mut Door::default()).unwrap();
        prop_assert_eq!(track.received, 2);
        prop_assert!(track.rejected.iter().all(|r| r.index == 0 && r.message.len() < 600));
        prop_assert!(track.batch.logs.iter().any(|l| l.body == "after"));
        prop_assert_eq!(track.origins.len(), track.batch.series.len());
        for series in track.batch.series.iter().chain(&track.batch.deltas) {
            prop_assert!(series.samples.iter().all(|s| s.v.is_finite()));
        }
        let _ = live::decode(body.as_bytes(), &Limits::default(), "x", 0);
    }
}

#[test]
fn bodies_that_ask_for_much_get_little() {
    let decode = |body: &[u8]| super::decode(body, &Limits::default(), None, &mut Door::default());
    // As many envelopes as there are bytes.
    assert_eq!(decode(&b"{}".repeat(MOST_ITEMS + 1)).unwrap_err().code().as_str(), "WK1002");
    assert_eq!(decode(&b"{}".repeat(MOST_ITEMS)).unwrap().rejected.len(), MOST_ITEMS);
    // Depth.
    let deep = format!("{{\"data\":{}", "{\"a\":".repeat(200_000));
    assert_eq!(decode(deep.as_bytes()).unwrap().accepted(), 0);
    let deep = format!("{}{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    assert!(decode(deep.as_bytes()).unwrap().rejected[0].message.contains("recursion limit"));
    assert_eq!(decode(&b"[".repeat(1 << 20)).unwrap().received, 0);
    // One envelope of everything.
    let large = envelope("EventData", json!({"name": "x".repeat(2 << 20)}));
    assert_eq!(track(&large).rejected[0].status, 413);
    let many: serde_json::Map<String, Value> = (0..5_000).map(|n| (format!("p{n}"), json!("v"))).collect();
    let long = "ü".repeat(20_000);
    let item = envelope("MessageData", json!({"message": long, "properties": many, "measurements": {"a": 1}}));
    let track = track(&item);
    let record = &track.batch.logs[0];
    assert!(record.body.len() <= 32_768 && record.attributes.len() <= 220, "{}", record.attributes.len());
    assert_eq!(decode(&vec![b' '; (32 << 20) + 1]).unwrap_err().code().as_str(), "WK1002");
}
