//! Configuration that is broken, read by the real program: it says where, with a code, and never shows a secret.
//!
//! Not each message: `config` has those as snapshots.

use std::path::Path;
use std::process::Output;

use tokio::process::Command;

const SECRET: &str = "T0404/B0404/s3cr3t-of-slack";

/// Runs the program in `folder`; it must not hang, whatever it is given.
async fn watchkeeper(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    command.args(arguments).current_dir(folder).env_clear().env("WK_WRONG_PLACE", SECRET).kill_on_drop(true);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(30), command.output()).await;
    ended.expect("it ends by itself").unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_broken_configuration_is_told_with_its_place_and_starts_nothing() {
    let rules = "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: sum(\n";
    let twice =
        "groups:\n  - name: g\n    rules: [{alert: A, expr: up}]\n  - name: g\n    rules: [{alert: A, expr: up}]\n";
    let slack =
        format!("receivers:\n  - name: r\n    slack: [{{webhook_url: 'https://hooks.slack.com/services/{SECRET}'}}]\n");
    let cases = [
        ("server:\n  listen: 127.0.0.1:1\n otlp_http: off\n", "", "watchkeeper.yaml:3:", "WK3001"),
        ("server:\n  lisen: 127.0.0.1:1\n", "", "watchkeeper.yaml:2:3", "WK3002"),
        ("evaluation: {interval: soon}\n", "", "watchkeeper.yaml:1:24", "WK3003"),
        ("evaluation:\n  interval: ${env:WK_WRONG_PLACE}\n", "", "watchkeeper.yaml:2:13", "WK3003"),
        (&slack, "", "watchkeeper.yaml:3:27", "WK3004"),
        ("slack: {signing_secret: '${env:WK_NOT_SET}'}\n", "", "watchkeeper.yaml:1:25", "WK3005"),
        ("rule_files: [rules.yaml]\n", twice, "rules.yaml:4:11", "WK3006"),
        ("route: {receiver: nobody}\n", "", "watchkeeper.yaml:1:19", "WK3007"),
        ("rule_files: [rules.yaml]\n", rules, "rules.yaml:5:", "WK3008"),
        ("rule_files: [absent.yaml]\n", "", "watchkeeper.yaml:1:14", "WK3009"),
        ("server: {listen: '0.0.0.0:7404'}\n", "", "watchkeeper.yaml:1:18", "WK3010"),
    ];
    for (main, rules, place, code) in cases {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("watchkeeper.yaml"), main).unwrap();
        std::fs::write(folder.path().join("rules.yaml"), rules).unwrap();
        let checked = watchkeeper(folder.path(), &["check", "--lines", "watchkeeper.yaml"]).await;
        let shown = watchkeeper(folder.path(), &["check", "watchkeeper.yaml"]).await;
        let served = watchkeeper(folder.path(), &["serve", "--config", "watchkeeper.yaml", "--data", "data"]).await;
        for output in [&checked, &shown, &served] {
            let said = text(output);
            assert_eq!(output.status.code(), Some(1), "{main}: {said}");
            assert!(said.contains(place) && said.contains(code), "{main} should say {place} {code}: {said}");
            assert!(!said.contains("s3cr3t"), "{said}");
        }
        assert!(!folder.path().join("data").exists(), "nothing is made before the configuration is good");
    }
}

#[tokio::test]
async fn wrong_usage_is_another_exit_status_than_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["check"][..], &["serve", "--listen", "everywhere"], &["frobnicate"], &["check", "--wrong"]] {
        let output = watchkeeper(folder.path(), arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
    }
    let output = watchkeeper(folder.path(), &["check", "absent.yaml"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("WK3009"), "{}", text(&output));
}

#[tokio::test]
async fn a_good_configuration_is_fine_and_a_second_server_on_its_folder_is_not() {
    let served = super::Served::start().await;
    let folder = served.folder.path();
    let checked = watchkeeper(folder, &["check", "watchkeeper.yaml"]).await;
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    let second = watchkeeper(folder, &["serve", "--config", "watchkeeper.yaml", "--data", "data"]).await;
    assert_eq!(second.status.code(), Some(1), "{}", text(&second));
    assert!(text(&second).contains("another Watchkeeper uses it"), "{}", text(&second));
    served.still_works().await;
}
