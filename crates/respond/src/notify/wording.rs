//! A receiver's own wording: templates over what a message says, rendered within limits.
//!
//! Not how a channel shows it: the texts are other people's and ours mixed, and each channel encodes them like any other.
//! A template that fails costs nobody a message: the built-in text stands in its place, and says so.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use watchkeeper_config::model::receiver::Templates;
use watchkeeper_domain::Timestamp;
use watchkeeper_lang::jinja;

use super::brief::cut;
use super::content::{Alerts, Content};
use super::context::IncidentLink;

/// Letters of a title or a subject.
const MOST_TITLE: usize = 300;
/// Letters of a body; more than any channel shows.
const MOST_BODY: usize = 8_000;
/// Letters of a field.
const MOST_FIELD: usize = 4_000;

/// A message in a receiver's own words; what is absent stays as built in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wording {
    /// The first line.
    pub title: Option<String>,
    /// What follows it.
    pub body: Option<String>,
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// More fields of a webhook's body.
    pub fields: BTreeMap<String, String>,
    /// Which templates failed, and why. Hostile text.
    pub errors: Vec<String>,
}

/// What templates may name beside the content.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The receiver.
    pub receiver: &'a str,
    /// `firing` or `resolved`.
    pub status: &'a str,
    /// Why it is said now.
    pub reason: &'a str,
    /// Now.
    pub now: Timestamp,
    /// The incident that it belongs to.
    pub incident: Option<&'a IncidentLink>,
    /// Where Watchkeeper is reached, without a slash at its end.
    pub external_url: &'a str,
}

/// Words a message. Only those about alerts: incidents and mere texts stay as they are.
#[must_use]
pub fn word(templates: &Templates, content: &Content, given: &Given<'_>) -> Wording {
    let mut wording = Wording::default();
    let Content::Alerts(alerts) = content else { return wording };
    if templates.is_empty() {
        return wording;
    }
    let context = context(alerts, given);
    let mut errors = Vec::new();
    let mut render = |name: &str, template: &String, most: usize| match jinja::render(template, &context) {
        Ok(text) if text.trim().is_empty() => {
            errors.push(format!("the template `{name}` of {} gives no text", given.receiver));
            None
        }
        Ok(text) => Some(cut(text.trim(), most)),
        Err(error) => {
            errors.push(format!("{name} of {}: {error}", given.receiver));
            None
        }
    };
    let line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    wording.title = templates.title.as_ref().and_then(|t| render("title", t, MOST_TITLE)).map(line);
    wording.subject = templates.subject.as_ref().and_then(|t| render("subject", t, MOST_TITLE)).map(line);
    wording.body = templates.body.as_ref().and_then(|t| render("body", t, MOST_BODY));
    for (name, template) in &templates.fields {
        if let Some(text) = render(&format!("fields.{name}"), template, MOST_FIELD) {
            wording.fields.insert(name.clone(), text);
        }
    }
    wording.errors = errors.into_iter().map(|error| cut(&error, MOST_TITLE)).collect();
    wording
}

impl Wording {
    /// That some of the wording is not the receiver's own, for the message itself.
    #[must_use]
    pub fn apology(&self) -> Option<String> {
        let first = self.errors.first()?;
        Some(format!("A template failed, and this is the built-in text: {first}"))
    }
}

/// What templates name.
fn context(alerts: &Alerts, given: &Given<'_>) -> Value {
    let url = |id: &dyn std::fmt::Display| format!("{}/alerts/{id}", given.external_url);
    let one = |alert: &super::content::Alert| {
        json!({
            "id": alert.id, "name": alert.name, "status": alert.status, "labels": alert.labels,
            "annotations": alert.annotations, "priority": alert.priority, "category": alert.category,
            "value": alert.value, "threshold": alert.threshold, "comparison": alert.comparison,
            "measured": alert.measured(), "started_at": alert.started_at, "resolved_at": alert.resolved_at,
            "lasted": super::content::length(alert.lasted(given.now)), "acknowledged_by": alert.acknowledged_by,
            "url": url(&alert.id),
        })
    };
    let first = alerts.firing().next().or(alerts.alerts.first());
    json!({
        "status": given.status,
        "receiver": given.receiver,
        "reason": given.reason,
        "now": given.now,
        "title": alerts.title(given.status),
        "url": first.map(|alert| url(&alert.id)),
        "external_url": given.external_url,
        "priority": alerts.priority(),
        "place": alerts.place(),
        "firing": alerts.firing().count(),
        "resolved": alerts.alerts.len() - alerts.firing().count(),
        "group_labels": alerts.group_labels,
        "common_labels": alerts.common_map(|alert| &alert.labels),
        "common_annotations": alerts.common_map(|alert| &alert.annotations),
        "alert": first.map(one),
        "alerts": alerts.alerts.iter().map(one).collect::<Vec<_>>(),
        "incident": given.incident.map(|incident| json!({
            "id": incident.id, "number": incident.number, "title": incident.title,
            "url": format!("{}/incidents/{}", given.external_url, incident.id),
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        let alert = json!({
            "id": "alr_0193d0c8000070008000000000000001", "status": "firing", "name": "Slow",
            "labels": {"alertname": "Slow", "service": "{{ 7 * 7 }}<b>"}, "category": "application",
            "priority": "high", "started_at": "2026-11-26T12:00:00Z", "fired_at": "2026-11-26T12:01:00Z",
        });
        Content::read("alert", &json!({"alerts": [alert]}).to_string()).unwrap()
    }

    fn worded(templates: &Templates) -> Wording {
        let given = Given {
            receiver: "team",
            status: "firing",
            reason: "new alerts",
            now: "2026-11-26T12:05:00Z".parse().unwrap(),
            incident: None,
            external_url: "https://wk.example",
        };
        word(templates, &content(), &given)
    }

    #[test]
    fn labels_are_inserted_and_never_run() {
        let templates = Templates {
            title: Some("{{ alert.name }}\n on {{ alert.labels.service }}".into()),
            body: Some("{% for alert in alerts %}{{ alert.url }} since {{ alert.lasted }}{% endfor %}".into()),
            fields: BTreeMap::from([("queue".into(), "{{ priority }}-{{ firing }}".into())]),
            ..Templates::default()
        };
        let wording = worded(&templates);
        assert_eq!(wording.title.as_deref(), Some("Slow on {{ 7 * 7 }}<b>"));
        let url = "https://wk.example/alerts/alr_0193d0c8000070008000000000000001";
        assert_eq!(wording.body, Some(format!("{url} since 5m")));
        assert_eq!(wording.fields["queue"], "high-1");
        assert_eq!(wording.errors, [""; 0]);
    }

    #[test]
    fn one_template_that_fails_takes_no_other_with_it_and_is_named() {
        let templates = Templates {
            title: Some("{{ alert.labels.nothing.here }}".into()),
            body: Some("{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}".into()),
            subject: Some("fine".into()),
            fields: BTreeMap::from([("empty".into(), "{{ '' }}".into())]),
        };
        let wording = worded(&templates);
        assert_eq!((wording.title.as_ref(), wording.body.as_ref()), (None, None));
        assert_eq!(wording.subject.as_deref(), Some("fine"));
        assert_eq!(wording.errors.len(), 3, "{:?}", wording.errors);
        assert!(wording.apology().unwrap().contains("title of team"), "{:?}", wording.apology());
    }

    #[test]
    fn a_long_body_is_cut() {
        let long = "{% for _ in range(9000) %}ä{% endfor %}".to_owned();
        let wording = worded(&Templates { body: Some(long), ..Templates::default() });
        let body = wording.body.unwrap();
        assert!(body.chars().count() == MOST_BODY && body.ends_with('…'), "{}", body.len());
    }
}
