//! Probes: what a customer sees, measured from outside, phase by phase.
//!
//! Not rules: a probe writes telemetry under the names of Prometheus's blackbox_exporter, and a rule judges it.
//! `network` opens connections; `request`, `dns`, `icmp`, `database` and `starttls` speak over them; `certificate` looks at
//! TLS chains, `verdict` judges several results, `samples` names them, `runner` keeps the time.

mod certificate;
mod database;
mod dns;
mod icmp;
mod network;
mod request;
mod runner;
mod samples;
mod starttls;
pub mod verdict;

use std::future::Future;
use std::pin::Pin;

use watchkeeper_config::model::{Probe, ProbeKind};
use watchkeeper_domain::{Span, Timestamp};

pub use certificate::RootsError;
pub use network::RealNetwork;
pub use runner::{ProbeRunner, ProbeStatus};

/// The parts of a probe that take time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases {
    /// Resolving the name.
    pub resolve: Option<Span>,
    /// Opening the connection.
    pub connect: Option<Span>,
    /// The TLS handshake.
    pub tls: Option<Span>,
    /// From the request to the first byte of the answer.
    pub processing: Option<Span>,
    /// Reading the answer.
    pub transfer: Option<Span>,
}

impl Phases {
    /// Names as blackbox_exporter has them, with the times.
    #[must_use]
    pub fn named(&self) -> [(&'static str, Option<Span>); 5] {
        [
            ("resolve", self.resolve),
            ("connect", self.connect),
            ("tls", self.tls),
            ("processing", self.processing),
            ("transfer", self.transfer),
        ]
    }
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Finding {
    /// How long each phase took, summed over redirects; none for one that was not reached.
    pub phases: Phases,
    /// The HTTP status.
    pub status: Option<u16>,
    /// When the first certificate of the chain expires, also when the chain was refused.
    pub certificate_expires_at: Option<Timestamp>,
    /// Whether the body did not match.
    pub failed_by_regex: bool,
    /// Why it failed, in words for people; none: it succeeded, or did not run.
    pub error: Option<String>,
    /// Why it did not run, in words for people: nobody can tell how its target is.
    pub not_run: Option<String>,
}

/// A finished probe.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeResult {
    /// When it began.
    pub at: Timestamp,
    /// How long all of it took.
    pub duration: Span,
    /// What it found.
    pub finding: Finding,
}

impl ProbeResult {
    /// Whether all was as configured; none when it did not run.
    #[must_use]
    pub fn success(&self) -> Option<bool> {
        self.finding.not_run.is_none().then_some(self.finding.error.is_none())
    }
}

/// What carries a probe out: the real network, or a script in a test.
pub trait Network: Send + Sync {
    /// Probes once. Keeps to the probe's timeout.
    fn probe<'a>(&'a self, probe: &'a Probe) -> Pin<Box<dyn Future<Output = Finding> + Send + 'a>>;
}

/// What a probe looks at, as people and labels may see it: without credentials and without the query part.
#[must_use]
pub fn target(probe: &Probe) -> String {
    match &probe.kind {
        ProbeKind::Tcp { address } => address.clone(),
        ProbeKind::Tls(tls) => tls.address.clone(),
        ProbeKind::Icmp { host } => host.clone(),
        ProbeKind::Dns(dns) => match dns.server {
            Some(server) => format!("{} {} @{server}", dns.record, dns.name),
            None => format!("{} {}", dns.record, dns.name),
        },
        ProbeKind::Postgres(database) | ProbeKind::Mysql(database) => match &database.database {
            Some(name) => format!("{}/{name}", database.address),
            None => database.address.clone(),
        },
        ProbeKind::Http(http) => match url::Url::parse(&http.url) {
            Ok(url) => {
                let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
                format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
            }
            Err(_) => "an unusable URL".into(),
        },
    }
}

#[cfg(test)]
mod tests;
