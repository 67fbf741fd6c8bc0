//! What people read when something is wrong.

use super::*;

fn lines(text: &str) -> String {
    problems(&Memory::default().file("wk.yaml", text))
}

fn rules(text: &str) -> String {
    problems(&Memory::default().file("wk.yaml", "rule_files: [r.yaml]").file("r.yaml", text))
}

#[test]
fn broken_yaml_says_where() {
    insta::assert_snapshot!(lines("server:\n  listen: 127.0.0.1:1\n otlp_http: off\n"));
    insta::assert_snapshot!(lines("a: [1, 2\nb: 3\n"));
    insta::assert_snapshot!(lines("route:\n\treceiver: x\n"));
    insta::assert_snapshot!(lines("route: {receiver: default}\nroute: {}\n"));
}

#[test]
fn an_unknown_key_gets_its_neighbour_and_all_problems_come_at_once() {
    insta::assert_snapshot!(lines(
        "
server: {lisen: 127.0.0.1:1}
reciever: []
route: {receiver: oncal, group_waits: 1s, group_interval: 0s}
receivers:
  - {name: oncall}
  - {name: oncall}
global: {}
probes: [{name: p, interval: 5x}]
evaluation: [1]
"
    ));
}

#[test]
fn what_is_wrong_with_a_scrape_config_is_told_with_its_place() {
    insta::assert_snapshot!(lines(
        r#"
scrape_configs:
  - job_name: a
    scrape_interval: 5s
    scrape_timeout: 6s
    metrics_path: metrics
    scheme: ftp
    params: {token: [s3cret-token-value]}
    static_configs: [{targets: ["http://a:9100/metrics", ""]}]
    basic_auth: {username: a, password: hunter2hunter2}
    relabel_configs:
      - {action: replcae}
      - {action: hashmod, source_labels: [a], target_label: b}
      - {action: labeldrop, regex: x, source_labels: [a]}
      - {source_labels: [a], regex: '(', target_label: b}
      - {source_labels: [a]}
      - {target_label: 'a-b'}
    file_sd_configs: [{files: targets.txt}]
    tls_config: {cert_file: absent.pem}
    follow_redirects: true
    dns_sd_configs: []
  - {job_name: a}
"#
    ));
}

#[test]
fn references_to_nothing_are_told_with_the_nearest_name() {
    insta::assert_snapshot!(problems(
        &Memory::default()
            .file(
                "wk.yaml",
                "
receivers: [{name: oncall, email: {to: a@b}}]
people: [{name: ana}]
incidents: {default_roles: {commander: anna}, handover_receiver: nobody-at-all}
route: {receiver: oncall}
workflow_files: [w.yaml, absent.yaml, none/*.yaml]
"
            )
            .file("w.yaml", "{name: w, steps: [{uses: notify, with: {receiver: on-call, message: hi}}, {uses: htpp}]}")
    ));
}

#[test]
fn a_literal_secret_is_refused_with_its_fix_and_never_shown() {
    let text = "
server:
  tokens: [{name: a, role: admn, token: s3cret-token-value}]
smtp: {host: mail.example, from: a@b.example, tls: none, password: hunter2hunter2}
slack: {signing_secret: 8f742231b10e8888abcd99yyyzzz85a5}
receivers:
  - name: default
    slack:
      - webhook_url: https://hooks.slack.com/services/T0/B0/XXXXXXXX
    webhook:
      - url: https://user:passw0rd@hook.example/
      - url: https://hook.example/abc
      - url: http://10.0.0.1/?token=qqq
      - url: http://10.0.0.1/fine
probes: [{name: p, http: {url: 'http://x/', headers: {X-Api-Key: k3y-literal}}}]
";
    let memory = Memory::default().file("wk.yaml", text);
    insta::assert_snapshot!(problems(&memory));
    let problems = load_memory(&memory).unwrap_err();
    let shown = format!("{}{}{problems:?}", render(&problems, false), render(&problems, true));
    for secret in [
        "s3cret-token",
        "hunter2",
        "8f742231",
        "T0/B0",
        "XXXX",
        "passw0rd",
        "hook.example/abc",
        "token=qqq",
        "k3y-literal",
    ] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
}

#[test]
fn broken_syntax_next_to_a_secret_does_not_show_it() {
    let memory = Memory::default().file("wk.yaml", "smtp:\n  password: hunter2hunter2\n bad: [\n");
    let problems = load_memory(&memory).unwrap_err();
    assert!(!format!("{}{problems:?}", render(&problems, false)).contains("hunter2"));
}

#[test]
fn a_secret_in_the_wrong_place_is_not_shown_either() {
    let memory = Memory::default()
        .file(
            "wk.yaml",
            "evaluation: {interval: '${env:PW}'}\nreceivers: [{name: a, slack: {webhook_url: '${env:PW}'}}]\n",
        )
        .env("PW", "hunter2hunter2");
    let text = problems(&memory);
    assert!(!text.contains("hunter2"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    insta::assert_snapshot!(lines(
        "slack: {signing_secret: '${env:SLACK_SIGNING_SECRET}'}\nsmtp: {host: h, from: a@b, password: '${file:/no/pw}', username: '${HOME}'}\n"
    ));
}

#[test]
fn listening_wider_than_this_machine_needs_tokens() {
    insta::assert_snapshot!(lines(
        "server: {listen: ':7404', otlp_http: '192.168.1.1:4318', otlp_grpc: '127.0.0.1:4317'}"
    ));
}

#[test]
fn routes_and_matchers_are_checked() {
    insta::assert_snapshot!(lines(
        "
route:
  matchers: [a=b]
  continue: true
  group_by: ['...', a]
  routes:
    - matchers: ['severity~critical', 'x=~\"(\"', '']
    - {match_re: {a: '['}, repeat_interval: 1 hour, group_wait: 30}
"
    ));
}

#[test]
fn rules_are_checked_at_their_place() {
    insta::assert_snapshot!(rules(
        "groups:
- name: g
  rules:
  - alert: A
    expr: up !! 1
  - alert: B
    expr: |
      sum(x)
        + up !! 2
    for: soon
  - alert: A
    expr: sum(up
  - {alert: C, record: c, expr: up}
  - {record: 'bad name', expr: up, for: 5m}
  - alert: D
    expr: 'a !!'
    annotations: {summary: 'x {{ call \"up\" }}', description: '{{ $labels.x }', 'no-name': a}
    priority: criticl
    category: net
    on_no_data: fire
    labels: {'0x': a}
  - {alert: E}
- name: g
  rules: []
- rules: []
"
    ));
}

#[test]
fn workflows_are_checked() {
    insta::assert_snapshot!(problems(&Memory::default().file("wk.yaml", "workflow_files: w.yaml").file(
        "w.yaml",
        "
workflows:
- name: a
  kind: repair
  on: {alert: ['nonsense']}
  target: '{{ labels.'
  guard: {tries: 0, timeout: 0s}
  steps:
  - {name: x, uses: exec, with: {command: ['{{ labels.cmd }}', '${env:TOKEN}']}, if: 'a ==', retry: {attempts: 99}}
  - {name: x, uses: http, with: {url: 'http://h/', headers: {Authorization: 'Bearer abc'}}}
  - {name: y, uses: http, with: {url: '${env:NOPE}'}}
  verify: {all: ['sum(up'], hold: 5m, within: 1m}
- {name: a, steps: [{uses: wait, with: 1s}]}
"
    )));
}

#[test]
fn the_terminal_shows_the_lines_around() {
    let problems = load_memory(&Memory::default().file("wk.yaml", "server:\n  lisen: 127.0.0.1:1\n")).unwrap_err();
    insta::assert_snapshot!(render(&problems, false));
}

#[test]
fn a_main_file_that_does_not_exist_is_named() {
    insta::assert_snapshot!(problems(&Memory::default()));
}

#[test]
fn services_integrations_and_manners_of_receivers_are_checked() {
    insta::assert_snapshot!(problems(&Memory::default().env("T", "token").env("NTFY", "https://ntfy.sh/").file(
        "wk.yaml",
        "
server: {tokens: [{name: a, role: admin, token: \"${env:T}\"}]}
receivers:
  - {name: a, fallback: b, rate_limit: {messages: 0}, telegram: {bot_token: \"${env:T}\", chat_id: someone}}
  - {name: b, fallback: a, pagerduty: {routing_key: literal-key}, ntfy: {url: \"${env:NTFY}\"}}
  - {name: c, fallback: nobody, sms: {to: [\"+41791234567\"]}, exec: {command: [x], env: {API_TOKEN: literal}}}
integrations:
  - {name: open, kind: grafana}
  - {name: 'a b', kind: mapping, token: \"${env:T}\"}
  - {name: m, kind: mapping, token: \"${env:T}\", mapping: {title: 'a ~~ b'}}
  - {name: p, kind: pagerdutty, token: \"${env:T}\"}
"
    )));
}
