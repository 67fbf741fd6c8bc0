//! What an expression tells without evaluation.

use super::*;

fn expr(text: &str) -> Expr {
    Expr::parse(text).expect(text)
}

#[test]
fn selectors_tell_their_series_and_how_far_back_they_look() {
    let selectors = expr("rate(a{x=~\"y.*\"}[10m] offset 5m) / on(z) b").selectors();
    assert_eq!(selectors.len(), 2);
    assert_eq!(selectors[0].matchers[0], Matcher::equal("__name__", "a"));
    assert_eq!(selectors[0].matchers[1].to_string(), "x=~\"y.*\"");
    assert_eq!((selectors[0].range_ms, selectors[0].offset_ms), (600_000, 300_000));
    assert_eq!(selectors[0].lookback_ms, 900_000);
    assert_eq!((selectors[1].range_ms, selectors[1].lookback_ms), (0, 300_000));
}

#[test]
fn subqueries_add_to_the_lookback() {
    assert_eq!(expr("max_over_time(rate(a[5m])[1h:1m] offset 10m)").lookback_ms(), (5 + 60 + 10) * 60_000);
    assert_eq!(expr("vector(1)").lookback_ms(), 0);
    assert_eq!(expr("a @ 1000").lookback_ms(), 0);
    assert!(expr("max_over_time(a[1h:] @ 1000)").selectors()[0].pinned);
}

#[test]
fn the_comparison_of_a_condition_is_found_through_parentheses_and_conjunctions() {
    let shown = |text: &str| expr(text).comparison().map(|c| format!("{} {} {}", c.lhs, c.op.sign(), c.threshold));
    assert_eq!(shown("up == 0").as_deref(), Some("up == 0"));
    assert_eq!(shown("(rate(a[5m]) > bool -0.5)").as_deref(), Some("rate(a[5m]) > -0.5"));
    assert_eq!(shown("5 < a").as_deref(), Some("a > 5"));
    assert_eq!(shown("(a / b > 14.4 * 0.001) and on(x) c > 2").as_deref(), Some("a / b > 0.014400000000000001"));
    assert_eq!(shown("a and b >= 2").as_deref(), Some("b >= 2"));
    assert_eq!(shown("a unless b >= 2"), None);
    assert_eq!(shown("a > b"), None);
    assert_eq!(shown("a"), None);
}

#[test]
fn windows_offsets_and_clocks_depend_on_time_and_plain_selectors_do_not() {
    for text in [
        "rate(a[5m]) > 1",
        "vector(time()) > 3",
        "absent(a)",
        "a offset 5m",
        "hour() > 8",
        "max_over_time(a[5m:1m]) == 1 or c",
    ] {
        assert!(expr(text).is_time_dependent(), "{text}");
    }
    for text in ["up == 0", "sum by (x) (a) > 3", "a @ 100", "hour(a)", "1 + 1"] {
        assert!(!expr(text).is_time_dependent(), "{text}");
    }
}

#[test]
fn wrong_expressions_are_refused_with_the_part_that_is_wrong() {
    for (text, part) in [
        ("rate(a)", "rate"),
        ("label_replace(a, \"x\", \"$1\", \"y\", \"(\")", "label_replace"),
        ("a{x=~\"(\"}", "("),
        ("sum(1)", "1"),
        ("a{x=\"1\" or y=\"2\"}", "or"),
        ("a[999y]", "duration"),
        ("nosuch(a)", "nosuch"),
        ("a[0]", "greater than 0"),
        ("a[5m:0.0001]", "greater than 0"),
        ("a offset 1e300", "out of range"),
        ("a[1e20]", "out of range"),
        ("a[5m99999999999s]", "out of range"),
        ("a @ 1e300", "out of bounds"),
        (&"9".repeat(400), "out of the range"),
    ] {
        let error = Expr::parse(text).expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    assert!(matches!(Expr::parse(&"(".repeat(500)), Err(ParseError::TooLarge { .. })));
    assert!(matches!(Expr::parse(&format!("a{}", " or a".repeat(1_900))), Err(ParseError::TooLarge { .. })));
    assert!(matches!(Expr::parse(&format!("2{}", "^2".repeat(1_900))), Err(ParseError::TooLarge { .. })));
    assert!(matches!(Expr::parse(&format!("{}a", "-".repeat(1_900))), Err(ParseError::TooLarge { .. })));
    assert!(matches!(Expr::parse(&format!("a{}", " + a".repeat(500))), Err(ParseError::TooLarge { .. })));
}
