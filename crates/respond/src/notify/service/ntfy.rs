//! ntfy, published as JSON.
//!
//! Not its headers: those take no letters beyond ASCII. Source: ntfy's "Publish as JSON".

use http::header::AUTHORIZATION;
use serde_json::json;
use watchkeeper_config::Secret;
use watchkeeper_domain::Priority;

use super::{Api, Call, url};
use crate::notify::brief::{Brief, cut};
use crate::notify::channel::Outgoing;

/// ntfy turns a longer message into an attachment.
const MOST_BYTES: usize = 3_500;

pub(super) struct Ntfy {
    pub(super) url: Secret,
    pub(super) token: Option<Secret>,
    pub(super) external_url: String,
}

impl Api for Ntfy {
    fn call(&self, message: &Outgoing) -> Result<Call, String> {
        let brief = Brief::of(message, &self.external_url);
        let mut server = url(self.url.expose())?;
        let path = server.path().trim_matches('/').to_owned();
        let (rest, topic) = path.rsplit_once('/').unwrap_or(("", &path));
        if topic.is_empty() {
            return Err(format!("{} names no topic", self.url.reference()));
        }
        server.set_path(rest);
        let priority = match brief.priority {
            _ if brief.resolved => 3,
            Some(Priority::Critical) => 5,
            Some(Priority::High) => 4,
            Some(Priority::Medium) | None => 3,
            Some(Priority::Low) => 2,
        };
        let mut text = brief.lines().join("\n");
        while text.len() > MOST_BYTES {
            text = cut(&text, text.chars().count() * 9 / 10);
        }
        let tag = match brief.priority {
            _ if brief.resolved => "white_check_mark",
            Some(Priority::Critical | Priority::High) => "rotating_light",
            Some(Priority::Medium | Priority::Low) => "warning",
            None => "speech_balloon",
        };
        let mut body = json!({
            "topic": topic,
            "title": cut(&brief.title, 200),
            "message": if text.is_empty() { &brief.title } else { &text },
            "priority": priority,
            "tags": [tag],
        });
        if let Some(link) = &brief.link {
            body["click"] = json!(link);
        }
        let headers = self.token.iter().map(|token| (AUTHORIZATION, format!("Bearer {}", token.expose())));
        Ok(Call { url: server, headers: headers.collect(), body })
    }

    fn secrets(&self) -> Vec<&Secret> {
        std::iter::once(&self.url).chain(&self.token).collect()
    }
}
