//! PagerDuty's Events API v2: trigger, acknowledge, resolve.
//!
//! Not change events. Source: PagerDuty's developer documentation, "Send an Alert Event"; the answers are the server's.

use serde_json::Value;
use watchkeeper_domain::Priority;

use super::pick::{as_text, cut, list, text, time};
use super::{Act, Incoming, Refused};

/// The longest key.
const MOST_KEY: usize = 255;

/// An event, and the key that its answer names.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The alert.
    pub incoming: Incoming,
    /// Whether the sender named no key: then the server makes one up.
    pub without_key: bool,
}

/// What is wrong with an event, in PagerDuty's words, because its clients look for them.
fn problems(event: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let mut missing = |pointer: &str, name: &str| {
        if text(event, pointer).is_none() {
            problems.push(format!("'{name}' is missing or blank"));
        }
    };
    missing("/event_action", "event_action");
    match text(event, "/event_action").as_deref() {
        Some("trigger") => {
            missing("/payload/summary", "payload.summary");
            missing("/payload/source", "payload.source");
            missing("/payload/severity", "payload.severity");
            if text(event, "/payload/severity").is_some_and(|word| severity(&word).is_none()) {
                problems.push(
                    "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
                        .to_owned(),
                );
            }
        }
        Some("acknowledge" | "resolve") => missing("/dedup_key", "dedup_key"),
        Some(_) => problems.push(
            "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
                .to_owned(),
        ),
        None => {}
    }
    if text(event, "/dedup_key").is_some_and(|key| key.chars().count() > MOST_KEY) {
        problems.push(format!("'dedup_key' is too long (maximum is {MOST_KEY} characters)"));
    }
    problems
}

fn severity(word: &str) -> Option<Priority> {
    match word.to_ascii_lowercase().as_str() {
        "critical" => Some(Priority::Critical),
        "error" => Some(Priority::High),
        "warning" => Some(Priority::Medium),
        "info" => Some(Priority::Low),
        _ => None,
    }
}

/// Reads an event. What is wrong is told line by line.
pub fn decode(event: &Value) -> Result<Event, Refused> {
    let problems = problems(event);
    if !problems.is_empty() {
        return Err(Refused(problems.join("\n")));
    }
    let act = match text(event, "/event_action").as_deref() {
        Some("resolve") => Act::Resolve,
        Some("acknowledge") => Act::Acknowledge,
        _ => Act::Fire,
    };
    let key = text(event, "/dedup_key");
    let summary = text(event, "/payload/summary").unwrap_or_default();
    let mut incoming = Incoming::new(act, key.clone().unwrap_or_default(), cut(&summary, 200));
    let from = |name: &str| text(event, &format!("/payload/{name}"));
    incoming.service = from("component").or_else(|| from("source"));
    incoming.priority = from("severity").as_deref().and_then(severity);
    for name in ["source", "component", "group", "class"] {
        incoming.label(name, from(name));
    }
    incoming.label("client", text(event, "/client"));
    incoming.note("summary", Some(summary));
    if let Some(details) = event.pointer("/payload/custom_details") {
        match details {
            Value::Object(map) => {
                for (name, value) in map.iter().take(64) {
                    incoming.note(&format!("details.{name}"), as_text(value).or_else(|| Some(value.to_string())));
                }
            }
            other => incoming.note("details", as_text(other)),
        }
    }
    for (at, link) in list(event, "/links").iter().take(10).enumerate() {
        let name = if at == 0 { "link".to_owned() } else { format!("link_{}", at + 1) };
        incoming.note(&name, text(link, "/href"));
    }
    incoming.url = text(event, "/client_url").or_else(|| text(event, "/links/0/href")).unwrap_or_default();
    incoming.starts_at = time(event, "/payload/timestamp");
    Ok(Event { incoming, without_key: key.is_none() })
}
