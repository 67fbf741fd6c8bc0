//! Microsoft Teams: an Adaptive Card over a workflow's webhook, or over an incoming webhook of before.
//!
//! Not a bot. Texts from outside stand in text runs, which know no markup. Source: "Adaptive Cards" 1.4 and "Post a card
//! with a webhook"; a card is at most 28 KB.

use serde_json::{Value, json};
use watchkeeper_config::Secret;

use super::{Api, Call, url};
use crate::client::Answer;
use crate::notify::brief::{Brief, cut};
use crate::notify::channel::{Outgoing, SendResult};
use crate::notify::webhook;

/// Far below the limit with all its quotes.
const MOST_LINES: usize = 24;

pub(super) struct Teams {
    pub(super) webhook_url: Secret,
    pub(super) external_url: String,
}

impl Api for Teams {
    fn call(&self, message: &Outgoing) -> Result<Call, String> {
        let brief = Brief::of(message, &self.external_url);
        let card = card(&brief);
        let body = json!({"type": "message", "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card,
        }]});
        Ok(Call { url: url(self.webhook_url.expose())?, headers: Vec::new(), body })
    }

    /// An incoming webhook of before answers 200 also when it has not posted, and says so in words.
    fn judge(&self, answer: &Answer, message: &Outgoing) -> SendResult {
        let text = answer.excerpt();
        if answer.status == 200 && text.contains("429") {
            return SendResult::Retry { status: Some(429), error: text, after: None };
        }
        if answer.status == 200 && text.to_ascii_lowercase().contains("webhook message delivery failed") {
            return SendResult::Failed { status: Some(200), error: text };
        }
        webhook::judge(answer, message.now)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.webhook_url]
    }
}

fn run(text: &str, bold: bool) -> Value {
    json!({"type": "TextRun", "text": text, "weight": if bold { "Bolder" } else { "Default" }})
}

fn rich(inlines: Vec<Value>) -> Value {
    json!({"type": "RichTextBlock", "inlines": inlines})
}

fn card(brief: &Brief) -> Value {
    let title = format!("{} {}", brief.icon(), cut(&brief.title, 400));
    let mut body = vec![json!({"type": "RichTextBlock", "inlines": [
        {"type": "TextRun", "text": title, "size": "Large", "weight": "Bolder"},
    ]})];
    if !brief.summary.is_empty() {
        body.push(rich(vec![run(&cut(&brief.summary, 2_000), false)]));
    }
    for (name, value) in &brief.facts {
        body.push(rich(vec![run(&format!("{name}  "), true), run(value, false)]));
    }
    body.extend(brief.list.iter().map(|line| rich(vec![run(line, false)])));
    body.truncate(MOST_LINES);
    let links = [("Open in Watchkeeper", &brief.link), ("Runbook", &brief.runbook)];
    let actions: Vec<Value> = links
        .iter()
        .filter_map(|(title, link)| Some(json!({"type": "Action.OpenUrl", "title": title, "url": link.as_ref()?})))
        .collect();
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": title,
        "body": body,
        "actions": actions,
        "msteams": {"width": "Full"},
    })
}
