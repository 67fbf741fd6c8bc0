//! Prometheus's parser cases, where the corpora are present: verdicts and canonical texts.
//!
//! The counts are what is reached; most of what is refused against Prometheus is behind its feature flags.

#[path = "corpora/path.rs"]
mod corpora;

use watchkeeper_promql::Expr;

/// Valid cases that are accepted, and invalid ones that are refused.
const REACHED: (usize, usize) = (120, 106);

fn cases(path: &str) -> Option<Vec<serde_json::Value>> {
    let text = std::fs::read_to_string(corpora::path(path)?).expect("readable");
    serde_json::from_str(&text).expect("a list of cases")
}

#[test]
fn verdicts_are_those_of_prometheus_as_far_as_recorded() {
    let Some(cases) = cases("promql/parse.json") else { return };
    let (mut accepted, mut refused, mut others) = (0, 0, 0);
    for case in &cases {
        let Some(input) = case["input"].as_str() else {
            others += 1;
            continue;
        };
        match (case["fail"].as_bool().expect("verdict"), Expr::parse(input)) {
            (false, Ok(_)) => accepted += 1,
            (true, Err(_)) => refused += 1,
            (_, Ok(expr)) => println!("accepted against Prometheus: {input} -- as {expr}"),
            (_, Err(error)) => println!("refused against Prometheus: {input} -- {error}"),
        }
    }
    println!("{accepted} accepted, {refused} refused, {others} not readable, of {}", cases.len());
    assert!(accepted >= REACHED.0 && refused >= REACHED.1);
}

#[test]
fn canonical_texts_parse_back_to_themselves() {
    let Some(cases) = cases("promql/parse.json") else { return };
    for input in cases.iter().filter_map(|c| c["input"].as_str()) {
        let Ok(expr) = Expr::parse(input) else { continue };
        let text = expr.to_string();
        let again = Expr::parse(&text).expect(input);
        assert_eq!(again.to_string(), text, "of {input}");
    }
}

#[test]
fn canonical_texts_are_those_of_prometheus() {
    let Some(cases) = cases("promql/printer.json") else { return };
    let mut same = 0;
    for case in &cases {
        let input = case["in"].as_str().expect("in");
        let wanted = case["out"].as_str().unwrap_or(input);
        match Expr::parse(input) {
            Ok(expr) if expr.to_string() == wanted => same += 1,
            Ok(expr) => println!("{input} is printed as {expr}, by Prometheus as {wanted}"),
            Err(error) => println!("{input} is refused: {error}"),
        }
    }
    println!("{same} of {} are printed as by Prometheus", cases.len());
    assert!(same >= PRINTED);
}

/// Cases of the printer that agree.
const PRINTED: usize = 32;
