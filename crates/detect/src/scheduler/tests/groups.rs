//! What a group says for all of its rules, the series of alerts, and templates that ask.

use watchkeeper_config::model::{Rule, RuleKind, TemplateLanguage};
use watchkeeper_domain::telemetry::is_stale;

use super::*;

fn annotated(mut rule: Rule, text: &str, language: TemplateLanguage) -> Rule {
    if let RuleKind::Alerting { annotations, templates, .. } = &mut rule.kind {
        *annotations = [("summary".to_owned(), text.to_owned())].into();
        *templates = language;
    }
    rule
}

fn recording(name: &str, expr: &str) -> Rule {
    Rule { kind: RuleKind::Recording, ..rule(name, expr, 0) }
}

#[tokio::test]
async fn more_alerts_than_the_limit_of_the_group_are_unknown_and_end_nothing() {
    let mut world = World::new(vec![rule("Down", DOWN, 0), recording("down:all", "probe_success == 0")]).await;
    world.reload_group(|group| group.limit = 2).await;
    for service in ["a", "b"] {
        world.put("probe_success", &[("service", service)], 0.0);
    }
    world.pass_time(secs(1)).await;
    assert_eq!(world.words(), ["firing", "firing"]);
    world.put("probe_success", &[("service", "c")], 0.0);
    world.pass_time(secs(1)).await;
    assert_eq!(world.words(), ["firing", "firing", "unknown", "unknown"]);
    let statuses = world.scheduler.statuses();
    assert!(statuses[0].reason.starts_with("exceeded limit of 2 with 3 alerts"), "{}", statuses[0].reason);
    assert!(statuses[1].reason.starts_with("exceeded limit of 2 with 3 series"), "{}", statuses[1].reason);
    world.put("probe_success", &[("service", "c")], 1.0);
    world.pass_time(secs(1)).await;
    assert_eq!(world.words()[4..], ["firing", "firing"], "what was on is known again");
}

#[tokio::test]
async fn a_query_offset_looks_at_what_was_known_then() {
    let mut world = World::new(vec![rule("Down", DOWN, 0), recording("up:now", "probe_success")]).await;
    world.reload_group(|group| group.query_offset = secs(30)).await;
    world.put("probe_success", &[("service", "front")], 0.0);
    let began = world.clock.now();
    world.pass_time(secs(29)).await;
    assert_eq!(world.words(), [""; 0]);
    world.pass_time(secs(61)).await;
    assert_eq!(world.words(), ["firing"]);
    let recorded = world.telemetry.samples("up:now");
    assert!(
        recorded.iter().any(|s| s.t <= began.as_millis() + 30_000),
        "samples bear the moment that was looked at: {recorded:?}"
    );
}

#[tokio::test]
async fn alerts_are_series_that_end_with_them() {
    let world = World::new(vec![
        rule("Down", DOWN, 60),
        rule("Any", r#"count(ALERTS{alertname="Down", alertstate="firing"}) > 0"#, 0),
    ])
    .await;
    world.put("probe_success", &[("service", "front")], 0.0);
    let began = world.clock.now();
    world.pass_time(secs(30)).await;
    let ask = async |expr: &str| world.telemetry.instant(expr, world.clock.now()).await.unwrap();
    let pending = r#"ALERTS{alertname="Down", alertstate="pending", service="front"}"#;
    assert_eq!(format!("{:?}", ask(&format!("count({pending})")).await), format!("{:?}", ask("vector(1)").await));
    assert_eq!(
        format!("{:?}", ask(r#"sum(ALERTS_FOR_STATE{alertname="Down"})"#).await),
        format!("{:?}", ask(&format!("vector({})", began.as_secs_f64())).await)
    );
    world.pass_time(secs(31)).await;
    // The store would tell of the new series; here the rule over them is evaluated at its interval.
    world.pass_time(secs(60)).await;
    let told: Vec<String> = world.sink.signals.lock().iter().map(|s| s.name.clone()).collect();
    assert_eq!(told, ["Down", "Any"]);
    world.put("probe_success", &[("service", "front")], 1.0);
    world.pass_time(secs(60)).await;
    assert_eq!(world.words()[2..], ["resolved", "resolved"]);
    let firing = world.telemetry.samples_of(&[("__name__", "ALERTS"), ("alertname", "Down"), ("alertstate", "firing")]);
    assert!(firing.last().is_some_and(|s| is_stale(s.v)), "{firing:?}");
}

#[tokio::test]
async fn series_of_alerts_are_repeated_once_per_interval_and_end_with_their_rule() {
    let mut world = World::new(vec![rule("Down", DOWN, 0), recording("down:all", DOWN)]).await;
    for _ in 0..600 {
        world.put("probe_success", &[("service", "front")], 0.0);
        world.pass_time(secs(1)).await;
    }
    let alerts = [("__name__", "ALERTS"), ("alertname", "Down"), ("alertstate", "firing")];
    let written = world.telemetry.samples_of(&alerts).len();
    assert!((10..=12).contains(&written), "{written} samples in 10 minutes with an evaluation each second");
    world.reload(vec![]).await;
    world.settle().await;
    assert!(world.telemetry.samples_of(&alerts).last().is_some_and(|s| is_stale(s.v)));
    assert!(world.telemetry.samples("down:all").last().is_some_and(|s| is_stale(s.v)));
}

#[tokio::test]
async fn alerts_of_security_rules_are_no_series() {
    let mut hidden = rule("Down", DOWN, 0);
    if let RuleKind::Alerting { category, .. } = &mut hidden.kind {
        *category = watchkeeper_domain::Category::Security;
    }
    let world = World::new(vec![hidden]).await;
    world.put("probe_success", &[("service", "front")], 0.0);
    world.settle().await;
    assert_eq!(world.words(), ["firing"]);
    assert_eq!(world.telemetry.samples_of(&[("__name__", "ALERTS")]), []);
}

#[tokio::test]
async fn templates_ask_the_query_engine_and_know_the_server() {
    let text = r#"{{ with query (printf "latency{service='%s'}" $labels.service) }}{{ . | first | value }} s{{ end }} at {{ externalURL }}"#;
    let failing = "{{ query \"up\" | first | value }}";
    let jinja = "{{ labels.service | upper }} is at {{ value }}";
    let rules = vec![
        annotated(rule("Asks", DOWN, 0), text, TemplateLanguage::Go),
        annotated(rule("Fails", DOWN, 0), failing, TemplateLanguage::Go),
        annotated(rule("Jinja", DOWN, 0), jinja, TemplateLanguage::Jinja),
    ];
    let world = World::new(rules).await;
    world.put("latency", &[("service", "front")], 2.5);
    world.put("latency", &[("service", "back")], 9.0);
    world.put("probe_success", &[("service", "front")], 0.0);
    world.settle().await;
    let said: Vec<String> = world.sink.signals.lock().iter().map(|s| s.annotations["summary"].clone()).collect();
    assert_eq!(said[0], "2.5 s at http://watch.bank");
    assert!(said[1].starts_with("<error expanding template: `first`"), "{}", said[1]);
    assert_eq!(said[2], "FRONT is at 0.0");
    let shown = world.scheduler.statuses_with_annotations();
    assert_eq!(shown[0].instances[0].annotations["summary"], said[0], "what is shown does not ask again");
}
