//! `probes`: what is looked at from outside.
//!
//! Not the looking: `detect` does that.

use std::collections::BTreeMap;

use watchkeeper_domain::{Code, Span};

use super::names::Names;
use super::server::{positive, web_url};
use crate::Secret;
use crate::decode::record::record;
use crate::decode::{At, Context, FromNode, List, Map, items, secret};
use crate::diagnostic::Diagnostic;
use crate::model::{Probe, ProbeKind};
use crate::place::Place;
use crate::reference;
use crate::yaml::Node;

record! {
    /// Something that is looked at from outside.
    ProbeFile, "a probe" {
        /// Its name: the label `probe` of its metrics.
        name: At<String> = "name";
        /// An HTTP request.
        http: Option<HttpProbeFile> = "http";
        /// A TCP connection.
        tcp: Option<TcpProbeFile> = "tcp";
        /// How often. Default 15 s.
        interval: Option<At<Span>> = "interval";
        /// How long it may take. Default 5 s.
        timeout: Option<At<Span>> = "timeout";
        /// Labels added to its metrics.
        labels: Option<Map<At<String>>> = "labels";
    }
}

record! {
    /// An HTTP request.
    HttpProbeFile, "`http` of a probe" {
        /// The URL.
        url: At<String> = "url";
        /// The method. Default GET.
        method: Option<At<String>> = "method";
        /// Request headers; credentials as references.
        headers: Option<Map<HeaderValue>> = "headers";
        /// Accepted statuses. Default 200 to 299.
        expect_status: Option<List<At<u16>>> = "expect_status";
        /// A regular expression that the body must match.
        expect_body: Option<At<String>> = "expect_body";
    }
}

record! {
    /// A TCP connection.
    TcpProbeFile, "`tcp` of a probe" {
        /// `host:port`.
        address: At<String> = "address";
    }
}

/// A header's value as it was written and as it is.
#[derive(Debug, Clone)]
pub(crate) struct HeaderValue {
    written: String,
    pub(crate) value: String,
    place: Place,
}

impl HeaderValue {
    pub(crate) fn is_reference(&self) -> bool {
        reference::is_reference(&self.written)
    }

    /// Tells that it is a secret in plain text, and how to write it.
    pub(crate) fn refuse(&self, what: &str, key: &str, prefix: &str, cx: &mut Context<'_>) {
        cx.secrets.push(self.place.clone());
        let variable = format!("{prefix}_{}", key.to_uppercase().replace('-', "_"));
        let fix = format!("set {variable} in the environment and write `{key}: ${{env:{variable}}}`");
        let message = format!("{what} holds a secret in plain text");
        cx.error(Diagnostic::at(Code::ConfigLiteralSecret, &self.place, message).help(fix));
    }
}

impl FromNode for HeaderValue {
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let (text, place) = crate::decode::scalar(node, "a text", cx)?;
        let value = cx.text(text, place)?;
        Some(Self { written: text.to_owned(), value, place: place.clone() })
    }
}

impl schemars::JsonSchema for HeaderValue {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HeaderValue".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["string", "number"]})
    }
}

/// Whether a text can be the name of a label.
pub(crate) fn is_label_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Labels as the model has them; problems for names that cannot be labels.
pub(crate) fn labels(map: Option<&Map<At<String>>>, cx: &mut Context<'_>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (key, value) in map.map_or(&[][..], |m| &m.0) {
        if !is_label_name(&key.text) || key.text == "__name__" {
            let help = "use letters, digits and `_`, not starting with a digit";
            cx.invalid(&key.place, format!("`{}` cannot be the name of a label", key.text), Some(help.to_owned()));
        }
        out.insert(key.text.clone(), value.value.clone());
    }
    out
}

impl ProbeFile {
    pub(crate) fn build(&self, names: &mut Names, cx: &mut Context<'_>) -> Option<Probe> {
        names.define(&self.name, cx);
        let name = self.name.value.clone();
        let kind = match (&self.http, &self.tcp) {
            (Some(http), None) => http.build(cx),
            (None, Some(tcp)) => tcp.build(cx),
            _ => {
                let message = format!("the probe `{name}` needs `http` or `tcp`, one of them");
                cx.invalid(
                    &self.name.place,
                    message,
                    Some("write for example `http: {url: https://bank.example/health}`".to_owned()),
                );
                return None;
            }
        };
        let interval = positive(self.interval.as_ref(), Span::from_secs(15), "interval", cx);
        let timeout = positive(self.timeout.as_ref(), Span::from_secs(5).min(interval), "timeout", cx);
        if let (Some(at), true) = (&self.timeout, timeout > interval) {
            cx.invalid(
                &at.place,
                format!("the probe `{name}` may take longer ({timeout}) than its interval ({interval})"),
                None,
            );
        }
        Some(Probe { name, kind, interval, timeout, labels: labels(self.labels.as_ref(), cx) })
    }
}

impl HttpProbeFile {
    fn build(&self, cx: &mut Context<'_>) -> ProbeKind {
        web_url(&self.url, "url", cx);
        let mut headers = Vec::new();
        for (key, value) in self.headers.as_ref().map_or(&[][..], |h| &h.0) {
            if secret::is_secret_header(&key.text) && !value.is_reference() {
                value.refuse(&format!("the header `{}` of a probe", key.text), &key.text, "PROBE", cx);
            }
            let reference = if value.is_reference() { &value.written } else { "literal" };
            headers.push((key.text.clone(), Secret::new(reference, value.value.as_str())));
        }
        for status in items(&self.expect_status) {
            if !(100..600).contains(&status.value) {
                cx.invalid(&status.place, format!("`{}` is not an HTTP status", status.value), None);
            }
        }
        if let Some(at) = &self.expect_body
            && let Err(e) = regex::RegexBuilder::new(&at.value).size_limit(1 << 20).build()
        {
            cx.invalid(&at.place, format!("`expect_body` is not a regular expression: {e}"), None);
        }
        ProbeKind::Http {
            url: self.url.value.clone(),
            method: self.method.as_ref().map_or_else(|| "GET".to_owned(), |at| at.value.to_ascii_uppercase()),
            headers,
            expect_status: items(&self.expect_status).iter().map(|at| at.value).collect(),
            expect_body: self.expect_body.as_ref().map(|at| at.value.clone()),
        }
    }
}

impl TcpProbeFile {
    fn build(&self, cx: &mut Context<'_>) -> ProbeKind {
        let fine = self
            .address
            .value
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !fine {
            cx.invalid(&self.address.place, format!("`{}` is not `host:port`", self.address.value), None);
        }
        ProbeKind::Tcp { address: self.address.value.clone() }
    }
}
