//! Which addresses may be reached, by whom the URL was named.
//!
//! Not a firewall: it keeps a URL from turning the server into somebody's way into the internal network (SSRF).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Who named a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The administrator, in the configuration: `https:` anywhere, `http:` on loopback and private networks.
    Administrator,
    /// A payload, a label, a user: `https:` on public addresses only.
    Payload,
}

/// The addresses that one connection may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// Loopback and private networks.
    Private,
    /// All but those that are never reached.
    Any,
    /// Public ones.
    Public,
}

/// Why an address may not be reached. Shows the host at most, never path or query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Neither `http:` nor `https:`.
    #[error("`{0}:` URLs are not reached; write https:")]
    Scheme(String),
    /// No host, or a user name before it.
    #[error("the URL has no host, or a user name or password in it; send credentials as a header")]
    Host,
    /// `http:` to a public address, or an address that a payload may not name.
    #[error("`{host}` may not be reached this way: {why}")]
    Address {
        /// The host.
        host: String,
        /// What to do.
        why: &'static str,
    },
}

/// Checks what can be seen in the URL itself. The resolver checks the addresses that a name stands for.
pub fn check(url: &Url, reach: Reach) -> Result<Addresses, Refused> {
    let addresses = match (url.scheme(), reach) {
        ("https", Reach::Administrator) => Addresses::Any,
        ("http", Reach::Administrator) => Addresses::Private,
        ("https", Reach::Payload) => Addresses::Public,
        ("http", Reach::Payload) => {
            return Err(Refused::Address { host: url.host_str().unwrap_or_default().to_owned(), why: "use https:" });
        }
        (other, _) => return Err(Refused::Scheme(other.chars().take(20).collect())),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Host);
    }
    let literal = match url.host().ok_or(Refused::Host)? {
        Host::Domain(_) => return Ok(addresses),
        Host::Ipv4(ip) => IpAddr::V4(ip),
        Host::Ipv6(ip) => IpAddr::V6(ip),
    };
    allowed(literal, addresses).map_err(|why| Refused::Address { host: literal.to_string(), why })?;
    Ok(addresses)
}

/// Whether an address may be reached; else what to do about it.
pub fn allowed(address: IpAddr, addresses: Addresses) -> Result<(), &'static str> {
    let address = canonical(address);
    if never(address) {
        return Err("link-local, multicast and unspecified addresses are never reached");
    }
    match (addresses, internal(address)) {
        (Addresses::Any, _) | (Addresses::Private, true) | (Addresses::Public, false) => Ok(()),
        (Addresses::Private, false) => Err("plain http: goes to loopback and private networks only; use https:"),
        (Addresses::Public, true) => Err("a URL that comes from a payload may not point into the internal network"),
    }
}

/// An IPv6 address that stands for an IPv4 one is judged as that one.
fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.segments() {
            // NAT64 (RFC 6052): 64:ff9b::/96.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4_of(high, low),
            // 6to4 (RFC 3056): 2002::/16.
            [0x2002, high, low, ..] => v4_of(high, low),
            _ => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
        },
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn v4_of(high: u16, low: u16) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

fn never(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.octets()[0] == 0 || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.octets()[0] >= 240
        }
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local(),
    }
}

/// Loopback, private networks (RFC 1918, RFC 4193) and the shared space of carriers (RFC 6598).
fn internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xC0 == 64),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || compatible(v6),
    }
}

/// The retired form `::127.0.0.1`: nothing public uses it.
fn compatible(v6: Ipv6Addr) -> bool {
    v6.segments()[..6] == [0; 6]
}

/// Resolves a name and keeps the addresses that may be reached; what is connected to is what was checked.
#[derive(Debug)]
pub(super) struct Resolver(Addresses);

impl Resolver {
    pub(super) fn new(addresses: Addresses) -> Self {
        Self(addresses)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.0;
        Box::pin(async move {
            let kept = resolve(name.as_str(), 0, addresses).await?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Resolves `host` and keeps the addresses that may be reached; for protocols that are not HTTP, too.
pub async fn resolve(host: &str, port: u16, addresses: Addresses) -> Result<Vec<SocketAddr>, std::io::Error> {
    let mut why = "the name has no address";
    let mut kept = Vec::new();
    for found in tokio::net::lookup_host((host, port)).await? {
        match allowed(found.ip(), addresses) {
            Ok(()) => kept.push(found),
            Err(reason) => why = reason,
        }
    }
    if kept.is_empty() { Err(std::io::Error::other(why)) } else { Ok(kept) }
}
