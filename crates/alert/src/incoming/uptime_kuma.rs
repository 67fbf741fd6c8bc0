//! Uptime Kuma's webhook.
//!
//! Not its other notification forms. Status: 0 down, 1 up, 2 pending, 3 maintenance.

use serde_json::Value;
use watchkeeper_domain::Priority;

use super::pick::{first, list, text, time};
use super::{Act, Decoded, Incoming, Outcome, Refused, one};

pub(super) fn decode(body: &Value) -> Outcome {
    let heartbeat =
        body.get("heartbeat").ok_or_else(|| Refused::new("this is no body of Uptime Kuma: no `heartbeat`"))?;
    if heartbeat.is_null() {
        return Ok(Decoded::Nothing("a test message".to_owned()));
    }
    let act = match text(heartbeat, "/status").as_deref() {
        Some("0") => Act::Fire,
        Some("1") => Act::Resolve,
        Some("2") => return Ok(Decoded::Nothing("pending is neither down nor up".to_owned())),
        Some("3") => return Ok(Decoded::Nothing("the monitor is under maintenance".to_owned())),
        _ => return Err(Refused::new("`heartbeat.status` must be 0, 1, 2 or 3")),
    };
    let name = text(body, "/monitor/name").ok_or_else(|| Refused::new("`monitor.name` is missing"))?;
    let id = text(body, "/monitor/id").or_else(|| text(heartbeat, "/monitorID")).unwrap_or_else(|| name.clone());
    let mut incoming = Incoming::new(act, format!("monitor/{id}"), name.clone());
    incoming.service = Some(name.clone());
    incoming.priority = Some(Priority::High);
    incoming.note("summary", text(heartbeat, "/msg").map(|said| format!("{name} is down: {said}")));
    incoming.note("description", text(body, "/monitor/description"));
    incoming.label("kind", text(body, "/monitor/type"));
    for tag in list(body, "/monitor/tags").iter().take(32) {
        if let Some(name) = text(tag, "/name") {
            incoming.label(&name, text(tag, "/value"));
        }
    }
    incoming.url = first(body, &["/monitor/url"]).filter(|url| url.contains("://")).unwrap_or_default();
    // Its times are those of its own zone without saying which, so only the arrival counts.
    incoming.starts_at = time(heartbeat, "/timestamp");
    one(incoming)
}
