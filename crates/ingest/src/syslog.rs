//! Syslog: RFC 5424, and what calls itself RFC 3164, as log records.
//!
//! Not sockets: `server` has those; [`frame`] cuts a stream into messages. Nothing is refused: a message that fits no form
//! is kept as text, since it is read when something is wrong.

pub mod frame;
mod rfc3164;
mod rfc5424;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::Value;
use watchkeeper_domain::Timestamp;
use watchkeeper_domain::telemetry::{Attributes, LogRecord};

/// The longest message that is taken, in bytes; more is cut. RFC 5425 asks for 8,192.
pub const MOST_BYTES: usize = 64 << 10;
/// The most attributes that structured data may give one record.
const MOST_ATTRIBUTES: usize = 128;
/// The longest name and value of one.
const MOST_NAME: usize = 512;
const MOST_VALUE: usize = 4_096;

/// What is known beside the message.
#[derive(Debug, Clone)]
pub struct Context {
    /// When it was received; the time of a message that has none.
    pub now: Timestamp,
    /// The zone of times without one (RFC 3164).
    pub time_zone: TimeZone,
    /// The address of the sender, for messages that name no host.
    pub peer: Option<String>,
    /// Attributes of the resource of every record.
    pub resource: Vec<(String, String)>,
}

/// The parts of a message; empty is absent.
#[derive(Debug, Default, PartialEq)]
struct Parts<'a> {
    at_ns: Option<u64>,
    host: &'a str,
    app: &'a str,
    process: &'a str,
    message_id: &'a str,
    data: Vec<(String, String)>,
    body: &'a str,
}

/// Reads one message. Never fails.
#[must_use]
pub fn record(message: &[u8], context: &Context) -> LogRecord {
    let cut = message.len() > MOST_BYTES;
    let message = message.get(..MOST_BYTES).unwrap_or(message);
    let text = String::from_utf8_lossy(message);
    let broken = matches!(text, std::borrow::Cow::Owned(_));
    let text = text.trim_end_matches(['\r', '\n', '\0']);
    let (priority, rest) = priority(text).map_or((None, text), |(priority, rest)| (Some(priority), rest));
    let parts = match rest.strip_prefix("1 ").filter(|_| priority.is_some()) {
        Some(versioned) => rfc5424::parse(versioned).unwrap_or_else(|| Parts { body: rest, ..Parts::default() }),
        None => rfc3164::parse(rest, context),
    };
    // RFC 5424, 6.2.1; a message without a priority is `user.notice` (RFC 3164, 4.3.3).
    let (facility, severity) = priority.map_or((1, 5), |priority| (priority / 8, priority % 8));
    let mut attributes: Attributes = Vec::new();
    let mut add = |name: &str, value: Value| attributes.push((Arc::from(name), value));
    add(
        "syslog.facility",
        Value::String(FACILITIES.get(usize::from(facility)).map_or("local7", |name| name).to_owned()),
    );
    for (name, value) in [("syslog.procid", parts.process), ("syslog.msgid", parts.message_id)] {
        if !value.is_empty() {
            add(name, Value::String(value.to_owned()));
        }
    }
    for (name, value) in parts.data {
        add(&name, Value::String(value));
    }
    if cut {
        add("log.truncated", Value::Bool(true));
    }
    if broken {
        add("log.encoding_error", Value::Bool(true));
    }
    let host = if parts.host.is_empty() { context.peer.as_deref().unwrap_or_default() } else { parts.host };
    let mut resource: Attributes = Vec::new();
    for (name, value) in [("service.name", parts.app), ("host.name", host)] {
        if !value.is_empty() {
            resource.push((Arc::from(name), Value::String(value.to_owned())));
        }
    }
    for (name, value) in &context.resource {
        resource.push((Arc::from(name.as_str()), Value::String(value.clone())));
    }
    let (number, word) = SEVERITIES[usize::from(severity)];
    LogRecord {
        t_ns: parts.at_ns.unwrap_or_else(|| u64::try_from(context.now.as_micros()).unwrap_or(0).saturating_mul(1_000)),
        severity: number,
        severity_text: Arc::from(word),
        body: parts.body.to_owned(),
        service: Arc::from(parts.app),
        trace_id: String::new(),
        span_id: String::new(),
        attributes,
        resource: Arc::new(resource),
    }
}

/// `<PRI>`, and what follows it.
fn priority(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let priority: u8 = digits.parse().ok()?;
    (priority <= 191).then_some((priority, rest))
}

/// OpenTelemetry's severity numbers, with syslog's words (logs data model, "Example Mappings").
const SEVERITIES: [(u8, &str); 8] = [
    (21, "emerg"),
    (19, "alert"),
    (18, "crit"),
    (17, "err"),
    (13, "warning"),
    (10, "notice"),
    (9, "info"),
    (5, "debug"),
];

/// RFC 5424, table 1, by the words of syslog(3).
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// RFC 3339 as nanoseconds.
fn nanoseconds(text: &str) -> Option<u64> {
    let at: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(at.as_nanosecond()).ok()
}
