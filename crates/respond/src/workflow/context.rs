//! What templates of a workflow see: labels, annotations, earlier steps.
//!
//! Not the templates. All of this is hostile text; the encodings for URLs and PromQL are here.

use serde_json::{Map, Value, json};
use watchkeeper_config::reference::Masked;

use super::core::{Plan, RunState, StepStatus};

/// The context of one try.
#[must_use]
pub fn build(plan: &Plan, state: &RunState, try_number: u32) -> Value {
    let mut steps = Map::new();
    for step in &plan.workflow.steps {
        let last = state.records.iter().rfind(|r| r.step == step.name && r.try_number == try_number);
        let ok = last.is_some_and(|r| r.status == StepStatus::Succeeded);
        let result = last.and_then(|r| r.result.get("data")).cloned().unwrap_or(Value::Null);
        let word = last.map_or("pending", |r| r.status.as_str());
        steps.insert(step.name.clone(), json!({"ok": ok, "state": word, "result": result}));
    }
    let context = json!({
        "labels": plan.trigger.labels,
        "annotations": plan.trigger.annotations,
        "target": plan.target,
        "workflow": plan.workflow.name,
        "run": {"id": plan.run, "try": try_number},
        "incident": {"id": plan.trigger.incident},
        "alert": {"id": plan.trigger.alert},
        "steps": steps,
    });
    map_texts(&context, &Masked::sanitize)
}

/// Every text so that it stays within one string of a PromQL expression.
#[must_use]
pub fn escaped_for_promql(context: &Value) -> Value {
    map_texts(context, &|t| t.replace('\\', "\\\\").replace('"', "\\\"").replace('\'', "\\'").replace('\n', "\\n"))
}

/// Every text so that it stays within one part of a URL (RFC 3986: only unreserved characters are left as they are).
#[must_use]
pub fn escaped_for_url(context: &Value) -> Value {
    map_texts(context, &|t| {
        let mut out = String::with_capacity(t.len());
        for byte in t.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => out.push(char::from(byte)),
                // A dot alone is harmless; two of them would climb.
                b'.' if t != "." && t != ".." => out.push('.'),
                byte => out.push_str(&format!("%{byte:02X}")),
            }
        }
        out
    })
}

fn map_texts(value: &Value, with: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(with(text)),
        Value::Array(items) => Value::Array(items.iter().map(|item| map_texts(item, with)).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), map_texts(v, with))).collect()),
        other => other.clone(),
    }
}
