//! Opsgenie, over its Alert API.
//!
//! Not its incidents. Source: Opsgenie's "Alert API": create, and close by alias.

use http::header::AUTHORIZATION;
use serde_json::json;
use watchkeeper_config::Secret;
use watchkeeper_domain::Priority;

use super::{Api, Call, key, url};
use crate::notify::brief::{Brief, cut};
use crate::notify::channel::Outgoing;
use crate::notify::content::Content;

/// The API's limits, in letters.
const MOST_MESSAGE: usize = 130;
const MOST_DESCRIPTION: usize = 15_000;

pub(super) struct Opsgenie {
    pub(super) api_key: Secret,
    pub(super) api_url: String,
    pub(super) teams: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) external_url: String,
}

impl Api for Opsgenie {
    fn call(&self, message: &Outgoing) -> Result<Call, String> {
        let brief = Brief::of(message, &self.external_url);
        let alias = key(message);
        let headers = vec![(AUTHORIZATION, format!("GenieKey {}", self.api_key.expose()))];
        if brief.resolved {
            let url = url(&format!("{}/v2/alerts/{alias}/close?identifierType=alias", self.api_url))?;
            return Ok(Call { url, headers, body: json!({"source": "Watchkeeper", "note": cut(&brief.title, 1_000)}) });
        }
        let priority = match brief.priority {
            Some(Priority::Critical) => "P1",
            Some(Priority::High) => "P2",
            Some(Priority::Medium) => "P3",
            Some(Priority::Low) => "P4",
            None => "P5",
        };
        let labels = match &message.content {
            Content::Alerts(alerts) => alerts.common_map(|alert| &alert.labels),
            Content::Incident(_) | Content::Text(_) => Default::default(),
        };
        let entity = labels.get("service").cloned();
        let mut body = json!({
            "message": cut(&brief.title, MOST_MESSAGE),
            "alias": alias,
            "description": cut(&format!("{}\n{}", brief.title, brief.lines().join("\n")), MOST_DESCRIPTION),
            "details": labels,
            "source": "Watchkeeper",
            "priority": priority,
            "tags": self.tags,
            "responders": self.teams.iter().map(|team| json!({"name": team, "type": "team"})).collect::<Vec<_>>(),
        });
        if let Some(entity) = entity {
            body["entity"] = json!(cut(&entity, 512));
        }
        if let Some(link) = &brief.link {
            body["details"]["watchkeeper"] = json!(link);
        }
        Ok(Call { url: url(&format!("{}/v2/alerts", self.api_url))?, headers, body })
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.api_key]
    }
}
