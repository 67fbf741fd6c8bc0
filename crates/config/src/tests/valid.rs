//! What is accepted, and what it becomes.

use watchkeeper_domain::{Category, Priority, Span};

use super::*;
use crate::model::route::GroupBy;
use crate::model::{OnNoData, ProbeKind, Role, RuleKind, Uses};

#[test]
fn an_empty_file_and_no_file_are_valid_and_equal() {
    for config in [good("").config, good("# nothing\n").config, good("route:\nreceivers: []\n").config, defaults()] {
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:7404");
        assert_eq!(config.server.external_url, "http://127.0.0.1:7404");
        assert_eq!(config.route.receiver, "default");
        assert!(config.receivers["default"].integrations().is_empty());
        assert_eq!(config.route.group_by, GroupBy::Labels(vec!["alertname".to_owned(), "service".to_owned()]));
        assert_eq!(config.storage.retention, Span::from_secs(86_400));
    }
}

const MAIN: &str = r#"
server:
  listen: 0.0.0.0:7404
  otlp_grpc: off
  external_url: https://wk.bank.example/
  tokens: [{name: ana, role: admin, token: "${env:TOKEN}"}]
storage: {retention: 7d, max_bytes: 512MiB}
evaluation: {interval: 15s}
rule_files: [rules/*.yaml]
workflow_files: heal.yaml
probes:
  - name: front
    http: {url: "https://front.bank.example/health", headers: {Authorization: "Bearer ${env:TOKEN}"}, expect_status: 204}
    interval: 10s
    labels: {service: front}
  - {name: db, tcp: {address: "db:5432"}}
people: [{name: ana, email: ana@bank.example, slack_id: U1}]
smtp: {host: mail.bank.example, from: wk@bank.example, tls: tls, username: wk, password: "${file:secrets/smtp}"}
receivers:
  - name: oncall
    slack: {webhook_url: "${env:SLACK_WEBHOOK_URL}", chart: never}
    email_configs: [{to: "ana@bank.example, Bo <bo@bank.example>"}]
    webhook: [{url: "http://127.0.0.1:9/x", send_resolved: false}, {url: "${env:HOOK}", bearer_token: "${env:TOKEN}"}]
  - {name: quiet}
route:
  receiver: oncall
  group_by: [alertname]
  repeat_interval: 1h
  routes:
    - {matchers: ['severity="low"', 'team=~"a|b"'], receiver: quiet, group_by: ['...'], continue: true}
    - {match: {team: c}, match_re: {zone: "x.*"}, group_wait: 10s, routes: [{matchers: '{a="1", b!="2,3"}'}]}
inhibit_rules: [{source_matchers: [severity=critical], target_match: {severity: low}, equal: [service]}]
incidents: {open_from: high, default_roles: {commander: ana}, handover_receiver: oncall, impact_query: 'sum(increase(e[{{ window }}]))'}
status_page: {title: Bank, components: [{name: payments, title: Payments, matchers: ['service="payments"']}]}
slack: {signing_secret: "${env:TOKEN}"}
"#;

const RULES: &str = r#"
groups:
  - name: api
    interval: 30s
    labels: {team: core}
    rules:
      - alert: High
        expr: rate(x[5m]) > 1
        for: 10m
        labels: {severity: critical, version: 1.10}
        annotations: {summary: "{{ $labels.service }} at {{ $value | humanize }}"}
      - {alert: High, expr: 'rate(x[5m]) > 2', labels: {severity: warning}, category: database, priority: low, on_no_data: firing}
      - {record: "api:rate", expr: "rate(x[5m])"}
"#;

const HEAL: &str = r#"
name: restart-payments
description: Restart it.
on: {alert: [['alertname="Down"', 'service="payments"'], 'alertname="Slow"']}
target: "{{ labels.service }}"
guard: {tries: 3, cooldown: 30s}
steps:
  - {name: restart, uses: http, with: {url: "http://127.0.0.1:1/restart", headers: {Authorization: "Bearer ${env:TOKEN}"}, body: {n: 1, name: "{{ labels.service }}"}}, idempotent: true, retry: {attempts: 3}}
  - {uses: wait, with: 2s}
  - {name: run, uses: exec, with: {command: [/bin/echo, "{{ labels.service }}"]}, if: "labels.service == 'x'"}
  - {name: tell, uses: notify, with: {receiver: oncall, message: done}}
  - {name: count, uses: metric, with: {name: healed_total, value: "1"}}
verify: {all: ['up{service="{{ labels.service }}"} == 1'], hold: 2s, within: 20s}
"#;

fn bank() -> Memory {
    Memory::default()
        .file("wk.yaml", MAIN)
        .file("rules/api.yaml", RULES)
        .file("heal.yaml", HEAL)
        .file("secrets/smtp", "pw\n")
        .env("TOKEN", "t0p")
        .env("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/X")
        .env("HOOK", "https://hook.example/?token=1")
}

#[test]
fn scrape_configs_are_prometheus_own() {
    let text = r#"
scrape_configs:
  - job_name: node
    scrape_interval: 30s
    params: {collect: [cpu, disk]}
    static_configs: [{targets: ["a:9100", "[::1]:9100"], labels: {zone: west}}]
    basic_auth: {username: wk, password: "${env:TOKEN}"}
    sample_limit: 0
    body_size_limit: 10MB
    relabel_configs:
      - {source_labels: [__address__], regex: '(.*):\d+', target_label: host, replacement: '${1}.bank'}
      - {action: labelmap, regex: __meta_(.+)}
    metric_relabel_configs: [{source_labels: [__name__], regex: 'go_.*', action: drop}]
  - {job_name: plain, file_sd_configs: [{files: t/*.json}], scheme: https, tls_config: {ca_file: ca.pem}}
"#;
    let memory = Memory::default().file("wk.yaml", text).file("ca.pem", "PEM").env("TOKEN", "t0p");
    let loaded = load_memory(&memory).map_err(|e| plain(&e)).unwrap();
    let [node, plain] = loaded.config.scrape_jobs.as_slice() else { panic!() };
    assert_eq!(
        (node.interval, node.timeout, node.path.as_str()),
        (Span::from_secs(30), Span::from_secs(10), "/metrics")
    );
    assert_eq!(node.authorization.as_ref().unwrap().expose(), "Basic d2s6dDBw");
    assert_eq!((node.limits.samples, node.limits.body), (None, Some(10_000_000)), "0 is no limit");
    assert_eq!(
        (node.relabel[0].replacement.as_str(), node.relabel.len()),
        ("${1}.bank", 2),
        "a group, not a reference"
    );
    assert_eq!(node.params, [("collect".to_owned(), vec!["cpu".to_owned(), "disk".to_owned()])]);
    assert!(plain.https && plain.honor_timestamps && plain.tls.ca.as_deref() == Some("PEM"));
    assert!(plain.files[0].paths[0].ends_with("t/*.json"));
}

#[test]
fn a_full_configuration_becomes_the_model() {
    let loaded = load_memory(&bank()).map_err(|e| plain(&e)).unwrap();
    assert_eq!(plain(&loaded.warnings), "");
    let config = loaded.config;
    assert_eq!((config.server.otlp_grpc, config.server.tokens[0].role), (None, Role::Admin));
    assert_eq!(config.server.external_url, "https://wk.bank.example");
    assert_eq!(config.storage.max_bytes, 512 << 20);
    let ProbeKind::Http(http) = &config.probes[0].kind else { panic!() };
    let (headers, expect_status) = (&http.headers, &http.expect_status);
    assert_eq!((headers[0].1.expose(), headers[0].1.reference()), ("Bearer t0p", "Bearer ${env:TOKEN}"));
    assert_eq!((expect_status.as_slice(), config.probes[0].timeout), (&[204][..], Span::from_secs(5)));
    let oncall = &config.receivers["oncall"];
    assert_eq!(oncall.integrations().len(), 4);
    assert_eq!(oncall.email[0].to, ["ana@bank.example", "Bo <bo@bank.example>"]);
    assert_eq!(config.smtp.as_ref().unwrap().password.as_ref().unwrap().expose(), "pw");
    assert_eq!(config.smtp.unwrap().port, 465);
    let [quiet, legacy] = config.route.routes.as_slice() else { panic!() };
    assert_eq!((quiet.matchers.len(), &quiet.group_by, quiet.continue_), (2, &GroupBy::All, true));
    assert_eq!(quiet.repeat_interval, Span::from_secs(3_600), "inherited");
    assert_eq!(legacy.routes[0].matchers.len(), 2);
    assert_eq!(
        (legacy.routes[0].receiver.as_str(), legacy.routes[0].group_wait),
        ("oncall", Some(Span::from_secs(10)))
    );
    assert_eq!(config.incidents.open_from, Priority::High);
    assert!(!format!("{:?}", config.receivers).contains("hooks.slack.com"));
}

#[test]
fn rules_keep_prometheus_meaning_and_take_ours() {
    let config = load_memory(&bank()).map_err(|e| plain(&e)).unwrap().config;
    let rules = &config.rule_groups[0].rules;
    let ids: Vec<&str> = rules.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["api/High", "api/High#2", "api/api:rate"]);
    assert_eq!(
        (rules[0].line, rules[0].labels["version"].as_str(), rules[0].labels["team"].as_str()),
        (7, "1.10", "core")
    );
    let RuleKind::Alerting { hold, category, priority, on_no_data, .. } = &rules[0].kind else { panic!() };
    assert_eq!(
        (*hold, *category, *priority, *on_no_data),
        (Span::from_secs(600), Category::Application, Priority::Critical, OnNoData::Unknown)
    );
    let RuleKind::Alerting { category, priority, on_no_data, .. } = &rules[1].kind else { panic!() };
    assert_eq!((*category, *priority, *on_no_data), (Category::Database, Priority::Low, OnNoData::Firing));
    assert_eq!(rules[2].kind, RuleKind::Recording);
}

#[test]
fn workflows_keep_references_and_templates() {
    let config = load_memory(&bank()).map_err(|e| plain(&e)).unwrap().config;
    let workflow = &config.workflows["restart-payments"];
    assert_eq!(workflow.on_alert.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((workflow.guard.tries, workflow.guard.runs_per_hour), (3, 3));
    let Uses::Http { headers, body, method, .. } = &workflow.steps[0].uses else { panic!() };
    assert_eq!((headers["Authorization"].as_str(), method.as_str()), ("Bearer ${env:TOKEN}", "POST"));
    assert_eq!(body.as_ref().unwrap()["n"], 1);
    assert_eq!(
        (workflow.steps[1].name.as_str(), &workflow.steps[1].uses),
        ("wait-2", &Uses::Wait { duration: Span::from_secs(2) })
    );
}

#[test]
fn an_integration_whose_optional_secret_is_not_set_is_left_out_with_a_warning() {
    let loaded = good(
        "receivers: [{name: default, slack: {webhook_url: '${env:NOT_SET:-}'}, webhook: {url: 'http://localhost:1/'}}]",
    );
    assert_eq!(loaded.config.receivers["default"].integrations().len(), 1);
    insta::assert_snapshot!(plain(&loaded.warnings));
}

#[test]
fn anchors_and_merge_keys_work() {
    let text = "probes:\n  - &p {name: a, tcp: {address: 'a:1'}, interval: 20s}\n  - {<<: *p, name: b}\n";
    let probes = good(text).config.probes;
    assert_eq!((probes[1].name.as_str(), probes[1].interval), ("b", Span::from_secs(20)));
}

pub(super) fn bank_text() -> &'static str {
    MAIN
}
