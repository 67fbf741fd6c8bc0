//! Probing name servers: one question, and whether the expected records are among the answers.
//!
//! Not a resolver for the other probes: those ask the system, as their customers' programs do.

use hickory_resolver::Resolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use watchkeeper_config::model::probe::DnsProbe;
use watchkeeper_domain::Span;

use super::network::Progress;

/// The most answers that are named in a message.
const MOST_NAMED: usize = 10;

/// Asks and compares.
pub(super) async fn check(probe: &DnsProbe, timeout: Span, progress: &Progress<'_>) -> Result<(), String> {
    let wanted: RecordType = probe.record.parse().map_err(|_| format!("`{}` is not a type of record", probe.record))?;
    let provider = TokioRuntimeProvider::default();
    let mut builder = match probe.server {
        Some(address) => {
            let mut server = NameServerConfig::udp_and_tcp(address.ip());
            for connection in &mut server.connections {
                connection.port = address.port();
            }
            Resolver::builder_with_config(ResolverConfig::from_parts(None, Vec::new(), vec![server]), provider)
        }
        None => Resolver::builder_tokio()
            .map_err(|error| format!("the system's name servers cannot be found out: {error}"))?,
    };
    let options = builder.options_mut();
    // Each look is a look: nothing is remembered, and the hosts file is not what a customer sees.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.attempts = 1;
    options.timeout = timeout.to_std();
    let resolver = builder.build().map_err(|error| format!("the name server cannot be asked: {error}"))?;
    let asked = progress.phase("waiting for the name server", |p| &mut p.processing, async {
        resolver.lookup(probe.name.as_str(), wanted).await
    });
    let answer = asked.await.map_err(|error| format!("no {} record of `{}`: {error}", probe.record, probe.name))?;
    let records = answer.answers().iter().filter(|record| record.record_type() == wanted);
    let found: Vec<String> = records.map(|record| plain(&record.data)).collect();
    if found.is_empty() {
        return Err(format!("`{}` has no {} record", probe.name, probe.record));
    }
    for expected in &probe.expect {
        if !found.contains(&normal(expected)) {
            let named = found.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "the {} records of `{}` are {named}; {expected} is not among them",
                probe.record, probe.name
            ));
        }
    }
    Ok(())
}

/// A record's data as people write it in a configuration.
fn plain(data: &RData) -> String {
    match data {
        // A long text comes in pieces, which mean one text.
        RData::TXT(text) => text.txt_data.iter().map(|piece| String::from_utf8_lossy(piece)).collect(),
        other => normal(&other.to_string()),
    }
}

/// Names do not differ by case, nor by the dot at their end.
fn normal(text: &str) -> String {
    text.trim().trim_end_matches('.').to_ascii_lowercase()
}
