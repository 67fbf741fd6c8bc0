//! `server`, `storage`, `evaluation`, `alerts`, `smtp`, `demo`, `slack`: the settings of this process and its peers.
//!
//! Not what it watches.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use url::{Host, Url};
use watchkeeper_domain::{Code, Span};

use super::names::Names;
use super::tls::TlsFile;
use crate::decode::leaf::{ByteSize, Listen, OptionalListen};
use crate::decode::record::record;
use crate::decode::secret::{SecretAt, is_loopback};
use crate::decode::{At, Context, List, items};
use crate::diagnostic::Diagnostic;
use crate::model::{Demo, Evaluation, Role, Server, SmtpServer, SmtpTls, Storage, Token};

record! {
    /// Where Watchkeeper listens and who may speak to it.
    ServerFile, "`server`" {
        /// Console, API and remote write. Default `127.0.0.1:7404`.
        listen: Option<At<Listen>> = "listen";
        /// OTLP over HTTP; `off` for none. Default `127.0.0.1:4318`.
        otlp_http: Option<At<OptionalListen>> = "otlp_http";
        /// OTLP over gRPC; `off` for none. Default `127.0.0.1:4317`.
        otlp_grpc: Option<At<OptionalListen>> = "otlp_grpc";
        /// How people reach it; used in links.
        external_url: Option<At<String>> = "external_url";
        /// Bearer tokens. Without any, everybody on this machine is an administrator.
        tokens: Option<List<TokenFile>> = "tokens";
        /// The certificate that every listener shows. Default: no TLS.
        tls: Option<TlsFile> = "tls";
    }
}

record! {
    /// A bearer token of a person or a program.
    TokenFile, "a token" {
        /// Who it is, for the ledger.
        name: At<String> = "name";
        /// What it may do: `ingest`, `viewer`, `responder`, `admin`.
        role: At<Role> = "role";
        /// The token, as a reference.
        token: SecretAt = "token";
    }
}

record! {
    /// What is kept and for how long.
    StorageFile, "`storage`" {
        /// The data folder. Default `./data`.
        path: Option<At<String>> = "path";
        /// How long telemetry is kept. Default 24 h.
        retention: Option<At<Span>> = "retention";
        /// Most bytes of telemetry on disk. Default 4 GiB.
        max_bytes: Option<At<ByteSize>> = "max_bytes";
        /// How late a sample may be behind its series' newest. Default 10 min.
        out_of_order_window: Option<At<Span>> = "out_of_order_window";
    }
}

record! {
    /// How rules are evaluated.
    EvaluationFile, "`evaluation`" {
        /// The longest time between two evaluations of a group. Default 1 min.
        interval: Option<At<Span>> = "interval";
        /// The longest that arrivals are gathered. Default 100 ms.
        coalesce: Option<At<Span>> = "coalesce";
    }
}

record! {
    /// Alerts that other tools post.
    AlertsFile, "`alerts`" {
        /// How long an alert fires when its sender names no end and does not post it again. Default 5 min.
        resolve_timeout: Option<At<Span>> = "resolve_timeout";
    }
}

record! {
    /// The mail server.
    SmtpFile, "`smtp`" {
        /// Host name.
        host: At<String> = "host";
        /// Port. Default 587, 465 with `tls`, 25 with `none`.
        port: Option<At<u16>> = "port";
        /// `starttls` (default), `tls`, or `none` on this machine only.
        tls: Option<At<SmtpTls>> = "tls";
        /// The sender's address.
        from: At<String> = "from";
        /// User name.
        username: Option<At<String>> = "username";
        /// Password, as a reference.
        password: Option<SecretAt> = "password";
    }
}

record! {
    /// Slack's settings that belong to no receiver.
    SlackFile, "`slack`" {
        /// The app's signing secret, for buttons; a reference.
        signing_secret: Option<SecretAt> = "signing_secret";
    }
}

record! {
    /// The demo's bank.
    DemoFile, "`demo`" {
        /// The supervisor's control API.
        control_url: At<String> = "control_url";
        /// Its bearer token, as a reference.
        control_token: Option<SecretAt> = "control_token";
        /// Where the bank's front is.
        front_url: At<String> = "front_url";
        /// Where the stand-in for Slack shows its messages.
        slack_url: Option<At<String>> = "slack_url";
    }
}

/// A setting, or what it is when the file does not say.
pub(crate) fn or<T: Copy>(value: Option<&At<T>>, default: T) -> T {
    value.map_or(default, |at| at.value)
}

/// A duration that must not be zero.
pub(crate) fn positive(value: Option<&At<Span>>, default: Span, what: &str, cx: &mut Context<'_>) -> Span {
    match value {
        Some(at) if at.value.is_zero() => {
            cx.invalid(
                &at.place,
                format!("`{what}` must be longer than zero"),
                Some(format!("the default is `{default}`")),
            );
            default
        }
        Some(at) => at.value,
        None => default,
    }
}

/// A URL of HTTP or HTTPS without a trailing slash.
pub(crate) fn web_url(at: &At<String>, what: &str, cx: &mut Context<'_>) -> String {
    let fine = Url::parse(&at.value).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some());
    if !fine {
        cx.invalid(
            &at.place,
            format!("`{what}` is not a URL"),
            Some("write for example `https://watchkeeper.bank.example`".to_owned()),
        );
    }
    at.value.trim_end_matches('/').to_owned()
}

impl ServerFile {
    pub(crate) fn build(file: Option<&Self>, cx: &mut Context<'_>) -> Server {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listen = or(file.and_then(|f| f.listen.as_ref()), Listen(loopback(7404))).0;
        let otlp_http = or(file.and_then(|f| f.otlp_http.as_ref()), OptionalListen(Some(loopback(4318)))).0;
        let otlp_grpc = or(file.and_then(|f| f.otlp_grpc.as_ref()), OptionalListen(Some(loopback(4317)))).0;
        let mut names = Names::new("token");
        let written = file.map_or(&[][..], |f| items(&f.tokens));
        let mut tokens = Vec::new();
        for token in written {
            names.define(&token.name, cx);
            match &token.token.secret {
                Some(secret) => {
                    tokens.push(Token {
                        name: token.name.value.clone(),
                        role: token.role.value,
                        token: secret.clone(),
                    });
                }
                None => cx.warn(Diagnostic::at(
                    Code::ConfigMissingSecret,
                    &token.token.place,
                    format!(
                        "the token `{}` is left out because `{}` is not set",
                        token.name.value, token.token.reference
                    ),
                )),
            }
        }
        if let Some(file) = file {
            let wide = [
                file.listen.as_ref().map(|at| (at.value.0, &at.place, "listen")),
                file.otlp_http.as_ref().and_then(|at| Some((at.value.0?, &at.place, "otlp_http"))),
                file.otlp_grpc.as_ref().and_then(|at| Some((at.value.0?, &at.place, "otlp_grpc"))),
            ];
            for (address, place, key) in wide.into_iter().flatten() {
                // Tokens that were written but are unusable have their own problem already.
                if !is_loopback(address.ip())
                    && tokens.is_empty()
                    && cx.errors.iter().all(|e| e.code != Code::ConfigLiteralSecret)
                {
                    let message = format!("`{key}` opens {address} to other machines, but there are no tokens");
                    let help = "add `tokens: [{name: …, role: admin, token: ${env:WATCHKEEPER_TOKEN}}]` under `server`, or listen on 127.0.0.1";
                    cx.error(Diagnostic::at(Code::InsecureListen, place, message).help(help));
                }
            }
        }
        let written_tls = file.and_then(|f| f.tls.as_ref());
        let scheme = if written_tls.is_some() { "https" } else { "http" };
        let external_url = file
            .and_then(|f| f.external_url.as_ref())
            .map_or_else(|| format!("{scheme}://{listen}"), |at| web_url(at, "external_url", cx));
        let tls = written_tls.and_then(|tls| tls.build(cx));
        Server { listen, otlp_http, otlp_grpc, external_url, tokens, tls }
    }
}

impl StorageFile {
    pub(crate) fn build(file: Option<&Self>, cx: &mut Context<'_>) -> Storage {
        Storage {
            path: file
                .and_then(|f| f.path.as_ref())
                .map_or_else(|| PathBuf::from("./data"), |at| PathBuf::from(&at.value)),
            retention: positive(file.and_then(|f| f.retention.as_ref()), Span::from_secs(86_400), "retention", cx),
            max_bytes: or(file.and_then(|f| f.max_bytes.as_ref()), ByteSize(4 << 30)).0,
            out_of_order_window: or(file.and_then(|f| f.out_of_order_window.as_ref()), Span::from_secs(600)),
        }
    }
}

impl EvaluationFile {
    pub(crate) fn build(file: Option<&Self>, cx: &mut Context<'_>) -> Evaluation {
        Evaluation {
            interval: positive(file.and_then(|f| f.interval.as_ref()), Span::from_secs(60), "interval", cx),
            coalesce: or(file.and_then(|f| f.coalesce.as_ref()), Span::from_millis(100)),
        }
    }
}

/// How long a posted alert fires when the file does not say.
pub(crate) const RESOLVE_TIMEOUT: Span = Span::from_secs(300);

impl AlertsFile {
    pub(crate) fn resolve_timeout(file: Option<&Self>, cx: &mut Context<'_>) -> Span {
        positive(file.and_then(|f| f.resolve_timeout.as_ref()), RESOLVE_TIMEOUT, "resolve_timeout", cx)
    }
}

impl SmtpFile {
    pub(crate) fn build(&self, cx: &mut Context<'_>) -> SmtpServer {
        let tls = or(self.tls.as_ref(), SmtpTls::Starttls);
        let default_port = match tls {
            SmtpTls::Starttls => 587,
            SmtpTls::Tls => 465,
            SmtpTls::None => 25,
        };
        let host = &self.host.value;
        let local = match Host::parse(host) {
            Ok(Host::Domain(name)) => name == "localhost",
            Ok(Host::Ipv4(ip)) => ip.is_loopback(),
            Ok(Host::Ipv6(ip)) => ip.is_loopback(),
            Err(_) => host.trim_matches(['[', ']']).parse().is_ok_and(is_loopback),
        };
        if let (SmtpTls::None, false, Some(at)) = (tls, local, &self.tls) {
            let help = "use `starttls` or `tls`; `none` is for a server on this machine";
            cx.invalid(&at.place, format!("mail to `{host}` would travel without encryption"), Some(help.to_owned()));
        }
        if !self.from.value.contains('@') {
            cx.invalid(
                &self.from.place,
                "`from` is not an e-mail address",
                Some("write for example `watchkeeper@bank.example`".to_owned()),
            );
        }
        SmtpServer {
            host: host.clone(),
            port: or(self.port.as_ref(), default_port),
            tls,
            from: self.from.value.clone(),
            username: self.username.as_ref().map(|at| at.value.clone()),
            password: self.password.as_ref().and_then(|p| p.secret.clone()),
        }
    }
}

impl DemoFile {
    pub(crate) fn build(&self, cx: &mut Context<'_>) -> Demo {
        Demo {
            control_url: web_url(&self.control_url, "control_url", cx),
            control_token: self.control_token.as_ref().and_then(|t| t.secret.clone()),
            front_url: web_url(&self.front_url, "front_url", cx),
            slack_url: self.slack_url.as_ref().map(|at| web_url(at, "slack_url", cx)),
        }
    }
}
