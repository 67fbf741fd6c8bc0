//! Prometheus's parser cases, where the corpora are present: verdicts and canonical texts.
//!
//! Features behind Prometheus's flags are on, as in its own tests.

#[path = "corpora/path.rs"]
mod corpora;

use watchkeeper_promql::{Expr, ParseError, line_and_column};

fn cases(path: &str) -> Option<Vec<serde_json::Value>> {
    let text = std::fs::read_to_string(corpora::path(path)?).expect("readable");
    serde_json::from_str(&text).expect("a list of cases")
}

/// The text of a case; the few that the corpus gives as Go expressions are built here.
fn input(case: &serde_json::Value) -> Option<String> {
    if let Some(text) = case["input"].as_str() {
        return Some(text.to_owned());
    }
    match case["input"]["_expr"].as_str()? {
        text if text.contains("MaxInt64)+1") => Some(format!("foo @ {:.6}", 2.0_f64.powi(63))),
        text if text.contains("MinInt64)-1") => Some(format!("foo @ {:.6}", -(2.0_f64.powi(64)))),
        text if text.contains("Repeat") => Some(format!("({}){}", "-{}-1".repeat(10_000), "[1m:]".repeat(1_000))),
        _ => None,
    }
}

#[test]
fn verdicts_and_places_are_those_of_prometheus() {
    let Some(cases) = cases("promql/parse.json") else { return };
    let (mut wrong, mut read, mut messages) = (Vec::new(), 0, 0);
    for case in &cases {
        // One case is no UTF-8, which `&str` rules out.
        let Some(input) = input(case) else { continue };
        read += 1;
        match (case["fail"].as_bool().expect("verdict"), Expr::parse(&input)) {
            (false, Ok(_)) => {}
            (false, Err(error)) => wrong.push(format!("refused against Prometheus: {input} -- {error}")),
            (true, Ok(expr)) => wrong.push(format!("accepted against Prometheus: {input} -- as {expr}")),
            (true, Err(ParseError::TooLarge { .. })) => {}
            (true, Err(error @ ParseError::Syntax { .. })) => {
                let ParseError::Syntax { line, column, reason, part } = error.clone() else { continue };
                assert!(line > 0 && column > 0 && !reason.is_empty() && !part.is_empty() || input.is_empty());
                let Some(first) = case["errors"].get(0) else { continue };
                let start = usize::try_from(first["start"].as_u64().expect("start")).expect("small");
                // Prometheus places this one behind the parenthesis, and we at it.
                let start = if reason == "unexpected right parenthesis ')'" { start - 1 } else { start };
                assert_eq!(error.offset(&input).map(|at| line_and_column(&input, at)), Some((line, column)));
                if (line, column) != line_and_column(&input, start) {
                    wrong
                        .push(format!("{input}: {line}:{column} {reason}, by Prometheus at {start}: {}", first["msg"]));
                } else if first["msg"].as_str() == Some(&reason) {
                    messages += 1;
                } else {
                    println!("{input}: {reason}, by Prometheus: {}", first["msg"]);
                }
            }
        }
    }
    println!("{read} of {} read, {messages} refused in Prometheus's words", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cases.len() - read, 1);
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
    assert_eq!(same, cases.len());
}
