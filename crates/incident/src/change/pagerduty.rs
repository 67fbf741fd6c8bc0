//! PagerDuty's change events: `POST /v2/change/enqueue`.
//!
//! Not alerts, and not the routing key. Source: PagerDuty's developer documentation, "Send a Change Event".

use serde_json::Value;

use super::{Kind, NewChange, Status};

/// Reads an event. `service` is what the integration's labels say.
///
/// # Errors
/// What is wrong, in PagerDuty's words, line by line, because its clients look for them.
pub fn decode(source: &str, service: Option<&str>, event: &Value) -> Result<NewChange, Vec<String>> {
    let text = |pointer: &str| {
        let value = event.pointer(pointer);
        match value {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    };
    let mut problems = Vec::new();
    let summary = text("/payload/summary");
    if !event.get("payload").is_some_and(Value::is_object) {
        problems.push("'payload' is missing or blank".to_owned());
    } else if summary.is_empty() {
        problems.push("'payload.summary' is missing or blank".to_owned());
    }
    let timestamp = text("/payload/timestamp");
    let at = timestamp.parse().ok();
    if !timestamp.is_empty() && at.is_none() {
        problems.push("'payload.timestamp' is invalid (must be a time of ISO 8601)".to_owned());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let detail = |names: &[&str]| {
        let found = names.iter().map(|name| text(&format!("/payload/custom_details/{name}")));
        found.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    };
    let mut change = NewChange::new(source, Kind::Deploy, Status::Succeeded);
    change.at = at;
    change.summary = summary;
    change.service = match service {
        Some(service) => service.to_owned(),
        None => {
            let named = detail(&["service", "service_name", "component"]);
            if named.is_empty() { text("/payload/source") } else { named }
        }
    };
    change.environment = detail(&["environment", "env"]);
    change.version = detail(&["version", "build_version", "build_number", "commit"]);
    change.author = detail(&["author", "user", "deployed_by"]);
    change.url = text("/links/0/href");
    change.details = event.pointer("/payload/custom_details").cloned().unwrap_or(Value::Null);
    super::github::cap(&mut change);
    Ok(change)
}
