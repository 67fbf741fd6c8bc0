//! Probes: what is looked at from outside, and when that counts as down.
//!
//! Not the looking: `detect::probe` does it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use watchkeeper_domain::Span;

use crate::secret::Secret;

/// Something that is looked at from outside.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Its name: the label `probe` of its metrics.
    pub name: String,
    /// What is done.
    pub kind: ProbeKind,
    /// How often. Default 15 s.
    pub interval: Span,
    /// How long it may take. Default 5 s.
    pub timeout: Span,
    /// When it counts as down. Default: at the first failure.
    pub down_after: DownAfter,
    /// Labels added to its metrics.
    pub labels: BTreeMap<String, String>,
}

/// So many failures of so many results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownAfter {
    /// Failures.
    pub failures: u16,
    /// The newest results that are looked at; equal to `failures`: they are consecutive.
    pub of: u16,
}

impl Default for DownAfter {
    fn default() -> Self {
        Self { failures: 1, of: 1 }
    }
}

/// What a probe does.
#[derive(Debug, Clone)]
pub enum ProbeKind {
    /// An HTTP or HTTPS request.
    Http(Box<HttpProbe>),
    /// A TCP connection.
    Tcp {
        /// `host:port`.
        address: String,
    },
    /// A question to a name server.
    Dns(DnsProbe),
    /// An echo request.
    Icmp {
        /// The host.
        host: String,
    },
    /// A TLS handshake, at once or after the words of another protocol.
    Tls(TlsProbe),
    /// A query to PostgreSQL.
    Postgres(DatabaseProbe),
    /// A query to MySQL or MariaDB.
    Mysql(DatabaseProbe),
}

impl ProbeKind {
    /// The word in files and answers.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp { .. } => "tcp",
            Self::Dns(_) => "dns",
            Self::Icmp { .. } => "icmp",
            Self::Tls(_) => "tls",
            Self::Postgres(_) => "postgres",
            Self::Mysql(_) => "mysql",
        }
    }
}

/// An HTTP or HTTPS request, and what its answer must be.
#[derive(Debug, Clone)]
pub struct HttpProbe {
    /// The URL.
    pub url: String,
    /// The method. Default GET.
    pub method: String,
    /// Request headers; values may be secrets.
    pub headers: Vec<(String, Secret)>,
    /// Accepted statuses; empty: 200 to 299.
    pub expect_status: Vec<u16>,
    /// A regular expression that the body must match.
    pub expect_body: Option<String>,
    /// Response headers with the regular expression that each must match.
    pub expect_headers: Vec<(String, String)>,
    /// Expressions over a JSON body that must all hold: its keys are names, `body` is the whole of it.
    pub expect_json: Vec<String>,
    /// Most bytes that the body may have. None: any number, and only the first MiB is looked at.
    pub max_body: Option<u64>,
}

/// A question to a name server.
#[derive(Debug, Clone)]
pub struct DnsProbe {
    /// The name that is asked for.
    pub name: String,
    /// The type of record: `A`, `MX`, ….
    pub record: String,
    /// Whom to ask; none: the system's name servers.
    pub server: Option<SocketAddr>,
    /// Values that must be among the answers; empty: any answer will do.
    pub expect: Vec<String>,
}

/// A TLS handshake.
#[derive(Debug, Clone)]
pub struct TlsProbe {
    /// `host:port`.
    pub address: String,
    /// The name that the certificate must be for; none: the host.
    pub server_name: Option<String>,
    /// What is said before the handshake.
    pub starttls: Option<Starttls>,
    /// The certificate must hold for so long from now on. Default: it must hold now.
    pub min_validity: Span,
}

/// A protocol in which TLS begins in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starttls {
    /// RFC 3207.
    Smtp,
    /// RFC 2595, 9051.
    Imap,
    /// RFC 2595.
    Pop3,
    /// RFC 4217.
    Ftp,
    /// PostgreSQL's `SSLRequest`.
    Postgres,
}

/// A query to a database.
#[derive(Debug, Clone)]
pub struct DatabaseProbe {
    /// `host:port`.
    pub address: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Option<Secret>,
    /// The database; none: the server's choice.
    pub database: Option<String>,
    /// The query. Default `SELECT 1`.
    pub query: String,
    /// What the first column of the first row must be, as text; none: anything.
    pub expect: Option<String>,
    /// Whether the connection is encrypted, and the certificate verified.
    pub tls: bool,
}
