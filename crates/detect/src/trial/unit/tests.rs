//! Tests of rules, run: what they find and what they miss. The corpora's, where present, must go as promtool says.

mod packs;

use std::path::{Path, PathBuf};

use watchkeeper_config::{ExprProblem, FileSystem, load_rule_tests, load_rules};
use watchkeeper_promql::Expr;

use super::*;

const RULES: &str = r#"
groups:
  - name: shop
    rules:
      - record: job:errors:rate2m
        expr: sum by (job) (rate(errors_total[2m]))
        labels: { team: web }
      - alert: Errors
        expr: job:errors:rate2m > 0.5
        for: 2m
        keep_firing_for: 1m
        labels:
          severity: '{{ if gt $value 1.5 }}critical{{ else }}warning{{ end }}'
        annotations:
          summary: '{{ $labels.job }} fails {{ $value | humanize }} times a second in {{ $externalLabels.zone }}'
      - record: job:latency:sum
        expr: sum by (job) (latency)
"#;

const TESTS: &str = r#"
rule_files: [rules.yaml]
tests:
  - name: errors
    external_labels: { zone: north }
    input_series:
      - series: errors_total{job="shop", instance="a"}
        values: 0+60x6 360x10
    alert_rule_test:
      - eval_time: 3m30s
        alertname: Errors
      - eval_time: 4m
        alertname: Errors
        exp_alerts:
          - exp_labels: { job: shop, team: web, severity: warning }
            exp_annotations: { summary: shop fails 1 times a second in north }
      - { eval_time: 10m, alertname: Errors, exp_alerts: [ exp_labels: { severity: critical } ] }
    promql_expr_test:
      - expr: job:errors:rate2m
        eval_time: 3m
        exp_samples: [ { labels: 'job:errors:rate2m{job="shop", team="web"}', value: 1 } ]
      - expr: ALERTS{alertstate="pending"}
        eval_time: 2m
        exp_samples: []
      - expr: count_over_time(ALERTS{alertstate="pending"}[20m])
        eval_time: 4m
        exp_samples: [ { labels: '{alertname="Errors", alertstate="pending", job="shop", team="web", severity="warning"}', value: 2 } ]
  - name: histograms
    input_series:
      - series: latency{job="shop", instance="a"}
        values: '{{count:2 sum:3 buckets:[2]}}x3'
      - series: latency{job="shop", instance="b"}
        values: '{{count:1 sum:1 buckets:[1]}}x3'
    promql_expr_test:
      - expr: job:latency:sum
        eval_time: 2m
        exp_samples: [ { labels: 'job:latency:sum{job="shop"}', histogram: '{{count:3 sum:4 counter_reset_hint:not_reset buckets:[3]}}' } ]
      - expr: job:latency:sum
        eval_time: 2m
        exp_samples: [ { labels: 'job:latency:sum{job="shop"}', histogram: '{{count:3 sum:5 buckets:[3]}}' } ]
  - name: cannot be read
    input_series: [ { series: 'up{', values: 1 } ]
    promql_expr_test: [ { expr: up } ]
"#;

fn check(text: &str) -> Result<(), ExprProblem> {
    Expr::parse(text).map(drop).map_err(|e| ExprProblem { message: e.to_string(), offset: None })
}

fn verdicts(path: &Path) -> Vec<Verdict> {
    run(&load_rule_tests(path, &FileSystem, &check).unwrap().0)
}

fn told(verdicts: &[Verdict]) -> Vec<(&str, &'static str)> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed(_) => "failed",
        Outcome::Skipped => "skipped",
    };
    verdicts.iter().map(|v| (v.subject.as_str(), word(&v.outcome))).collect()
}

#[test]
fn alerts_recordings_and_histograms_are_compared_with_what_is_expected() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rules.yaml"), RULES).unwrap();
    let file = dir.path().join("tests.yaml");
    std::fs::write(&file, TESTS).unwrap();
    let verdicts = verdicts(&file);
    assert_eq!(
        told(&verdicts),
        [
            ("alert Errors at 3m30s", "passed"),
            ("alert Errors at 4m", "passed"),
            ("alert Errors at 10m", "failed"),
            ("job:errors:rate2m at 3m", "passed"),
            ("ALERTS{alertstate=\"pending\"} at 2m", "failed"),
            ("count_over_time(ALERTS{alertstate=\"pending\"}[20m]) at 4m", "passed"),
            ("job:latency:sum at 2m", "passed"),
            ("job:latency:sum at 2m", "failed"),
            ("series up{", "failed"),
            ("up at 0s", "skipped"),
        ],
        "{verdicts:#?}"
    );
    assert_eq!(verdicts[2].line, 17);
    let Outcome::Failed(why) = &verdicts[2].outcome else { panic!() };
    assert!(why.contains(r#"expected {alertname="Errors", severity="critical"} with {}, got no alert"#), "{why}");
}

#[test]
fn a_rule_that_cannot_be_evaluated_ends_its_test() {
    let dir = tempfile::tempdir().unwrap();
    let rules = "groups: [{name: g, rules: [{record: x, expr: a * on (k) b}]}]";
    std::fs::write(dir.path().join("rules.yaml"), rules).unwrap();
    let tests = r#"
rule_files: ["*les.yaml"]
tests:
  - input_series:
      - { series: 'a{k="1"}', values: 1 }
      - { series: 'b{k="1", l="1"}', values: _ 1 }
      - { series: 'b{k="1", l="2"}', values: _ 1 }
    alert_rule_test: [ { eval_time: 5m, alertname: A } ]
"#;
    let file = dir.path().join("tests.yaml");
    std::fs::write(&file, tests).unwrap();
    let verdicts = verdicts(&file);
    assert_eq!(told(&verdicts), [("rule x at 1m", "failed"), ("alert A at 5m", "skipped")], "{verdicts:#?}");
}

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")), PathBuf::from);
    let folder = folder.join("rules");
    if !folder.is_dir() {
        println!("skipped: no corpora at {}; set WATCHKEEPER_CORPORA", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn files_of_the_field_go_as_promtool_says() {
    let Some(folder) = corpora() else { return };
    let mut files: Vec<(PathBuf, usize)> = [
        ("unittest.yml", 0),
        ("at-modifier-test.yml", 0),
        ("bad-input-series.yml", 1),
        ("bad-promql.yml", 1),
        ("bad-rules-error-test.yml", 1),
        ("failing.yml", 4),
        ("long-period.yml", 0),
        ("negative-offset-test.yml", 0),
        ("no-test-group-interval.yml", 0),
        ("rules_run.yml", 1),
        ("rules_run_fuzzy.yml", 2),
        ("rules_run_no_fuzzy.yml", 2),
        ("start-time-test.yml", 0),
    ]
    .map(|(name, failures)| (folder.join("promtool").join(name), failures))
    .into();
    let mixin = std::fs::read_dir(folder.join("kubernetes-mixin")).unwrap();
    files.extend(mixin.map(|entry| (entry.unwrap().path(), 0)));
    let mut cases = 0;
    for (file, failures) in files {
        let verdicts = verdicts(&file);
        let failed: Vec<_> = verdicts.iter().filter(|v| matches!(v.outcome, Outcome::Failed(_))).collect();
        assert_eq!(failed.len(), failures, "{}: {failed:#?}", file.display());
        cases += verdicts.len();
    }
    assert!(cases >= 170, "{cases} cases");
}

fn yaml_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            out.push(path);
        }
    }
}

/// Rules in use everywhere: each is evaluated with series of all metrics that it names, so that joins have sides.
#[test]
fn rules_of_the_field_load_and_evaluate() {
    let Some(folder) = corpora() else { return };
    let mut files = vec![folder.join("prometheus_alerts.yaml"), folder.join("prometheus_rules.yaml")];
    yaml_files(&folder.join("awesome-prometheus-alerts"), &mut files);
    let mut rules = 0;
    for file in files {
        let (groups, _) = load_rules(std::slice::from_ref(&file), &FileSystem, &check)
            .unwrap_or_else(|problems| panic!("{}: {problems:#?}", file.display()));
        let mut trial = Trial::new(&groups, Span::from_secs(60), &Outside::default());
        let metrics: Vec<String> = groups
            .iter()
            .flat_map(|group| &group.rules)
            .flat_map(|rule| {
                crate::plan::Plan::new(&rule.expr)
                    .unwrap()
                    .selected
                    .into_iter()
                    .flat_map(|s| s.matchers)
                    .filter(|m| m.name == "__name__")
                    .map(|m| m.value)
                    .collect::<Vec<_>>()
            })
            .collect();
        for minute in 0..20 {
            let at = Timestamp::from_secs(60 * minute);
            for metric in &metrics {
                let labels = Labels::from_pairs([("__name__", metric.as_str()), ("instance", "a"), ("job", "b")]);
                trial.append(&labels, at, &Point::Float(minute as f64));
            }
            let failed = trial.evaluate(at);
            assert!(failed.is_empty(), "{}: {failed:#?}", file.display());
        }
        rules += groups.iter().map(|group| group.rules.len()).sum::<usize>();
    }
    assert!(rules > 650, "{rules} rules");
}
