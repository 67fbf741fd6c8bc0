//! Bodies that other tools really send: each becomes the alert that a person would expect, or is refused with a reason.
//!
//! The snapshot holds what was made of them (act, priority, category, service, key, links, names of labels), not their text.

use std::path::{Path, PathBuf};

use serde_json::Value;
use watchkeeper_config::FileSystem;
use watchkeeper_config::model::Integration;
use watchkeeper_domain::Timestamp;

use crate::incoming::{Act, Decoded, decode};

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no corpora at {}", folder.display());
    None
}

/// One integration of each kind, and mappings for tools that have none.
const CONFIGURATION: &str = r#"
integrations:
  - {name: pagerduty, kind: pagerduty, routing_key: "${file:key}"}
  - {name: alertmanager, kind: alertmanager}
  - {name: grafana, kind: grafana}
  - {name: azure, kind: azure}
  - {name: datadog, kind: datadog}
  - {name: sentry, kind: sentry}
  - {name: github, kind: github}
  - {name: cloudwatch, kind: cloudwatch}
  - {name: uptime-kuma, kind: uptime_kuma}
  - name: generic
    kind: mapping
    mapping: {title: summary, key: dedup_key, priority: severity, resolved: "status == 'resolved'", service: source}
  - name: opsknight
    kind: mapping
    mapping:
      title: incident.title
      key: incident.id
      priority: incident.urgency
      resolved: incident.status in ['RESOLVED', 'CLOSED']
      service: incident.service.name
      description: incident.description
      url: incident.url
      starts_at: incident.timestamps.created
  - name: honeycomb
    kind: mapping
    mapping: {title: alert_name, priority: alert_severity, resolved: "status == 'ok'", url: result_url}
  - name: new-relic
    kind: mapping
    mapping:
      title: (incident or alert).title or alert.alert_condition_name or condition_name or alertTitle
      key: (incident or alert).id or incident_id or alertTitle
      priority: (incident or alert).severity or severity or alertSeverity
      resolved: ((incident or alert).state or current_state) == 'closed' or alertType == 'VIOLATION_CLOSE'
      service: targets[0].name or (incident or alert).policy_name or alert.alert_policy_name or policy_name or account_id
      description: alert.message or details or alertMessage
      url: incident_url
      starts_at: incident.created_at or alert.timestamp or timestamp or alertTimestamp
  - name: pingdom
    kind: mapping
    mapping:
      title: check_name
      key: check_id
      priority: importance_level
      resolved: current_state == 'UP'
      service: check_params.hostname
      starts_at: state_changed_timestamp
  - name: graylog
    kind: mapping
    mapping: {title: stream.title, key: check_result.triggered_condition.id, when: check_result.triggered, summary: check_result.result_description, starts_at: check_result.triggered_at}
  - name: coralogix
    kind: mapping
    mapping: {title: name, key: alert_id, resolved: "alert_action == 'resolve'", description: description, url: alert_url}
  - name: dash0
    kind: mapping
    mapping: {title: "data.issue.checkrules[0].name", key: data.issue.id, resolved: "type == 'alert.resolved'", summary: data.issue.summary, url: data.issue.url, service: "(data.issue.labels | selectattr('key', 'equalto', 'service.name') | list)[0].value.stringValue"}
  - name: gcp
    kind: mapping
    mapping: {title: incident.condition.displayName, key: incident.incident_id, resolved: "incident.state == 'CLOSED'", service: incident.resource_name, summary: incident.summary, url: incident.url, priority: incident.metadata.system_labels.severity}
  - name: signalfx
    kind: mapping
    mapping: {title: inputs.rule, key: incidentId, priority: severity, resolved: "statusExtended == 'ok'", summary: inputs.description, url: detectorUrl}
  - name: site24x7
    kind: mapping
    mapping: {title: MONITORNAME, key: MONITORURL, resolved: "STATUS == 'UP'", summary: INCIDENT_REASON, url: RCA_LINK, starts_at: OUTAGE_TIME_UNIX_FORMAT, service: MONITOR_GROUPNAME}
  - name: wazuh
    kind: mapping
    mapping: {title: message, priority: severity, description: description, category: "'security'"}
  - name: keep-prometheus
    kind: mapping
    mapping: {title: summary, priority: labels.severity, service: labels.workload or labels.job or labels.customer_id}
"#;

/// Which integration takes which files.
const TAKEN_BY: &[(&str, &str)] = &[
    ("azure/common-alert-schema-payloads/", "azure"),
    ("webhooks/opsknight-docs/aws-cloudwatch", "cloudwatch"),
    ("webhooks/opsknight-docs/datadog", "datadog"),
    ("webhooks/opsknight-docs/github", "github"),
    ("webhooks/opsknight-docs/grafana", "grafana"),
    ("webhooks/opsknight-docs/honeycomb", "honeycomb"),
    ("webhooks/opsknight-docs/new-relic", "new-relic"),
    // An answer, not an event: refused.
    ("webhooks/opsknight-docs/pagerduty-emulation", "pagerduty"),
    ("webhooks/opsknight-docs/sentry", "sentry"),
    ("webhooks/opsknight-docs/uptime-kuma", "uptime-kuma"),
    ("webhooks/opsknight-docs/webhooks_0", "generic"),
    ("webhooks/opsknight-docs/webhooks_1", "opsknight"),
    ("webhooks/alerta/cloudwatch", "cloudwatch"),
    ("webhooks/alerta/grafana", "grafana"),
    ("webhooks/alerta/graylog", "graylog"),
    ("webhooks/alerta/new_relic", "new-relic"),
    // PagerDuty's own webhooks of 2013, not its events: refused.
    ("webhooks/alerta/pagerduty", "pagerduty"),
    ("webhooks/alerta/pingdom", "pingdom"),
    ("webhooks/goalert/grafana", "grafana"),
    ("webhooks/goalert/prometheusalertmanager", "alertmanager"),
    ("webhooks/goalert/site24x7", "site24x7"),
    ("webhooks/github-octokit/", "github"),
    ("webhooks/keep/cloudwatch", "cloudwatch"),
    ("webhooks/keep/coralogix", "coralogix"),
    ("webhooks/keep/dash0", "dash0"),
    ("webhooks/keep/gcpmonitoring", "gcp"),
    ("webhooks/keep/prometheus", "keep-prometheus"),
    ("webhooks/keep/sentry", "sentry"),
    ("webhooks/keep/signalfx", "signalfx"),
    ("webhooks/keep/wazuh", "wazuh"),
    ("webhooks/keep/netbox", "generic"),
    // Messages for chats and pagers, sent to the integration that is nearest: what is no alert is refused.
    ("webhooks/captured-alertmanager-0.25/022_POST_v2_enqueue", "pagerduty"),
    ("webhooks/captured-alertmanager-0.25/092_POST_v2_enqueue", "pagerduty"),
    ("webhooks/captured-alertmanager-0.25/106_POST_v2_enqueue", "pagerduty"),
    ("webhooks/captured-alertmanager-0.25/", "alertmanager"),
    ("webhooks/gatus-outgoing/pagerduty", "pagerduty"),
    ("webhooks/gatus-outgoing/", "generic"),
];

fn integrations() -> std::collections::BTreeMap<String, Integration> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "0123456789abcdef0123456789abcdef").unwrap();
    let file = folder.path().join("wk.yaml");
    std::fs::write(&file, CONFIGURATION).unwrap();
    match watchkeeper_config::load(&file, &FileSystem, &|_| Ok(())) {
        Ok(loaded) => loaded.config.integrations,
        Err(problems) => panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

/// The bodies of a file: captures are in an envelope, some files hold several.
fn bodies(file: &Value) -> Vec<Value> {
    let cases = file.as_array().into_iter().flatten().filter_map(|test| test.get("cases")?.as_array()).flatten();
    let expected = cases.filter_map(|case| serde_json::from_str(case.get("ExpectedBody")?.as_str()?).ok());
    let expected: Vec<Value> = expected.collect();
    if !expected.is_empty() {
        return expected;
    }
    let items: Vec<&Value> = match file {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) if map.values().all(|v| v.get("payload").is_some()) => {
            map.values().filter_map(|v| v.get("payload")).collect()
        }
        other => vec![other],
    };
    items
        .into_iter()
        .map(|item| item.get("body").filter(|_| item.get("meta").is_some()).unwrap_or(item).clone())
        .collect()
}

fn now() -> Timestamp {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

fn line(integration: &Integration, body: &Value) -> String {
    match decode(integration, None, body.to_string().as_bytes()) {
        Err(refused) => format!("refused: {}", refused.0.replace('\n', "; ")),
        Ok(Decoded::Nothing(why)) => format!("nothing: {why}"),
        Ok(Decoded::Alerts(alerts)) => {
            let one = |alert: crate::incoming::Incoming| {
                let (act, lasting) = (alert.act, if alert.stateless { " for a while" } else { "" });
                let posted = alert.posted(integration, now());
                posted.check().unwrap();
                assert!(posted.labels.get("alertname").is_some_and(|name| name.len() < 800));
                let label = |name: &str| short(posted.labels.get(name).unwrap_or("-"));
                let more = posted.labels.iter().map(|(name, _)| name).filter(|name| {
                    !["alertname", "service", "severity", "category", "dedup_key", "integration"].contains(name)
                });
                format!(
                    "{act:?}{lasting} {} {} of {} key {}{}; labels {}; notes {}",
                    label("severity"),
                    label("category"),
                    label("service"),
                    label("dedup_key"),
                    if posted.generator_url.is_empty() { "" } else { " with a link" },
                    more.collect::<Vec<_>>().join(","),
                    posted.annotations.keys().cloned().collect::<Vec<_>>().join(","),
                )
            };
            alerts.into_iter().map(one).collect::<Vec<_>>().join("\n    ")
        }
    }
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ext| ext == "json")).collect();
    files.sort();
    files
}

#[test]
fn every_body_of_the_field_becomes_its_alert_or_is_refused_with_a_reason() {
    let Some(corpora) = corpora() else { return };
    let integrations = integrations();
    let folders = [
        "azure/common-alert-schema-payloads",
        "webhooks/alerta",
        "webhooks/captured-alertmanager-0.25",
        "webhooks/gatus-outgoing",
        "webhooks/github-octokit",
        "webhooks/goalert",
        "webhooks/keep",
        "webhooks/opsknight-docs",
    ];
    let (mut out, mut count) = (String::new(), 0);
    for file in folders.iter().flat_map(|folder| json_files(&corpora.join(folder))) {
        let name = file.strip_prefix(&corpora).unwrap().display().to_string();
        let Some((_, by)) = TAKEN_BY.iter().find(|(prefix, _)| name.starts_with(prefix)) else {
            assert!(name.contains("goalert/c"), "{name}");
            continue;
        };
        let Ok(value) = serde_json::from_str::<Value>(&std::fs::read_to_string(&file).unwrap()) else {
            out.push_str(&format!("{name}: no JSON\n"));
            continue;
        };
        let mut lines: Vec<String> = Vec::new();
        for body in bodies(&value) {
            count += 1;
            lines.push(line(&integrations[*by], &body));
        }
        lines.dedup();
        out.push_str(&format!("{name} by {by}:\n  {}\n", lines.join("\n  ")));
    }
    println!("{count} bodies");
    assert!(count > 200, "{count}");
    insta::assert_snapshot!(out);
}

fn azure(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn azures_fired_and_resolved_of_one_instance_meet_in_all_kinds() {
    let Some(corpora) = corpora() else { return };
    let azure_integration = &integrations()["azure"];
    let folder = corpora.join("azure/common-alert-schema-payloads");
    let mut kinds = 0;
    for file in json_files(&folder) {
        let mut fired = azure(&file);
        if fired.get("schemaId").is_none() {
            // Only the context was published: the envelope of a metric alert around it.
            let mut envelope = azure(&folder.join("metric_static_test_action.json"));
            envelope["data"]["essentials"]["monitoringService"] = "Prometheus".into();
            envelope["data"]["alertContext"] = fired["alertContext"].clone();
            fired = envelope;
        }
        let mut resolved = fired.clone();
        fired["data"]["essentials"]["monitorCondition"] = "Fired".into();
        resolved["data"]["essentials"]["monitorCondition"] = "Resolved".into();
        resolved["data"]["essentials"]["resolvedDateTime"] = "2026-01-01T00:00:00Z".into();
        let read = |body: &Value| match decode(azure_integration, None, body.to_string().as_bytes()) {
            Ok(Decoded::Alerts(alerts)) => alerts.into_iter().next().unwrap(),
            other => panic!("{}: {other:?}", file.display()),
        };
        let (fired, resolved) = (read(&fired), read(&resolved));
        assert_eq!(fired.key, resolved.key, "{}", file.display());
        assert_eq!(resolved.act, Act::Resolve, "{}", file.display());
        assert!(fired.annotations.contains_key("summary"), "{}: {fired:?}", file.display());
        kinds += 1;
    }
    println!("{kinds} kinds");
    assert_eq!(kinds, 13);
}

#[test]
fn no_body_panics_and_hostile_ones_are_cut() {
    let integrations = integrations();
    let long = "x".repeat(100_000);
    for integration in integrations.values() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "{\"alerts\":7}",
            "{\"alerts\":[{}]}",
            "{\"heartbeat\":{}}",
            "{\"data\":[]}",
            "{\"schemaId\":\"azureMonitorCommonAlertSchema\",\"data\":{\"essentials\":{\"monitoringService\":1,\"alertId\":2},\"alertContext\":[]}}",
            "{\"incident\":[[[]]],\"alert\":{\"id\":{}}}",
        ] {
            drop(decode(integration, Some("issue"), body.as_bytes()));
        }
    }
    let event = serde_json::json!({"routing_key": "k", "event_action": "trigger", "payload":
        {"summary": long, "source": long, "severity": "critical", "custom_details": {"a": {"b": [1]}}}});
    let Ok(Decoded::Alerts(mut alerts)) = decode(&integrations["pagerduty"], None, event.to_string().as_bytes()) else {
        panic!("refused")
    };
    let posted = alerts.remove(0).posted(&integrations["pagerduty"], now());
    assert_eq!(posted.check(), Ok(()));
    assert_eq!(posted.annotations["details.a"], "{\"b\":[1]}");
}

#[test]
fn a_mapping_reads_lists_and_says_which_expression_gives_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wk.yaml");
    let yaml = "
integrations:
  - name: shop
    kind: mapping
    labels: {team: shop}
    resolve_after: 2h
    mapping:
      each: body.problems
      when: level != 'debug'
      title: what
      key: nr
      priority: level
      priorities: {burning: critical}
      resolved: over
      labels: {zone: where.zone, rack: where.rack}
      annotations: {note: \"'of ' ~ body.shop\"}
";
    std::fs::write(&file, yaml).unwrap();
    let config = watchkeeper_config::load(&file, &FileSystem, &|_| Ok(())).unwrap().config;
    let shop = &config.integrations["shop"];
    let body = serde_json::json!({"shop": "one", "problems": [
        {"what": "Fire", "nr": 7, "level": "burning", "where": {"zone": "a"}},
        {"what": "Smoke", "nr": 8, "level": "p3", "over": true},
        {"what": "x", "nr": 9, "level": "debug"},
    ]});
    let Ok(Decoded::Alerts(alerts)) = decode(shop, None, body.to_string().as_bytes()) else { panic!("refused") };
    assert_eq!(
        alerts.iter().map(|a| (a.act, a.key.as_deref())).collect::<Vec<_>>(),
        [(Act::Fire, Some("7")), (Act::Resolve, Some("8"))]
    );
    let posted = alerts[0].clone().posted(shop, now());
    let labels = serde_json::json!({"alertname": "Fire", "dedup_key": "7", "integration": "shop", "severity": "critical", "team": "shop", "zone": "a"});
    assert_eq!(serde_json::json!(posted.labels), labels);
    assert_eq!(posted.annotations["note"], "of one");
    assert_eq!(posted.ends_at.unwrap().since(now()).to_string(), "2h");
    let refused = |body: Value| decode(shop, None, body.to_string().as_bytes()).unwrap_err().0;
    assert_eq!(refused(serde_json::json!({"problems": [{"nr": 1, "level": "low"}]})), "`title` gives nothing: `what`");
    assert!(refused(serde_json::json!({"problems": 7})).starts_with("`each` must give a list"));
    assert!(
        refused(serde_json::json!({"problems": [{"what": "a", "level": "odd"}]})).contains("add it to `priorities`")
    );
    assert!(matches!(decode(shop, None, b"{\"problems\": []}"), Ok(Decoded::Nothing(_))));
}
