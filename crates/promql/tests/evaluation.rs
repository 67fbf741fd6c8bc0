//! Properties of evaluation: ranges agree with instants, limits hold, sources are asked once, nothing panics.
//!
//! Not the meaning of single functions.

#[path = "memory/source.rs"]
mod memory;

use std::collections::BTreeMap;

use memory::Memory;
use proptest::prelude::*;
use watchkeeper_domain::labels::Labels;
use watchkeeper_domain::matcher::Matcher;
use watchkeeper_domain::query::{Element, Instant, QueryError, SeriesData, SeriesSource};
use watchkeeper_domain::telemetry::{STALE_NAN_BITS, Sample};
use watchkeeper_promql::{EvalError, Expr, Limits};

fn expr(text: &str) -> Expr {
    Expr::parse(text).expect(text)
}

/// `m` with labels `a` and `b`, and a histogram `h_bucket`, from steps in time and value.
fn source(rows: &[Vec<(u16, i16)>]) -> Memory {
    let mut series: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
    for (at, steps) in rows.iter().enumerate() {
        let (mut t, mut total) = (0_i64, 0.0);
        let (mut gauge, mut counter) = (Vec::new(), Vec::new());
        for (dt, v) in steps {
            t += i64::from(*dt) + 1;
            total += f64::from(v.unsigned_abs());
            let v = if *v == 7 { f64::from_bits(STALE_NAN_BITS) } else { f64::from(*v) };
            gauge.push(Sample { t, v });
            counter.push(Sample { t, v: total });
        }
        let (a, b) = ((at % 3).to_string(), (at / 3).to_string());
        let labels = |name: &str| Labels::from_pairs([("__name__", name), ("a", &a), ("b", &b)]);
        series.insert(labels("m"), gauge);
        series.insert(labels("c_total"), counter.clone());
        let le = ["0.1", "1", "+Inf"][at % 3];
        series.insert(Labels::from_pairs([("__name__", "h_bucket"), ("le", le), ("b", &b)]), counter);
    }
    Memory::new(series)
}

/// No `sort` and no ranking: those order instant answers only.
const EXPRESSIONS: &[&str] = &[
    "m",
    "m offset 30s",
    "-m",
    "m > 3",
    "m + on(a, b) c_total",
    "m / on(b) group_left sum by (b) (c_total)",
    "m and on(a) (c_total > 100)",
    "m or c_total",
    "m unless m > 0",
    "rate(c_total[2m])",
    "increase(c_total[90s] offset 20s)",
    "delta(m[5m])",
    "irate(c_total[3m])",
    "changes(m[2m])",
    "deriv(m[2m])",
    "predict_linear(m[2m], 60)",
    "avg_over_time(m[1m])",
    "quantile_over_time(0.7, m[2m])",
    "max_over_time(rate(c_total[1m])[3m:20s])",
    "sum by (a) (m)",
    "avg without (a) (m)",
    "stddev(m)",
    "quantile(0.3, m)",
    "count_values(\"v\", m)",
    "topk by (a) (1, m)",
    "absent(m)",
    "absent_over_time(m[20s])",
    "scalar(sum(m)) + time()",
    "histogram_quantile(0.9, rate(h_bucket[2m]))",
    "label_replace(m, \"x\", \"$1\", \"a\", \"(.*)\")",
    "clamp(m, -1, 1)",
    "timestamp(m)",
    "minute()",
    "vector(1)",
];

type Cells = BTreeMap<(i64, Labels), u64>;

fn cells_of_range(expr: &Expr, source: &Memory, window: (i64, i64, i64)) -> Result<Cells, EvalError> {
    let (series, _) = watchkeeper_promql::range(expr, source, window.0, window.1, window.2, &Limits::default())?;
    let cells = series.into_iter().flat_map(|s| {
        let labels = s.labels;
        s.samples.into_iter().map(move |p| ((p.t, labels.clone()), bits(p.v)))
    });
    Ok(cells.collect())
}

fn bits(v: f64) -> u64 {
    if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() }
}

fn cells_of_instants(expr: &Expr, source: &Memory, window: (i64, i64, i64)) -> Result<Cells, EvalError> {
    let mut cells = Cells::new();
    let mut t = window.0;
    while t <= window.1 {
        let (answer, _) = watchkeeper_promql::instant(expr, source, t, &Limits::default())?;
        let elements = match answer {
            Instant::Vector(elements) => elements,
            Instant::Scalar(value) => vec![Element { labels: Labels::empty(), value }],
            other => unreachable!("no expression here answers with {other:?}"),
        };
        cells.extend(elements.into_iter().map(|e| ((t, e.labels), bits(e.value))));
        t += window.2;
    }
    Ok(cells)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_step_of_a_range_is_the_instant_at_its_time(
        rows in prop::collection::vec(prop::collection::vec((0_u16..60_000, -20_i16..20), 0..12), 1..7),
        start in 0_i64..200_000,
        step in 1_000_i64..90_000,
    ) {
        let source = source(&rows);
        let window = (start, start + 6 * step, step);
        for text in EXPRESSIONS {
            let expr = expr(text);
            let range = cells_of_range(&expr, &source, window);
            let instants = cells_of_instants(&expr, &source, window);
            match (range, instants) {
                (Ok(range), Ok(instants)) => prop_assert_eq!(range, instants, "{}", text),
                (range, instants) => prop_assert_eq!(range.is_err(), instants.is_err(), "{}", text),
            }
        }
    }

    #[test]
    fn counters_never_have_negative_rates_and_quantiles_grow_with_phi(
        rows in prop::collection::vec(prop::collection::vec((0_u16..60_000, -20_i16..20), 2..12), 1..7),
    ) {
        let source = source(&rows);
        let value = |text: &str| watchkeeper_promql::instant(&expr(text), &source, 300_000, &Limits::default());
        if let Ok((Instant::Vector(elements), _)) = value("rate(c_total[5m])") {
            prop_assert!(elements.iter().all(|e| e.value >= 0.0), "{:?}", elements);
        }
        let mut before = f64::NEG_INFINITY;
        for phi in ["0", "0.2", "0.5", "0.9", "1"] {
            if let Ok((Instant::Vector(elements), _)) = value(&format!("quantile({phi}, m)")) {
                for e in &elements {
                    // Interpolation rounds.
                    prop_assert!(e.value >= before - 1e-9);
                    before = e.value;
                }
            }
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-z0-9_{}()\\[\\]\"'`=~!<>+*/^%@:,. \\\\-]{0,60}") {
        let _ = Expr::parse(&text);
    }

    #[test]
    fn texts_of_words_of_the_language_parse_back_to_themselves(
        words in prop::collection::vec(prop::sample::select(vec![
            "a", "{b=\"c\"}", "[5m]", "[1h:5m]", "offset 1m", "@ 10", "(", ")", "+", "-", "^", ">", "bool", "and", "on(x)",
            "group_left(y)", "rate(", "sum by (z) (", "1", "2.5e3", "topk(", ",", "\"s\"", "unless", "time()",
        ]), 1..9),
    ) {
        let text = words.join(" ");
        if let Ok(expr) = Expr::parse(&text) {
            let shown = expr.to_string();
            let again = Expr::parse(&shown);
            prop_assert_eq!(again.map(|e| e.to_string()), Ok(shown), "of {}", text);
        }
    }
}

#[test]
fn a_range_query_fetches_each_selector_once() {
    let source = source(&[vec![(1_000, 1); 100]]);
    let query = expr("rate(c_total[1m]) > 0 and max_over_time(m[5m:10s]) < 100");
    let answer = watchkeeper_promql::range(&query, &source, 0, 600_000, 1_000, &Limits::default());
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(source.selects(), 2);
}

#[test]
fn limits_are_errors_that_name_the_part_that_is_too_large() {
    let source = source(&vec![vec![(1_000, 1); 100]; 6]);
    let check = |text: &str, limits: Limits, part: &str| {
        let error = watchkeeper_promql::range(&expr(text), &source, 0, 100_000, 1_000, &limits).expect_err(text);
        assert!(matches!(error, EvalError::Limit { .. }), "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(matches!(QueryError::from(error), QueryError::Limit { .. }));
    };
    let limits = Limits::default();
    check("1 + sum(m)", Limits { max_samples: 100, ..limits }, "`m`");
    check("m * 2", Limits { max_points: 200, ..limits }, "`m`");
    check("m", Limits { max_steps: 100, ..limits }, "101 steps");
    check("1 + sum(rate(m[1m]))", Limits { max_visits: 1_000, ..limits }, "`m[1m]`");
    check("max_over_time(vector(1)[1000d:1s])", limits, "`vector(1)`");
    check("count_values(\"v\", c_total)", Limits { max_points: 700, ..limits }, "count_values");
}

#[test]
fn a_window_that_is_none_is_refused() {
    let source = source(&[]);
    for (start, end, step) in [(10, 0, 1), (0, 10, 0), (0, 10, -5), (i64::MIN, i64::MAX, 1)] {
        assert!(watchkeeper_promql::range(&expr("m"), &source, start, end, step, &Limits::default()).is_err());
    }
    for at in [i64::MIN, i64::MAX] {
        let answer = watchkeeper_promql::instant(&expr("rate(m[5m] offset 1w)"), &source, at, &Limits::default());
        assert_eq!(answer.map(|a| a.0), Ok(Instant::Vector(vec![])));
    }
}

#[test]
fn the_deepest_expressions_that_are_taken_are_evaluated() {
    let source = source(&[vec![(1_000, 1); 10]]);
    let nested = format!("{}m{}", "abs(".repeat(64), ")".repeat(64));
    let chained = format!("m{}", " + m".repeat(120));
    for text in [&nested, &chained] {
        let answer = watchkeeper_promql::instant(&expr(text), &source, 10_000, &Limits::default());
        assert!(matches!(answer, Ok((Instant::Vector(ref found), _)) if found.len() == 1), "{answer:?}");
    }
}

#[test]
fn nested_subqueries_end_at_the_limit_soon() {
    let source = source(&[vec![(1_000, 1); 10]]);
    let query = expr("max_over_time(max_over_time(vector(1)[10d:1s])[10d:1s])");
    let answer =
        watchkeeper_promql::instant(&query, &source, 10_000, &Limits { max_visits: 1_000_000, ..Limits::default() });
    assert!(matches!(answer, Err(EvalError::Limit { .. })), "{answer:?}");
}

#[test]
fn metric_names_go_at_once_and_not_at_the_end() {
    let source = source(&[vec![(10_000, 5); 20]]);
    let labels = |text: &str| match watchkeeper_promql::instant(&expr(text), &source, 100_000, &Limits::default()) {
        Ok((Instant::Vector(elements), _)) => elements.iter().map(|e| e.labels.to_string()).collect::<Vec<_>>(),
        other => vec![format!("{other:?}")],
    };
    assert_eq!(labels("sum by (__name__) (rate(c_total[1m]))"), ["{}"]);
    assert_eq!(labels("sum by (__name__) (c_total)"), ["c_total"]);
    assert_eq!(
        labels("label_replace(rate(c_total[1m]), \"n\", \"$1\", \"__name__\", \"(.+)\")"),
        ["{a=\"0\", b=\"0\"}"]
    );
    assert_eq!(labels("max_over_time(c_total[1m]) > 0"), ["{a=\"0\", b=\"0\"}"]);
    assert_eq!(labels("last_over_time(c_total[1m]) > 0"), ["c_total{a=\"0\", b=\"0\"}"]);
}

#[test]
fn an_instant_query_answers_with_each_type() {
    let source = source(&[vec![(9_999, 1), (9_999, 7), (9_999, 3)]]);
    let answer =
        |text: &str| watchkeeper_promql::instant(&expr(text), &source, 30_000, &Limits::default()).map(|a| a.0);
    assert_eq!(answer("1 + 2 ^ 3 ^ 0"), Ok(Instant::Scalar(3.0)));
    assert_eq!(answer("\"text\""), Ok(Instant::Text("text".to_owned())));
    // The stale marker at 20 s is no sample.
    let samples = vec![Sample { t: 10_000, v: 1.0 }, Sample { t: 30_000, v: 3.0 }];
    let labels = Labels::from_pairs([("__name__", "m"), ("a", "0"), ("b", "0")]);
    assert_eq!(answer("m[1m]"), Ok(Instant::Matrix(vec![SeriesData { labels, samples }])));
    let range = watchkeeper_promql::range(&expr("m[1m]"), &source, 0, 10, 5, &Limits::default());
    assert!(matches!(range, Err(EvalError::Execution { .. })), "{range:?}");
}

struct Broken;

impl SeriesSource for Broken {
    fn select(&self, _: &[Matcher], _: i64, _: i64) -> Result<Vec<SeriesData>, QueryError> {
        Err(QueryError::Unavailable("the disk is gone".to_owned()))
    }
}

#[test]
fn a_source_that_fails_is_an_error_and_never_nothing() {
    for text in ["up == 0", "absent(up)", "sum(rate(up[5m])) or vector(0)"] {
        let error = watchkeeper_promql::instant(&expr(text), &Broken, 0, &Limits::default()).expect_err(text);
        assert!(error.to_string().contains("up"), "{error}");
        assert!(matches!(QueryError::from(error), QueryError::Unavailable(why) if why.contains("the disk is gone")));
    }
}
