//! The page as JSON, in the shape of Statuspage's `/api/v2/summary.json`, which many tools read.
//!
//! Not all of that API: what has no meaning here is empty or null.

use serde_json::{Value, json};

use crate::page::{ComponentState, Page, PublicIncident};

/// The page's id in answers.
const PAGE_ID: &str = "watchkeeper";

impl Page {
    /// The summary. `url` is the page's public address, without a slash at its end.
    #[must_use]
    pub fn summary(&self, url: &str) -> Value {
        json!({
            "page": {
                "id": PAGE_ID, "name": self.title, "url": url, "time_zone": "Etc/UTC", "updated_at": self.at,
            },
            "components": self.components.iter().enumerate().map(|(at, c)| self.component(at, c)).collect::<Vec<_>>(),
            "incidents": self.current.iter().map(|incident| self.incident(incident, url)).collect::<Vec<_>>(),
            "scheduled_maintenances": [],
            "status": { "indicator": self.impact().indicator(), "description": self.headline() },
        })
    }

    fn component(&self, at: usize, component: &ComponentState) -> Value {
        json!({
            "id": component.name, "name": component.title, "status": component.impact, "position": at + 1,
            "description": null, "showcase": true, "group_id": null, "group": false,
            "only_show_if_degraded": false, "page_id": PAGE_ID, "updated_at": self.at,
        })
    }

    fn incident(&self, incident: &PublicIncident, url: &str) -> Value {
        let updates: Vec<Value> = incident
            .updates
            .iter()
            .map(|update| {
                json!({
                    "id": update.id, "status": update.state, "body": update.text, "incident_id": incident.id,
                    "created_at": update.at, "updated_at": update.at, "display_at": update.at,
                })
            })
            .collect();
        let monitoring = |update: &&crate::page::Update| update.state == crate::PublicState::Monitoring;
        let components: Vec<Value> = self
            .components
            .iter()
            .enumerate()
            .filter(|(_, component)| component.name == incident.component)
            .map(|(at, component)| self.component(at, component))
            .collect();
        json!({
            "id": incident.id, "name": incident.name, "status": incident.state,
            "impact": incident.impact.indicator(), "created_at": incident.opened_at, "started_at": incident.opened_at,
            "updated_at": incident.updates.first().map_or(incident.opened_at, |update| update.at),
            "monitoring_at": incident.updates.iter().find(monitoring).map(|update| update.at),
            "resolved_at": incident.resolved_at, "page_id": PAGE_ID,
            "shortlink": format!("{url}#{}", incident.id), "incident_updates": updates, "components": components,
        })
    }
}
