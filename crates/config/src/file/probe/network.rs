//! `dns`, `icmp`, `tls` and the databases of a probe.
//!
//! Not HTTP, and not what all probes have in common.

use std::net::{IpAddr, SocketAddr};

use schemars::{Schema, json_schema};

use crate::decode::leaf::Leaf;
use crate::decode::record::record;
use crate::decode::secret::SecretAt;
use crate::decode::{At, Context, List, items};
use crate::model::probe::{DatabaseProbe, DnsProbe, DownAfter, ProbeKind, Starttls, TlsProbe};
use crate::suggest;
use watchkeeper_domain::Span;

/// The largest window: so many results are kept.
const MOST_RESULTS: u16 = 60;

record! {
    /// A question to a name server.
    DnsProbeFile, "`dns` of a probe" {
        /// The name that is asked for.
        name: At<String> = "name";
        /// The type of record. Default `A`.
        record: Option<At<RecordWord>> = "record";
        /// Whom to ask: an address, with a port or without. Default: the system's name servers.
        server: Option<At<NameServer>> = "server";
        /// Values that must be among the answers. Default: any answer will do.
        expect: Option<List<At<String>>> = "expect";
    }
}

record! {
    /// An echo request (ping).
    IcmpProbeFile, "`icmp` of a probe" {
        /// The host.
        host: At<String> = "host";
    }
}

record! {
    /// A TLS handshake, and how long the certificate holds.
    TlsProbeFile, "`tls` of a probe" {
        /// `host:port`.
        address: At<String> = "address";
        /// The name that the certificate must be for. Default: the host.
        server_name: Option<At<String>> = "server_name";
        /// The protocol that is spoken before: `smtp`, `imap`, `pop3`, `ftp`, `postgres`.
        starttls: Option<At<Starttls>> = "starttls";
        /// It fails when the certificate expires within this time.
        min_validity: Option<At<Span>> = "min_validity";
    }
}

record! {
    /// A query to a database.
    DatabaseProbeFile, "a database of a probe" {
        /// `host:port`.
        address: At<String> = "address";
        /// The user.
        user: At<String> = "user";
        /// The password, as a reference.
        password: Option<SecretAt> = "password";
        /// The database. Default: the server's choice.
        database: Option<At<String>> = "database";
        /// The query. Default `SELECT 1`.
        query: Option<At<String>> = "query";
        /// What the first column of the first row must be, as text.
        expect: Option<At<String>> = "expect";
        /// Whether the connection is encrypted and the certificate verified. Default false.
        tls: Option<At<bool>> = "tls";
    }
}

/// A type of DNS record.
#[derive(Debug, Clone)]
pub(crate) struct RecordWord(String);

const RECORDS: [&str; 10] = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"];

impl Leaf for RecordWord {
    const EXPECTS: &'static str = "a type of record such as `A` or `MX`";
    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        let word = text.to_ascii_uppercase();
        if RECORDS.contains(&word.as_str()) {
            return Ok(Self(word));
        }
        let shown: String = text.chars().take(80).collect();
        Err((format!("`{shown}` is not {}", Self::EXPECTS), Some(suggest::help(&word, &RECORDS))))
    }
    fn schema() -> Schema {
        json_schema!({"enum": RECORDS})
    }
}

/// The address of a name server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameServer(SocketAddr);

impl Leaf for NameServer {
    const EXPECTS: &'static str = "the address of a name server such as `10.0.0.53` or `10.0.0.53:5353`";
    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        let with_port = || text.parse::<SocketAddr>().ok();
        let found = text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 53)).or_else(with_port);
        let shown: String = text.chars().take(80).collect();
        found.map(Self).ok_or_else(|| (format!("`{shown}` is not {}", Self::EXPECTS), None))
    }
}

impl Leaf for Starttls {
    const EXPECTS: &'static str = "a protocol with STARTTLS";
    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        match text {
            "smtp" => Ok(Self::Smtp),
            "imap" => Ok(Self::Imap),
            "pop3" => Ok(Self::Pop3),
            "ftp" => Ok(Self::Ftp),
            "postgres" => Ok(Self::Postgres),
            _ => {
                let shown: String = text.chars().take(80).collect();
                let words = ["smtp", "imap", "pop3", "ftp", "postgres"];
                Err((format!("`{shown}` is not {}", Self::EXPECTS), Some(suggest::help(text, &words))))
            }
        }
    }
    fn schema() -> Schema {
        json_schema!({"enum": ["smtp", "imap", "pop3", "ftp", "postgres"]})
    }
}

impl Leaf for DownAfter {
    const EXPECTS: &'static str = "a number of failures such as `3`, or of results such as `3/5`";
    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        let (failures, of) = text.split_once('/').unwrap_or((text, text));
        let number = |text: &str| text.trim().parse::<u16>().ok();
        let found = number(failures).zip(number(of)).map(|(failures, of)| Self { failures, of });
        let fits = |it: &Self| it.failures >= 1 && it.failures <= it.of && it.of <= MOST_RESULTS;
        found.filter(fits).ok_or_else(|| {
            let shown: String = text.chars().take(80).collect();
            let help = format!("at least 1 failure, and of at most {MOST_RESULTS} results: `3`, `3/5`");
            (format!("`{shown}` is not {}", Self::EXPECTS), Some(help))
        })
    }
    fn schema() -> Schema {
        json_schema!({"type": ["string", "integer"], "pattern": r"^[0-9]+(/[0-9]+)?$"})
    }
}

/// Tells when a text is not `host:port`.
pub(super) fn address(at: &At<String>, cx: &mut Context<'_>) -> String {
    let split = at.value.rsplit_once(':');
    let fine = split.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !fine {
        cx.invalid(&at.place, format!("`{}` is not `host:port`", at.value), None);
    }
    at.value.clone()
}

impl DnsProbeFile {
    pub(super) fn build(&self) -> ProbeKind {
        ProbeKind::Dns(DnsProbe {
            name: self.name.value.clone(),
            record: self.record.as_ref().map_or_else(|| "A".to_owned(), |at| at.value.0.clone()),
            server: self.server.as_ref().map(|at| at.value.0),
            expect: items(&self.expect).iter().map(|at| at.value.clone()).collect(),
        })
    }
}

impl IcmpProbeFile {
    pub(super) fn build(&self) -> ProbeKind {
        ProbeKind::Icmp { host: self.host.value.clone() }
    }
}

impl TlsProbeFile {
    pub(super) fn build(&self, cx: &mut Context<'_>) -> ProbeKind {
        ProbeKind::Tls(TlsProbe {
            address: address(&self.address, cx),
            server_name: self.server_name.as_ref().map(|at| at.value.clone()),
            starttls: self.starttls.as_ref().map(|at| at.value),
            min_validity: self.min_validity.as_ref().map_or(Span::ZERO, |at| at.value),
        })
    }
}

impl DatabaseProbeFile {
    pub(super) fn build(&self, cx: &mut Context<'_>) -> DatabaseProbe {
        let text = |at: &Option<At<String>>| at.as_ref().map(|at| at.value.clone());
        DatabaseProbe {
            address: address(&self.address, cx),
            user: self.user.value.clone(),
            password: self.password.as_ref().and_then(|at| at.secret.clone()),
            database: text(&self.database),
            query: text(&self.query).unwrap_or_else(|| "SELECT 1".to_owned()),
            expect: text(&self.expect),
            tls: self.tls.as_ref().is_some_and(|at| at.value),
        }
    }
}
