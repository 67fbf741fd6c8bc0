//! Echo requests over unprivileged sockets.
//!
//! Not a raw socket by preference: where the system permits neither, the probe did not run, and says what to do.

use std::io;
use std::net::IpAddr;

use surge_ping::{Client, Config, ICMP, PingIdentifier, PingSequence, SurgeError};
use watchkeeper_domain::{Env, Span};

use super::network::Progress;

/// What is sent, so that whoever sees it knows whose it is.
const PAYLOAD: &[u8] = b"watchkeeper probe";

/// Resolves the host and sends one request. A socket that is not permitted is told as not having run.
pub(super) async fn check(host: &str, timeout: Span, env: &Env, progress: &Progress<'_>) -> Result<(), String> {
    let lookup = progress.phase("resolving the name", |p| &mut p.resolve, tokio::net::lookup_host((host, 0)));
    let mut addresses = lookup.await.map_err(|e| format!("the name `{host}` cannot be resolved: {e}"))?;
    let ip = addresses.next().ok_or_else(|| format!("the name `{host}` has no address"))?.ip();
    let kind = if matches!(ip, IpAddr::V4(_)) { ICMP::V4 } else { ICMP::V6 };
    let client = match Client::new(&Config::builder().kind(kind).build()) {
        Ok(client) => client,
        Err(error) => {
            progress.finding.lock().not_run = Some(not_permitted(&error));
            return Ok(());
        }
    };
    let mut random = [0_u8; 2];
    env.entropy.fill(&mut random);
    let mut pinger = client.pinger(ip, PingIdentifier(u16::from_ne_bytes(random))).await;
    pinger.timeout(timeout.to_std());
    let echo = progress.phase("waiting for the echo", |p| &mut p.processing, pinger.ping(PingSequence(0), PAYLOAD));
    match echo.await {
        Ok(_) => Ok(()),
        Err(SurgeError::Timeout { .. }) => Err(format!("no echo from {ip} within {timeout}")),
        Err(SurgeError::IOError(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            progress.finding.lock().not_run = Some(not_permitted(&error));
            Ok(())
        }
        Err(error) => Err(format!("no echo from {ip}: {error}")),
    }
}

fn not_permitted(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "ICMP is not permitted here; let the server's group into \
             `sysctl net.ipv4.ping_group_range`, or give the program CAP_NET_RAW"
            .to_owned(),
        _ => format!("no socket for ICMP can be opened: {error}"),
    }
}
