//! Services with an API of their own: PagerDuty, Opsgenie, Telegram, Teams, Discord.
//!
//! Not Slack, e-mail and webhooks.

use super::secret::Wanted;
use super::translate::{Translator, mapping, sequence, set, text};
use crate::yaml::{Kind, Node};

impl Translator<'_, '_> {
    pub(super) fn service(&mut self, kind: &str, node: &Node, receiver: &str) -> Option<Node> {
        let owner = format!("{receiver}_{kind}");
        let wanted =
            |key: &'static str, global: Option<&'static str>, url: bool| Wanted { key, global, owner: &owner, url };
        let mut pairs = match kind {
            "pagerduty" => {
                let key = ["routing_key", "service_key"]
                    .into_iter()
                    .find(|key| set(node, key).is_some() || set(node, &format!("{key}_file")).is_some())?;
                let mut pairs = vec![("routing_key", self.secret(node, &wanted(key, None, false))?)];
                let global = self.global.clone();
                if let Some(url) = set(node, "url").or_else(|| set(&global, "pagerduty_url")) {
                    pairs.extend(self.address(url).map(|url| ("url", url)));
                }
                pairs
            }
            "opsgenie" => {
                let key = self.secret(node, &wanted("api_key", Some("opsgenie_api_key"), false))?;
                let mut pairs = vec![("api_key", key)];
                pairs.extend(self.api(node, "opsgenie_api_url"));
                if let Some(tags) = set(node, "tags").and_then(text).filter(|tags| !tags.contains("{{")) {
                    let place = set(node, "tags").map_or(&node.place, |tags| &tags.place);
                    let tags = tags.split(',').map(|tag| super::translate::scalar(place, tag.trim())).collect();
                    pairs.push(("tags", Node { place: place.clone(), kind: Kind::Sequence(tags) }));
                }
                pairs.extend(self.teams(node, receiver).map(|teams| ("teams", teams)));
                pairs
            }
            "telegram" => {
                let token = self.secret(node, &wanted("bot_token", Some("telegram_bot_token"), false))?;
                let chat = match set(node, "chat_id") {
                    Some(chat) => self.plain(chat),
                    None => self.secret(node, &wanted("chat_id", None, false))?,
                };
                let mut pairs = vec![("bot_token", token), ("chat_id", chat)];
                pairs.extend(set(node, "message_thread_id").map(|thread| ("message_thread_id", self.plain(thread))));
                pairs.extend(self.api(node, "telegram_api_url"));
                pairs
            }
            _ => vec![("webhook_url", self.secret(node, &wanted("webhook_url", None, true))?)],
        };
        pairs.push(("send_resolved", self.send_resolved(node, true)));
        Some(mapping(&node.place, pairs))
    }

    /// The address of an API, of the integration or of `global`.
    fn api(&mut self, node: &Node, common: &str) -> Option<(&'static str, Node)> {
        let global = self.global.clone();
        let url = set(node, "api_url").or_else(|| set(&global, common))?;
        Some(("api_url", self.address(url)?))
    }

    /// An address that is no secret.
    fn address(&mut self, node: &Node) -> Option<Node> {
        let fine = text(node)
            .and_then(|text| url::Url::parse(text).ok())
            .is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        if !fine {
            let help = "write `https://host/path`".to_owned();
            self.cx.invalid(&node.place, "this is not a URL with the scheme http or https", Some(help));
            return None;
        }
        Some(self.plain(node))
    }

    /// Teams are told; other responders have no counterpart.
    fn teams(&mut self, node: &Node, receiver: &str) -> Option<Node> {
        let responders = set(node, "responders")?;
        let mut teams = Vec::new();
        for responder in sequence(responders) {
            let kind = set(responder, "type").and_then(text).unwrap_or_default().to_owned();
            match set(responder, "name") {
                Some(name) if kind.eq_ignore_ascii_case("team") => teams.push(self.plain(name)),
                _ => {
                    let what = format!("a responder of the receiver `{receiver}`");
                    self.left(&responder.place, &what, "only teams are told by their names");
                }
            }
        }
        (!teams.is_empty()).then(|| Node { place: responders.place.clone(), kind: Kind::Sequence(teams) })
    }
}
