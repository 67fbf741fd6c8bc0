//! `integrations`: tools that send alerts in their own way.
//!
//! Not reading what they send.

use std::collections::BTreeMap;

use watchkeeper_domain::{Code, Priority, Span};
use watchkeeper_lang::jinja;

use super::names::Names;
use crate::decode::record::record;
use crate::decode::secret::SecretAt;
use crate::decode::{At, Context, List, Map, items};
use crate::diagnostic::Diagnostic;
use crate::file::server::web_url;
use crate::model::integration::{Entra, Integration, IntegrationKind, Mapping};

record! {
    /// A tool that sends alerts; it posts them to `/api/watchkeeper/v1/in/NAME`.
    IntegrationFile, "an integration" {
        /// Its name: the last part of its path, and the source of its alerts.
        name: At<String> = "name";
        /// What it speaks.
        kind: At<KindWord> = "kind";
        /// What a sender must show; a reference. For PagerDuty the routing key.
        token: Option<SecretAt> = "token" | "routing_key";
        /// Signs bodies (GitHub, Sentry, Standard Webhooks); a reference.
        signing_secret: Option<SecretAt> = "signing_secret";
        /// Labels that its alerts get.
        labels: Option<Map<At<String>>> = "labels";
        /// After how long an alert ends that nobody ends.
        resolve_after: Option<At<Span>> = "resolve_after";
        /// SNS topics that may deliver here.
        topics: Option<List<At<String>>> = "topics";
        /// Azure's secure webhook: whose tokens are taken.
        entra: Option<EntraFile> = "entra";
        /// How a body of any other tool is read, for the kind `mapping`.
        mapping: Option<MappingFile> = "mapping";
    }
}

record! {
    /// Whose tokens an Azure secure webhook must show.
    EntraFile, "`entra`" {
        /// The tenant's id.
        tenant: At<String> = "tenant";
        /// The application that the action group names: its identifier, `api://…`.
        audience: At<String> = "audience";
        /// Where the tenant's keys are. Default `https://login.microsoftonline.com`.
        authority: Option<At<String>> = "authority";
    }
}

record! {
    /// Expressions over a body; its keys are names, `body` is the whole of it, `item` the one of `each`.
    MappingFile, "a mapping" {
        /// Gives the list of alerts; absent: the body is one.
        each: Option<At<Expression>> = "each";
        /// Which of them count.
        when: Option<At<Expression>> = "when";
        /// The alert's name.
        title: At<Expression> = "title";
        /// The tool's own name for the alert; absent: the title.
        key: Option<At<Expression>> = "key";
        /// Whether it is over; absent: the tool never says so.
        resolved: Option<At<Expression>> = "resolved";
        /// Whose it is.
        service: Option<At<Expression>> = "service";
        /// How urgent.
        priority: Option<At<Expression>> = "priority";
        /// The tool's words for priorities: `{P0: critical}`.
        priorities: Option<Map<At<Priority>>> = "priorities";
        /// What it is about.
        category: Option<At<Expression>> = "category";
        /// One line.
        summary: Option<At<Expression>> = "summary";
        /// More.
        description: Option<At<Expression>> = "description";
        /// Where the tool shows it.
        url: Option<At<Expression>> = "url";
        /// When it began.
        starts_at: Option<At<Expression>> = "starts_at";
        /// More labels: name, expression.
        labels: Option<Map<At<Expression>>> = "labels";
        /// More annotations: name, expression.
        annotations: Option<Map<At<Expression>>> = "annotations";
    }
}

/// What a tool speaks, as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KindWord {
    PagerDuty,
    Alertmanager,
    Grafana,
    Azure,
    Datadog,
    Sentry,
    GitHub,
    CloudWatch,
    UptimeKuma,
    Mapping,
}

/// An expression that parses.
#[derive(Debug, Clone)]
pub(crate) struct Expression(pub(crate) String);

impl crate::decode::Leaf for Expression {
    const EXPECTS: &'static str = "an expression such as `alert.title`";
    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        match jinja::check_expression(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(error) => {
                Err((error.to_string(), Some("a fixed text needs quotes of its own: `\"'High'\"`".to_owned())))
            }
        }
    }
}

impl IntegrationFile {
    /// `guarded`: whether whoever calls the server has to show a token.
    pub(crate) fn build(&self, names: &mut Names, guarded: bool, cx: &mut Context<'_>) -> Option<Integration> {
        if !names.define(&self.name, cx) {
            return None;
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !self.name.value.chars().all(fits) || self.name.value.len() > 64 {
            let help = "use letters, digits, `-`, `_` and `.`: it is a part of a URL".to_owned();
            cx.invalid(&self.name.place, "the name of an integration is at most 64 plain characters", Some(help));
        }
        let kind = self.kind(cx)?;
        let has = |secret: &Option<SecretAt>| secret.as_ref().is_some_and(|s| s.secret.is_some());
        let (token, signed) = (has(&self.token), has(&self.signing_secret));
        // Secrets that were written but are unusable have their own problem already.
        let told = |code: Code| matches!(code, Code::ConfigLiteralSecret | Code::ConfigMissingSecret);
        let told = cx.errors.iter().any(|problem| told(problem.code));
        let entra = self.entra.as_ref().map(|file| file.build(cx));
        if let (Some(file), false) = (&self.entra, self.kind.value == KindWord::Azure) {
            cx.invalid(&file.place, "only Azure's action groups show such tokens", Some("remove `entra`".to_owned()));
        }
        let listed = self.kind.value == KindWord::CloudWatch && !items(&self.topics).is_empty();
        if guarded && !token && !signed && !listed && entra.is_none() && !told {
            let message = format!("anybody could send to the integration `{}`", self.name.value);
            let name = self.name.value.to_uppercase().replace(['-', '.'], "_");
            let help = format!("write `token: ${{env:{name}_TOKEN}}` and let the tool show it");
            cx.error(Diagnostic::at(Code::InsecureListen, &self.place, message).help(help));
        }
        if matches!(kind, IntegrationKind::PagerDuty) && !token && (signed || !guarded) && !told {
            let help =
                "write `routing_key: ${env:PAGERDUTY_ROUTING_KEY}`; its senders put it into each event".to_owned();
            cx.invalid(&self.place, "PagerDuty's events are told apart by their routing key", Some(help));
        }
        let secret = |at: &Option<SecretAt>| at.as_ref().and_then(|s| s.secret.clone());
        let labels = self.labels.as_ref().map_or(&[][..], |map| &map.0);
        Some(Integration {
            name: self.name.value.clone(),
            kind,
            token: secret(&self.token),
            signing_secret: secret(&self.signing_secret),
            labels: labels.iter().map(|(key, value)| (key.text.clone(), value.value.clone())).collect(),
            resolve_after: self.resolve_after.as_ref().map(|at| at.value).filter(|span| !span.is_zero()),
            topics: items(&self.topics).iter().map(|at| at.value.clone()).collect(),
            entra,
        })
    }

    fn kind(&self, cx: &mut Context<'_>) -> Option<IntegrationKind> {
        if let (Some(mapping), false) = (&self.mapping, self.kind.value == KindWord::Mapping) {
            let help = "write `kind: mapping`, or remove it".to_owned();
            cx.invalid(&mapping.place, "`mapping` has no meaning for this kind", Some(help));
        }
        Some(match self.kind.value {
            KindWord::PagerDuty => IntegrationKind::PagerDuty,
            KindWord::Alertmanager => IntegrationKind::Alertmanager,
            KindWord::Grafana => IntegrationKind::Grafana,
            KindWord::Azure => IntegrationKind::Azure,
            KindWord::Datadog => IntegrationKind::Datadog,
            KindWord::Sentry => IntegrationKind::Sentry,
            KindWord::GitHub => IntegrationKind::GitHub,
            KindWord::CloudWatch => IntegrationKind::CloudWatch,
            KindWord::UptimeKuma => IntegrationKind::UptimeKuma,
            KindWord::Mapping => match &self.mapping {
                Some(mapping) => IntegrationKind::Mapping(Box::new(mapping.build())),
                None => {
                    let help = "write `mapping: {title: …, key: …, resolved: …}`".to_owned();
                    cx.invalid(&self.place, "the kind `mapping` needs a `mapping`", Some(help));
                    return None;
                }
            },
        })
    }
}

impl EntraFile {
    fn build(&self, cx: &mut Context<'_>) -> Entra {
        let tenant = self.tenant.value.to_ascii_lowercase();
        if tenant.is_empty() || !tenant.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
            cx.invalid(&self.tenant.place, "this is no tenant's id", Some("write its GUID".to_owned()));
        }
        let microsoft = "https://login.microsoftonline.com".to_owned();
        let authority = self.authority.as_ref().map_or(microsoft, |at| web_url(at, "authority", cx));
        Entra { tenant, audience: self.audience.value.clone(), authority }
    }
}

impl MappingFile {
    fn build(&self) -> Mapping {
        let one = |at: &Option<At<Expression>>| at.as_ref().map(|at| at.value.0.clone());
        let many = |map: &Option<Map<At<Expression>>>| -> BTreeMap<String, String> {
            let pairs = map.as_ref().map_or(&[][..], |map| &map.0);
            pairs.iter().map(|(key, value)| (key.text.clone(), value.value.0.clone())).collect()
        };
        let priorities = self.priorities.as_ref().map_or(&[][..], |map| &map.0);
        Mapping {
            each: one(&self.each),
            when: one(&self.when),
            title: self.title.value.0.clone(),
            key: one(&self.key),
            resolved: one(&self.resolved),
            service: one(&self.service),
            priority: one(&self.priority),
            priorities: priorities.iter().map(|(key, at)| (key.text.clone(), at.value)).collect(),
            category: one(&self.category),
            summary: one(&self.summary),
            description: one(&self.description),
            url: one(&self.url),
            starts_at: one(&self.starts_at),
            labels: many(&self.labels),
            annotations: many(&self.annotations),
        }
    }
}
