//! What rules in the wild write, and what hostile labels try.

use proptest::prelude::*;
use watchkeeper_domain::Labels;

use super::*;

fn labels() -> Labels {
    Labels::from_pairs([("instance", "front.bank:8080"), ("service", "payments"), ("evil", "{{ $value }}<b>")])
}

fn render(text: &str, value: f64) -> String {
    match Template::parse(text) {
        Ok(template) => template.render(&labels(), value).unwrap_or_else(|e| format!("render: {e}")),
        Err(e) => format!("parse at {}: {}", e.offset, e.reason),
    }
}

#[test]
fn labels_and_values_are_read_in_both_notations() {
    assert_eq!(
        render("{{ $labels.service }} at {{.Labels.instance}}: {{ $value }}", 0.25),
        "payments at front.bank:8080: 0.25"
    );
    assert_eq!(render("{{ .Value | humanizePercentage }} of {{ $labels.nothing }}.", 0.0512), "5.12% of .");
    assert_eq!(render("a {{- $value -}}  b {{/* c */}}{{ \"x\" }}", 3.0), "a3b x");
    assert_eq!(
        render(r#"{{ printf "%.2f%%" $value }} {{ printf "%-4s|%5.1f|%03d" "a" 2.25 7 }}"#, 12.345),
        "12.35% a   |  2.2|007"
    );
    assert_eq!(render(r#"{{ index $labels "service" | toUpper }} {{ title "aa bb" }}"#, 0.0), "PAYMENTS Aa Bb");
}

#[test]
fn conditions_and_with_choose_and_scope() {
    let text = "{{ if gt $value 5.0 }}high{{ else if eq $labels.service \"payments\" }}pay{{ else }}low{{ end }}";
    assert_eq!((render(text, 9.0).as_str(), render(text, 1.0).as_str()), ("high", "pay"));
    assert_eq!(render("{{ with $labels.service }}[{{ . }}]{{ else }}none{{ end }}", 0.0), "[payments]");
    assert_eq!(render("{{ with $labels.nothing }}[{{ . }}]{{ else }}none{{ end }}", 0.0), "none");
    assert_eq!(render("{{ $x := $value | humanize }}{{ $x }}/{{ $x }}", 1234.0), "1.234k/1.234k");
    assert_eq!(render("{{ if and (gt $value 1.0) (ne $labels.service \"x\") }}y{{ end }}", 2.0), "y");
}

#[test]
fn a_label_that_holds_a_template_is_printed_and_not_run() {
    assert_eq!(render("{{ $labels.evil }}", 7.0), "{{ $value }}<b>");
    assert_eq!(render("{{ printf \"%s\" $labels.evil }}", 7.0), "{{ $value }}<b>");
}

#[test]
fn what_is_not_supported_is_refused_by_name_when_it_is_parsed() {
    let error = Template::parse(r#"{{ query "up" | first }}"#).unwrap_err();
    assert!(error.reason.contains("`query`") && error.reason.contains("humanizeDuration"), "{error}");
    assert_eq!(error.offset, 3);
    for (text, word) in [
        ("{{ range . }}x{{ end }}", "`range`"),
        ("{{ $nope }}", "`$nope`"),
        ("{{ if $value }}x", "{{ end }}"),
        ("{{ end }}", "`end`"),
        ("{{ $value | 5 }}", "function"),
        ("{{ printf }}", "argument"),
        ("{{ $value", "`}}`"),
        ("{{ (1).x }}", "parentheses"),
        ("{{\u{a0}}}", "no meaning"),
    ] {
        let error = Template::parse(text).unwrap_err();
        assert!(error.reason.contains(word), "{text}: {error}");
    }
    assert_eq!(
        render("{{ .Foo }}", 0.0),
        "render: `.Foo` is not known here; accepted: `.Labels`, `.Value`, `$labels`, `$value`"
    );
}

#[test]
fn size_depth_and_output_are_bounded() {
    assert!(Template::parse(&"x".repeat(MAX_TEMPLATE + 1)).is_err());
    assert!(Template::parse(&"{{ if true }}".repeat(MAX_DEPTH + 1)).is_err());
    assert!(Template::parse(&format!("{{{{ {}1 }}}}", "(".repeat(MAX_DEPTH + 1))).is_err());
    let big = Labels::from_pairs([("x", "y".repeat(30_000))]);
    let template = Template::parse("{{ $labels.x }}{{ $labels.x }}{{ $labels.x }}").expect("valid");
    assert_eq!(template.render(&big, 0.0), Err(RenderError::Output));
    assert_eq!(
        render("{{ printf \"%999999999d\" 1 }}", 0.0),
        "render: `printf`: widths and precisions over 256 are refused"
    );
}

#[test]
fn numbers_look_as_prometheus_shows_them() {
    for (value, plain, si, bin, span) in [
        (0.0, "0", "0", "0", "0s"),
        (1_234_567.0, "1.234567e+06", "1.235M", "1.177Mi", "14d 6h 56m 7s"),
        (0.12, "0.12", "120m", "0.12", "120ms"),
        (899.99, "899.99", "900", "900", "14m 59s"),
        (1.2345, "1.2345", "1.234", "1.234", "1.234s"),
        (f64::INFINITY, "+Inf", "+Inf", "+Inf", "+Inf"),
        (f64::NAN, "NaN", "NaN", "NaN", "NaN"),
    ] {
        let all =
            render("{{ $value }} {{ humanize $value }} {{ humanize1024 $value }} {{ humanizeDuration $value }}", value);
        assert_eq!(all, format!("{plain} {si} {bin} {span}"));
    }
    assert_eq!(render("{{ humanizeTimestamp $value }}", 1_234_567.0), "1970-01-15 06:56:07 +0000 UTC");
    assert_eq!(render("{{ humanizeTimestamp $value }}", 1.5), "1970-01-01 00:00:01.5 +0000 UTC");
    assert_eq!(render("{{ humanizePercentage $value }}", 1_234_567.0), "1.235e+08%");
}

#[test]
fn the_cases_of_prometheus_give_what_prometheus_gives() {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora").to_owned());
    let Ok(text) = std::fs::read_to_string(format!("{folder}/rules/template_expansion.json")) else {
        println!("skipped: no corpora at {folder}");
        return;
    };
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    let (mut passed, mut skipped) = (0, 0);
    for case in &cases {
        let source = case["text"].as_str().expect("text");
        // What refuses by design, HTML escaping, and inputs that no alert has.
        let refused = ["query", "range", "define", "toTime", "Link", "now "].iter().any(|word| source.contains(word));
        if refused || case["html"] == true || !case["input"].is_null() || source.contains(".Foo") {
            skipped += 1;
            continue;
        }
        let got = Template::parse(source)
            .map_err(|e| e.to_string())
            .and_then(|t| t.render(&Labels::empty(), 0.0).map_err(|e| e.to_string()));
        match case["shouldFail"].as_bool() {
            Some(true) => assert!(got.is_err(), "{source} gave {got:?}"),
            _ => assert_eq!(got.as_deref(), Ok(case["output"].as_str().expect("output")), "{source}"),
        }
        passed += 1;
    }
    println!("{passed} passed, 0 failed, {skipped} skipped");
    assert!(passed >= 20, "only {passed} cases ran");
}

proptest! {
    #[test]
    fn no_text_panics(text in "(\\{\\{|\\}\\}|[ -~]|if|end|with|\\$labels|\\$value|[.|()\"`]|\\PC){0,40}", value in any::<f64>()) {
        if let Ok(template) = Template::parse(&text) {
            let _ = template.render(&labels(), value);
        }
    }

    #[test]
    fn functions_take_any_number_without_panicking(value in any::<f64>()) {
        render("{{ humanize $value }}{{ humanize1024 $value }}{{ humanizeDuration $value }}{{ humanizePercentage $value }}\
                {{ humanizeTimestamp $value }}{{ printf \"%.3g %5.2f %e %v\" $value $value $value $value }}", value);
    }
}
