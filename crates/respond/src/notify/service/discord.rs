//! Discord, over a webhook.
//!
//! Not a bot. Texts from outside mention nobody, and their markup is escaped. Source: Discord's "Execute Webhook" and
//! "Rate Limits".

use serde_json::{Value, json};
use watchkeeper_config::Secret;
use watchkeeper_domain::Span;

use super::{Api, Call, url};
use crate::client::Answer;
use crate::notify::brief::{Brief, cut};
use crate::notify::channel::{Outgoing, SendResult};
use crate::notify::webhook;

/// The API's limits, in letters. All of an embed together is at most 6,000.
const MOST_TITLE: usize = 256;
const MOST_DESCRIPTION: usize = 2_500;
const MOST_VALUE: usize = 250;
const MOST_FIELDS: usize = 10;

pub(super) struct Discord {
    pub(super) webhook_url: Secret,
    pub(super) external_url: String,
}

impl Api for Discord {
    fn call(&self, message: &Outgoing) -> Result<Call, String> {
        let brief = Brief::of(message, &self.external_url);
        let mut url = url(self.webhook_url.expose())?;
        // Answer with the message instead of at once: only then is it known to be there.
        url.query_pairs_mut().append_pair("wait", "true");
        let mut text = vec![escape(&brief.summary)];
        text.extend(brief.list.iter().map(|line| escape(line)));
        let fields = brief.facts.iter().take(MOST_FIELDS).map(
            |(name, value)| json!({"name": name, "value": cut(&escape(value), MOST_VALUE), "inline": value.len() < 40}),
        );
        let mut embed = json!({
            "title": cut(&format!("{} {}", brief.icon(), escape(&brief.title)), MOST_TITLE),
            "description": cut(text.join("\n").trim(), MOST_DESCRIPTION),
            "color": brief.colour(),
            "fields": fields.collect::<Vec<_>>(),
            "timestamp": message.now,
        });
        if let Some(link) = &brief.link {
            embed["url"] = json!(link);
        }
        let body = json!({"embeds": [embed], "allowed_mentions": {"parse": []}});
        Ok(Call { url, headers: Vec::new(), body })
    }

    fn judge(&self, answer: &Answer, message: &Outgoing) -> SendResult {
        let result = webhook::judge(answer, message.now);
        let SendResult::Retry { status: Some(429), error, after: None } = result else { return result };
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let after = json.get("retry_after").and_then(Value::as_f64).map(seconds);
        SendResult::Retry { status: Some(429), error, after }
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.webhook_url]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to a day")]
fn seconds(wait: f64) -> Span {
    Span::from_millis((wait.clamp(0.0, 86_400.0) * 1_000.0).ceil() as i64)
}

/// Discord's Markdown, and what begins a mention, said as it is.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '[' | ']' | '(' | ')' | '#' | '<' | '@') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
