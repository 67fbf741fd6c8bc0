//! Values that are secrets: only references are taken, and a literal is refused without being shown.
//!
//! Not the secret's use: `crate::Secret` carries it on.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use url::{Host, Url};
use watchkeeper_domain::Code;

use super::{Context, FromNode, scalar};
use crate::Secret;
use crate::diagnostic::Diagnostic;
use crate::place::Place;
use crate::reference;
use crate::secret::looks_secret;
use crate::yaml::Node;

/// A secret; none when it is an optional reference to nothing (`${env:NAME:-}`).
#[derive(Debug, Clone)]
pub(crate) struct SecretAt {
    pub(crate) secret: Option<Secret>,
    pub(crate) place: Place,
    pub(crate) reference: String,
}

impl FromNode for SecretAt {
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let (text, place) = scalar(node, "a reference to a secret, for example `${env:NAME}`", cx)?;
        if !reference::is_reference(text) && !text.is_empty() {
            refuse_literal(text, place, cx);
            return None;
        }
        read(text, place, cx)
    }
}

fn read(text: &str, place: &Place, cx: &mut Context<'_>) -> Option<SecretAt> {
    match reference::resolve(text, cx.source, &cx.base) {
        Ok(value) => {
            let secret = (!value.trim().is_empty()).then(|| Secret::new(text, value.trim()));
            Some(SecretAt { secret, place: place.clone(), reference: text.to_owned() })
        }
        Err(error) => {
            cx.unresolved(&error, place);
            None
        }
    }
}

/// Tells of a literal secret without showing it, with the line that replaces it.
pub(crate) fn refuse_literal(text: &str, place: &Place, cx: &mut Context<'_>) {
    cx.secrets.push(place.clone());
    let (what, key) = cx.at;
    let name = variable_name(what, key);
    let literal = if text.contains("${") { "a broken reference" } else { "a secret" };
    let fix = format!("set {name} in the environment and write `{key}: ${{env:{name}}}`");
    cx.error(
        Diagnostic::at(Code::ConfigLiteralSecret, place, format!("`{key}` of {what} holds {literal} in plain text"))
            .help(fix),
    );
}

/// The variable that the advice names.
fn variable_name(what: &str, key: &str) -> String {
    let prefix = match what {
        "a Slack integration" | "`slack`" => "SLACK",
        "a webhook integration" => "WEBHOOK",
        "`smtp`" => "SMTP",
        "an integration" => "INTEGRATION",
        "an instrumentation key" => "APPINSIGHTS",
        "a PagerDuty integration" => "PAGERDUTY",
        "an Opsgenie integration" => "OPSGENIE",
        "a Teams integration" => "TEAMS",
        "a Discord integration" => "DISCORD",
        "a Telegram integration" => "TELEGRAM",
        "an ntfy integration" => "NTFY",
        "`twilio`" => "TWILIO",
        "a heartbeat" => "HEARTBEAT",
        "a database of a probe" => "PROBE",
        "`demo`" => "BANK",
        "`basic_auth`" | "`authorization`" => "SCRAPE",
        _ => "WATCHKEEPER",
    };
    format!("{prefix}_{}", key.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

impl JsonSchema for SecretAt {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": r"\$\{(env|file):", "description": "A reference: `${env:NAME}` or `${file:PATH}`."})
    }
}

/// A URL that may hold a token: literal when it cannot (no user, no query, a host of this machine or network), else a
/// reference.
#[derive(Debug, Clone)]
pub(crate) struct UrlAt(pub(crate) SecretAt);

impl FromNode for UrlAt {
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let (text, place) = scalar(node, "a URL or a reference to one, for example `${env:NAME}`", cx)?;
        let literal = !reference::is_reference(text);
        if literal && !text.is_empty() && !harmless(text) {
            refuse_literal(text, place, cx);
            return None;
        }
        let read = read(text, place, cx)?;
        if let Some(secret) = &read.secret {
            check_url(secret.expose(), text, place, cx)?;
        }
        Some(Self(read))
    }
}

/// Whether the value is an HTTP URL; the message never holds it.
pub(crate) fn check_url(value: &str, reference: &str, place: &Place, cx: &mut Context<'_>) -> Option<()> {
    let fine = Url::parse(value).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some());
    if !fine {
        let shown = if reference::is_reference(reference) { reference } else { "this" };
        cx.invalid(place, format!("the value of `{shown}` is not a URL"), Some("write `https://host/path`".to_owned()));
    }
    fine.then_some(())
}

pub(crate) fn harmless(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let inside = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost") || !name.contains('.'),
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        None => false,
    };
    inside && url.username().is_empty() && url.password().is_none() && url.query().is_none()
}

impl JsonSchema for UrlAt {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "SecretUrl".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "A URL of this machine or network, or a reference: `${env:NAME}`."})
    }
}

/// Header names whose values are credentials.
pub(crate) fn is_secret_header(name: &str) -> bool {
    looks_secret(name)
}

/// Whether an address reaches nobody but this machine.
pub(crate) fn is_loopback(ip: IpAddr) -> bool {
    ip.is_loopback()
}
