//! Matchers, and Alertmanager's own tables of them.

use std::path::PathBuf;

use serde_json::Value;

use super::*;

#[test]
fn regexes_are_anchored_and_an_absent_label_is_empty() {
    let m = Matcher::parse(r#"severity=~"crit.*|high""#).expect("valid");
    assert!(m.matches_value("critical"));
    assert!(!m.matches_value("not critical"));
    assert!(Matcher::parse("team!=\"\"").expect("valid").matches(&Labels::from_pairs([("team", "core")])));
    assert!(!Matcher::parse("team!=\"\"").expect("valid").matches(&Labels::empty()));
    assert!(Matcher::parse("a=~\"x)|(.*\"").is_err(), "a pattern cannot leave its anchors");
}

#[test]
fn what_is_shown_parses_back() {
    for text in [r#"a="b""#, r#"a!="b\"c""#, r#"a=~"x\\.y""#, r#"a!~"n\n""#, r#""a b,c"="\\ d""#, r#"foo🙂="1""#] {
        let m = Matcher::parse(text).expect(text);
        assert_eq!(Matcher::parse(&m.to_string()).as_ref(), Ok(&m), "{text}");
    }
    assert!(Matcher::parse("nonsense").is_err());
    assert!(Matcher::parse("a=~\"(\"").is_err());
}

#[test]
fn a_refusal_says_where() {
    let Err(MatcherError::Syntax { offset, .. }) = Matcher::parse_all("{foo=\"bar\" baz=\"x\"}") else {
        panic!("two matchers need a comma")
    };
    assert_eq!(offset, 11);
}

fn table(name: &str) -> Option<Vec<Value>> {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join(format!("alertmanager/{name}.json"))) else {
        println!("skipped: no corpora");
        return None;
    };
    let table: Value = serde_json::from_str(&text).unwrap();
    Some(table["cases"].as_array().unwrap().clone())
}

/// `NewMatcher(labels.MatchEqual, "foo", "bar")` and its like, as often as a Go expression holds it.
fn written(expected: &Value) -> Vec<Matcher> {
    let mut texts = Vec::new();
    collect(expected, &mut texts);
    let mut found = Vec::new();
    for text in texts {
        for call in text.split("ewMatcher(").skip(1) {
            let op = match call {
                c if c.contains("MatchNotEqual,") => MatchOp::NotEqual,
                c if c.contains("MatchNotRegexp,") => MatchOp::NotMatch,
                c if c.contains("MatchRegexp,") => MatchOp::Match,
                _ => MatchOp::Equal,
            };
            let (_, rest) = call.split_once("Match").unwrap();
            let (_, rest) = rest.split_once(", ").unwrap();
            let (name, rest) = go_text(rest);
            // A matcher of `MatchEqual, "bar"` alone is of the label `foo`.
            let (name, value) = match rest.strip_prefix(", ") {
                Some(rest) => (name, go_text(rest).0),
                None => ("foo".to_owned(), name),
            };
            found.push(Matcher::of_alerts(name, op, value).unwrap());
        }
    }
    found
}

fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(map) => map.iter().filter(|(k, _)| *k != "_type").for_each(|(_, item)| collect(item, texts)),
        _ => {}
    }
}

/// A Go string literal at the beginning, and what follows it.
fn go_text(text: &str) -> (String, &str) {
    if let Some(raw) = text.strip_prefix('`') {
        let (inner, rest) = raw.split_once('`').unwrap();
        return (inner.to_owned(), rest);
    }
    let mut escaped = false;
    let end = text.char_indices().skip(1).find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    });
    let (literal, rest) = text.split_at(end.unwrap() + 1);
    // JSON has the escapes that these tables use.
    (serde_json::from_str(literal).unwrap(), rest)
}

/// How a table's expectation compares with what a parser says.
fn play(name: &str, parse: impl Fn(&str) -> Result<Vec<Matcher>, MatcherError>) {
    let Some(cases) = table(name) else { return };
    let mut passed = 0;
    for case in &cases {
        let input = case["input"].as_str().unwrap_or("");
        let got = parse(input);
        let refused = ["err", "error"].iter().any(|key| case[*key].is_string());
        if refused {
            assert!(got.is_err(), "{name}: `{input}` was taken as {got:?}");
        } else {
            let wanted = ["want", "expected"].iter().map(|key| written(&case[*key])).find(|w| !w.is_empty());
            assert_eq!(got.as_ref().map_err(ToString::to_string), Ok(&wanted.unwrap_or_default()), "{name}: `{input}`");
        }
        passed += 1;
    }
    println!("{name}: {passed} passed, 0 failed");
    assert!(passed > 0);
}

#[test]
fn alertmanagers_tables_of_the_utf8_notation_come_out_the_same() {
    play("matcher.parse.parse.TestMatchers", utf8::all);
    play("matcher.parse.parse.TestMatcher", |text| utf8::one(text).map(|m| vec![m]));
}

#[test]
fn alertmanagers_table_of_the_classic_notation_comes_out_the_same() {
    play("pkg.labels.parse.TestMatchers", classic::all);
}

#[test]
fn alertmanagers_tables_of_both_notations_together_come_out_the_same() {
    play("matcher.compliance.compliance.TestCompliance", Matcher::parse_all);
    play("matcher.compat.parse.TestFallbackMatchersParser", Matcher::parse_all);
    play("matcher.compat.parse.TestFallbackMatcherParser", |text| Matcher::parse(text).map(|m| vec![m]));
}

#[test]
fn alertmanagers_table_of_matching_comes_out_the_same() {
    let Some(cases) = table("pkg.labels.matcher.TestMatcher") else { return };
    for case in &cases {
        let matcher = written(&case["matcher"]["_expr"]).pop().unwrap();
        let value = case["value"].as_str().unwrap();
        assert_eq!(matcher.matches_value(value), case["match"].as_bool().unwrap(), "{matcher} on {value:?}");
    }
    println!("{} passed, 0 failed", cases.len());
}

#[test]
fn alertmanagers_table_of_shown_matchers_comes_out_the_same() {
    let Some(cases) = table("pkg.labels.matcher.TestMatcherString") else { return };
    for case in &cases {
        let op = match case["op"]["_expr"].as_str().unwrap() {
            "MatchEqual" => MatchOp::Equal,
            "MatchNotEqual" => MatchOp::NotEqual,
            "MatchRegexp" => MatchOp::Match,
            _ => MatchOp::NotMatch,
        };
        let text = |key: &str| case[key].as_str().unwrap().to_owned();
        assert_eq!(Matcher::of_alerts(text("name"), op, text("value")).unwrap().to_string(), text("want"));
    }
    println!("{} passed, 0 failed", cases.len());
}

#[test]
fn alertmanagers_table_of_classic_names_comes_out_the_same() {
    let Some(cases) = table("matcher.compat.parse.TestIsValidClassicLabelName") else { return };
    for case in &cases {
        let name = case["input"].as_str().unwrap();
        assert_eq!(is_classic_name(name), case["expected"].as_bool().unwrap(), "{name}");
    }
    println!("{} passed, 0 failed", cases.len());
}
