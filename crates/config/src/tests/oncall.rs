//! People, schedules and escalation policies.

use jiff::civil::Weekday;
use watchkeeper_domain::{Priority, Span};

use super::*;
use crate::model::oncall::{Period, Target};

const ON_CALL: &str = r#"
smtp: {host: mail.bank.example, from: wk@bank.example}
people:
  - name: ana
    email: ana@bank.example
    slack: {webhook_url: "${env:ANA_SLACK}"}
    ntfy: {url: "${env:ANA_NTFY}"}
    notify:
      - {via: ntfy}
      - {via: email}
      - {via: slack, after: 2m, priorities: [critical, high]}
  - {name: bo, email: bo@bank.example}
schedules:
  - name: payments
    time_zone: Europe/Zurich
    layers:
      - {rotation: weekly, start: 2026-01-05T09:00, people: [ana, bo]}
      - name: nights
        rotation: daily
        every: 2
        start: 2026-01-05 18:00
        time_zone: America/Chicago
        users: bo
        restrictions:
          - {days: [mon-wed, sat], from: 20:00, to: 08:00}
          - {from: "22:00", to: "24:00"}
    gap_warning: 2d
escalation_policies:
  - name: payments
    repeat: 2
    remind_after: 30m
    steps:
      - {targets: [{schedule: payments}, {user: bo}], delay: 3m}
      - {targets: {receiver: war-room}}
receivers:
  - {name: default}
  - {name: war-room, webhook: {url: "http://127.0.0.1:9/x"}}
  - {name: payments-on-call, escalation_policy: payments}
route: {receiver: payments-on-call}
"#;

#[test]
fn schedules_policies_and_people_become_the_model() {
    let memory = Memory::default().file("wk.yaml", ON_CALL).env("ANA_SLACK", "https://hooks.slack.com/services/T/B/X");
    let memory = memory.env("ANA_NTFY", "https://ntfy.sh/ana-4711");
    let config = load_memory(&memory).map_err(|e| plain(&e)).unwrap().config;
    let schedule = &config.schedules["payments"];
    let [weekly, nights] = schedule.layers.as_slice() else { panic!() };
    assert_eq!((weekly.name.as_str(), weekly.people.len(), weekly.rotation.period), ("layer 1", 2, Period::Weekly));
    assert_eq!(nights.rotation.time_zone.iana_name(), Some("America/Chicago"));
    assert_eq!((nights.rotation.every, nights.rotation.start.to_string().as_str()), (2, "2026-01-05T18:00:00"));
    let hours = &nights.restrictions[0];
    assert!(hours.days.has(Weekday::Tuesday) && hours.days.has(Weekday::Saturday) && !hours.days.has(Weekday::Friday));
    assert!(nights.restrictions[1].days.has(Weekday::Friday), "every day");
    assert_eq!((schedule.gap_warning, schedule.allow_gaps), (Span::from_secs(2 * 86_400), false));

    let policy = &config.escalation_policies["payments"];
    assert_eq!((policy.repeat, policy.remind_after), (2, Some(Span::from_secs(1_800))));
    assert_eq!(policy.steps[0].targets, [Target::Schedule("payments".into()), Target::Person("bo".into())]);
    assert_eq!((policy.steps[0].delay, policy.steps[1].delay), (Span::from_secs(180), Span::from_secs(300)));

    // A person is a receiver of their own, so that delivery treats them as any other.
    let keys = |name: &str| config.receivers[name].integrations().into_iter().map(|i| i.key).collect::<Vec<_>>();
    assert_eq!(
        (keys("person:ana"), keys("person:bo")),
        (vec!["slack".into(), "email".into(), "ntfy".into()], vec!["email".into()])
    );
    assert_eq!(keys("payments-on-call"), ["on-call"]);
    let ana = &config.people[0];
    assert_eq!(ana.notify[0].via, "ntfy");
    assert_eq!(
        (ana.notify[2].after, ana.notify[2].priorities.as_slice()),
        (Span::from_secs(120), &[Priority::Critical, Priority::High][..])
    );
}

#[test]
fn what_nobody_could_be_called_by_is_refused_at_its_place() {
    insta::assert_snapshot!(problems(&Memory::default().file(
        "wk.yaml",
        "
people:
  - {name: ana, email: ana@bank.example, notify: [{via: email}, {via: pigeon}, {via: sms}, {via: slack, after: soon}]}
  - {name: bo, webhook: {url: 'http://127.0.0.1:9/'}}
schedules:
  - name: payments
    time_zone: Europe/Zurch
    layers:
      - {rotation: weekly, start: 2026-01-05T09:00Z, people: [anna, ana]}
      - {rotation: fortnightly, start: 2026-01-05T09:00, people: bo, every: 0, restrictions: {days: mo, from: 25:00}}
  - {name: payments, layers: []}
escalation_policies:
  - {name: p, repeat: 500, steps: [{targets: [{person: bo, schedule: payments}, {schedule: paymnts}, {receiver: pager}]}]}
receivers:
  - {name: pager, escalation_policy: pp}
  - {name: 'person:bo'}
"
    )));
    insta::assert_snapshot!(problems(&Memory::default().file("wk.yaml", "schedules: {name: s, layers: []}\n")));
    insta::assert_snapshot!(problems(
        &Memory::default().file("wk.yaml", "escalation_policies: {name: p, steps: []}\n")
    ));
}

#[test]
fn a_person_is_reached_by_telephone_when_there_is_an_account_and_the_number_is_one() {
    let text = "
twilio: {account_sid: AC1, auth_token: \"${env:T}\", from: \"+15550001234\"}
people:
  - {name: ana, sms: \"+41 79 123 45 67\", voice: [\"+41791234567\"], notify: [{via: sms}, {via: voice, after: 5m}]}
";
    let config = load_memory(&Memory::default().env("T", "token").file("wk.yaml", text)).unwrap().config;
    let of_ana = |config: &crate::Config| -> Vec<String> {
        config
            .receivers
            .get("person:ana")
            .map(|r| r.integrations().into_iter().map(|i| i.key).collect())
            .unwrap_or_default()
    };
    assert_eq!(of_ana(&config), ["sms", "voice"]);
    let wishes: Vec<bool> = config.receivers["person:ana"].integrations().iter().map(|i| i.send_resolved).collect();
    assert_eq!(wishes, [true, false], "nobody is called because it is over");
    assert!(matches!(
        &config.receivers["person:ana"].services[0].service,
        crate::model::receiver::Service::Sms { to, .. } if to == "+41791234567"
    ));
    // The account is switched off: nobody is told by telephone, and that is a warning, not an error.
    let loaded = load_memory(&Memory::default().file("wk.yaml", &text.replace("${env:T}", "${env:T:-}"))).unwrap();
    assert!(of_ana(&loaded.config).is_empty() && !loaded.warnings.is_empty());
    insta::assert_snapshot!(problems(&Memory::default().file(
        "wk.yaml",
        "
people:
  - {name: ana, sms: 0791234567}
  - {name: bo, notify: [{via: voice}]}
"
    )));
    let wrong = text.replace("+41 79 123 45 67", "0791234567");
    insta::assert_snapshot!(problems(&Memory::default().env("T", "token").file("wk.yaml", &wrong)));
}
