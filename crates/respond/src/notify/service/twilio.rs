//! Text messages and calls, by Twilio's API or one like it.
//!
//! Not what people answer: [`crate::phone`] reads that. Source: Twilio's "Messages" and "Calls" resources, "TwiML".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use http::header::AUTHORIZATION;
use serde_json::Value;
use watchkeeper_config::Secret;
use watchkeeper_config::model::receiver::Twilio as Account;

use super::{Api, Body, Call, url};
use crate::client::Answer;
use crate::notify::brief::{Brief, cut};
use crate::notify::channel::{Outgoing, SendResult};
use crate::notify::webhook;
use crate::phone::{code, escape};

/// Letters of a text message: two or three parts.
const MOST_TEXT: usize = 300;
/// Letters that are spoken.
const MOST_SPOKEN: usize = 400;

pub(super) struct Twilio {
    pub(super) account: Account,
    pub(super) to: String,
    pub(super) voice: bool,
    pub(super) external_url: String,
}

impl Api for Twilio {
    fn call(&self, message: &Outgoing) -> Result<Call, String> {
        let Account { account_sid, auth_token, from, api_url } = &self.account;
        let brief = Brief::of(message, &self.external_url);
        let (resource, said) = if self.voice {
            ("Calls", ("Twiml", self.spoken(message, &brief)))
        } else {
            ("Messages", ("Body", text(message, &brief)))
        };
        let sender = if from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let login = STANDARD.encode(format!("{account_sid}:{}", auth_token.expose()));
        let form = vec![("To", self.to.clone()), (sender, from.clone()), said];
        Ok(Call {
            url: url(&format!("{api_url}/2010-04-01/Accounts/{account_sid}/{resource}.json"))?,
            headers: vec![
                (AUTHORIZATION, format!("Basic {login}")),
                (HeaderName::from_static("i-twilio-idempotency-token"), message.id.to_string()),
            ],
            body: Body::Form(form),
        })
    }

    fn judge(&self, answer: &Answer, message: &Outgoing) -> SendResult {
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match webhook::judge(answer, message.now) {
            SendResult::Delivered { status, receipt } => {
                let sid = said.get("sid").and_then(Value::as_str).map(str::to_owned);
                SendResult::Delivered { status, receipt: sid.unwrap_or(receipt) }
            }
            SendResult::Failed { status, error } => {
                let reason = said.get("message").and_then(Value::as_str).map(|reason| cut(reason, 200));
                SendResult::Failed { status, error: reason.unwrap_or(error) }
            }
            other => other,
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.account.auth_token]
    }
}

/// The title, a line, the link, and how to answer.
fn text(message: &Outgoing, brief: &Brief) -> String {
    let mut text = brief.title.clone();
    // A mere text is its own title.
    if !brief.summary.is_empty() && brief.summary != brief.title {
        text = format!("{text}: {}", brief.summary);
    }
    text = cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), MOST_TEXT);
    if let Some(link) = &brief.link {
        text = format!("{text}\n{link}");
    }
    if can_be_acknowledged(message, brief) {
        text = format!("{text}\nReply ACK {} to take it.", code(&message.id.to_string()));
    }
    text
}

/// Mere texts and ends need nobody.
fn can_be_acknowledged(message: &Outgoing, brief: &Brief) -> bool {
    !brief.resolved && (!message.alerts.is_empty() || message.incident_id.is_some())
}

impl Twilio {
    /// Says it twice; a key takes it.
    fn spoken(&self, message: &Outgoing, brief: &Brief) -> String {
        let summary = if brief.summary == brief.title { "" } else { brief.summary.as_str() };
        let said = escape(&cut(&format!("Watchkeeper. {}. {summary}", brief.title), MOST_SPOKEN));
        if !can_be_acknowledged(message, brief) {
            return format!("<Response><Say>{said}</Say></Response>");
        }
        let action = escape(&format!("{}/twilio/voice?notification={}", self.external_url, message.id));
        let ask = format!(
            "<Gather numDigits=\"1\" timeout=\"8\" action=\"{action}\"><Say>{said} Press 1 to take it.</Say></Gather>"
        );
        format!("<Response>{ask}{ask}<Say>Nobody has taken it. Goodbye.</Say></Response>")
    }
}
