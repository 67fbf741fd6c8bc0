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
