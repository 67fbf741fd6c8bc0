//! Text messages and calls, by an API like Twilio's.
//!
//! A person's numbers become a receiver of the same kind.

use watchkeeper_domain::Code;

use super::ReceiverFile;
use super::services::base_url;
use crate::decode::record::record;
use crate::decode::secret::SecretAt;
use crate::decode::{At, Context, List, items};
use crate::diagnostic::Diagnostic;
use crate::file::server::or;
use crate::model::person::RECEIVER_PREFIX;
use crate::model::receiver::{Service, ServiceIntegration, Twilio};

record! {
    /// Text messages and calls, by Twilio's API or one like it.
    TwilioFile, "`twilio`" {
        /// The account's SID.
        account_sid: At<String> = "account_sid";
        /// The account's token; a reference. It also signs what people answer.
        auth_token: SecretAt = "auth_token";
        /// The number that tells, for example `+15550001234`, or the SID of a messaging service (`MG…`, text messages only).
        from: At<String> = "from";
        /// The API's address. Default `https://api.twilio.com`.
        api_url: Option<At<String>> = "api_url";
    }
}

record! {
    /// Text messages.
    SmsFile, "an SMS integration" {
        /// Numbers: `+41791234567`.
        to: List<At<String>> = "to";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
    }
}

record! {
    /// Calls.
    VoiceFile, "a voice integration" {
        /// Numbers: `+41791234567`.
        to: List<At<String>> = "to";
        /// Whether resolved is told. Default false.
        send_resolved: Option<At<bool>> = "send_resolved";
    }
}

/// A number as E.164 has it, or a problem.
fn number(at: &At<String>, cx: &mut Context<'_>) -> String {
    let number: String = at.value.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        let help = "write it with its country: `+41791234567`".to_owned();
        cx.invalid(&at.place, "this is no telephone number", Some(help));
    }
    number
}

impl TwilioFile {
    pub(crate) fn build(&self, cx: &mut Context<'_>) -> Option<Twilio> {
        let service = self.from.value.starts_with("MG");
        let from = if service { self.from.value.clone() } else { number(&self.from, cx) };
        let sid = self.account_sid.value.clone();
        if sid.is_empty() || !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            cx.invalid(&self.account_sid.place, "this is no account SID: letters and digits only", None);
        }
        let Some(auth_token) = self.auth_token.secret.clone() else {
            let message = format!("nobody is told by telephone, because `{}` is not set", self.auth_token.reference);
            cx.warn(Diagnostic::at(Code::ConfigMissingSecret, &self.auth_token.place, message));
            return None;
        };
        let api_url = base_url(self.api_url.as_ref(), "https://api.twilio.com", cx);
        Some(Twilio { account_sid: sid, auth_token, from, api_url })
    }
}

impl ReceiverFile {
    /// Its text messages and calls, one integration for each number.
    pub(super) fn phones(
        &self,
        twilio: Option<&Twilio>,
        written: bool,
        cx: &mut Context<'_>,
    ) -> Vec<ServiceIntegration> {
        let sms = items(&self.sms).iter().map(|file| (&file.to, &file.send_resolved, &file.place, true));
        let voice = items(&self.voice).iter().map(|file| (&file.to, &file.send_resolved, &file.place, false));
        let mut all = Vec::new();
        for (to, send_resolved, place, text) in sms.chain(voice) {
            if !written {
                let name = &self.name.value;
                let message = match name.strip_prefix(RECEIVER_PREFIX) {
                    Some(person) => format!("`{person}` has a telephone number, but there is no `twilio`"),
                    None => format!("the receiver `{name}` tells by telephone, but there is no `twilio`"),
                };
                let help = "add `twilio: {account_sid: …, auth_token: ${env:TWILIO_AUTH_TOKEN}, from: \"+…\"}`";
                cx.error(Diagnostic::at(Code::ConfigInvalidValue, place, message).help(help));
                continue;
            }
            for to in &to.0 {
                let to = number(to, cx);
                let Some(twilio) = twilio.cloned() else { continue };
                let service = if text { Service::Sms { to, twilio } } else { Service::Voice { to, twilio } };
                all.push(ServiceIntegration { service, send_resolved: or(send_resolved.as_ref(), text) });
            }
        }
        all
    }
}
