//! Lines as exporters write them, and lines that no exporter should.

use proptest::prelude::*;

use super::*;

fn text(body: &str) -> Result<Exposition, DecodeError> {
    parse(body.as_bytes(), Format::Text, &Limits::default())
}

fn open(body: &str) -> Result<Exposition, DecodeError> {
    parse(body.as_bytes(), Format::OpenMetrics, &Limits::default())
}

fn shown(sample: &Exposed) -> String {
    let labels: Vec<String> = sample.labels.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
    let at = sample.t.map(|t| format!(" @{t}")).unwrap_or_default();
    format!("{} {}{at}", labels.join(" "), sample.value)
}

#[test]
fn the_text_format_is_read_with_its_oddities() {
    let exposition = text(
        "# HELP http_requests_total The \\\\ total\\nof requests.\n# TYPE http_requests_total counter\n\
         http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n\
         \t http_requests_total {method = \"post\" , code=\"400\",}   3\r\n\
         # a comment for people\n\n#\n# TYPE u untyped\n\
         escaped{path=\"C:\\\\DIR\\\\F.TXT\",error=\"Cannot \\\"find\\\"\\nit\"} 1.458255915e9\n\
         minimal 12.47\nedge{x=\"\"} +Inf -3982045\nnot_a_number NaN\n{\"a.b\",\"c d\"=\"e\"} -inf",
    )
    .unwrap();
    let samples: Vec<String> = exposition.samples.iter().map(shown).collect();
    assert_eq!(
        samples,
        [
            r#"__name__="http_requests_total" method="post" code="200" 1027 @1395066363000"#,
            r#"__name__="http_requests_total" method="post" code="400" 3"#,
            r#"__name__="escaped" path="C:\\DIR\\F.TXT" error="Cannot \"find\"\nit" 1458255915"#,
            r#"__name__="minimal" 12.47"#,
            r#"__name__="edge" x="" inf @-3982045"#,
            r#"__name__="not_a_number" NaN"#,
            r#"__name__="a.b" c d="e" -inf"#,
        ]
    );
    let meta: Vec<_> = exposition.meta.iter().map(|m| (&*m.name, &*m.kind, &*m.help)).collect();
    assert_eq!(meta, [("http_requests_total", "counter", "The \\ total\nof requests."), ("u", "unknown", "")]);
}

#[test]
fn openmetrics_has_seconds_units_exemplars_and_an_end() {
    let exposition = open(
        "# TYPE foo_seconds histogram\n# UNIT foo_seconds seconds\n# HELP foo_seconds How \\\"long\\\".\n\
         foo_seconds_bucket{le=\"0.1\"} 8 1520879607.789 # {trace_id=\"KOO5S4vxi0o\"} 0.067 1520879607.5\n\
         foo_seconds_bucket{le=\"+Inf\"} 17 # {} 9.8\nfoo_seconds_count 17\nfoo_seconds_created 1520430000.123\n# EOF\n",
    )
    .unwrap();
    assert_eq!(exposition.samples.len(), 4);
    assert_eq!(exposition.samples[0].t, Some(1_520_879_607_789));
    let exemplar = exposition.samples[0].exemplar.as_ref().unwrap();
    assert_eq!((&*exemplar.labels[0].1, exemplar.value, exemplar.t), ("KOO5S4vxi0o", 0.067, Some(1_520_879_607_500)));
    assert_eq!(exposition.samples[1].exemplar.as_ref().unwrap().t, None);
    let meta = &exposition.meta[0];
    assert_eq!((&*meta.kind, &*meta.unit, &*meta.help), ("histogram", "seconds", "How \"long\"."));
    assert!(open("a 1\n").unwrap_err().to_string().contains("cut off"));
    assert!(open("# EOF\na 1\n").unwrap_err().to_string().contains("line 2, column 1"));
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    for (body, place, reason) in [
        ("a 1\nb{x=\"1\"", "line 2, column 8", "`,` or `}`"),
        ("a", "line 1, column 2", "a value"),
        ("a one", "line 1, column 3", "a value"),
        ("a 1 2 3", "line 1, column 7", "nothing more"),
        ("a 1 1.5", "line 1, column 5", "not a time"),
        ("a{x=1} 1", "line 1, column 5", "quotation mark"),
        ("a{x=\"1", "line 1, column 6", "quotation mark"),
        ("a{x=\"1\",x=\"2\"} 1", "line 1, column 15", "twice"),
        ("a{\"b\"} 1", "line 1, column 6", "named twice"),
        ("{x=\"1\"} 1", "line 1, column 8", "no name"),
        ("1a 1", "line 1, column 1", "a name"),
        ("ä 1", "line 1, column 1", "a name"),
        ("# TYPE a thing", "line 1, column 10", "type"),
        ("a 1 # {} 1", "line 1, column 5", "nothing more"),
        ("a{__name__=\"b\"} 1", "line 1, column 15", "before the braces"),
    ] {
        let message = text(body).unwrap_err().to_string();
        assert!(message.contains(place) && message.contains(reason), "{body}: {message}");
    }
    assert!(parse(b"a\xff 1", Format::Text, &Limits::default()).unwrap_err().to_string().contains("byte 1"));
    let two = Limits { records: 2, ..Limits::default() };
    assert!(parse(b"a 1\nb 1\nc 1\n", Format::Text, &two).is_err());
}

#[test]
fn a_page_that_is_no_exposition_is_refused_by_its_type() {
    assert_eq!(Format::of(None), Ok(Format::Text));
    assert_eq!(Format::of(Some("text/plain; version=0.0.4; charset=utf-8")), Ok(Format::Text));
    assert_eq!(Format::of(Some("application/openmetrics-text; version=1.0.0")), Ok(Format::OpenMetrics));
    assert!(Format::of(Some("text/html")).unwrap_err().to_string().contains("text/html"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(body in "([a-z{}\"#=, \\\\0-9.\n]|EOF|HELP|TYPE|ä){0,80}") {
        for format in [Format::Text, Format::OpenMetrics] {
            drop(parse(body.as_bytes(), format, &Limits::default()));
        }
    }

    #[test]
    fn what_is_escaped_comes_back(value in "\\PC{0,20}|[\"\\\\\n]{0,8}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let exposition = text(&format!("a{{x=\"{escaped}\"}} 1\n")).unwrap();
        prop_assert_eq!(&*exposition.samples[0].labels[1].1, &value);
    }
}
