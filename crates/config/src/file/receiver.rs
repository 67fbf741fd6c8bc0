//! `receivers`: who is told, over which integrations. Alertmanager's key names are taken, too.
//!
//! Not the sending.

pub(crate) mod phone;
mod services;

use watchkeeper_domain::{Code, Span};
use watchkeeper_lang::jinja;

use phone::{SmsFile, VoiceFile};
use services::{DiscordFile, ExecFile, OpsgenieFile, PagerDutyFile, TeamsFile};
pub(crate) use services::{NtfyFile, TelegramFile};

use super::server::{or, positive};
use crate::decode::record::record;
use crate::decode::secret::{SecretAt, UrlAt};
use crate::decode::{At, Context, List, Map, items};
use crate::diagnostic::Diagnostic;
use crate::model::receiver::{ChartPolicy, Rate, Templates, Twilio};
use crate::model::{EmailIntegration, Receiver, SlackIntegration, WebhookIntegration};
use crate::place::Place;

record! {
    /// Who or what is told, over one or more integrations.
    ReceiverFile, "a receiver" {
        /// Its name in routes.
        name: At<String> = "name";
        /// Labels of the receiver itself, for those who look for receivers.
        labels: Option<Map<At<String>>> = "labels";
        /// Slack incoming webhooks.
        slack: Option<List<SlackFile>> = "slack" | "slack_configs";
        /// E-mail.
        email: Option<List<EmailFile>> = "email" | "email_configs";
        /// Webhooks with Alertmanager's body.
        webhook: Option<List<WebhookFile>> = "webhook" | "webhook_configs";
        /// How many messages each integration takes in which time.
        rate_limit: Option<RateFile> = "rate_limit";
        /// For how long a message is tried. Default, and at most, 24 h.
        total_time: Option<At<Span>> = "total_time";
        /// The receiver that is told of what this one could not be told.
        fallback: Option<At<String>> = "fallback";
        /// How messages about alerts are worded.
        templates: Option<TemplatesFile> = "templates" | "template";
        /// PagerDuty.
        pagerduty: Option<List<PagerDutyFile>> = "pagerduty" | "pagerduty_configs";
        /// Opsgenie.
        opsgenie: Option<List<OpsgenieFile>> = "opsgenie" | "opsgenie_configs";
        /// Microsoft Teams.
        teams: Option<List<TeamsFile>> = "teams" | "msteams_configs" | "msteamsv2_configs";
        /// Discord.
        discord: Option<List<DiscordFile>> = "discord" | "discord_configs";
        /// Telegram.
        telegram: Option<List<TelegramFile>> = "telegram" | "telegram_configs";
        /// ntfy.
        ntfy: Option<List<NtfyFile>> = "ntfy";
        /// Text messages.
        sms: Option<List<SmsFile>> = "sms";
        /// Calls.
        voice: Option<List<VoiceFile>> = "voice";
        /// Programs of this machine.
        exec: Option<List<ExecFile>> = "exec";
        /// The escalation policy by which people are called.
        escalation_policy: Option<At<String>> = "escalation_policy";
    }
}

record! {
    /// Templates (Jinja) for messages about alerts; what is absent stays as built in.
    TemplatesFile, "`templates`" {
        /// The first line.
        title: Option<At<String>> = "title";
        /// What follows it, instead of summary, facts and list.
        body: Option<At<String>> = "body" | "text";
        /// The subject of e-mails; the title when absent.
        subject: Option<At<String>> = "subject";
        /// More fields of webhooks' bodies, below `fields`.
        fields: Option<Map<At<String>>> = "fields";
    }
}

record! {
    /// So many messages in so much time.
    RateFile, "`rate_limit`" {
        /// How many.
        messages: At<u32> = "messages";
        /// In which time. Default 1 min.
        per: Option<At<Span>> = "per";
    }
}

record! {
    /// A Slack incoming webhook.
    SlackFile, "a Slack integration" {
        /// The webhook's URL, as a reference.
        webhook_url: UrlAt = "webhook_url" | "api_url";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
        /// When the message refers to a chart by URL: `auto`, `always`, `never`.
        chart: Option<At<ChartPolicy>> = "chart";
    }
}

record! {
    /// An e-mail receiver.
    EmailFile, "an e-mail integration" {
        /// Addresses: a list, or one text with commas.
        to: List<At<String>> = "to";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
    }
}

record! {
    /// A generic webhook.
    WebhookFile, "a webhook integration" {
        /// The URL; a reference unless it is of this machine or network and holds no token.
        url: UrlAt = "url";
        /// Signs bodies by Standard Webhooks; a reference.
        signing_secret: Option<SecretAt> = "signing_secret";
        /// Sent as `Authorization: Bearer …`; a reference.
        bearer_token: Option<SecretAt> = "bearer_token";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
        /// How long one attempt may take. Default 10 s.
        timeout: Option<At<Span>> = "timeout";
    }
}

/// A receiver, and where its first e-mail integration stands.
pub(crate) struct Built {
    pub(crate) receiver: Receiver,
    pub(crate) mails: Option<Place>,
}

impl ReceiverFile {
    /// `twilio` is the account, when one is written; it may be switched off.
    pub(crate) fn build(&self, twilio: Option<&Option<Twilio>>, cx: &mut Context<'_>) -> Built {
        let name = self.name.value.clone();
        let left_out = |kind: &str, secret: &SecretAt, cx: &mut Context<'_>| {
            let message =
                format!("the receiver `{name}` does not send to {kind}, because `{}` is not set", secret.reference);
            cx.warn(
                Diagnostic::at(Code::ConfigMissingSecret, &secret.place, message)
                    .help("set the variable to switch it on"),
            );
        };
        let mut slack = Vec::new();
        for file in items(&self.slack) {
            match &file.webhook_url.0.secret {
                Some(url) => slack.push(SlackIntegration {
                    webhook_url: url.clone(),
                    send_resolved: or(file.send_resolved.as_ref(), true),
                    chart: or(file.chart.as_ref(), ChartPolicy::Auto),
                }),
                None => left_out("Slack", &file.webhook_url.0, cx),
            }
        }
        let mut webhook = Vec::new();
        for file in items(&self.webhook) {
            match &file.url.0.secret {
                Some(url) => webhook.push(WebhookIntegration {
                    url: url.clone(),
                    signing_secret: file.signing_secret.as_ref().and_then(|s| s.secret.clone()),
                    bearer_token: file.bearer_token.as_ref().and_then(|s| s.secret.clone()),
                    send_resolved: or(file.send_resolved.as_ref(), true),
                    timeout: positive(file.timeout.as_ref(), Span::from_secs(10), "timeout", cx),
                }),
                None => left_out("a webhook", &file.url.0, cx),
            }
        }
        let email = items(&self.email).iter().filter_map(|file| file.build(&name, cx)).collect();
        let mails = items(&self.email).first().map(|f| f.place.clone());
        let mut services = self.services(cx);
        services.extend(self.phones(twilio.and_then(Option::as_ref), twilio.is_some(), cx));
        let rate = self.rate_limit.as_ref().and_then(|file| file.build(cx));
        let day = Span::from_secs(24 * 3_600);
        let total_time = self.total_time.as_ref().map(|at| positive(Some(at), day, "total_time", cx).min(day));
        let fallback = self.fallback.as_ref().map(|at| at.value.clone());
        let labels = self.labels.as_ref().map_or(&[][..], |map| &map.0);
        let labels = labels.iter().map(|(key, value)| (key.text.clone(), value.value.clone())).collect();
        let templates = self.templates.as_ref().map(|file| file.build(&name, cx)).unwrap_or_default();
        let escalation_policy = self.escalation_policy.as_ref().map(|at| at.value.clone());
        Built {
            receiver: Receiver {
                name,
                labels,
                slack,
                email,
                webhook,
                services,
                rate,
                total_time,
                fallback,
                templates,
                escalation_policy,
            },
            mails,
        }
    }
}

impl TemplatesFile {
    fn build(&self, receiver: &str, cx: &mut Context<'_>) -> Templates {
        let mut checked = |at: &At<String>| {
            if let Err(error) = jinja::check_template(&at.value) {
                let help = "`watchkeeper receiver preview` tries a template on a past alert".to_owned();
                cx.invalid(&at.place, format!("a template of the receiver `{receiver}`: {error}"), Some(help));
            }
            at.value.clone()
        };
        let fields = self.fields.as_ref().map_or(&[][..], |map| &map.0);
        Templates {
            title: self.title.as_ref().map(&mut checked),
            body: self.body.as_ref().map(&mut checked),
            subject: self.subject.as_ref().map(&mut checked),
            fields: fields.iter().map(|(key, at)| (key.text.clone(), checked(at))).collect(),
        }
    }
}

impl RateFile {
    fn build(&self, cx: &mut Context<'_>) -> Option<Rate> {
        if self.messages.value == 0 {
            let help = "remove the receiver from the routes if it shall hear nothing".to_owned();
            cx.invalid(&self.messages.place, "a rate of no messages would tell nobody anything", Some(help));
            return None;
        }
        let per = positive(self.per.as_ref(), Span::from_secs(60), "per", cx);
        Some(Rate { messages: self.messages.value, per })
    }
}

impl EmailFile {
    fn build(&self, receiver: &str, cx: &mut Context<'_>) -> Option<EmailIntegration> {
        let mut to = Vec::new();
        for at in &self.to.0 {
            for address in at.value.split(',').map(str::trim).filter(|a| !a.is_empty()) {
                let inner = address.rsplit_once('<').map_or(address, |(_, a)| a.trim_end_matches('>'));
                let fine = inner.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
                    && !address.contains(['\r', '\n']);
                if !fine {
                    let shown: String = address.chars().take(80).collect();
                    cx.invalid(
                        &at.place,
                        format!("`{shown}` of the receiver `{receiver}` is not an e-mail address"),
                        None,
                    );
                }
                to.push(address.to_owned());
            }
        }
        if to.is_empty() {
            // `${env:ONCALL_MAIL:-}` that is not set switches the integration off.
            let message = format!("the receiver `{receiver}` does not send e-mail, because `to` is empty");
            cx.warn(Diagnostic::at(Code::ConfigMissingSecret, &self.place, message));
            return None;
        }
        Some(EmailIntegration { to, send_resolved: or(self.send_resolved.as_ref(), true) })
    }
}
