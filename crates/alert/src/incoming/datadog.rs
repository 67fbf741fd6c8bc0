//! Datadog's webhooks: the default body, and the two shapes that people write as their own.
//!
//! Not its API. Source: Datadog's documentation of the webhooks integration and its variables.

use serde_json::Value;

use super::pick::{first, list, priority, text, time, without_tags};
use super::{Act, Decoded, Incoming, Outcome, Refused, one};

pub(super) fn decode(body: &Value) -> Outcome {
    let inner = body.get("monitor").or_else(|| body.get("alert")).filter(|inner| inner.is_object()).unwrap_or(body);
    let Some(title) = first(inner, &["/name", "/title", "/alert_title", "/event_title"]) else {
        return Err(Refused::new("there is no title: neither `title` nor `monitor.name` nor `alert.title`"));
    };
    let state = first(inner, &["/alert_transition", "/status", "/transition", "/alert_status"])
        .or_else(|| text(body, "/alert_transition"))
        .or_else(|| text(inner, "/alert_type"))
        .ok_or_else(|| {
            Refused::new("there is no state: add `\"alert_transition\": \"$ALERT_TRANSITION\"` to the payload")
        })?;
    let act = match state.to_ascii_lowercase().replace('-', " ").as_str() {
        "triggered" | "re triggered" | "alert" | "warn" | "warning" | "re warn" | "no data" | "re no data"
        | "renotify" | "error" | "open" | "firing" => Act::Fire,
        "recovered" | "resolved" | "ok" | "success" | "closed" => Act::Resolve,
        "muted" | "unmuted" | "info" => {
            return Ok(Decoded::Nothing(format!("`{state}` is neither firing nor resolved")));
        }
        _ => return Err(Refused(format!("the state `{}` is unknown", super::pick::cut(&state, 40)))),
    };
    let key = first(inner, &["/aggreg_key", "/alert_cycle_key", "/alert_id", "/id"])
        .or_else(|| first(body, &["/aggreg_key", "/alert_id", "/id"]))
        .ok_or_else(|| Refused::new("there is no key: add `\"alert_id\": \"$ALERT_ID\"` to the payload"))?;
    // `[Triggered on {host:a}] CPU is high`: what is in front is the state, which is told anyway.
    let name = title.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(title.as_str(), |(_, name)| name);
    let mut incoming = Incoming::new(act, key, name);
    incoming.priority = first(inner, &["/severity", "/priority", "/alert_priority"])
        .or_else(|| text(body, "/priority"))
        .filter(|word| word != "normal")
        .as_deref()
        .and_then(priority)
        .or_else(|| text(inner, "/alert_type").as_deref().and_then(priority));
    incoming.note("summary", Some(title.clone()));
    incoming.note(
        "description",
        first(inner, &["/message", "/body", "/text_only_msg", "/event_msg"]).map(|t| without_tags(&t)),
    );
    incoming.url = first(inner, &["/link", "/url", "/event_link"]).unwrap_or_default();
    incoming.note("snapshot", first(inner, &["/snapshot", "/image"]));
    incoming.label("host", first(inner, &["/hostname", "/host"]));
    let tags = match inner.get("tags").or_else(|| body.get("tags")) {
        Some(Value::String(tags)) => tags.split(',').map(str::to_owned).collect(),
        Some(_) => list(inner, "/tags").iter().filter_map(super::pick::as_text).collect(),
        None => Vec::new(),
    };
    for tag in tags.iter().take(64) {
        if let Some((name, value)) = tag.trim().split_once(':') {
            incoming.labels.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    incoming.service = incoming.labels.get("service").or_else(|| incoming.labels.get("host")).cloned();
    incoming.starts_at = time(inner, "/date").or_else(|| time(inner, "/last_updated"));
    one(incoming)
}
