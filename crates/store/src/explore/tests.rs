//! The three on records as services write them.

use proptest::prelude::*;
use watchkeeper_domain::telemetry::{LogRecord, SpanRecord};

use super::*;

fn record(t_ns: u64, severity: u8, body: &str) -> LogRecord {
    LogRecord {
        t_ns,
        severity,
        severity_text: "".into(),
        body: body.to_owned(),
        service: "payments".into(),
        trace_id: String::new(),
        span_id: String::new(),
        attributes: Vec::new(),
        resource: std::sync::Arc::default(),
    }
}

fn texts(bodies: impl IntoIterator<Item = String>) -> Vec<(String, u64)> {
    let mut patterns = Patterns::default();
    for (n, body) in bodies.into_iter().enumerate() {
        patterns.add(&record(n as u64, 9, &body), Period::Now);
    }
    patterns.finish().into_iter().map(|p| (p.text, p.count)).collect()
}

#[test]
fn numbers_ids_and_times_vary_and_outcomes_do_not() {
    let bodies = (0..50).map(|n| {
        let outcome = ["accepted", "declined"][n % 2];
        format!("payment {n} of 550e8400-e29b-41d4-a716-{n:012x} {outcome} in {}.5ms at 2026-11-26T17:{n:02}:01Z from 10.0.{n}.7:443", n * 3)
    });
    assert_eq!(
        texts(bodies),
        [
            ("payment <*> of <*> accepted in <*> at <*> from <*>".to_owned(), 25),
            ("payment <*> of <*> declined in <*> at <*> from <*>".to_owned(), 25)
        ]
    );
}

#[test]
fn names_vary_once_there_are_many_of_them() {
    let names = ["ana", "bob", "carl", "dora", "emil", "fay", "gus"];
    let few = names[..3].iter().map(|name| format!("{name} logged in"));
    assert_eq!(texts(few).len(), 3);
    let many = names.iter().map(|name| format!("{name} logged in"));
    assert_eq!(texts(many), [("<*> logged in".to_owned(), 7)]);
    let pairs =
        names.iter().flat_map(|a| names.iter().skip(1).step_by(3).map(move |b| format!("{a} paid {b} at once")));
    assert_eq!(texts(pairs), [("<*> paid bob at once".to_owned(), 7), ("<*> paid emil at once".to_owned(), 7)]);
    let once = (0..26).map(|n: u8| {
        let word = |shift: u8| char::from(b'a' + (n + shift) % 26).to_string().repeat(4);
        format!("{} paid {} at once", word(0), word(7))
    });
    assert_eq!(texts(once), [("<*> paid <*> at once".to_owned(), 26)]);
}

#[test]
fn a_structured_body_is_known_by_its_message_or_its_fields() {
    let bodies = [r#"{"msg":"cache miss for key 12","n":1}"#, r#"{"msg":"cache miss for key 99"}"#, r#"{"b":1,"a":2}"#];
    assert_eq!(texts(bodies.map(str::to_owned)), [("cache miss for key <*>".to_owned(), 2), ("{ a b }".to_owned(), 1)]);
}

#[test]
fn a_pattern_says_what_is_new_how_bad_it_is_and_what_to_search_for() {
    let mut patterns = Patterns::default();
    patterns.add(&record(1, 9, "pool has 3 free connections"), Period::Before);
    patterns.add(&record(5, 9, "pool has 4 free connections"), Period::Now);
    patterns.add(&record(7, 17, "pool exhausted after 30s"), Period::Now);
    patterns.add(&record(6, 13, "pool exhausted after 10s"), Period::Now);
    patterns.add(&record(2, 9, "was there before only"), Period::Before);
    let found = patterns.finish();
    assert_eq!(found.len(), 2, "what the window has not is no pattern of it");
    let exhausted = &found[0];
    assert_eq!((exhausted.text.as_str(), exhausted.count, exhausted.before), ("pool exhausted after <*>", 2, 0));
    assert_eq!((exhausted.severity, exhausted.first_ns, exhausted.last_ns), (17, 6, 7));
    assert_eq!(
        (exhausted.example.as_str(), exhausted.constant.as_str()),
        ("pool exhausted after 30s", "pool exhausted after")
    );
    assert_eq!((found[1].count, found[1].before, found[1].constant.as_str()), (1, 1, "free connections"));
}

fn span(id: &str, parent: &str, service: &str, kind: &str, from: u64, to: u64) -> SpanRecord {
    SpanRecord {
        trace_id: "t".to_owned(),
        span_id: id.to_owned(),
        parent_span_id: parent.to_owned(),
        name: id.into(),
        kind: kind.into(),
        service: service.into(),
        start_ns: from,
        end_ns: to,
        status: if id.ends_with('!') { "error" } else { "unset" }.into(),
        status_message: String::new(),
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: std::sync::Arc::default(),
    }
}

#[test]
fn the_critical_path_follows_what_was_waited_for() {
    let spans = [
        span("root", "", "web", "server", 0, 100),
        // Two at once: the one that ended last was waited for.
        span("fast", "root", "web", "client", 10, 30),
        span("slow", "root", "web", "client", 10, 60),
        span("inner", "slow", "ledger", "server", 15, 50),
        // Goes on after the answer: nobody waited for its end.
        span("late", "root", "web", "internal", 90, 180),
    ];
    let path = critical_path(&spans);
    assert_eq!(path.parts["root"], [(60, 90), (0, 10)]);
    assert_eq!(path.parts["slow"], [(50, 60), (10, 15)]);
    assert_eq!(path.parts["inner"], [(15, 50)]);
    assert_eq!(path.parts["late"], [(90, 100)]);
    assert!(!path.parts.contains_key("fast"));
    assert_eq!(path.time_in("root"), 40);
}

#[test]
fn a_trace_of_circles_or_nothing_has_an_end() {
    assert_eq!(critical_path(&[]), CriticalPath::default());
    let circle = [span("a", "b", "x", "internal", 0, 9), span("b", "a", "x", "internal", 0, 9)];
    assert!(critical_path(&circle).parts.is_empty());
    assert_eq!(critical_path(&[span("a", "a", "x", "internal", 0, 9)]).parts.len(), 0);
}

proptest! {
    /// Whatever the spans are, the path lasts as long as the root and no two parts of it overlap.
    #[test]
    fn the_critical_path_lasts_as_long_as_its_root(
        shape in proptest::collection::vec((0_usize..40, 0_u64..1_000, 0_u64..400), 0..40),
    ) {
        let mut spans = vec![span("0", "", "web", "server", 0, 1_000)];
        for (n, (parent, from, length)) in shape.into_iter().enumerate() {
            let parent = (parent % (n + 1)).to_string();
            spans.push(span(&(n + 1).to_string(), &parent, "web", "internal", from, from + length));
        }
        let path = critical_path(&spans);
        let mut parts: Vec<(u64, u64)> = path.parts.into_values().flatten().collect();
        parts.sort_unstable();
        prop_assert!(parts.windows(2).all(|two| two[0].1 == two[1].0), "{parts:?}");
        prop_assert_eq!((parts[0].0, parts[parts.len() - 1].1), (0, 1_000));
    }
}

#[test]
fn the_map_shows_services_databases_and_what_sends_no_spans() {
    let mut map = ServiceMap::default();
    let mut query = span("q", "in", "ledger", "client", 3, 4);
    query.attributes = vec![("db.system".into(), "postgresql".into()), ("db.name".into(), "bank".into())];
    let mut mail = span("mail!", "root", "web", "client", 6, 9);
    mail.attributes = vec![("server.address".into(), "smtp.example".into())];
    let mut call = span("call", "root", "web", "client", 1, 6);
    // It names its peer by host, but the peer sends spans: it is on the map once.
    call.attributes = vec![("server.address".into(), "ledger.internal".into())];
    for span in [
        span("root", "", "web", "server", 0, 10),
        call,
        span("in", "call", "ledger", "server", 2, 5),
        query.clone(),
        query,
        mail,
    ] {
        map.add(&span);
    }
    let (nodes, edges) = map.finish();
    let named: Vec<_> = nodes.iter().map(|n| (n.name.as_ref(), n.kind, n.timing.calls, n.timing.errors)).collect();
    assert_eq!(
        named,
        [
            ("ledger", NodeKind::Service, 1, 0),
            ("postgresql bank", NodeKind::Database, 1, 0),
            ("smtp.example", NodeKind::External, 1, 1),
            ("web", NodeKind::Service, 1, 0)
        ]
    );
    let ways: Vec<_> =
        edges.iter().map(|e| (e.from.as_ref(), e.to.as_ref(), e.timing.calls, e.timing.p95_ns)).collect();
    assert_eq!(ways, [("ledger", "postgresql bank", 1, 1), ("web", "ledger", 1, 3), ("web", "smtp.example", 1, 3)]);
}
