//! Alertmanager's files: written as ours, and used as they are.

use super::*;
use crate::alertmanager::import;

const THEIRS: &str = r##"
global:
  resolve_timeout: 10m
  smtp_smarthost: "mail.bank.example:587"
  smtp_from: am@bank.example
  smtp_auth_username: am
  smtp_auth_password: pa55word
  slack_api_url: "https://hooks.slack.example/services/T/B/x"
templates: ["*.tmpl"]
route:
  receiver: team
  group_by: [alertname]
  routes:
    - matchers: ['team="a${b}"']
      receiver: pager
      mute_time_intervals: [nights]
inhibit_rules:
  - name: noise
    source_matchers: [severity="critical"]
    target_match_re: {severity: "low|medium"}
    equal: [service]
mute_time_intervals:
  - name: nights
    time_intervals: [{times: [{start_time: "22:00", end_time: "24:00"}], location: Europe/Zurich}]
receivers:
  - name: team
    slack_configs:
      - channel: "#alerts"
        title: "{{ .GroupLabels.alertname }}"
      - api_url_file: secrets/other
        send_resolved: true
    email_configs: [{to: "team@bank.example", headers: {Subject: x}}]
  - name: pager
    webhook_configs:
      - url: "http://127.0.0.1:9000/hook"
        http_config: {authorization: {credentials: s3cret}, proxy_url: "http://proxy:1"}
      - {url: "https://relay.bank.example/hook?token=abc", max_alerts: 5, timeout: 3s}
    victorops_configs: [{api_key: k, routing_key: r}]
    pagerduty_configs: [{routing_key: pd-s3cret, severity: critical}, {service_key_file: secrets/pd, send_resolved: false}]
    opsgenie_configs: [{api_key: og-s3cret, tags: "a, b", responders: [{name: ops, type: team}, {username: x, type: user}]}]
    telegram_configs: [{bot_token: tg-s3cret, chat_id: -1234, parse_mode: HTML}]
    msteams_configs: [{webhook_url: "https://teams.example/tm-s3cret"}]
    msteamsv2_configs: [{webhook_url_file: secrets/teams}]
    discord_configs: [{webhook_url: "https://discord.example/dc-s3cret"}]
"##;

#[test]
fn a_file_is_written_as_ours_without_its_secrets_and_says_what_stays_behind() {
    let imported = import(Path::new("am.yml"), &Memory::default().file("am.yml", THEIRS)).unwrap();
    insta::assert_snapshot!(imported.yaml);
    insta::assert_snapshot!(plain(&imported.notes));
    for secret in ["pa55word", "hooks.slack", "s3cret", "token=abc"] {
        assert!(!imported.yaml.contains(secret), "{secret}");
    }
    // What was written loads, and means what it meant.
    let mut ours = Memory::default().file("wk.yaml", &imported.yaml).file("secrets/other", "https://hooks.example/2");
    for file in ["secrets/pd", "secrets/teams"] {
        ours = ours.file(file, "https://hooks.example/3");
    }
    for variable in &imported.variables {
        ours = ours.env(&variable.name, "https://hooks.example/1");
    }
    let config = load_memory(&ours).unwrap().config;
    assert_eq!(config.resolve_timeout.to_string(), "10m");
    assert_eq!(config.route.routes[0].matchers[0].to_string(), r#"team="a${b}""#);
    assert_eq!(config.route.routes[0].mute_time_intervals, ["nights"]);
    let team: Vec<bool> = config.receivers["team"].integrations().iter().map(|i| i.send_resolved).collect();
    assert_eq!(team, [false, true, false]);
    assert_eq!(config.receivers["pager"].webhook[0].bearer_token.as_ref().unwrap().expose(), "https://hooks.example/1");
    let pager: Vec<String> = config.receivers["pager"].integrations().into_iter().map(|i| i.key).collect();
    let kinds =
        ["webhook", "webhook:1", "pagerduty", "pagerduty:1", "opsgenie", "teams", "teams:1", "discord", "telegram"];
    assert_eq!(pager, kinds);
    assert_eq!(config.smtp.unwrap().host, "mail.bank.example");
}

fn direct(main: &str, theirs: &str) -> Memory {
    Memory::default().file("wk.yaml", main).file("am/am.yml", theirs).file("am/slack", "https://hooks.example/1")
}

const MAIN: &str = "alertmanager_config: am/am.yml\nreceivers: {name: extra}\n";

#[test]
fn a_file_is_used_as_it_is_beside_our_own_settings() {
    let theirs = "
global: {slack_api_url_file: slack}
route: {receiver: team, routes: [{receiver: extra, match: {team: b}}]}
receivers: [{name: team, slack_configs: [{channel: '#a'}]}]
";
    let loaded = load_memory(&direct(MAIN, theirs)).unwrap();
    let config = &loaded.config;
    assert_eq!(config.route.receiver, "team");
    assert_eq!(config.route.group_by, crate::model::route::GroupBy::Labels(Vec::new()));
    assert_eq!(config.receivers["team"].slack[0].webhook_url.expose(), "https://hooks.example/1");
    assert!(config.receivers.contains_key("extra"));
    assert_eq!(
        plain(&loaded.warnings),
        "am/am.yml:4:43: WK3011 warning: `channel` of `slack_configs` is not carried over: an incoming webhook posts into the \
         channel that it was made for"
    );
}

#[test]
fn used_as_it_is_a_file_must_not_hold_secrets_nor_receivers_that_tell_nobody() {
    insta::assert_snapshot!(problems(&direct(&format!("{MAIN}route: {{receiver: extra}}\n"), THEIRS)));
    let nobody = "
route: {receiver: gone}
receivers: [{name: wx, wechat_configs: [{api_secret: a, corp_id: b}]}, {name: extra}]
";
    insta::assert_snapshot!(problems(&direct(MAIN, nobody)));
    insta::assert_snapshot!(problems(&Memory::default().file("wk.yaml", "alertmanager_config: absent.yml")));
}

#[test]
fn what_alertmanager_refuses_is_refused_with_the_place() {
    let theirs = "
global: {smtp_smarthost: mail, smtp_from: a@b, slack_app_token: x, unknown_key: 1}
route: {group_by: [a, a], routes: [{receiver: nobody, match_re: {a: }}]}
inhibit_rules: [{source_match_re: {x: null}}]
receivers:
  - name: r
    slack_configs: [{api_url: example.org/x, update_message: true}, null]
    email_configs: [{to: a@b}, {html: x}]
    webhook_configs: [{url: 'https://a.example/x', url_file: x}, {}]
    pager_configs: []
  - name: r
";
    let refused = import(Path::new("am.yml"), &Memory::default().file("am.yml", theirs)).unwrap_err();
    insta::assert_snapshot!(plain(&refused));
    let nothing = import(Path::new("am.yml"), &Memory::default().file("am.yml", "global: {}")).unwrap_err();
    assert_eq!(plain(&nothing), "am.yml:1:1: WK3003 Alertmanager's file needs `route`");
}
