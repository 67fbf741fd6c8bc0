//! What Slack sends when somebody presses a button or chooses a person in a menu: a signed form post with a
//! `block_actions` payload.
//!
//! Not the answer's handling beyond its status: an app answers by posting to `response_url`.

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// Who presses buttons in the stand-in's page.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Person {
    /// `U…`.
    pub id: String,
    /// The name that Slack shows.
    pub name: String,
}

/// One press, as the payload tells it.
#[derive(Debug)]
pub struct Press<'a> {
    /// Who.
    pub person: &'a Person,
    /// The message's `ts`.
    pub ts: &'a str,
    /// The message's payload.
    pub message: &'a Value,
    /// The pressed element, as it stood in the message.
    pub element: &'a Value,
    /// The block that held it.
    pub block_id: &'a str,
    /// Who was chosen, in a menu of people.
    pub chosen: Option<&'a str>,
    /// Unique for each press.
    pub trigger_id: &'a str,
    /// Seconds with fraction, as text.
    pub action_ts: &'a str,
    /// Where the app may answer to.
    pub response_url: &'a str,
}

/// The payload, with the fields that Slack's has.
#[must_use]
pub fn block_actions(press: &Press<'_>) -> Value {
    let person = press.person;
    let mut action = json!({
        "action_id": press.element.get("action_id").cloned().unwrap_or_default(),
        "block_id": press.block_id,
        "type": press.element.get("type").cloned().unwrap_or_default(),
        "action_ts": press.action_ts,
    });
    if let Some(chosen) = press.chosen {
        action["selected_user"] = json!(chosen);
    }
    for name in ["text", "value", "style", "placeholder"] {
        if let Some(value) = press.element.get(name) {
            action[name] = value.clone();
        }
    }
    let mut message = json!({"type": "message", "subtype": "bot_message", "ts": press.ts, "bot_id": "B0STANDIN"});
    for name in ["text", "blocks", "attachments"] {
        if let Some(value) = press.message.get(name) {
            message[name] = value.clone();
        }
    }
    json!({
        "type": "block_actions",
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": "T0STANDIN"},
        "api_app_id": "A0STANDIN",
        "token": "not-to-be-relied-upon",
        "container": {"type": "message", "message_ts": press.ts, "channel_id": "C0STANDIN", "is_ephemeral": false},
        "trigger_id": press.trigger_id,
        "team": {"id": "T0STANDIN", "domain": "stand-in"},
        "enterprise": null,
        "is_enterprise_install": false,
        "channel": {"id": "C0STANDIN", "name": "stand-in"},
        "message": message,
        "state": {"values": {}},
        "response_url": press.response_url,
        "actions": [action],
    })
}

/// Slack's signature of a request body: `v0=` and the hexadecimal HMAC-SHA256 of `v0:timestamp:body`.
#[must_use]
pub fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(b"v0:");
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_signature_is_that_of_slacks_own_example() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                    channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                    response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
                    trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        assert_eq!(
            super::signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body.as_bytes()),
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        );
    }
}
