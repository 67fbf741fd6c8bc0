//! Alertmanager's webhook (version 4), which Grafana's alerting sends, too; and the body of Grafana's old alerting.
//!
//! Not Alertmanager's API: that is `server`'s.

use serde_json::Value;
use std::collections::BTreeMap;

use super::pick::{as_text, list, priority, text, time};
use super::{Act, Decoded, Incoming, Outcome, Refused, one};

/// The alerts of Alertmanager's body.
pub(super) fn alerts(body: &Value) -> Outcome {
    if body.get("alerts").is_none_or(|alerts| !alerts.is_array()) {
        return Err(Refused::new("this is not Alertmanager's webhook body: it has no list `alerts`"));
    }
    let alerts: Vec<Incoming> = list(body, "/alerts").iter().map(alert).collect::<Result<_, _>>()?;
    if alerts.is_empty() { Ok(Decoded::Nothing("it names no alerts".to_owned())) } else { Ok(Decoded::Alerts(alerts)) }
}

fn alert(alert: &Value) -> Result<Incoming, Refused> {
    let labels = texts(alert.get("labels"));
    let name = labels.get("alertname").cloned().ok_or_else(|| Refused::new("an alert has no label `alertname`"))?;
    let act = match text(alert, "/status").as_deref() {
        Some("resolved") => Act::Resolve,
        Some("firing") | None => Act::Fire,
        Some(other) => return Err(Refused(format!("an alert has the status `{other}`; known: firing, resolved"))),
    };
    let mut incoming = Incoming::new(act, "", name);
    // Its labels are its key, as they are for its sender.
    incoming.key = None;
    incoming.labels = labels;
    incoming.annotations = texts(alert.get("annotations"));
    for (theirs, ours) in [
        ("/dashboardURL", "dashboard_url"),
        ("/panelURL", "panel_url"),
        ("/silenceURL", "silence_url"),
        ("/valueString", "value"),
    ] {
        incoming.note(ours, text(alert, theirs));
    }
    incoming.url = text(alert, "/generatorURL").unwrap_or_default();
    incoming.starts_at = time(alert, "/startsAt");
    incoming.ends_at = time(alert, "/endsAt");
    Ok(incoming)
}

/// Texts by name.
pub(super) fn texts(value: Option<&Value>) -> BTreeMap<String, String> {
    let pairs = value.and_then(Value::as_object).into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((name.clone(), as_text(value)?))).collect()
}

/// Grafana's body, of either alerting.
pub(super) fn decode(body: &Value) -> Outcome {
    if body.get("alerts").is_some() {
        return alerts(body);
    }
    let (Some(name), Some(state)) = (text(body, "/ruleName"), text(body, "/state")) else {
        return Err(Refused::new("this is no body of Grafana: it has neither `alerts` nor `ruleName` and `state`"));
    };
    let act = match state.as_str() {
        "alerting" | "no_data" => Act::Fire,
        "ok" => Act::Resolve,
        "paused" | "pending" | "unknown" => {
            return Ok(Decoded::Nothing(format!("the state `{state}` is neither firing nor resolved")));
        }
        other => {
            return Err(Refused(format!(
                "the state `{other}` is unknown; known: alerting, no_data, ok, paused, pending"
            )));
        }
    };
    let rule = text(body, "/ruleId").unwrap_or_else(|| name.clone());
    let mut incoming = Incoming::new(act, format!("rule/{}/{rule}", text(body, "/orgId").unwrap_or_default()), name);
    let tags = texts(body.get("tags"));
    incoming.priority = tags.get("severity").or_else(|| tags.get("priority")).and_then(|word| priority(word));
    incoming.service = tags.get("service").cloned();
    incoming.labels = tags;
    incoming.note("summary", text(body, "/title"));
    incoming.note("description", text(body, "/message"));
    let values: Vec<String> = list(body, "/evalMatches")
        .iter()
        .take(10)
        .filter_map(|found| Some(format!("{} = {}", text(found, "/metric")?, text(found, "/value")?)))
        .collect();
    incoming.note("value", Some(values.join(", ")));
    incoming.url = text(body, "/ruleUrl").filter(|url| url.contains("://")).unwrap_or_default();
    one(incoming)
}
