//! Commands that need no server, as a person or a pipeline runs them: what they print and how they end.
//!
//! Not `check`: `bad_input` has that.

use std::path::Path;
use std::process::Command;

const ROUTES: &str = r#"
receivers: [{name: team}, {name: pager}, {name: archive}]
time_intervals: [{name: nights, time_intervals: [{times: [{start_time: "00:00", end_time: "06:00"}]}]}]
route:
  receiver: team
  group_by: [alertname]
  routes:
    - {matchers: ['severity=~"critical|high"'], receiver: archive, continue: true}
    - {matchers: [severity=critical], receiver: pager, mute_time_intervals: [nights]}
"#;

/// Status, standard output and standard error.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_watchkeeper")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn test_route_says_whom_an_alert_would_reach_and_the_way_there() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("watchkeeper.yaml"), ROUTES).unwrap();
    let (status, said, _) = run(folder.path(), &["test", "route", "severity=critical", "service=payments"]);
    assert_eq!(status, Some(0));
    assert_eq!(
        said,
        "matches         {}\n\
         matches         {}/{severity=~\"critical|high\"}\n\
         matches         {}/{severity=\"critical\"}\n\
         => archive (grouped by alertname)\n\
         => pager (grouped by alertname; not told during nights)\n"
    );
    let expect = |receivers: &str, label: &str| run(folder.path(), &["test", "route", "--expect", receivers, label]);
    assert_eq!(expect("archive,pager", "severity=critical").0, Some(0));
    assert_eq!(expect("team", "severity=low").0, Some(0));
    let (status, _, complained) = expect("pager", "severity=low");
    assert_eq!(status, Some(1));
    assert!(complained.contains("it goes to team, not to pager"), "{complained}");
    let (status, said, _) = run(folder.path(), &["test", "route", "severity=high", "--output", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &answer["receivers"]), (Some(0), &serde_json::json!(["archive"])));
}

#[test]
fn import_writes_our_configuration_and_check_takes_it_and_the_same_file_works_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = "route: {receiver: hook, group_by: [job]}\nreceivers: [{name: hook, webhook_configs: [{url: 'http://127.0.0.1:9/x', max_alerts: 3}]}]\n";
    std::fs::write(folder.path().join("am.yml"), theirs).unwrap();
    let (status, ours, aside) = run(folder.path(), &["import", "alertmanager", "am.yml"]);
    assert!(status == Some(0) && aside.contains("`max_alerts` of `webhook_configs` is not carried over"), "{aside}");
    std::fs::write(folder.path().join("watchkeeper.yaml"), ours).unwrap();
    let way =
        |arguments: &[&str]| run(folder.path(), &[&["test", "route", "--expect", "hook", "job=a"], arguments].concat());
    assert_eq!(way(&[]).0, Some(0));
    std::fs::write(folder.path().join("direct.yaml"), "alertmanager_config: am.yml\n").unwrap();
    let (status, said, _) = way(&["--config", "direct.yaml"]);
    assert!(status == Some(0) && said.contains("=> hook (grouped by job)"), "{said}");
    let (status, said, _) = run(folder.path(), &["check", "direct.yaml"]);
    assert!(status == Some(0) && said.contains("direct.yaml (with am.yml) is fine"), "{said}");
    std::fs::write(folder.path().join("am.yml"), "route: {receiver: gone}\n").unwrap();
    let (status, _, complained) = run(folder.path(), &["import", "alertmanager", "am.yml"]);
    assert!(status == Some(1) && complained.contains("am.yml:1:19"), "{complained}");
}

#[test]
fn test_route_refuses_what_is_no_label_and_a_broken_file() {
    let folder = tempfile::tempdir().unwrap();
    let (status, _, complained) = run(folder.path(), &["test", "route", "a=b"]);
    assert!(status == Some(2) && complained.contains("--config FILE"), "{complained}");
    std::fs::write(folder.path().join("watchkeeper.yaml"), ROUTES).unwrap();
    let (status, _, complained) = run(folder.path(), &["test", "route", "critical"]);
    assert!(status == Some(2) && complained.contains("`critical` is no label"), "{complained}");
    std::fs::write(folder.path().join("watchkeeper.yaml"), "route: {receiver: nobody}\n").unwrap();
    let (status, said, _) = run(folder.path(), &["test", "route", "a=b"]);
    assert!(status == Some(2) && said.contains("watchkeeper.yaml:1:19"), "{said}");
}

const RULES: &str = "
groups:
  - name: shop
    rules:
      - alert: Down
        expr: up == 0
        for: 1m
        annotations: { summary: '{{ $labels.job }} is down' }
";

const RULE_TESTS: &str = "
rule_files: [rules.yaml]
tests:
  - input_series: [ { series: 'up{job=\"shop\"}', values: 1 0 0 0 } ]
    alert_rule_test:
      - { eval_time: 1m, alertname: Down }
      - eval_time: 2m
        alertname: Down
        exp_alerts: [ { exp_labels: { job: shop }, exp_annotations: { summary: shop is down } } ]
";

#[test]
fn test_rules_runs_unit_tests_and_says_where_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("rules.yaml", RULES);
    write("tests.yaml", RULE_TESTS);
    let (status, said, complained) = run(folder.path(), &["test", "rules", "tests.yaml"]);
    assert!(status == Some(0) && said.trim() == "2 passed, 0 failed, 0 skipped", "{said} {complained}");
    write("rules.yaml", &RULES.replace("for: 1m", "for: 3m"));
    let (status, said, _) = run(folder.path(), &["test", "rules", "tests.yaml"]);
    assert!(status == Some(1) && said.ends_with("1 passed, 1 failed, 0 skipped\n"), "{said}");
    assert!(
        said.contains("tests.yaml:7: unnamed#0: alert Down at 2m: expected {alertname=\"Down\", job=\"shop\"}"),
        "{said}"
    );
    write("rules.yaml", &RULES.replace("up == 0", "up == == 0"));
    let (status, said, complained) = run(folder.path(), &["test", "rules", "tests.yaml"]);
    assert!(status == Some(1) && said.ends_with("0 passed, 1 failed, 0 skipped\n"), "{said}");
    assert!(complained.contains("rules.yaml:6:21") || said.contains("rules.yaml:6:21"), "{said} {complained}");
}

#[test]
fn test_promql_runs_scripts_and_counts_what_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let script = "load 1m\n  a 1+1x5\n\neval instant at 5m rate(a[5m]) * 60\n  {} 1\n\neval instant at 5m a[\n  {} 1\n\neval sometime a\n";
    std::fs::write(folder.path().join("a.test"), script).unwrap();
    let (status, said, _) = run(folder.path(), &["test", "promql", "a.test"]);
    assert!(status == Some(1) && said.ends_with("1 passed, 2 failed, 0 skipped\n"), "{said}");
    assert!(said.contains("a.test:7: a[: 1:3: parse error"), "{said}");
}

#[test]
fn test_mapping_shows_what_a_body_becomes_and_refuses_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "integrations: [{name: shop, kind: mapping, mapping: {title: what, key: nr, resolved: over}}, {name: hub, kind: github}]\n";
    std::fs::write(folder.path().join("watchkeeper.yaml"), yaml).unwrap();
    std::fs::write(folder.path().join("body.json"), r#"{"what": "Fire", "nr": 7}"#).unwrap();
    let test =
        |more: &[&str]| run(folder.path(), &[&["test", "mapping", "watchkeeper.yaml", "body.json"], more].concat());
    let (status, _, complained) = test(&[]);
    assert!(status == Some(2) && complained.contains("--name: hub, shop"), "{complained}");
    let (status, said, _) = test(&["--name", "shop"]);
    assert_eq!((status, said.as_str()), (Some(0), "fire 7\n  alertname=Fire\n  dedup_key=7\n  integration=shop\n"));
    let (status, said, _) = test(&["--name", "hub", "--event", "push"]);
    assert_eq!((status, said.as_str()), (Some(0), "Nothing to take: `push` tells of nothing that is wrong.\n"));
    std::fs::write(folder.path().join("body.json"), r#"{"nr": 7}"#).unwrap();
    let (status, _, complained) = test(&["--name", "shop"]);
    assert!(status == Some(1) && complained.contains("`title` gives nothing: `what`"), "{complained}");
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_command_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"))
        .args(["completion", "bash"])
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = command.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(141), ""));
}

#[test]
fn import_pack_writes_rules_and_tests_that_pass_and_a_file_that_check_takes() {
    let folder = tempfile::tempdir().unwrap();
    let (status, said, _) = run(folder.path(), &["import", "pack", "--list"]);
    assert!(status == Some(0) && said.contains("keyvault") && said.contains("business"), "{said}");
    let (status, said, _) = run(folder.path(), &["import", "pack", "database"]);
    assert!(status == Some(0) && said.contains("rule_files: [rules/*.yaml]"), "{said}");
    std::fs::write(folder.path().join("watchkeeper.yaml"), "rule_files: [rules/*.yaml]\n").unwrap();
    let (status, said, _) = run(folder.path(), &["check"]);
    assert!(status == Some(0) && said.contains("9 rules") && said.contains("0 warnings"), "{said}");
    let (status, said, _) = run(folder.path(), &["test", "rules", "rules/tests/database_test.yaml"]);
    assert!(status == Some(0) && said.contains("18 passed, 0 failed, 0 skipped"), "{said}");
    let (status, _, complained) = run(folder.path(), &["import", "pack", "database"]);
    assert!(status == Some(1) && complained.contains("--force"), "{complained}");
    let (status, _, complained) = run(folder.path(), &["import", "pack", "databases"]);
    assert!(status == Some(2) && complained.contains("there are application, business, database"), "{complained}");
}
