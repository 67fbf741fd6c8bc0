//! `people`: known people, with their contact methods and their own notification rules.
//!
//! Not schedules: see [`super::oncall`].

use watchkeeper_domain::{Code, Priority, Span};

use super::names::Names;
use super::receiver::phone::{SmsFile, VoiceFile};
use super::receiver::{EmailFile, NtfyFile, ReceiverFile, SlackFile, TelegramFile, WebhookFile};
use super::server::or;
use crate::decode::record::record;
use crate::decode::{At, Context, List, items};
use crate::diagnostic::Diagnostic;
use crate::model::person::{NotificationRule, Person, receiver_of};
use crate::model::receiver::{Receiver, Twilio};
use crate::suggest;

/// The kinds of contact method: a kind is a key of a person and of a receiver, and delivery has a channel for it.
const KINDS: [&str; 7] = ["email", "slack", "telegram", "ntfy", "webhook", "sms", "voice"];

record! {
    /// A person.
    PersonFile, "a person" {
        /// The name used in roles, schedules and escalation policies.
        name: At<String> = "name";
        /// E-mail address; a contact method when there is a mail server.
        email: Option<At<String>> = "email";
        /// Slack user id (`U…`).
        slack_id: Option<At<String>> = "slack_id";
        /// Slack incoming webhooks that reach this person.
        slack: Option<List<SlackFile>> = "slack";
        /// Chats of a Telegram bot with this person.
        telegram: Option<List<TelegramFile>> = "telegram";
        /// Topics of ntfy that this person's devices subscribe to.
        ntfy: Option<List<NtfyFile>> = "ntfy";
        /// Webhooks that reach this person.
        webhook: Option<List<WebhookFile>> = "webhook";
        /// Numbers that get text messages: `+41791234567`. A contact method when there is `twilio`.
        sms: Option<List<At<String>>> = "sms";
        /// Numbers that are called: `+41791234567`. A contact method when there is `twilio`.
        voice: Option<List<At<String>>> = "voice";
        /// How they want to be called. Absent: over everything at once.
        notify: Option<List<NotificationRuleFile>> = "notify";
    }
}

record! {
    /// One of a person's own rules.
    NotificationRuleFile, "a notification rule" {
        /// The contact method: `email`, `slack`, `telegram`, `ntfy`, `webhook`, `sms`, `voice`.
        via: At<String> = "via";
        /// How long after they were called. Default at once.
        after: Option<At<Span>> = "after";
        /// Only for these priorities. Default all.
        priorities: Option<List<At<Priority>>> = "priorities" | "priority";
    }
}

/// A person, and the receiver that they are to delivery.
pub(crate) struct Built {
    pub(crate) person: Person,
    pub(crate) contact: Receiver,
}

impl PersonFile {
    /// `twilio` is the account, when one is written; it may be switched off.
    pub(crate) fn build(
        &self,
        names: &mut Names,
        has_mail: bool,
        twilio: Option<&Option<Twilio>>,
        cx: &mut Context<'_>,
    ) -> Built {
        names.define(&self.name, cx);
        let text = |at: &Option<At<String>>| at.as_ref().map(|at| at.value.clone()).filter(|t| !t.is_empty());
        let mail = self.email.as_ref().filter(|at| has_mail && !at.value.is_empty()).map(|at| {
            List(vec![EmailFile { place: at.place.clone(), to: List(vec![at.clone()]), send_resolved: None }])
        });
        let file = ReceiverFile {
            place: self.place.clone(),
            name: At { value: receiver_of(&self.name.value), place: self.name.place.clone() },
            labels: None,
            slack: self.slack.clone(),
            email: mail,
            webhook: self.webhook.clone(),
            telegram: self.telegram.clone(),
            ntfy: self.ntfy.clone(),
            // A service that a whole team reads, or a program, is a receiver, and a step of a policy can name it.
            pagerduty: None,
            opsgenie: None,
            teams: None,
            discord: None,
            sms: self.sms.clone().map(|to| List(vec![SmsFile { place: self.place.clone(), to, send_resolved: None }])),
            voice: self
                .voice
                .clone()
                .map(|to| List(vec![VoiceFile { place: self.place.clone(), to, send_resolved: None }])),
            exec: None,
            rate_limit: None,
            total_time: None,
            fallback: None,
            templates: None,
            escalation_policy: None,
        };
        let contact = file.build(twilio, cx).receiver;
        let notify = items(&self.notify).iter().filter_map(|rule| rule.build(self, has_mail, cx)).collect();
        let person =
            Person { name: self.name.value.clone(), email: text(&self.email), slack_id: text(&self.slack_id), notify };
        Built { person, contact }
    }

    /// Whether a contact method of this kind is written, also if its secret is not set at the moment.
    fn has(&self, kind: &str, has_mail: bool) -> bool {
        match kind {
            "email" => has_mail && self.email.is_some(),
            "slack" => !items(&self.slack).is_empty(),
            "telegram" => !items(&self.telegram).is_empty(),
            "ntfy" => !items(&self.ntfy).is_empty(),
            "webhook" => !items(&self.webhook).is_empty(),
            "sms" => !items(&self.sms).is_empty(),
            "voice" => !items(&self.voice).is_empty(),
            _ => false,
        }
    }

    /// Whether they can be called at all.
    pub(crate) fn reachable(&self, has_mail: bool) -> bool {
        KINDS.iter().any(|kind| self.has(kind, has_mail))
    }
}

impl NotificationRuleFile {
    fn build(&self, of: &PersonFile, has_mail: bool, cx: &mut Context<'_>) -> Option<NotificationRule> {
        let (kind, name) = (self.via.value.as_str(), &of.name.value);
        if !KINDS.contains(&kind) {
            let shown: String = kind.chars().take(80).collect();
            let help = suggest::help(kind, &KINDS);
            cx.invalid(&self.via.place, format!("`{shown}` is not a contact method"), Some(help));
            return None;
        }
        if !of.has(kind, has_mail) {
            let help = match kind {
                "email" if of.email.is_some() => "add `smtp: {host: …, from: …}` to the main file".to_owned(),
                "sms" | "voice" => format!("add `{kind}: \"+41791234567\"` to the person"),
                _ => format!("add `{kind}: …` to the person"),
            };
            let message = format!("`{name}` cannot be reached by {kind}");
            cx.error(Diagnostic::at(Code::ConfigUnknownReference, &self.via.place, message).help(help));
            return None;
        }
        Some(NotificationRule {
            via: kind.to_owned(),
            after: or(self.after.as_ref(), Span::ZERO),
            priorities: items(&self.priorities).iter().map(|at| at.value).collect(),
        })
    }
}
