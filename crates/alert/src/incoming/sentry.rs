//! Sentry: issues, event alerts and metric alerts of an integration, and the body of the old webhook plug-in.
//!
//! Not comments and installations. Source: Sentry's documentation of integration webhooks.

use serde_json::Value;
use watchkeeper_domain::Category;

use super::pick::{first, priority, text, time};
use super::{Act, Decoded, Incoming, Outcome, Refused, one};

/// `resource` is the header `Sentry-Hook-Resource`.
pub(super) fn decode(resource: Option<&str>, body: &Value) -> Outcome {
    let data = body.get("data").unwrap_or(body);
    let action = text(body, "/action");
    if let Some(metric) = data.get("metric_alert") {
        return metric_alert(metric, data, action.as_deref());
    }
    if let Some(issue) = data.get("issue").or_else(|| data.get("group")) {
        return of_issue(issue, body, action.as_deref());
    }
    let event = data.get("event");
    if let (Some(event), Some(id)) =
        (event, event.and_then(|e| first(e, &["/issue_id", "/groupID"])).or_else(|| text(body, "/id")))
    {
        return one(of_event(event, &id, data, body));
    }
    match resource {
        Some(other) => {
            Ok(Decoded::Nothing(format!("`{}` tells of nothing that is wrong", super::pick::cut(other, 40))))
        }
        None => Err(Refused::new("this is no body of Sentry: no issue, event or metric alert in it")),
    }
}

fn of_issue(issue: &Value, body: &Value, action: Option<&str>) -> Outcome {
    let act = match (action, text(issue, "/status").as_deref()) {
        (Some("resolved" | "archived" | "ignored"), _) | (None, Some("resolved" | "ignored")) => Act::Resolve,
        (Some("created" | "unresolved" | "triggered" | "escalating") | None, _) => Act::Fire,
        (Some(other), _) => {
            return Ok(Decoded::Nothing(format!("`{}` changes nothing for an alert", super::pick::cut(other, 40))));
        }
    };
    let id = text(issue, "/id").ok_or_else(|| Refused::new("the issue has no `id`"))?;
    let title = text(issue, "/title").unwrap_or_else(|| format!("issue {id}"));
    let mut incoming = Incoming::new(act, format!("issue/{id}"), title.clone());
    incoming.category = Some(Category::Application);
    incoming.priority = text(issue, "/level").as_deref().and_then(priority);
    incoming.service =
        first(issue, &["/project/slug", "/project/name"]).or_else(|| first(body, &["/project/slug", "/project/name"]));
    incoming.label("issue", text(issue, "/shortId"));
    incoming.note("summary", Some(title));
    incoming.note("culprit", text(issue, "/culprit"));
    incoming.note("description", text(issue, "/metadata/value"));
    incoming.url = first(issue, &["/web_url", "/permalink", "/url"]).unwrap_or_default();
    incoming.starts_at = time(issue, "/firstSeen");
    one(incoming)
}

/// An alert rule fired for an event. Nobody says when it is over, except the issue.
fn of_event(event: &Value, issue: &str, data: &Value, body: &Value) -> Incoming {
    let title = first(event, &["/title", "/message"])
        .or_else(|| text(body, "/message"))
        .unwrap_or_else(|| format!("issue {issue}"));
    let mut incoming = Incoming::new(Act::Fire, format!("issue/{issue}"), title);
    incoming.stateless = true;
    incoming.category = Some(Category::Application);
    incoming.priority = text(event, "/level").or_else(|| text(body, "/level")).as_deref().and_then(priority);
    incoming.service = first(body, &["/project_slug", "/project_name", "/project"])
        .or_else(|| first(event, &["/project_name", "/project"]));
    incoming.label("environment", text(event, "/environment"));
    incoming.label("rule", text(data, "/triggered_rule"));
    incoming.note("summary", text(body, "/message").or_else(|| first(event, &["/logentry/formatted", "/message"])));
    incoming.note("culprit", text(event, "/culprit").or_else(|| text(body, "/culprit")));
    incoming.url = first(event, &["/web_url", "/issue_url"]).or_else(|| text(body, "/url")).unwrap_or_default();
    incoming.starts_at = time(event, "/timestamp").or_else(|| time(event, "/datetime"));
    incoming
}

fn metric_alert(metric: &Value, data: &Value, action: Option<&str>) -> Outcome {
    let (act, urgent) = match action {
        Some("critical") => (Act::Fire, "critical"),
        Some("warning" | "open") => (Act::Fire, "warning"),
        Some("resolved") => (Act::Resolve, "warning"),
        _ => return Ok(Decoded::Nothing("the metric alert is neither critical, warning nor resolved".to_owned())),
    };
    let id = text(metric, "/id").ok_or_else(|| Refused::new("the metric alert has no `id`"))?;
    let name = first(metric, &["/alert_rule/name", "/title"]).unwrap_or_else(|| format!("metric alert {id}"));
    let mut incoming = Incoming::new(act, format!("metric/{id}"), name);
    incoming.category = Some(Category::Application);
    incoming.priority = priority(urgent);
    incoming.service = text(metric, "/projects/0");
    incoming.note("summary", text(data, "/description_title"));
    incoming.note("description", text(data, "/description_text"));
    incoming.url = text(data, "/web_url").unwrap_or_default();
    incoming.starts_at = time(metric, "/date_started");
    incoming.ends_at = time(metric, "/date_closed");
    one(incoming)
}
