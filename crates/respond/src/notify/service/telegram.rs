//! Telegram, over the Bot API.
//!
//! Not a bot that listens. Source: "Telegram Bot API", `sendMessage` and "Making requests".

use serde_json::{Value, json};
use watchkeeper_config::Secret;
use watchkeeper_domain::{Priority, Span};

use super::{Api, Call, url};
use crate::client::Answer;
use crate::notify::brief::{Brief, cut};
use crate::notify::channel::{Outgoing, SendResult};
use crate::notify::webhook;

/// A message is at most 4,096 letters after its markup is read.
const MOST_TEXT: usize = 3_500;

pub(super) struct Telegram {
    pub(super) bot_token: Secret,
    pub(super) chat_id: String,
    pub(super) thread: Option<u32>,
    pub(super) api_url: String,
    pub(super) external_url: String,
}

impl Api for Telegram {
    fn call(&self, message: &Outgoing) -> Result<Call, String> {
        let brief = Brief::of(message, &self.external_url);
        let text = cut(&brief.lines().join("\n"), MOST_TEXT);
        let mut html = format!("{} <b>{}</b>\n{}", brief.icon(), escape(&cut(&brief.title, 300)), escape(&text));
        if let Some(link) = &brief.link {
            html.push_str(&format!("\n<a href=\"{}\">Open in Watchkeeper</a>", escape(link)));
        }
        let mut body = json!({
            "chat_id": self.chat_id,
            "text": html,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": true},
            "disable_notification": matches!(brief.priority, Some(Priority::Low)),
        });
        if let Some(thread) = self.thread {
            body["message_thread_id"] = json!(thread);
        }
        let url = url(&format!("{}/bot{}/sendMessage", self.api_url, self.bot_token.expose()))?;
        Ok(Call { url, headers: Vec::new(), body })
    }

    fn judge(&self, answer: &Answer, message: &Outgoing) -> SendResult {
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let ok = said.get("ok").and_then(Value::as_bool);
        let description = said.get("description").and_then(Value::as_str).unwrap_or_default();
        match webhook::judge(answer, message.now) {
            SendResult::Delivered { status, .. } if ok == Some(true) => {
                let id = said.pointer("/result/message_id").map(ToString::to_string).unwrap_or_default();
                SendResult::Delivered { status, receipt: format!("message {id}") }
            }
            SendResult::Delivered { status, .. } if ok == Some(false) => {
                SendResult::Failed { status: Some(status), error: description.to_owned() }
            }
            SendResult::Delivered { .. } => SendResult::Unknown {
                error: format!("it answered 200, but not as Telegram does: {}", answer.excerpt()),
            },
            SendResult::Retry { status, error, after } => {
                let wish = said.pointer("/parameters/retry_after").and_then(Value::as_i64).map(Span::from_secs);
                SendResult::Retry { status, error, after: after.or(wish) }
            }
            other => other,
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.bot_token]
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
