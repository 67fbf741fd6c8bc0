//! PagerDuty, over its Events API v2.
//!
//! Not its REST API: an event opens and closes what PagerDuty calls an alert, under a key that stays the same.
//! Source: PagerDuty's "Send an Alert Event".

use serde_json::{Value, json};
use watchkeeper_config::Secret;
use watchkeeper_domain::Priority;

use super::{Api, Call, key, url};
use crate::notify::brief::{Brief, cut};
use crate::notify::channel::Outgoing;
use crate::notify::content::Content;

/// The longest summary.
const MOST_SUMMARY: usize = 1_024;

pub(super) struct PagerDuty {
    pub(super) routing_key: Secret,
    pub(super) url: String,
    pub(super) external_url: String,
}

impl Api for PagerDuty {
    fn call(&self, message: &Outgoing) -> Result<Call, String> {
        let brief = Brief::of(message, &self.external_url);
        Ok(Call { url: url(&self.url)?, headers: Vec::new(), body: self.event(message, &brief) })
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.routing_key]
    }
}

impl PagerDuty {
    fn event(&self, message: &Outgoing, brief: &Brief) -> Value {
        let action = if brief.resolved { "resolve" } else { "trigger" };
        let mut event = json!({
            "routing_key": self.routing_key.expose(),
            "event_action": action,
            "dedup_key": key(message),
        });
        if brief.resolved {
            return event;
        }
        let severity = match brief.priority {
            Some(Priority::Critical) => "critical",
            Some(Priority::High) => "error",
            Some(Priority::Medium) => "warning",
            Some(Priority::Low) | None => "info",
        };
        let (source, class, started) = match &message.content {
            Content::Alerts(alerts) => (
                alerts.place().map(str::to_owned),
                alerts.common(|alert| Some(&alert.name)).map(str::to_owned),
                alerts.alerts.iter().map(|alert| alert.started_at).min(),
            ),
            Content::Incident(it) => (None, None, Some(it.incident.opened_at)),
            Content::Text(_) => (None, None, None),
        };
        let details: serde_json::Map<String, Value> =
            brief.facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        event["payload"] = json!({
            "summary": cut(&brief.title, MOST_SUMMARY),
            "source": source.clone().unwrap_or_else(|| "watchkeeper".to_owned()),
            "severity": severity,
            "component": source,
            "class": class,
            "timestamp": started,
            "custom_details": {"summary": brief.summary, "facts": details, "alerts": brief.list},
        });
        event["client"] = json!("Watchkeeper");
        if let Some(link) = &brief.link {
            event["client_url"] = json!(link);
        }
        let runbook = brief.runbook.iter().map(|href| json!({"href": href, "text": "Runbook"}));
        event["links"] = Value::Array(runbook.collect());
        event
    }
}
