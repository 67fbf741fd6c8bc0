//! Single values: how each is read from its text, what to say when it is not one, and its JSON schema.
//!
//! Not names that refer to other objects: those are texts here and are checked when the whole file is known.

pub(crate) mod calendar;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::{Schema, json_schema};
use watchkeeper_domain::{Category, Matcher, Priority, Span, Timestamp};

use crate::file::integration::KindWord;
use crate::model::receiver::ChartPolicy;
use crate::model::scrape::RelabelAction;
use crate::model::{OnNoData, Role, SmtpTls, TemplateLanguage, WorkflowKind};
use crate::suggest;

/// What is wrong, and what to do.
pub(crate) type Refusal = (String, Option<String>);

/// A type that is written as a single value.
pub(crate) trait Leaf: Sized {
    /// What it is, after "this must be".
    const EXPECTS: &'static str;
    /// Reads it.
    fn parse(text: &str) -> Result<Self, Refusal>;
    /// Its JSON schema.
    fn schema() -> Schema {
        json_schema!({"type": "string"})
    }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

impl Leaf for String {
    const EXPECTS: &'static str = "a text";
    fn parse(text: &str) -> Result<Self, Refusal> {
        Ok(text.to_owned())
    }
    fn schema() -> Schema {
        // YAML writes texts that look like numbers without quotes.
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}

impl Leaf for bool {
    const EXPECTS: &'static str = "true or false";
    fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err((
                format!("`{}` is neither true nor false", shown(text)),
                Some("write `true` or `false`".to_owned()),
            )),
        }
    }
    fn schema() -> Schema {
        json_schema!({"type": "boolean"})
    }
}

macro_rules! numbers {
    ($($ty:ty = $expects:literal;)*) => {$(
        impl Leaf for $ty {
            const EXPECTS: &'static str = $expects;
            fn parse(text: &str) -> Result<Self, Refusal> {
                text.parse().map_err(|_| (format!("`{}` is not {}", shown(text), $expects), None))
            }
            fn schema() -> Schema {
                json_schema!({"type": "integer", "minimum": 0, "maximum": (<$ty>::MAX)})
            }
        }
    )*};
}
numbers! {
    u16 = "a whole number from 0 to 65535";
    u32 = "a whole number from 0 to 4294967295";
}

impl Leaf for Span {
    const EXPECTS: &'static str = "a duration such as `30s` or `5m`";
    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map_err(|e: watchkeeper_domain::duration::InvalidDuration| {
            let help = text.parse::<u32>().ok().map(|n| format!("did you mean `{n}s`?"));
            (e.to_string(), help)
        })
    }
    fn schema() -> Schema {
        json_schema!({"type": ["string", "integer"], "pattern": r"^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"})
    }
}

impl Leaf for f64 {
    const EXPECTS: &'static str = "a number";
    fn parse(text: &str) -> Result<Self, Refusal> {
        // YAML writes `.inf` and `.nan`, Prometheus `+Inf` and `NaN`.
        let plain = text.replace(".inf", "inf").replace(".Inf", "inf").replace(".nan", "nan").replace(".NaN", "nan");
        plain.parse().map_err(|_| (format!("`{}` is not a number", shown(text)), None))
    }
    fn schema() -> Schema {
        json_schema!({"type": ["number", "string"]})
    }
}

impl Leaf for Timestamp {
    const EXPECTS: &'static str = "a time such as `2026-11-26T12:00:00Z`, or seconds since the Unix epoch";
    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map_err(|_| (format!("`{}` is not {}", shown(text), Self::EXPECTS), None))
    }
    fn schema() -> Schema {
        json_schema!({"type": ["number", "string"]})
    }
}

/// A number of bytes: `512MiB`, `4GiB`, `1000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

impl Leaf for ByteSize {
    const EXPECTS: &'static str = "a size such as `512MiB` or `4GiB`";
    fn parse(text: &str) -> Result<Self, Refusal> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let factor = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => Some(1),
            "kib" | "k" => Some(1 << 10),
            "mib" | "m" => Some(1 << 20),
            "gib" | "g" => Some(1 << 30),
            "tib" | "t" => Some(1 << 40),
            "kb" => Some(1_000),
            "mb" => Some(1_000_000),
            "gb" => Some(1_000_000_000),
            "tb" => Some(1_000_000_000_000),
            _ => None,
        };
        factor.and_then(|factor: u64| number.parse::<u64>().ok()?.checked_mul(factor)).map(Self).ok_or_else(|| {
            (format!("`{}` is not a size", shown(text)), Some("write for example `512MiB` or `4GiB`".to_owned()))
        })
    }
    fn schema() -> Schema {
        json_schema!({"type": ["string", "integer"]})
    }
}

/// An address to listen on: `127.0.0.1:7404`, `localhost:7404`, `:7404` for all interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listen(pub(crate) SocketAddr);

impl Leaf for Listen {
    const EXPECTS: &'static str = "an address such as `127.0.0.1:7404`";
    fn parse(text: &str) -> Result<Self, Refusal> {
        let port = |prefix: &str, host: IpAddr| {
            text.strip_prefix(prefix).and_then(|p| p.parse().ok()).map(|port| SocketAddr::new(host, port))
        };
        text.parse()
            .ok()
            .or_else(|| port("localhost:", Ipv4Addr::LOCALHOST.into()))
            .or_else(|| port(":", Ipv4Addr::UNSPECIFIED.into()))
            .map(Self)
            .ok_or_else(|| {
                let help = "write an IP address and a port, for example `127.0.0.1:7404`, `[::1]:7404`, `0.0.0.0:7404`";
                (format!("`{}` is not an address to listen on", shown(text)), Some(help.to_owned()))
            })
    }
}

/// As [`Listen`], or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OptionalListen(pub(crate) Option<SocketAddr>);

impl Leaf for OptionalListen {
    const EXPECTS: &'static str = "an address such as `127.0.0.1:4318`, or `off`";
    fn parse(text: &str) -> Result<Self, Refusal> {
        if text == "off" { Ok(Self(None)) } else { Listen::parse(text).map(|l| Self(Some(l.0))) }
    }
}

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// Matchers in one text: `a="b"`, or several with commas, with or without braces, as Alertmanager takes them.
#[derive(Debug, Clone)]
pub(crate) struct Matchers(pub(crate) Vec<Matcher>);

impl Leaf for Matchers {
    const EXPECTS: &'static str = "a matcher such as `service=\"payments\"`";
    fn parse(text: &str) -> Result<Self, Refusal> {
        let parsed = Matcher::parse_all(text.trim());
        match parsed {
            Ok(matchers) if !matchers.is_empty() => Ok(Self(matchers)),
            Ok(_) => {
                Err(("the matcher is empty".to_owned(), Some("write for example `service=\"payments\"`".to_owned())))
            }
            Err(e) => Err((e.to_string(), None)),
        }
    }
}

macro_rules! words {
    ($($ty:ty = $expects:literal { $($word:literal => $value:expr),* $(,)? })*) => {$(
        impl Leaf for $ty {
            const EXPECTS: &'static str = $expects;
            fn parse(text: &str) -> Result<Self, Refusal> {
                match text {
                    $($word => Ok($value),)*
                    _ => Err((format!("`{}` is not {}", shown(text), $expects), Some(suggest::help(text, &[$($word),*])))),
                }
            }
            fn schema() -> Schema {
                json_schema!({"enum": [$($word),*]})
            }
        }
    )*};
}
words! {
    Role = "a role" { "ingest" => Self::Ingest, "viewer" => Self::Viewer, "responder" => Self::Responder, "admin" => Self::Admin }
    ChartPolicy = "a chart policy" { "auto" => Self::Auto, "always" => Self::Always, "never" => Self::Never }
    Scheme = "a scheme" { "http" => Self::Http, "https" => Self::Https }
    RelabelAction = "an action of relabelling" { "replace" => Self::Replace, "keep" => Self::Keep, "drop" => Self::Drop, "keepequal" => Self::KeepEqual, "dropequal" => Self::DropEqual, "hashmod" => Self::HashMod, "labelmap" => Self::LabelMap, "labeldrop" => Self::LabelDrop, "labelkeep" => Self::LabelKeep, "lowercase" => Self::Lowercase, "uppercase" => Self::Uppercase }
    SmtpTls = "a kind of encryption" { "starttls" => Self::Starttls, "tls" => Self::Tls, "none" => Self::None }
    OnNoData = "a meaning of missing data" { "unknown" => Self::Unknown, "ok" => Self::Ok, "firing" => Self::Firing }
    TemplateLanguage = "a language of templates" { "go" => Self::Go, "jinja" => Self::Jinja }
    KindWord = "a kind of integration" {
        "pagerduty" => Self::PagerDuty, "alertmanager" => Self::Alertmanager, "grafana" => Self::Grafana,
        "azure" => Self::Azure, "datadog" => Self::Datadog, "sentry" => Self::Sentry, "github" => Self::GitHub,
        "cloudwatch" => Self::CloudWatch, "uptime_kuma" => Self::UptimeKuma, "mapping" => Self::Mapping,
    }
    WorkflowKind = "a kind of workflow" { "remediation" => Self::Remediation, "containment" => Self::Containment }
}

macro_rules! domain_words {
    ($($ty:ty = $expects:literal;)*) => {$(
        impl Leaf for $ty {
            const EXPECTS: &'static str = $expects;
            fn parse(text: &str) -> Result<Self, Refusal> {
                let all: Vec<&str> = Self::ALL.iter().map(|w| w.as_str()).collect();
                text.parse().map_err(|_| (format!("`{}` is not {}", shown(text), $expects), Some(suggest::help(text, &all))))
            }
            fn schema() -> Schema {
                let all: Vec<&str> = Self::ALL.iter().map(|w| w.as_str()).collect();
                json_schema!({"type": "string", "examples": all})
            }
        }
    )*};
}
domain_words! {
    Priority = "a priority";
    Category = "a category";
}
