//! `probes`: what is looked at from outside.
//!
//! Not the looking: `detect` does that. `network` has the kinds besides HTTP.

mod network;

use std::collections::BTreeMap;

use watchkeeper_domain::{Code, Span};

use super::integration::Expression;
use super::names::Names;
use super::server::{or, positive, web_url};
use crate::Secret;
use crate::decode::leaf::ByteSize;
use crate::decode::record::record;
use crate::decode::{At, Context, FromNode, List, Map, items, secret};
use crate::diagnostic::Diagnostic;
use crate::model::probe::{DownAfter, HttpProbe, Probe, ProbeKind};
use crate::place::Place;
use crate::reference;
use crate::yaml::Node;
use network::{DatabaseProbeFile, DnsProbeFile, IcmpProbeFile, TlsProbeFile};

record! {
    /// Something that is looked at from outside.
    ProbeFile, "a probe" {
        /// Its name: the label `probe` of its metrics.
        name: At<String> = "name";
        /// An HTTP request.
        http: Option<HttpProbeFile> = "http";
        /// A TCP connection.
        tcp: Option<TcpProbeFile> = "tcp";
        /// A question to a name server.
        dns: Option<DnsProbeFile> = "dns";
        /// An echo request (ping).
        icmp: Option<IcmpProbeFile> = "icmp";
        /// A TLS handshake, and how long the certificate holds.
        tls: Option<TlsProbeFile> = "tls";
        /// A query to PostgreSQL.
        postgres: Option<DatabaseProbeFile> = "postgres";
        /// A query to MySQL or MariaDB.
        mysql: Option<DatabaseProbeFile> = "mysql";
        /// How often. Default 15 s.
        interval: Option<At<Span>> = "interval";
        /// How long it may take. Default 5 s.
        timeout: Option<At<Span>> = "timeout";
        /// After how many failures it counts as down: `3` one after the other, `3/5` of the last five. Default 1.
        down_after: Option<At<DownAfter>> = "down_after";
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
        /// Response headers, each with a regular expression that it must match.
        expect_headers: Option<Map<At<String>>> = "expect_headers";
        /// Expressions over a JSON body that must all hold, for example `status == 'UP'`.
        expect_json: Option<List<At<Expression>>> = "expect_json";
        /// Most bytes that the body may have. Default: any number, of which the first MiB is looked at.
        max_body: Option<At<ByteSize>> = "max_body";
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
        let kinds: Vec<ProbeKind> = [
            self.http.as_ref().map(|http| http.build(cx)),
            self.tcp.as_ref().map(|tcp| tcp.build(cx)),
            self.dns.as_ref().map(DnsProbeFile::build),
            self.icmp.as_ref().map(IcmpProbeFile::build),
            self.tls.as_ref().map(|tls| tls.build(cx)),
            self.postgres.as_ref().map(|database| ProbeKind::Postgres(database.build(cx))),
            self.mysql.as_ref().map(|database| ProbeKind::Mysql(database.build(cx))),
        ]
        .into_iter()
        .flatten()
        .collect();
        let [kind] = <[ProbeKind; 1]>::try_from(kinds)
            .map_err(|_| {
                let message = format!(
                    "the probe `{name}` needs one of `http`, `tcp`, `dns`, `icmp`, `tls`, `postgres` and `mysql`"
                );
                let help = "write for example `http: {url: https://bank.example/health}`".to_owned();
                cx.invalid(&self.name.place, message, Some(help));
            })
            .ok()?;
        let interval = positive(self.interval.as_ref(), Span::from_secs(15), "interval", cx);
        let timeout = positive(self.timeout.as_ref(), Span::from_secs(5).min(interval), "timeout", cx);
        if let (Some(at), true) = (&self.timeout, timeout > interval) {
            cx.invalid(
                &at.place,
                format!("the probe `{name}` may take longer ({timeout}) than its interval ({interval})"),
                None,
            );
        }
        let down_after = or(self.down_after.as_ref(), DownAfter::default());
        Some(Probe { name, kind, interval, timeout, down_after, labels: labels(self.labels.as_ref(), cx) })
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
        let compiles = |at: &At<String>, key: &str, cx: &mut Context<'_>| {
            if let Err(e) = regex::RegexBuilder::new(&at.value).size_limit(1 << 20).build() {
                cx.invalid(&at.place, format!("`{key}` is not a regular expression: {e}"), None);
            }
        };
        if let Some(at) = &self.expect_body {
            compiles(at, "expect_body", cx);
        }
        let expect_headers = self.expect_headers.as_ref().map_or(&[][..], |map| &map.0);
        for (_, at) in expect_headers {
            compiles(at, "expect_headers", cx);
        }
        ProbeKind::Http(Box::new(HttpProbe {
            url: self.url.value.clone(),
            method: self.method.as_ref().map_or_else(|| "GET".to_owned(), |at| at.value.to_ascii_uppercase()),
            headers,
            expect_status: items(&self.expect_status).iter().map(|at| at.value).collect(),
            expect_body: self.expect_body.as_ref().map(|at| at.value.clone()),
            expect_headers: expect_headers.iter().map(|(key, at)| (key.text.clone(), at.value.clone())).collect(),
            expect_json: items(&self.expect_json).iter().map(|at| at.value.0.clone()).collect(),
            max_body: self.max_body.as_ref().map(|at| at.value.0),
        }))
    }
}

impl TcpProbeFile {
    fn build(&self, cx: &mut Context<'_>) -> ProbeKind {
        ProbeKind::Tcp { address: network::address(&self.address, cx) }
    }
}
