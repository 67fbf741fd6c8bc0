//! One notification in plain words, for channels that show text: a title, a line, facts, a link.
//!
//! Not trusted: every text may come from outside, and each channel encodes it in its own way.

use watchkeeper_domain::{Priority, Timestamp};

use super::channel::Outgoing;
use super::content::{Alert, Alerts, Content, Incident, capital, length};

/// More alerts than these are counted, not listed.
const MOST_LISTED: usize = 10;
/// More letters than these of a fact are cut.
const MOST_FACT: usize = 900;

/// What a message says, in parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Brief {
    /// One line.
    pub title: String,
    /// What happened, or nothing.
    pub summary: String,
    /// Name and value.
    pub facts: Vec<(&'static str, String)>,
    /// The alerts, when there are several.
    pub list: Vec<String>,
    /// The page of the alert or incident, if there is one.
    pub link: Option<String>,
    /// The runbook of the first alert.
    pub runbook: Option<String>,
    /// The most urgent priority; none for mere texts.
    pub priority: Option<Priority>,
    /// Whether it is over.
    pub resolved: bool,
}

impl Brief {
    /// The brief of a message. `external_url` is where Watchkeeper is reached, without a slash at its end.
    #[must_use]
    pub fn of(message: &Outgoing, external_url: &str) -> Self {
        let mut brief = match &message.content {
            Content::Alerts(alerts) => of_alerts(alerts, message.now, external_url),
            Content::Incident(it) => of_incident(it, external_url),
            Content::Text(text) => Self { summary: text.text.clone(), ..Self::nothing() },
        };
        brief.title = message.title();
        if let Some(body) = &message.wording.body {
            // It says everything in its own way.
            brief.summary.clone_from(body);
            (brief.facts, brief.list) = (Vec::new(), Vec::new());
        }
        brief.resolved |= message.status == "resolved";
        if let (Some(incident), None) = (&message.incident, &message.wording.body) {
            brief.facts.push(("Incident", format!("#{} {}", incident.number, incident.title)));
        }
        brief.facts.extend(message.wording.apology().map(|why| ("Note", why)));
        for (_, value) in &mut brief.facts {
            *value = cut(value, MOST_FACT);
        }
        brief
    }

    fn nothing() -> Self {
        Self {
            title: String::new(),
            summary: String::new(),
            facts: Vec::new(),
            list: Vec::new(),
            link: None,
            runbook: None,
            priority: None,
            resolved: false,
        }
    }

    /// All but the title as lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let summary = (!self.summary.is_empty()).then(|| self.summary.clone());
        let facts = self.facts.iter().map(|(name, value)| format!("{name}: {value}"));
        let links = [("Runbook", &self.runbook)];
        let links = links.iter().filter_map(|(name, link)| Some(format!("{name}: {}", link.as_ref()?)));
        summary.into_iter().chain(facts).chain(self.list.iter().cloned()).chain(links).collect()
    }

    /// A colour for channels that have one: red, orange, yellow, blue, green when it is over.
    #[must_use]
    pub fn colour(&self) -> u32 {
        match self.priority {
            _ if self.resolved => 0x002e_b67d,
            Some(Priority::Critical) => 0x00d0_021b,
            Some(Priority::High) => 0x00f5_7c00,
            Some(Priority::Medium) => 0x00f2_c744,
            Some(Priority::Low) | None => 0x0043_90e1,
        }
    }

    /// A sign that says the same without colour.
    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self.priority {
            _ if self.resolved => "🟢",
            Some(Priority::Critical) => "🔴",
            Some(Priority::High) => "🟠",
            Some(Priority::Medium) => "🟡",
            Some(Priority::Low) => "🔵",
            None => "💬",
        }
    }
}

fn of_alerts(alerts: &Alerts, now: Timestamp, external_url: &str) -> Brief {
    let Some(first) = alerts.firing().next().or(alerts.alerts.first()) else { return Brief::nothing() };
    let note = |name: &str| first.annotations.get(name).cloned();
    let mut facts = Vec::new();
    facts.extend(first.measured().map(|measured| ("Value", measured)));
    facts.extend(alerts.place().map(|place| ("Where", place.to_owned())));
    facts.push(if first.status == "resolved" {
        ("Lasted", length(first.lasted(now)))
    } else {
        ("Since", format!("{} ({})", first.started_at, length(first.lasted(now))))
    });
    facts.extend(note("impact").map(|impact| ("Impact", impact)));
    facts.push(("Priority", format!("{} · {}", capital(first.priority.as_str()), first.category)));
    facts.extend(first.acknowledged_by.clone().map(|by| ("Acknowledged by", by)));
    let mut list: Vec<String> = Vec::new();
    if alerts.alerts.len() > 1 {
        list.extend(alerts.alerts.iter().take(MOST_LISTED).map(|alert| listed(alert, now)));
        let more = alerts.alerts.len().saturating_sub(MOST_LISTED);
        list.extend((more > 0).then(|| format!("… and {more} more")));
    }
    Brief {
        summary: note("summary").or_else(|| note("description")).unwrap_or_default(),
        facts,
        list,
        link: Some(format!("{external_url}/alerts/{}", first.id)),
        runbook: note("runbook_url").filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        priority: alerts.priority(),
        ..Brief::nothing()
    }
}

fn listed(alert: &Alert, now: Timestamp) -> String {
    let place = ["instance", "service", "job"].iter().find_map(|name| alert.labels.get(*name));
    let place = place.map(|place| format!(" {}", cut(place, 80))).unwrap_or_default();
    let value = alert.measured().map(|value| format!(" · {value}")).unwrap_or_default();
    format!("{} · {}{place}{value} · {}", alert.status, cut(&alert.name, 80), length(alert.lasted(now)))
}

fn of_incident(it: &Incident, external_url: &str) -> Brief {
    let facts = &it.incident;
    let tried = it
        .tried
        .iter()
        .take(MOST_LISTED)
        .map(|tried| format!("{}: {} {}", tried.workflow, tried.outcome, tried.detail).trim_end().to_owned());
    Brief {
        summary: it.text.clone(),
        facts: vec![
            ("State", facts.state.clone()),
            ("Priority", format!("{} · {}", capital(facts.priority.as_str()), facts.category)),
            ("Open since", facts.opened_at.to_string()),
        ],
        list: tried.collect(),
        link: Some(format!("{external_url}/incidents/{}", facts.id)),
        priority: Some(facts.priority),
        resolved: matches!(facts.state.as_str(), "resolved" | "closed"),
        ..Brief::nothing()
    }
}

/// At most so many letters.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => {
            let kept: String = text.chars().take(most.saturating_sub(1)).collect();
            format!("{kept}…")
        }
        None => text.to_owned(),
    }
}
