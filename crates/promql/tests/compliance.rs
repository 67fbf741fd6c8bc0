//! The compliance queries with the answers of Prometheus 2.42, where the corpora are present.
//!
//! What Prometheus 3 answers otherwise is listed with its reason.

#[path = "corpora/path.rs"]
mod corpora;
#[path = "memory/source.rs"]
mod memory;

use std::collections::BTreeMap;
use std::io::Read;

use watchkeeper_domain::labels::{Labels, NAME};
use watchkeeper_domain::telemetry::Sample;
use watchkeeper_promql::{Expr, Limits};

use memory::Memory;

/// Must fail in Prometheus 2 and not in Prometheus 3, where any UTF-8 text may name a label.
const VALID_SINCE_3: [&str; 2] =
    ["label_replace(demo_num_cpus, \"~invalid\"", "label_join(demo_num_cpus, \"~invalid\""];

fn unpacked(path: &std::path::Path) -> String {
    let file = std::fs::File::open(path).expect("readable");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    text
}

/// The exposition text of the corpus: no escapes, no spaces in labels, seconds with milliseconds.
fn load(text: &str) -> Memory {
    let mut series: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let mut words = line.rsplitn(3, ' ');
        let (time, value, name) =
            (words.next().expect("time"), words.next().expect("value"), words.next().expect("series"));
        let (name, rest) = name.split_once('{').unwrap_or((name, "}"));
        let mut pairs = vec![(NAME.to_owned(), name.to_owned())];
        for pair in rest.trim_end_matches('}').split(',').filter(|p| !p.is_empty()) {
            let (label, value) = pair.split_once('=').expect("label");
            pairs.push((label.to_owned(), value.trim_matches('"').to_owned()));
        }
        let t = (time.parse::<f64>().expect("seconds") * 1000.0).round() as i64;
        series.entry(pairs.into_iter().collect()).or_default().push(Sample { t, v: value.parse().expect("number") });
    }
    Memory::new(series)
}

fn agrees(expected: &str, got: f64) -> bool {
    let expected: f64 = expected.parse().expect("number");
    let near = (expected - got).abs() <= 1e-9 * expected.abs().max(got.abs());
    near || expected == got || expected.is_nan() && got.is_nan()
}

fn difference(case: &serde_json::Value, source: &Memory, window: (i64, i64, i64)) -> Option<String> {
    let query = case["query"].as_str().expect("query");
    let must_fail = case["status"].as_str() != Some("success");
    if must_fail && VALID_SINCE_3.iter().any(|start| query.starts_with(start)) {
        return None;
    }
    let answer = Expr::parse(query).map_err(|e| e.to_string()).and_then(|expr| {
        let (start, end, step) = window;
        watchkeeper_promql::range(&expr, source, start, end, step, &Limits::default()).map_err(|e| e.to_string())
    });
    let got = match answer {
        Err(_) if must_fail => return None,
        Err(e) => return Some(e),
        Ok(_) if must_fail => return Some("must fail".to_owned()),
        Ok((series, _)) => series,
    };
    let expected = case["result"].as_array().expect("result");
    if got.len() != expected.len() {
        return Some(format!("{} series instead of {}", got.len(), expected.len()));
    }
    for wanted in expected {
        let labels: Labels = serde_json::from_value(wanted["metric"].clone()).expect("labels");
        let Some(series) = got.iter().find(|s| s.labels == labels) else { return Some(format!("{labels} is missing")) };
        let values = wanted["values"].as_array().expect("values");
        let fits = |(v, s): (&serde_json::Value, &Sample)| {
            let t = (v[0].as_f64().expect("time") * 1000.0).round() as i64;
            t == s.t && agrees(v[1].as_str().expect("value"), s.v)
        };
        if values.len() != series.samples.len() || !values.iter().zip(&series.samples).all(fits) {
            return Some(format!("{labels}: {:?} instead of {values:?}", series.samples));
        }
    }
    None
}

#[test]
fn answers_are_those_of_prometheus() {
    let Some(golden) = corpora::path("promql/compliance/golden.json.gz") else { return };
    let Some(data) = corpora::path("promql/compliance/demo.om.gz") else { return };
    let golden: serde_json::Value = serde_json::from_str(&unpacked(&golden)).expect("JSON");
    let source = load(&unpacked(&data));
    let ms = |name: &str| (golden[name].as_f64().expect(name) * 1000.0).round() as i64;
    let window = (ms("start"), ms("end"), ms("step"));
    let cases = golden["cases"].as_array().expect("cases");
    let mut wrong = Vec::new();
    for case in cases {
        if let Some(difference) = difference(case, &source, window) {
            wrong.push(format!("{}: {}", case["query"], difference.chars().take(400).collect::<String>()));
        }
    }
    println!("{} of {} queries agree", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
