//! What people answer by telephone: a reply to a text message, a key during a call.
//!
//! Not the telling: `notify::service::twilio` does that. And not the acknowledgement itself: `server` turns an answer into the
//! command of the API. Source: Twilio's "Webhooks security" and "TwiML".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Whether Twilio sent a form to this URL: the base64 of HMAC-SHA1 over the URL and the sorted fields.
#[must_use]
pub fn is_signed(auth_token: &str, url: &str, form: &[(String, String)], signature: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()) else { return false };
    mac.update(url.as_bytes());
    let mut fields: Vec<&(String, String)> = form.iter().collect();
    fields.sort();
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.decode(signature.trim()).is_ok_and(|given| mac.verify_slice(&given).is_ok())
}

/// Four digits by which a person names a notification.
#[must_use]
pub fn code(notification: &str) -> String {
    let hash = Sha256::digest(notification.as_bytes());
    let number = hash.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:04}", number % 10_000)
}

/// What a reply says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// They have it: that with the code, or the newest.
    Acknowledge(Option<String>),
    /// Something else.
    Other,
}

impl Reply {
    /// Reads a text message: `ack`, `ack 4821`, `4821`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .take(4)
            .collect();
        let code = |word: &String| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
        let wish = |word: &String| matches!(word.as_str(), "ack" | "ok" | "yes" | "acknowledge");
        match words.as_slice() {
            [word] if wish(word) => Self::Acknowledge(None),
            [word] if code(word) => Self::Acknowledge(Some(word.clone())),
            [first, second] if wish(first) && code(second) => Self::Acknowledge(Some(second.clone())),
            _ => Self::Other,
        }
    }
}

/// An answer to Twilio that says a text, by message or by voice.
#[must_use]
pub fn says(text: &str, by_voice: bool) -> String {
    let verb = if by_voice { "Say" } else { "Message" };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><{verb}>{}</{verb}></Response>", escape(text))
}

/// A text within XML. What XML cannot hold is left out.
#[must_use]
pub fn escape(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_signature_is_that_of_twilios_documentation() {
        let fields = form(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+12349013030"),
            ("Digits", "1234"),
            ("From", "+12349013030"),
            ("To", "+18005551212"),
        ]);
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert!(is_signed("12345", url, &fields, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="));
        assert!(!is_signed("12346", url, &fields, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="));
        assert!(!is_signed("12345", url, &fields[1..], "0/KCTR6DLpKmkAf8muzZqo1nDgQ="));
        assert!(!is_signed("12345", url, &fields, "no base64"));
    }

    #[test]
    fn replies_are_read_as_people_write_them() {
        let acknowledge = |code: Option<&str>| Reply::Acknowledge(code.map(str::to_owned));
        assert_eq!(Reply::read("ACK"), acknowledge(None));
        assert_eq!(Reply::read(" Ack 0821. "), acknowledge(Some("0821")));
        assert_eq!(Reply::read("0821"), acknowledge(Some("0821")));
        assert_eq!(Reply::read("what is this?"), Reply::Other);
        assert_eq!(Reply::read("ack 12345"), Reply::Other);
        assert_eq!(code("ntf_1").len(), 4);
        assert_eq!(
            says("a<b>", true),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say>a&lt;b&gt;</Say></Response>"
        );
    }
}
