//! A backtest against the scheduler's own way of looking, moment by moment, and its figures against ones worked out by hand.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::pin::Pin;

use proptest::prelude::*;
use watchkeeper_config::model::{OnNoData, TemplateLanguage};
use watchkeeper_domain::query::{Instant, SeriesData};
use watchkeeper_domain::telemetry::STALE_NAN_BITS;
use watchkeeper_domain::{Category, Priority};
use watchkeeper_lang::go_template::Answers;
use watchkeeper_promql::script::{self, Memory, Point};
use watchkeeper_promql::{Expr, Limits};

use super::*;
use crate::compiled::Rendering;
use crate::rule::{Change, InstanceState, step};
use crate::{findings, judge};

/// Stored series under the evaluator.
#[derive(Default)]
struct History(Memory);

impl History {
    /// Series in the notation of promtool's tests, a value every 15 s from 1970 on.
    fn of(lines: &[&str]) -> Self {
        let mut history = Self::default();
        for line in lines {
            let (labels, points) = script::series(line).unwrap();
            for (t, point) in (0..).map(|i| i * 15_000).zip(&points) {
                history.0.append(&labels, t, point);
            }
        }
        history
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, QueryError>> + Send + 'a>>;

impl Query for History {
    fn instant(&self, expr: &str, at: Timestamp) -> Answer<'_, Instant> {
        let expr = Expr::parse(expr).unwrap();
        let answer = watchkeeper_promql::instant(&expr, &self.0, at.as_millis(), &Limits::default());
        Box::pin(ready(answer.map(|(a, _)| a).map_err(QueryError::from)))
    }

    fn range(&self, expr: &str, start: Timestamp, end: Timestamp, step_ms: i64) -> Answer<'_, Vec<SeriesData>> {
        let expr = Expr::parse(expr).unwrap();
        let (start, end) = (start.as_millis(), end.as_millis());
        let answer = watchkeeper_promql::range(&expr, &self.0, start, end, step_ms, &Limits::default());
        Box::pin(ready(answer.map(|(a, _)| a).map_err(QueryError::from)))
    }
}

fn rule(expr: &str, hold: i64, keep: i64, on_no_data: OnNoData) -> Rule {
    Rule {
        id: "g/Load".into(),
        name: "Load".into(),
        expr: expr.into(),
        kind: RuleKind::Alerting {
            hold: Span::from_secs(hold),
            keep_firing_for: Span::from_secs(keep),
            annotations: BTreeMap::new(),
            category: Category::Application,
            priority: Priority::High,
            on_no_data,
            templates: TemplateLanguage::default(),
        },
        labels: BTreeMap::from([("team".to_owned(), "sre".to_owned())]),
        line: 1,
    }
}

fn asked<'a>(rule: &'a Rule, steps: i64, incidents: &'a [KnownIncident]) -> Asked<'a> {
    let (start, end) = (Timestamp::from_secs(0), Timestamp::from_secs((steps - 1) * 15));
    Asked { rule, start, end, step: Span::from_secs(15), incidents, zone: TimeZone::UTC, explore: true }
}

type Told = (Labels, Timestamp, Timestamp, Option<Timestamp>);

/// What the scheduler's own code says when it looks at every moment. The firings, the conditions that did not hold long
/// enough, and the moments at which the rule as a whole was unknown.
async fn looked_at_every_moment(
    history: &History,
    rule: &Rule,
    steps: i64,
) -> (Vec<Told>, u64, Vec<(Timestamp, Cause)>) {
    let compiled = compiled(rule).unwrap();
    let plan = compiled.plan.as_ref().unwrap();
    let mut instances: BTreeMap<Labels, (InstanceState, Labels)> = BTreeMap::new();
    let (mut firings, mut not_held, mut unknown) = (Vec::new(), 0, Vec::new());
    let told = |state: &InstanceState, labels: &Labels, resolved_at| match state {
        InstanceState::Firing { active_at, fired_at, .. } => (labels.clone(), *active_at, *fired_at, resolved_at),
        other => panic!("{other:?}"),
    };
    let answers = Answers::new();
    for at in (0..steps).map(|i| Timestamp::from_secs(15 * i)) {
        let known: Vec<Labels> = instances.keys().cloned().collect();
        let identity = |labels: &Labels| compiled.identity(labels);
        let matters = compiled.on_no_data() != OnNoData::Ok;
        let found = findings::evaluate(history, plan, &known, &identity, at, matters).await;
        let judged = judge::judge(found, &known, &identity, compiled.on_no_data(), String::new);
        unknown.extend(judged.unknown.map(|(cause, _)| (at, cause)));
        for seen in judged.seen {
            let (state, labels) = instances.remove(&seen.identity).unwrap_or_else(|| {
                (
                    InstanceState::Inactive,
                    compiled.alert_labels(&seen.labels, None, Rendering { at, answers: &answers }),
                )
            });
            let (next, transition) = step(&state, seen.observation, at, &compiled.timing);
            match transition.map(|t| t.change) {
                Some(Change::Resolved) => firings.push(told(&state, &labels, Some(at))),
                Some(Change::Inactive) => not_held += 1,
                _ => {}
            }
            if next != InstanceState::Inactive {
                instances.insert(seen.identity, (next, labels));
            }
        }
    }
    let open = instances.values().filter(|(s, _)| s.is_firing()).map(|(s, l)| told(s, l, None));
    firings.extend(open);
    firings.sort();
    (firings, not_held, unknown)
}

/// A rule's expression, of every kind that is answered in a way of its own.
const EXPRESSIONS: [&str; 11] = [
    "load > 5",
    "5 < load",
    "load{service=\"a\"} <= 2 or load{service=\"b\"} >= 8",
    "avg by (service) (load) != 3",
    "rate(load[1m]) < 0.01",
    "sum by (service) (count_over_time(load[45s])) >= 3",
    "load > 5 unless on (service) other > 5",
    // Fails whenever both of `other`'s series are there.
    "load > on () group_left () other",
    "absent(load)",
    "load > bool 5 == 1",
    "max(load) > 5 and on () vector(time() - end() + end()) > 600",
];

#[derive(Debug, Clone)]
struct Course(Vec<Option<f64>>);

/// Values that stay for a while, and silences, some of them longer than the absence limit.
fn course() -> impl Strategy<Value = Course> {
    let value = (0..10_u8, 1..40_usize).prop_map(|(v, n)| vec![Some(f64::from(v)); n]);
    let stale = Just(vec![Some(f64::from_bits(STALE_NAN_BITS))]);
    let silence = (1..90_usize).prop_map(|n| vec![None; n]);
    prop::collection::vec(prop_oneof![6 => value, 1 => stale, 2 => silence], 1..16)
        .prop_map(|parts| Course(parts.into_iter().flatten().take(300).collect()))
}

fn history(courses: &[Course]) -> History {
    let mut history = History::default();
    let names = [("load", "a"), ("load", "b"), ("other", "a"), ("other", "c")];
    for ((name, service), course) in names.iter().zip(courses) {
        let labels = Labels::from_pairs([("__name__", *name), ("service", service)]);
        for (t, value) in (0..).map(|i| i * 15_000).zip(&course.0) {
            if let Some(v) = value {
                history.0.append(&labels, t, &Point::Float(*v));
            }
        }
    }
    history
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn a_backtest_says_what_the_scheduler_would_have_said_at_every_moment(
        courses in prop::collection::vec(course(), 4),
        expr in 0..EXPRESSIONS.len(),
        hold in prop_oneof![Just(0_i64), Just(30), Just(50), Just(300)],
        keep in prop_oneof![Just(0_i64), Just(45)],
        on_no_data in prop_oneof![Just(OnNoData::Unknown), Just(OnNoData::Ok), Just(OnNoData::Firing)],
        part in prop_oneof![Just(7_usize), Just(100), Just(10_000)],
    ) {
        let (history, rule) = (history(&courses), rule(EXPRESSIONS[expr], hold, keep, on_no_data));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let got = in_parts(&history, &asked(&rule, 320, &[]), &|_| {}, part).await.unwrap();
            let (firings, not_held, unknown) = looked_at_every_moment(&history, &rule, 320).await;
            let mut told: Vec<Told> = got
                .firings
                .iter()
                .map(|f| (f.labels.clone(), f.active_at, f.fired_at, f.resolved_at))
                .collect();
            told.sort();
            assert_eq!(told, firings, "{}", rule.expr);
            assert_eq!(got.not_held, not_held);
            if on_no_data == OnNoData::Unknown {
                let within = |at: Timestamp, u: &NotKnown| u.start <= at && u.end.is_none_or(|end| at < end);
                for at in (0..320).map(|i| Timestamp::from_secs(15 * i)) {
                    let expected = unknown.iter().find(|(t, _)| *t == at).map(|(_, cause)| *cause);
                    let found = got.unknown.iter().find(|u| within(at, u)).map(|u| u.cause);
                    assert_eq!(found, expected, "{} at {at}", rule.expr);
                }
            }
        });
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Gaps of a part of the series only, so that the metric is there at all times, as the exploration assumes.
    #[test]
    fn exploring_a_setting_says_what_a_backtest_of_it_says(
        courses in prop::collection::vec(course(), 2),
        op in prop_oneof![Just(">"), Just(">="), Just("<"), Just("<=")],
        keep in prop_oneof![Just(0_i64), Just(45)],
        part in prop_oneof![Just(7_usize), Just(10_000)],
    ) {
        // What is kept on fire across a gap is not explored exactly.
        let filled = |v: Option<f64>| Some(v.filter(|v| !v.is_nan()).unwrap_or(6.0));
        let without_gaps = |c: &Course| Course((0..320).map(|i| filled(c.0.get(i).copied().flatten())).collect());
        let courses = if keep == 0 { courses } else { courses.iter().map(without_gaps).collect() };
        let mut history = history(&courses);
        let always = Labels::from_pairs([("__name__", "load"), ("service", "z")]);
        let middle = Point::Float(if op.starts_with('>') { -1e9 } else { 1e9 });
        for t in (0..320).map(|i| i * 15_000) {
            history.0.append(&always, t, &middle);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let whole = rule(&format!("max_over_time(load[15s]) {op} 5"), 60, keep, OnNoData::Unknown);
            let got = in_parts(&history, &asked(&whole, 320, &[]), &|_| {}, part).await.unwrap();
            let exploration = got.exploration.unwrap();
            for cell in exploration.cells.iter().step_by(7) {
                let expr = format!("max_over_time(load[15s]) {op} {}", cell.threshold);
                let one = rule(&expr, cell.hold.as_micros() / 1_000_000, keep, OnNoData::Unknown);
                let alone = in_parts(&history, &asked(&one, 320, &[]), &|_| {}, 10_000).await.unwrap();
                // A firing that goes on at the end has its last step counted here, and lasts until there by the clock.
                let open = alone.firings.iter().any(|f| f.resolved_at.is_none());
                let last = if open { Span::from_secs(15) } else { Span::ZERO };
                assert_eq!((cell.pages, cell.firing), (alone.pages, alone.firing + last), "{expr} for {}", cell.hold);
            }
        });
    }
}

async fn backtest(history: &History, rule: &Rule, steps: i64, incidents: &[KnownIncident]) -> Backtest {
    run(history, &asked(rule, steps, incidents), &|_| {}).await.unwrap()
}

fn incident(id: &str, started: i64, ended: i64, service: &str) -> KnownIncident {
    KnownIncident {
        id: id.into(),
        number: 1,
        title: "Payments fail".into(),
        started_at: Timestamp::from_secs(started),
        opened_at: Timestamp::from_secs(started + 120),
        ended_at: Some(Timestamp::from_secs(ended)),
        alerts: vec![Labels::from_pairs([("service", service), ("alertname", "Other")])],
    }
}

#[tokio::test]
async fn incidents_are_caught_earlier_missed_or_not_judged() {
    // Fires from 3,600 s to 3,900 s, and there is no data from 7,200 s on for two hours.
    let history = History::of(&[r#"load{service="pay"} 1x239 9x19 1x219 _x480 1x100"#]);
    let incidents = [
        incident("inc_1", 3_630, 4_000, "pay"),
        incident("inc_2", 3_630, 4_000, "front"),
        incident("inc_3", 9_000, 9_600, "pay"),
    ];
    let rule = rule("load > 5", 60, 0, OnNoData::Unknown);
    let got = backtest(&history, &rule, 1_050, &incidents).await;
    let verdicts: Vec<&Caught> = got.incidents.iter().map(|i| &i.verdict).collect();
    let Caught::Caught { fired_at, earlier_micros, .. } = verdicts[0] else { panic!("{verdicts:?}") };
    assert_eq!((fired_at.as_micros(), *earlier_micros), (3_660_000_000, 90_000_000));
    assert_eq!(verdicts[1..], [&Caught::Missed, &Caught::Unknown]);
    assert_eq!((got.pages, got.pages_without_incident, got.weeks_known), (1, 0, None));
    let unknown = got.unknown.first().unwrap();
    assert_eq!((got.unknown.len(), unknown.cause), (1, Cause::NoData));
    assert!(unknown.start >= Timestamp::from_secs(7_200) && unknown.end.is_some(), "{unknown:?}");
    assert!(got.looks < 40, "{} looks at 1,050 moments", got.looks);
}

#[tokio::test]
async fn an_alert_that_is_always_on_catches_nothing() {
    let history = History::of(&[r#"load{service="pay"} 9x2000"#]);
    let got =
        backtest(&history, &rule("load > 5", 0, 0, OnNoData::Unknown), 2_000, &[incident("i", 9_000, 9_600, "pay")])
            .await;
    assert_eq!(got.incidents[0].verdict, Caught::AlreadyFiring { since: Timestamp::from_secs(0) });
    assert_eq!((got.fired, got.pages, got.firings[0].resolved_at), (1, 1, None));
}

#[tokio::test]
async fn what_cannot_be_replayed_is_refused_with_why() {
    let history = History::of(&["load 1x10"]);
    let recording = Rule { kind: RuleKind::Recording, ..rule("load", 0, 0, OnNoData::Ok) };
    for (rule, steps, why) in [
        (rule("load >", 0, 0, OnNoData::Ok), 10, "unexpected"),
        (recording, 10, "recording rule"),
        (rule("load > 5", 0, 0, OnNoData::Ok), 400_001, "take a longer step"),
        (rule("load > 5", 0, 0, OnNoData::Ok), 0, "no moment"),
    ] {
        let error = run(&history, &asked(&rule, steps, &[]), &|_| {}).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn progress_is_heard_of_and_ends_at_one() {
    let (history, rule) = (History::of(&["load 1x100"]), rule("load > 5", 0, 0, OnNoData::Unknown));
    let heard = parking_lot::Mutex::new(Vec::new());
    in_parts(&history, &asked(&rule, 100, &[]), &|done| heard.lock().push(done), 25).await.unwrap();
    assert_eq!(*heard.lock(), [0.25, 0.5, 0.75, 1.0]);
}

/// Six days of a daily wave, and an hour on the last one that is out of the ordinary.
fn learnable() -> History {
    let mut history = History::default();
    let (day, broken) = (86_400_000, 5 * 86_400_000 + 6 * 3_600_000);
    for service in ["a", "b"] {
        let labels = Labels::from_pairs([("__name__", "load"), ("service", service)]);
        for t in (0..6 * day).step_by(300_000) {
            let wave = 100.0 + 50.0 * ((t % day) as f64 / day as f64 * std::f64::consts::TAU).sin();
            let wrong = service == "b" && (broken..broken + 3_600_000).contains(&t);
            let v = if wrong { 400.0 } else { wave + (t / 300_000 % 7) as f64 };
            history.0.append(&labels, t, &Point::Float(v));
        }
    }
    history
}

#[tokio::test]
async fn a_rule_with_a_band_is_unknown_until_there_is_enough_history_and_finds_what_is_out_of_it() {
    let history = learnable();
    for expr in [
        "load > wk_band_upper(load[30d:5m], \"medium\")",
        "wk_band_breaches(load[30d:5m], \"medium\", 5, \"above\") >= 4",
    ] {
        let rule = rule(expr, 0, 0, OnNoData::Unknown);
        let (start, end) = (Timestamp::from_secs(3_600), Timestamp::from_secs(6 * 86_400 - 300));
        let zone = TimeZone::UTC;
        let asked = Asked { rule: &rule, start, end, step: Span::from_secs(600), incidents: &[], zone, explore: true };
        let got = in_parts(&history, &asked, &|_| {}, 300).await.unwrap();
        let unknown: Vec<_> =
            got.unknown.iter().map(|u| (u.cause, u.end.map(|end| end.as_micros() / 3_600_000_000))).collect();
        assert!(matches!(unknown[..], [(Cause::TooLittleHistory, Some(71..=73))]), "{expr}: {:?}", got.unknown);
        assert!(got.unknown[0].reason.contains("of the 3 days"), "{:?}", got.unknown);
        let [firing] = &got.firings[..] else { panic!("{expr}: {:?}", got.firings) };
        assert_eq!(firing.labels.get("service"), Some("b"));
        let since = firing.fired_at.since(Timestamp::from_secs(5 * 86_400 + 6 * 3_600));
        assert!(since <= Span::from_secs(1_800), "{expr}: {since}");
        assert_eq!(got.exploration.is_some(), expr.starts_with("wk_"));
    }
}
