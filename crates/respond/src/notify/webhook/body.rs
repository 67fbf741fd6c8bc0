//! The JSON body that Alertmanager's webhook sends, version 4.
//!
//! Not a body of our own: what is not about alerts is told as one alert without an end, so that consumers that know only
//! Alertmanager still show it.

use serde_json::{Map, Value, json};

use crate::notify::channel::Outgoing;
use crate::notify::content::{Alert, Alerts, Content, Incident, Text};

/// What Alertmanager writes where there is no end.
const NO_END: &str = "0001-01-01T00:00:00Z";

/// The body.
#[must_use]
pub fn render(message: &Outgoing, external_url: &str) -> Value {
    let mut body = match &message.content {
        Content::Alerts(alerts) => of_alerts(alerts, message, external_url),
        Content::Incident(it) => of_incident(it, message, external_url),
        Content::Text(text) => of_text(text, message, external_url),
    };
    // Beside Alertmanager's fields, and only where somebody wanted them.
    let wording = &message.wording;
    if !wording.fields.is_empty() {
        body["fields"] = json!(wording.fields);
    }
    if let Some(title) = &wording.title {
        body["title"] = json!(title);
    }
    if let Some(text) = &wording.body {
        body["message"] = json!(text);
    }
    if let Some(why) = wording.apology() {
        body["templateError"] = json!(why);
    }
    body
}

fn of_alerts(alerts: &Alerts, message: &Outgoing, external_url: &str) -> Value {
    json!({
        "version": "4",
        "groupKey": if alerts.group_key.is_empty() { &message.thread } else { &alerts.group_key },
        "truncatedAlerts": 0,
        "status": message.status,
        "receiver": message.receiver,
        "groupLabels": alerts.group_labels,
        "commonLabels": alerts.common_map(|a| &a.labels),
        "commonAnnotations": alerts.common_map(|a| &a.annotations),
        "externalURL": external_url,
        "alerts": alerts.alerts.iter().map(|alert| of_alert(alert, external_url)).collect::<Vec<_>>(),
    })
}

fn of_alert(alert: &Alert, external_url: &str) -> Value {
    json!({
        "status": alert.status,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": alert.started_at,
        "endsAt": alert.resolved_at.map_or_else(|| NO_END.to_owned(), |at| at.to_string()),
        "generatorURL": format!("{external_url}/alerts/{}", alert.id),
        "fingerprint": alert.fingerprint,
    })
}

fn of_incident(it: &Incident, message: &Outgoing, external_url: &str) -> Value {
    let facts = &it.incident;
    let status = if matches!(facts.state.as_str(), "resolved" | "closed") { "resolved" } else { "firing" };
    let tried: Vec<String> =
        it.tried.iter().map(|t| format!("{}: {} {}", t.workflow, t.outcome, t.detail).trim_end().to_owned()).collect();
    let labels = json!({
        "alertname": "Incident", "incident": facts.id, "priority": facts.priority, "category": facts.category, "kind": facts.kind,
    });
    let annotations = json!({
        "summary": message.content.title(&message.status), "description": it.text, "tried": tried.join("\n"),
    });
    one(
        message,
        external_url,
        status,
        labels,
        annotations,
        json!(facts.opened_at),
        format!("{external_url}/incidents/{}", facts.id),
    )
}

fn of_text(text: &Text, message: &Outgoing, external_url: &str) -> Value {
    let mut labels = Map::from_iter([("alertname".to_owned(), json!("Message"))]);
    labels.extend(text.workflow.iter().map(|workflow| ("workflow".to_owned(), json!(workflow))));
    labels.extend(text.run_id.iter().map(|run| ("run".to_owned(), json!(run))));
    let annotations = json!({"summary": text.text});
    one(
        message,
        external_url,
        "firing",
        Value::Object(labels),
        annotations,
        json!(message.now),
        external_url.to_owned(),
    )
}

fn one(
    message: &Outgoing,
    external_url: &str,
    status: &str,
    labels: Value,
    annotations: Value,
    starts_at: Value,
    generator_url: String,
) -> Value {
    let ends_at = if status == "resolved" { json!(message.now) } else { json!(NO_END) };
    json!({
        "version": "4",
        "groupKey": message.thread,
        "truncatedAlerts": 0,
        "status": status,
        "receiver": message.receiver,
        "groupLabels": {},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": external_url,
        "alerts": [{
            "status": status,
            "labels": labels,
            "annotations": annotations,
            "startsAt": starts_at,
            "endsAt": ends_at,
            "generatorURL": generator_url,
            "fingerprint": message.id.to_string().chars().rev().take(16).collect::<String>(),
        }],
    })
}
