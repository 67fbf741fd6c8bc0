//! Logs of what has no SDK: syslog listeners, and files that are read as they grow.
//!
//! Not reading them: `ingest::syslog` and `server` do.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use jiff::tz::TimeZone;

/// Where syslog is taken.
#[derive(Debug, Clone)]
pub struct SyslogListener {
    /// The address, for both transports.
    pub listen: SocketAddr,
    /// Whether over TCP. Default yes.
    pub tcp: bool,
    /// Whether over UDP. Default yes.
    pub udp: bool,
    /// Who may send; empty: this machine.
    pub allow_from: Vec<Network>,
    /// The zone of times without one. Default UTC.
    pub time_zone: TimeZone,
    /// Attributes of the resource of all its records.
    pub attributes: BTreeMap<String, String>,
}

impl SyslogListener {
    /// Whether this sender's messages are taken.
    #[must_use]
    pub fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        peer.is_loopback() || self.allow_from.iter().any(|network| network.contains(peer))
    }
}

/// Addresses with one beginning: `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// The first of them.
    pub address: IpAddr,
    /// How many bits they have in common.
    pub prefix: u8,
}

impl Network {
    /// Whether an address is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, bits: u32| {
            let left = bits - u32::from(self.prefix).min(bits);
            a.checked_shr(left).unwrap_or(0) == b.checked_shr(left).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128),
            _ => false,
        }
    }
}

/// Files that are read as they grow.
#[derive(Debug, Clone)]
pub struct TailedFiles {
    /// Patterns of paths, with `*` and `?`.
    pub paths: Vec<PathBuf>,
    /// Whose records they are; none: the file's name without what follows its first dot.
    pub service: Option<String>,
    /// A regular expression that the first line of a record matches; none: each line is one.
    pub record_start: Option<String>,
    /// Whether a file that is met for the first time is read from its beginning. Default: from its end.
    pub from_beginning: bool,
    /// Attributes of the resource of all their records.
    pub attributes: BTreeMap<String, String>,
}
