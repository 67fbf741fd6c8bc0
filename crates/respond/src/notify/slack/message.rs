//! One notification as Slack blocks.
//!
//! Not the sending. Everything that came from outside passes `blocks::escape`, `blocks::line` or `blocks::link`.

use serde_json::{Value, json};
use watchkeeper_domain::ids::IncidentId;
use watchkeeper_domain::{Priority, Timestamp};

use super::Look;
use super::blocks::{self, clickable, cut, escape, line, link};
use super::buttons::{ACKNOWLEDGE, ASSIGN, RESOLVE, RUN_WORKFLOW, SILENCE, TAKE, Target};
use crate::notify::channel::Outgoing;
use crate::notify::content::{Alert, Alerts, Content, Incident, Text, capital, length};

/// More alerts than these are counted, not listed.
const MOST_LISTED: usize = 10;
/// More workflows than these are not offered in a message.
const MOST_OFFERED: usize = 3;

/// Workflows with longer names are not offered.
const MOST_NAME_BYTES: usize = 200;

/// The payload of an incoming webhook.
#[must_use]
pub fn render(message: &Outgoing, look: &Look) -> Value {
    let mut blocks = match &message.content {
        Content::Alerts(alerts) => of_alerts(alerts, message, look),
        Content::Incident(it) => of_incident(it, message, look),
        Content::Text(text) => of_text(text),
    };
    blocks.truncate(blocks::MOST_BLOCKS - 1);
    blocks.push(blocks::context(&small_print(message)));
    // `text` is what a phone's notification shows. Slack reads mrkdwn in it, so it is encoded as well.
    let fallback = format!("{} {}", icon(message), message.title());
    json!({"text": line(&fallback, 300), "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

fn icon(message: &Outgoing) -> &'static str {
    match (&message.content, message.status.as_str()) {
        (Content::Text(_), _) => "💬",
        (_, "resolved") => "🟢",
        (Content::Incident(it), _) if it.tried.is_empty() => "📣",
        (Content::Incident(_), _) => "🧑‍🚒",
        (Content::Alerts(alerts), _) => match alerts.priority() {
            Some(Priority::Critical) => "🔴",
            Some(Priority::High) => "🟠",
            Some(Priority::Medium) => "🟡",
            Some(Priority::Low) | None => "🔵",
        },
    }
}

fn of_alerts(alerts: &Alerts, message: &Outgoing, look: &Look) -> Vec<Value> {
    let resolved = message.status == "resolved";
    let mut out = vec![blocks::header(&format!("{} {}", icon(message), message.title()))];
    let Some(first) = alerts.firing().next().or(alerts.alerts.first()) else { return out };
    if let Some(body) = &message.wording.body {
        out.push(blocks::section(&escape(body, 2_900)));
    } else {
        if let Some(summary) = first.annotations.get("summary").or_else(|| first.annotations.get("description")) {
            out.push(blocks::section(&escape(summary, 2_900)));
        }
        out.push(blocks::fields(&facts(alerts, first, message)));
        if alerts.alerts.len() > 1 {
            out.push(blocks::section(&list(alerts, message.now)));
        }
    }
    out.extend(message.wording.apology().map(|why| blocks::section(&escape(&why, 600))));
    if look.charts && !resolved {
        let url = message.chart_path.as_ref().and_then(|path| clickable(&format!("{}{path}", look.external_url)));
        out.extend(url.and_then(|url| blocks::image(&url, &format!("Chart of {}", first.name))));
    }
    let incident = message.incident.as_ref().map(|i| i.id).or(first.incident_id);
    out.push(blocks::section(&links(first, incident, message, look)));
    if !resolved {
        out.push(buttons(incident, message));
    }
    out
}

fn facts(alerts: &Alerts, first: &Alert, message: &Outgoing) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let what = match first.measured() {
        Some(measured) => format!("{}: {}", line(&first.name, 300), escape(&measured, 100)),
        None => line(&first.name, 300),
    };
    facts.push(("What", what));
    facts.push(("Where", place(alerts, first)));
    facts.push(if first.status == "resolved" {
        (
            "Lasted",
            format!(
                "{} (from {} to {})",
                length(first.lasted(message.now)),
                moment(first.started_at),
                moment(first.resolved_at.unwrap_or(message.now))
            ),
        )
    } else {
        ("Since", format!("{} ({})", moment(first.started_at), length(first.lasted(message.now))))
    });
    if let Some(impact) = first.annotations.get("impact") {
        facts.push(("Impact", line(impact, 900)));
    }
    facts.push(("Priority", format!("{} · {}", capital(first.priority.as_str()), first.category)));
    if let Some(by) = &first.acknowledged_by {
        facts.push(("Acknowledged by", line(by, 200)));
    }
    facts
}

fn place(alerts: &Alerts, first: &Alert) -> String {
    const TELLING: [&str; 8] =
        ["service", "service_name", "namespace", "component", "job", "instance", "region", "probe"];
    let labels = if alerts.alerts.len() > 1 { alerts.common_map(|a| &a.labels) } else { first.labels.clone() };
    let told: Vec<String> = TELLING
        .iter()
        .filter_map(|name| labels.get(*name).map(|value| format!("{name} {}", line(value, 200))))
        .collect();
    match told.as_slice() {
        [] => {
            let all: Vec<String> = labels
                .iter()
                .filter(|(name, _)| name.as_str() != "alertname")
                .take(4)
                .map(|(name, value)| format!("{} {}", line(name, 60), line(value, 200)))
                .collect();
            if all.is_empty() { "not said".to_owned() } else { all.join("\n") }
        }
        told => told.join("\n"),
    }
}

fn list(alerts: &Alerts, now: Timestamp) -> String {
    let mut lines: Vec<String> = alerts
        .alerts
        .iter()
        .take(MOST_LISTED)
        .map(|alert| {
            let mark = if alert.status == "resolved" { "🟢 resolved" } else { "🔴 firing" };
            let place = ["instance", "service", "job"].iter().find_map(|name| alert.labels.get(*name));
            let place = place.map(|p| format!(" {}", line(p, 80))).unwrap_or_default();
            let value = alert.measured().map(|m| format!(" · {}", escape(&m, 60))).unwrap_or_default();
            format!("{mark} · {}{place}{value} · {}", line(&alert.name, 80), length(alert.lasted(now)))
        })
        .collect();
    if alerts.alerts.len() > MOST_LISTED {
        lines.push(format!("… and {} more", alerts.alerts.len() - MOST_LISTED));
    }
    lines.join("\n")
}

fn links(first: &Alert, incident: Option<IncidentId>, message: &Outgoing, look: &Look) -> String {
    let base = &look.external_url;
    let incident = match (&message.incident, incident) {
        (Some(known), _) => link(&format!("{base}/incidents/{}", known.id), &format!("Incident #{}", known.number)),
        (None, Some(id)) => link(&format!("{base}/incidents/{id}"), "Incident"),
        (None, None) => None,
    };
    let all = [
        link(&format!("{base}/alerts/{}", first.id), "Alert"),
        incident,
        first.annotations.get("runbook_url").and_then(|url| link(url, "Runbook")),
        first.annotations.get("dashboard_url").and_then(|url| link(url, "Dashboard")),
        link(&format!("{base}/status"), "Status page"),
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join("  ·  ")
}

fn buttons(incident: Option<IncidentId>, message: &Outgoing) -> Value {
    let target = Target { incident, alerts: message.alerts.clone(), workflow: None };
    let value = target.write();
    let mut buttons = vec![
        blocks::button("Acknowledge", ACKNOWLEDGE, &value, Some("primary")),
        blocks::button("Assign to me", TAKE, &value, None),
        blocks::people("Assign to…", ASSIGN),
        blocks::button("Silence 1 h", SILENCE, &value, None),
        blocks::button("Resolve", RESOLVE, &value, None),
    ];
    // A name that fits a label fits a button's value, too, whatever the alerts take.
    for offer in message.workflows.iter().filter(|offer| offer.name.len() <= MOST_NAME_BYTES).take(MOST_OFFERED) {
        let value = Target { workflow: Some(offer.name.clone()), ..target.clone() }.write();
        let action = cut(&format!("{RUN_WORKFLOW}{}", offer.name), 255);
        buttons.push(blocks::button(&format!("Run {}", offer.name), &action, &value, None));
    }
    blocks::actions(&target.row(), buttons)
}

fn of_incident(it: &Incident, message: &Outgoing, look: &Look) -> Vec<Value> {
    let facts = &it.incident;
    let title = match (it.tried.is_empty(), it.headline.is_empty()) {
        (false, true) => format!("Self-healing gave up: people needed — #{} {}", facts.number, facts.title),
        (_, false) => format!("{} — #{} {}", it.headline, facts.number, facts.title),
        (true, true) => format!("Incident #{} {}", facts.number, facts.title),
    };
    let mut out = vec![blocks::header(&format!("{} {title}", icon(message)))];
    let people: Vec<(&String, &str)> =
        facts.roles.iter().filter_map(|(role, who)| Some((role, who.as_str()?))).collect();
    if message.status != "resolved" && !people.is_empty() {
        let named: Vec<String> =
            people.iter().map(|(role, who)| format!("{} ({})", mention(who, look), line(role, 60))).collect();
        out.push(blocks::section(&named.join(", ")));
    }
    if !it.text.is_empty() {
        out.push(blocks::section(&escape(&it.text, 2_900)));
    }
    let mut fields = vec![
        ("Incident", format!("#{} {}", facts.number, line(&facts.title, 300))),
        ("Since", format!("{} ({})", moment(facts.opened_at), length(message.now.since(facts.opened_at)))),
        ("Priority", format!("{} · {}", capital(facts.priority.as_str()), facts.category)),
    ];
    if !facts.state.is_empty() {
        fields.push(("State", line(&format!("{} {}", facts.kind, facts.state), 100)));
    }
    out.push(blocks::fields(&fields));
    if !it.tried.is_empty() {
        let mut lines = vec!["*What was tried*".to_owned()];
        lines.extend(it.tried.iter().take(MOST_LISTED).map(|tried| {
            let at = tried.at.map(|at| format!("{} · ", moment(at))).unwrap_or_default();
            let detail =
                if tried.detail.is_empty() { String::new() } else { format!(": {}", line(&tried.detail, 300)) };
            format!("• {at}{} · {}{detail}", line(&tried.workflow, 100), line(&tried.outcome, 100))
        }));
        out.push(blocks::section(&lines.join("\n")));
    }
    let all = [
        link(&format!("{}/incidents/{}", look.external_url, facts.id), &format!("Incident #{}", facts.number)),
        link(&format!("{}/status", look.external_url), "Status page"),
    ];
    out.push(blocks::section(&all.into_iter().flatten().collect::<Vec<_>>().join("  ·  ")));
    if !matches!(facts.state.as_str(), "resolved" | "closed") {
        let target = Target { incident: Some(facts.id), alerts: message.alerts.clone(), workflow: None };
        let value = target.write();
        let mut row = Vec::new();
        if facts.state != "acknowledged" {
            row.push(blocks::button("Acknowledge", ACKNOWLEDGE, &value, Some("primary")));
        }
        row.push(blocks::button("Assign to me", TAKE, &value, None));
        row.push(blocks::people("Assign to…", ASSIGN));
        row.push(blocks::button("Resolve", RESOLVE, &value, None));
        out.push(blocks::actions(&target.row(), row));
    }
    out
}

fn mention(person: &str, look: &Look) -> String {
    // Only what the administrator configured as a Slack id becomes a mention, and only if it looks like one.
    match look.people.get(person).filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric())) {
        Some(id) => format!("<@{id}>"),
        None => line(person, 100),
    }
}

fn of_text(text: &Text) -> Vec<Value> {
    let mut out = Vec::new();
    if let Some(workflow) = &text.workflow {
        out.push(blocks::header(&format!("💬 Workflow {workflow}")));
    }
    let said = if text.text.is_empty() { "(no text)" } else { &text.text };
    out.push(blocks::section(&escape(said, 2_900)));
    out
}

fn small_print(message: &Outgoing) -> Vec<String> {
    let mut parts = vec![format!("{} · {}", line(&message.reason, 300), moment(message.now))];
    if let Content::Alerts(alerts) = &message.content
        && let Some(first) = alerts.alerts.first()
    {
        parts.push(format!("Rule {}", line(&first.name, 200)));
        parts.push(format!("`{}`", first.id));
    }
    parts.push(format!("`{}`", message.id));
    parts
}

/// A moment in the reader's own time zone, with RFC 3339 for clients that cannot do that.
fn moment(at: Timestamp) -> String {
    format!("<!date^{}^{{date_short_pretty}} {{time_secs}}|{at}>", at.as_millis().div_euclid(1_000))
}

#[cfg(test)]
mod tests;
