//! Dynamic thresholds and forecasts as functions: what they answer at each step, and what they say when they do not know.
//!
//! Not the learning itself, which has its tests beside it.

use watchkeeper_domain::Labels;
use watchkeeper_domain::query::{Instant, QueryError, SeriesSource};
use watchkeeper_promql::script::{Memory, Point};
use watchkeeper_promql::{EvalError, Expr, Limits};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn load(memory: &mut Memory, service: &str, from: i64, to: i64, v: impl Fn(i64) -> f64) {
    let labels = Labels::from_pairs([("__name__", "load"), ("service", service)]);
    for t in (from..=to).step_by(300_000) {
        memory.append(&labels, t, &Point::Float(v(t)));
    }
}

fn wave(t: i64) -> f64 {
    100.0 + 50.0 * ((t % DAY) as f64 / DAY as f64 * std::f64::consts::TAU).sin() + ((t / 300_000) % 7) as f64
}

/// Series by their labels, each with its points.
type Lines = Vec<(String, Vec<(i64, f64)>)>;

fn range(source: &dyn SeriesSource, expr: &str, start: i64, end: i64, step: i64) -> Result<Lines, EvalError> {
    let expr = Expr::parse(expr).expect("a valid expression");
    let (series, _) = watchkeeper_promql::range(&expr, source, start, end, step, &Limits::default())?;
    let points = |s: &watchkeeper_domain::query::SeriesData| s.samples.iter().map(|p| (p.t, p.v)).collect();
    Ok(series.iter().map(|s| (s.labels.to_string(), points(s))).collect())
}

#[test]
fn every_step_of_a_range_has_the_band_that_an_instant_query_has() {
    let mut memory = Memory::default();
    load(&mut memory, "a", 0, 12 * DAY, wave);
    load(&mut memory, "b", 9 * DAY, 12 * DAY, |t| 2.0 * wave(t));
    for text in [
        "wk_band_upper(load[10d], \"high\")",
        "wk_band_lower(load[8d:10m], \"low\")",
        "wk_band_middle(sum(load)[7d:5m] offset 1h, \"medium\")",
        "wk_band_breaches(load[9d], \"high\", 6, \"above\")",
        "wk_forecast(load[6h], 3600, 0.9)",
        "wk_time_to_limit(load[3h], 200)",
    ] {
        let (start, end, step) = (11 * DAY - 2 * HOUR, 11 * DAY + 3 * HOUR, 7 * 60_000);
        let got = range(&memory, text, start, end, step).unwrap();
        let expr = Expr::parse(text).unwrap();
        let mut seen = 0;
        for t in (start..=end).step_by(usize::try_from(step).unwrap()) {
            let (answer, _) = watchkeeper_promql::instant(&expr, &memory, t, &Limits::default()).unwrap();
            let Instant::Vector(elements) = answer else { panic!("{answer:?}") };
            let at = |points: &[(i64, f64)]| points.iter().find(|(at, _)| *at == t).map(|(_, v)| v.to_bits());
            let from_range: Vec<_> = got.iter().filter_map(|(l, points)| Some((l.clone(), at(points)?))).collect();
            let from_instant: Vec<_> = elements.iter().map(|e| (e.labels.to_string(), e.value.to_bits())).collect();
            assert_eq!(from_range, from_instant, "{text} at {t}");
            seen += from_instant.len();
        }
        assert!(seen > 20, "{text}: {seen}");
    }
}

#[test]
fn where_no_series_has_enough_history_a_rule_is_told_and_a_chart_has_a_gap() {
    let mut memory = Memory::default();
    load(&mut memory, "a", 0, 6 * DAY, wave);
    let text = "load > wk_band_upper(load[30d:5m], \"medium\")";
    let error = range(&memory, text, DAY, 6 * DAY, HOUR).unwrap_err();
    let EvalError::Source { source: QueryError::TooLittleHistory { reason, from_ms, until_ms }, .. } = error else {
        panic!("{error}");
    };
    assert!(reason.starts_with("too little history: the longest one has"), "{reason}");
    assert_eq!((from_ms, until_ms.map(|t| t / HOUR)), (DAY, Some(3 * 24)));
    let expr = Expr::parse(text).unwrap();
    let chart = watchkeeper_promql::range_answer(&expr, &memory, DAY, 6 * DAY, HOUR, &Limits::default()).unwrap();
    assert!(chart.0.is_empty() && chart.1.iter().any(|note| note.message.contains("too little history")));

    // A series that is new does not blind the rule for those that are not.
    load(&mut memory, "new", 5 * DAY, 6 * DAY, |_| 1e9);
    let got = range(&memory, text, 5 * DAY + HOUR, 6 * DAY, HOUR).unwrap();
    assert!(got.is_empty(), "{got:?}");
}

#[test]
fn n_of_m_counts_values_outside_of_the_band_of_their_own_moment() {
    let mut memory = Memory::default();
    let broken = 10 * DAY + 6 * HOUR;
    load(&mut memory, "a", 0, 11 * DAY, |t| if (broken..broken + HOUR).contains(&t) { 500.0 } else { wave(t) });
    let at = |text: &str, t: i64| match &range(&memory, text, t, t, 1).unwrap()[..] {
        [(_, points)] => points[0].1,
        other => panic!("{other:?}"),
    };
    let above = "wk_band_breaches(load[10d], \"medium\", 5, \"above\")";
    assert_eq!(at(above, broken - 300_000), 0.0);
    assert_eq!(at(above, broken + 2 * 300_000), 3.0);
    assert_eq!(at(above, broken + HOUR), 4.0);
    assert_eq!(at("wk_band_breaches(load[10d], \"medium\", 5, \"below\")", broken + 2 * 300_000), 0.0);
    assert_eq!(at("wk_band_breaches(load[10d], \"medium\", 5)", broken + 2 * 300_000), 3.0);
}

#[test]
fn the_disk_is_full_in_four_hours() {
    let mut memory = Memory::default();
    load(&mut memory, "a", 0, 6 * HOUR, |t| 1_000.0 - t as f64 / 36_000.0);
    let at = |text: &str| range(&memory, text, 6 * HOUR, 6 * HOUR, 1).unwrap()[0].1[0].1;
    assert!((at("wk_time_to_limit(load[6h], 0)") - 4.0 * 3_600.0).abs() < 1.0);
    assert!((at("wk_forecast(load[6h], 3600)") - 300.0).abs() < 0.1);
    assert!(range(&memory, "wk_time_to_limit(load[6h], 2000)", 6 * HOUR, 6 * HOUR, 1).unwrap().is_empty());
}

#[test]
fn an_expression_tells_its_bands_and_the_parameters_behind_them() {
    let expr = Expr::parse("sum(load) > wk_band_upper((sum(load))[30d:5m], \"high\") and wk_band_breaches(load{a=\"b\"}[7d], \"low\", 3) > 2").unwrap();
    let learnt = expr.learnt();
    let told: Vec<_> = learnt.iter().map(|l| (l.measured.as_str(), l.upper())).collect();
    assert_eq!(
        told,
        [
            ("sum(load)", "wk_band_upper((sum(load))[30d:5m], \"high\")".to_owned()),
            ("load{a=\"b\"}", "wk_band_upper(load{a=\"b\"}[1w], \"low\")".to_owned()),
        ]
    );
    for band in &learnt {
        Expr::parse(&band.upper()).unwrap();
        Expr::parse(&band.lower()).unwrap();
        assert!(band.to_string().contains("version 1"), "{band}");
    }
}

#[test]
fn a_wrong_word_is_known_before_the_first_evaluation() {
    for (text, said) in [
        ("wk_band_upper(load[7d], \"mild\")", "\"low\", \"medium\" or \"high\", not \"mild\""),
        ("wk_band_breaches(load[7d], \"low\", 5, \"left\")", "\"above\", \"below\" or \"both\", not \"left\""),
        ("wk_band_upper(load, \"low\")", "expected type range vector"),
        ("wk_band_upper(load[7d])", "expected 2 argument(s)"),
    ] {
        let error = Expr::parse(text).unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    for (text, said) in
        [("wk_band_breaches(load[7d], \"low\", 0)", "1 to 1000"), ("wk_forecast(load[7d], 60, 1.5)", "between 0 and 1")]
    {
        let mut memory = Memory::default();
        load(&mut memory, "a", 0, DAY, wave);
        let error = range(&memory, text, DAY, DAY, 1).unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
}
