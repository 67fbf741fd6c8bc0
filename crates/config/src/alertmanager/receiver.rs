//! Receivers: which integrations are carried over, and how they are called here.
//!
//! Not the mail server: `mail` finds it.

use super::keys;
use super::secret::Wanted;
use super::translate::{Mode, Translator, mapping, push, scalar, sequence, set, text};
use crate::yaml::{Key, Kind, Node};

/// Where Slack takes messages of an app.
const POST_MESSAGE: &str = "https://slack.com/api/chat.postMessage";

impl Translator<'_, '_> {
    pub(super) fn receiver(&mut self, node: &Node) -> Option<Node> {
        let Kind::Mapping(pairs) = &node.kind else {
            self.cx.invalid(&node.place, format!("a receiver must be a mapping, not {}", node.describe()), None);
            return None;
        };
        let name = set(node, "name").and_then(text).unwrap_or_default().to_owned();
        if name.is_empty() {
            self.cx.invalid(&node.place, "a receiver needs a `name`", None);
        }
        let mut out: Vec<(Key, Node)> = Vec::new();
        let (mut written, mut carried) = (0, 0);
        for (key, value) in pairs {
            if keys::RECEIVER.contains(&key.text.as_str()) {
                out.push((key.clone(), self.plain(value)));
                continue;
            }
            let foreign = keys::FOREIGN.iter().find(|(theirs, ..)| *theirs == key.text);
            let spoken = keys::SPOKEN.iter().find(|(theirs, ..)| *theirs == key.text);
            if foreign.is_none() && spoken.is_none() {
                let known = keys::RECEIVER.iter().copied();
                let known = known.chain(keys::SPOKEN.iter().map(|k| k.0)).chain(keys::FOREIGN.iter().map(|k| k.0));
                self.unknown(key, "a receiver", &known.collect::<Vec<_>>());
                continue;
            }
            if value.is_null() {
                continue;
            }
            let mut here = Vec::new();
            for one in sequence(value) {
                written += 1;
                if one.is_null() {
                    self.cx.invalid(&one.place, format!("an entry of `{}` is empty", key.text), None);
                    continue;
                }
                if let Some((_, ours, known)) = spoken {
                    if self.check(one, known) {
                        here.extend(self.integration(ours, one, &name));
                    }
                } else if let Some((_, called, known)) = foreign
                    && self.check(one, known)
                {
                    self.left(&key.place, &format!("{called} of the receiver `{name}`"), keys::not_spoken());
                }
            }
            carried += here.len();
            if let (Some((_, ours, _)), false) = (spoken, here.is_empty()) {
                // Two of theirs may be one of ours.
                if let Some(list) = out.iter_mut().find(|(key, _)| key.text == *ours).map(|(_, list)| list) {
                    if let Kind::Sequence(before) = &mut list.kind {
                        before.extend(here);
                    }
                    continue;
                }
                push(&mut out, ours, Node { place: value.place.clone(), kind: Kind::Sequence(here) });
            }
        }
        if self.mode == Mode::Direct && written > 0 && carried == 0 {
            let message = format!("the receiver `{name}` would tell nobody: none of its integrations is carried over");
            let help = "give it an integration that Watchkeeper speaks, or route to a receiver of the main file";
            self.cx.invalid(&node.place, message, Some(help.to_owned()));
        }
        Some(Node { place: node.place.clone(), kind: Kind::Mapping(out) })
    }

    fn integration(&mut self, ours: &str, node: &Node, receiver: &str) -> Option<Node> {
        match ours {
            "slack" => self.slack(node, receiver),
            "email" => self.email(node, receiver),
            "webhook" => self.webhook(node, receiver),
            other => self.service(other, node, receiver),
        }
    }

    /// Whether resolved is told; written down, because the two products differ in what they assume.
    pub(super) fn send_resolved(&self, node: &Node, assumed: bool) -> Node {
        match set(node, "send_resolved") {
            Some(written) => self.plain(written),
            None => scalar(&node.place, assumed.to_string()),
        }
    }

    fn slack(&mut self, node: &Node, receiver: &str) -> Option<Node> {
        let own = |keys: &[&str]| keys.iter().any(|key| set(node, key).is_some());
        let (own_url, own_token) = (own(&["api_url", "api_url_file"]), own(&["app_token", "app_token_file"]));
        let global = &self.global;
        let app = ["slack_app_token", "slack_app_token_file"].iter().any(|key| set(global, key).is_some());
        let url = set(node, "api_url").or_else(|| set(global, "slack_api_url")).and_then(text).map(str::to_owned);
        let posts = url.as_deref() == Some(POST_MESSAGE);
        let as_app = own_token || (app && !own_url);
        if let Some(update) = set(node, "update_message").filter(|update| text(update) == Some("true"))
            && !posts
            && !as_app
        {
            let message = format!("`update_message` needs a bot token and `api_url: {POST_MESSAGE}`");
            let help = "an incoming webhook cannot change what it has posted; remove `update_message`".to_owned();
            self.cx.invalid(&update.place, message, Some(help));
            return None;
        }
        if posts || as_app {
            let what = format!("Slack with a bot token of the receiver `{receiver}`");
            self.left(&node.place, &what, "Slack is told over an incoming webhook; make one and name it in `api_url`");
            return None;
        }
        let wanted =
            Wanted { key: "api_url", global: Some("slack_api_url"), owner: &format!("{receiver}_slack"), url: true };
        let url = self.secret(node, &wanted)?;
        Some(mapping(&node.place, vec![("webhook_url", url), ("send_resolved", self.send_resolved(node, false))]))
    }

    fn webhook(&mut self, node: &Node, receiver: &str) -> Option<Node> {
        if let Some(url) = set(node, "url").filter(|url| text(url).is_some_and(|text| text.contains("{{"))) {
            let what = format!("the webhook of the receiver `{receiver}`");
            self.left(&url.place, &what, "its URL is a template; write one receiver for each destination");
            return None;
        }
        let owner = format!("{receiver}_webhook");
        let url = self.secret(node, &Wanted { key: "url", global: None, owner: &owner, url: true })?;
        let mut pairs = vec![("url", url), ("send_resolved", self.send_resolved(node, true))];
        if let Some(timeout) = set(node, "timeout").filter(|timeout| !matches!(text(timeout), Some("0" | "0s"))) {
            pairs.push(("timeout", self.plain(timeout)));
        }
        if let Some(http) = set(node, "http_config").cloned() {
            self.check(&http, &keys::HTTP_CONFIG);
            pairs.extend(self.bearer(&http, &owner).map(|token| ("bearer_token", token)));
        }
        Some(mapping(&node.place, pairs))
    }

    /// The bearer token of an `http_config`.
    fn bearer(&mut self, http: &Node, owner: &str) -> Option<Node> {
        if let Some(authorization) = set(http, "authorization").cloned() {
            let bearer = |kind: &&Node| text(kind).is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
            if let Some(kind) = set(&authorization, "type").filter(|kind| !bearer(kind)) {
                self.left(&kind.place, "`authorization`", "only bearer tokens are sent");
                return None;
            }
            return self.secret(&authorization, &Wanted { key: "credentials", global: None, owner, url: false });
        }
        self.secret(http, &Wanted { key: "bearer_token", global: None, owner, url: false })
    }
}
