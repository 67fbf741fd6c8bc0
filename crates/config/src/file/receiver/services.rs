//! Services with an API of their own, and programs.
//!
//! Not Slack, e-mail and webhooks.

use watchkeeper_domain::{Code, Span};

use super::ReceiverFile;
use crate::Secret;
use crate::decode::record::record;
use crate::decode::secret::{SecretAt, UrlAt, is_secret_header, refuse_literal};
use crate::decode::{At, Context, List, Map, items};
use crate::diagnostic::Diagnostic;
use crate::file::server::{or, positive};
use crate::model::receiver::{Service, ServiceIntegration};
use crate::place::Place;
use crate::reference;

record! {
    /// PagerDuty's Events API v2.
    PagerDutyFile, "a PagerDuty integration" {
        /// The service's integration key; a reference.
        routing_key: SecretAt = "routing_key" | "service_key";
        /// Where events go, when it is not PagerDuty itself.
        url: Option<At<String>> = "url";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
    }
}

record! {
    /// Opsgenie's Alert API.
    OpsgenieFile, "an Opsgenie integration" {
        /// The integration's key; a reference.
        api_key: SecretAt = "api_key";
        /// The region's API. Default `https://api.opsgenie.com`.
        api_url: Option<At<String>> = "api_url";
        /// Names of teams that are told.
        teams: Option<List<At<String>>> = "teams";
        /// Tags of its alerts.
        tags: Option<List<At<String>>> = "tags";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
    }
}

record! {
    /// Microsoft Teams.
    TeamsFile, "a Teams integration" {
        /// The URL of the workflow or webhook; a reference.
        webhook_url: UrlAt = "webhook_url";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
    }
}

record! {
    /// Discord.
    DiscordFile, "a Discord integration" {
        /// The webhook's URL; a reference.
        webhook_url: UrlAt = "webhook_url";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
    }
}

record! {
    /// Telegram.
    TelegramFile, "a Telegram integration" {
        /// The bot's token; a reference.
        bot_token: SecretAt = "bot_token";
        /// The chat: a number, or `@channel`.
        chat_id: At<String> = "chat_id";
        /// The topic of a forum.
        message_thread_id: Option<At<u32>> = "message_thread_id";
        /// The Bot API's address, when it is not Telegram's own.
        api_url: Option<At<String>> = "api_url";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
    }
}

record! {
    /// ntfy.
    NtfyFile, "an ntfy integration" {
        /// Server and topic: `https://ntfy.sh/my-topic`; a reference, because whoever knows the topic can read it.
        url: UrlAt = "url";
        /// An access token; a reference.
        token: Option<SecretAt> = "token";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
    }
}

record! {
    /// A program of this machine; it gets Alertmanager's body on its standard input.
    ExecFile, "an exec integration" {
        /// The program and its arguments; no shell.
        command: List<At<String>> = "command";
        /// Its environment, beside `PATH`.
        env: Option<Map<EnvAt>> = "env";
        /// Whether resolved is told. Default true.
        send_resolved: Option<At<bool>> = "send_resolved";
        /// How long it may take. Default 30 s.
        timeout: Option<At<Span>> = "timeout";
    }
}

/// A value of the environment: a text, or a reference.
#[derive(Debug, Clone)]
pub(crate) struct EnvAt(Secret, Place);

impl crate::decode::FromNode for EnvAt {
    fn from_node(node: &crate::yaml::Node, cx: &mut Context<'_>) -> Option<Self> {
        let (text, place) = crate::decode::scalar(node, "a text or a reference", cx)?;
        cx.text(text, place).map(|value| Self(Secret::new(text, value), place.clone()))
    }
}

impl schemars::JsonSchema for EnvAt {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EnvironmentValue".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["string", "number", "boolean"]})
    }
}

/// An address without a token in it: `https:`, or `http:` of this machine or network. No slash at its end.
fn base_url(at: Option<&At<String>>, default: &str, cx: &mut Context<'_>) -> String {
    let Some(at) = at else { return default.to_owned() };
    let fine = url::Url::parse(&at.value)
        .is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some() && u.query().is_none());
    if !fine {
        let help = format!("write for example `{default}`");
        cx.invalid(&at.place, "this is not the address of an API", Some(help));
    }
    at.value.trim_end_matches('/').to_owned()
}

impl ReceiverFile {
    /// Its services. One whose optional secret is not set is left out with a warning.
    pub(super) fn services(&self, cx: &mut Context<'_>) -> Vec<ServiceIntegration> {
        let name = self.name.value.as_str();
        let mut all = Vec::new();
        let mut add = |service: Service, send_resolved: &Option<At<bool>>| {
            all.push(ServiceIntegration { service, send_resolved: or(send_resolved.as_ref(), true) });
        };
        for file in items(&self.pagerduty) {
            let Some(routing_key) = set(&file.routing_key, name, "PagerDuty", cx) else { continue };
            let url = base_url(file.url.as_ref(), "https://events.pagerduty.com/v2/enqueue", cx);
            add(Service::PagerDuty { routing_key, url }, &file.send_resolved);
        }
        for file in items(&self.opsgenie) {
            let Some(api_key) = set(&file.api_key, name, "Opsgenie", cx) else { continue };
            let api_url = base_url(file.api_url.as_ref(), "https://api.opsgenie.com", cx);
            let texts = |list: &Option<List<At<String>>>| items(list).iter().map(|at| at.value.clone()).collect();
            let (teams, tags) = (texts(&file.teams), texts(&file.tags));
            add(Service::Opsgenie { api_key, api_url, teams, tags }, &file.send_resolved);
        }
        for file in items(&self.teams) {
            let Some(webhook_url) = set(&file.webhook_url.0, name, "Teams", cx) else { continue };
            add(Service::Teams { webhook_url }, &file.send_resolved);
        }
        for file in items(&self.discord) {
            let Some(webhook_url) = set(&file.webhook_url.0, name, "Discord", cx) else { continue };
            add(Service::Discord { webhook_url }, &file.send_resolved);
        }
        for file in items(&self.telegram) {
            let Some(bot_token) = set(&file.bot_token, name, "Telegram", cx) else { continue };
            let chat = &file.chat_id.value;
            if !chat.starts_with('@') && chat.parse::<i64>().is_err() {
                let help = "write the chat's number, or `\"@channel\"`".to_owned();
                cx.invalid(&file.chat_id.place, "this is no chat of Telegram", Some(help));
            }
            let service = Service::Telegram {
                bot_token,
                chat_id: chat.clone(),
                message_thread_id: file.message_thread_id.as_ref().map(|at| at.value),
                api_url: base_url(file.api_url.as_ref(), "https://api.telegram.org", cx),
            };
            add(service, &file.send_resolved);
        }
        for file in items(&self.ntfy) {
            let Some(url) = set(&file.url.0, name, "ntfy", cx) else { continue };
            let path = url::Url::parse(url.expose()).map(|url| url.path().trim_matches('/').to_owned());
            if path.is_ok_and(|path| path.is_empty()) {
                let help = "write server and topic: `https://ntfy.sh/my-topic`".to_owned();
                cx.invalid(&file.url.0.place, "the URL names no topic", Some(help));
            }
            let token = file.token.as_ref().and_then(|token| token.secret.clone());
            add(Service::Ntfy { url, token }, &file.send_resolved);
        }
        for file in items(&self.exec) {
            let command: Vec<String> = file.command.0.iter().map(|at| at.value.clone()).collect();
            if command.first().is_none_or(|program| program.trim().is_empty()) {
                cx.invalid(&file.place, "`command` names no program", None);
            }
            let env = file.env.as_ref().map_or(&[][..], |map| &map.0);
            for (key, EnvAt(value, place)) in env {
                if is_secret_header(&key.text) && !reference::is_reference(value.reference()) {
                    cx.at = ("an exec integration", "env");
                    refuse_literal(value.reference(), place, cx);
                }
            }
            let service = Service::Exec {
                command,
                env: env.iter().map(|(key, value)| (key.text.clone(), value.0.clone())).collect(),
                timeout: positive(file.timeout.as_ref(), Span::from_secs(30), "timeout", cx),
            };
            add(service, &file.send_resolved);
        }
        all
    }
}

/// The secret, or a warning that the integration is switched off.
fn set(secret: &SecretAt, receiver: &str, kind: &str, cx: &mut Context<'_>) -> Option<Secret> {
    if secret.secret.is_none() {
        let message =
            format!("the receiver `{receiver}` does not send to {kind}, because `{}` is not set", secret.reference);
        let problem = Diagnostic::at(Code::ConfigMissingSecret, &secret.place, message);
        cx.warn(problem.help("set the variable to switch it on"));
    }
    secret.secret.clone()
}
