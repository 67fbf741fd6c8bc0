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
