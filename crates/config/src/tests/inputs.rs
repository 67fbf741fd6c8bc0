//! Heartbeats, probes and what else comes in: good ones, and what people read about bad ones.

use watchkeeper_domain::{Priority, Span};

use super::*;
use crate::model::Expected;
use crate::model::probe::{DownAfter, ProbeKind};

#[test]
fn heartbeats_have_a_schedule_and_good_defaults() {
    let memory = Memory::default()
        .file(
            "wk.yaml",
            r#"
heartbeats:
  - {name: backup, every: 1d}
  - {name: settlement, cron: "30 2 * * mon-fri", time_zone: Europe/Zurich, grace: 20m, run_timeout: 2h, id: "${env:ID}", priority: critical}
"#,
        )
        .env("ID", "0f8fad5b-d9cb-469f-a165-70867728950e");
    let loaded = load_memory(&memory).map_err(|e| plain(&e)).unwrap();
    let [backup, settlement] = loaded.config.heartbeats.as_slice() else { panic!() };
    assert_eq!((backup.grace, backup.run_timeout), (Span::from_secs(300), Span::from_secs(300)));
    assert_eq!((backup.priority, backup.expected.to_string().as_str()), (Priority::High, "every 1d"));
    assert!(matches!(settlement.expected, Expected::Cron(_)));
    assert_eq!(settlement.expected.to_string(), "30 2 * * mon-fri Europe/Zurich");
    assert!(!format!("{settlement:?}").contains("0f8fad5b"));
}

#[test]
fn what_is_wrong_with_a_heartbeat_is_told_with_its_place() {
    let memory = Memory::default()
        .file(
            "wk.yaml",
            r#"
heartbeats:
  - {name: none}
  - {name: both, every: 1h, cron: "0 2 * * *"}
  - {name: never, cron: "0 0 31 2 *"}
  - {name: short, every: 1h, id: "${env:SHORT}"}
  - {name: plain, every: 1h, id: 0f8fad5b-d9cb-469f-a165-70867728950e}
  - {name: zone, every: 1h, time_zone: Europe/Zurich, labels: {heartbeat: x}}
"#,
        )
        .env("SHORT", "1234");
    insta::assert_snapshot!(problems(&memory));
}

#[test]
fn each_kind_of_probe_is_read() {
    let text = r#"
probes:
  - name: api
    http: {url: "http://127.0.0.1:1/", expect_headers: {cache-control: no-store}, expect_json: "status == 'UP'", max_body: 64KiB}
    down_after: 3/5
  - {name: zone, dns: {name: bank.example, record: mx, server: "10.0.0.53", expect: 10 mail.bank.example}, down_after: 2}
  - {name: host, icmp: {host: db}}
  - {name: mail, tls: {address: "mail:25", starttls: smtp, min_validity: 14d}}
  - {name: ledger, postgres: {address: "db:5432", user: probe, password: "${env:PW}", query: "SELECT count(*) FROM entry", tls: true}}
  - {name: shop, mysql: {address: "db:3306", user: probe}}
"#;
    let memory = Memory::default().file("wk.yaml", text).env("PW", "s3cret");
    let loaded = load_memory(&memory).map_err(|e| plain(&e)).unwrap();
    let kinds: Vec<&str> = loaded.config.probes.iter().map(|probe| probe.kind.as_str()).collect();
    assert_eq!(kinds, ["http", "dns", "icmp", "tls", "postgres", "mysql"]);
    let [api, zone, ..] = loaded.config.probes.as_slice() else { panic!() };
    assert_eq!((api.down_after, zone.down_after), (DownAfter { failures: 3, of: 5 }, DownAfter { failures: 2, of: 2 }));
    let ProbeKind::Dns(dns) = &zone.kind else { panic!() };
    assert_eq!((dns.record.as_str(), dns.server.unwrap().to_string().as_str()), ("MX", "10.0.0.53:53"));
}

#[test]
fn what_is_wrong_with_a_probe_is_told_with_its_place() {
    let text = r#"
probes:
  - {name: two, tcp: {address: "a:1"}, icmp: {host: a}}
  - {name: many, tcp: {address: "a:1"}, down_after: 6/5}
  - {name: dns, dns: {name: a, record: MXX, server: nowhere}}
  - {name: tls, tls: {address: mail, starttls: smpt}}
  - {name: db, postgres: {address: "db:5432", user: probe, password: hunter2hunter2}}
  - {name: json, http: {url: "http://127.0.0.1:1/", expect_json: "a ==", expect_headers: {x: "("}}}
"#;
    insta::assert_snapshot!(problems(&Memory::default().file("wk.yaml", text)));
}

#[test]
fn syslog_and_log_files_are_read_and_syslog_from_outside_needs_a_list_of_senders() {
    let text = r#"
syslog: {listen: "0.0.0.0:514", protocols: udp, allow_from: [10.0.0.0/8, "2001:db8::1"], attributes: {environment: production}}
log_files: [{paths: [/var/log/app/*.log, logs/x.log], record_start: '^\d{4}', service: app, start: beginning}]
"#;
    let config = good(text).config;
    let [syslog] = config.syslog.as_slice() else { panic!() };
    assert_eq!(
        (syslog.tcp, syslog.udp, syslog.allow_from[0].prefix, syslog.allow_from[1].prefix),
        (false, true, 8, 128)
    );
    let allows = |address: &str| syslog.allows(address.parse().unwrap());
    assert!(allows("10.200.1.1") && allows("127.0.0.1") && allows("2001:db8::1") && !allows("11.0.0.1"));
    assert!(config.log_files[0].from_beginning && config.log_files[0].paths.len() == 2);
    let bad = r#"
syslog:
  - {listen: "0.0.0.0:514"}
  - {listen: "127.0.0.1:514", protocols: [tls], allow_from: 10.0.0.0/33}
log_files: [{paths: x.log, record_start: "(", start: middle}]
"#;
    insta::assert_snapshot!(problems(&Memory::default().file("wk.yaml", bad)));
}
