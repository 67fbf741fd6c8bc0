//! Syslog's sockets and the reading of log files: opened with the other listeners, run by the supervisor.
//!
//! Not their work: `logs` does it. Sockets stay as they are until a restart; log files follow a reload.

use std::sync::Arc;

use tokio::net::{TcpListener, UdpSocket};
use watchkeeper_config::Config;
use watchkeeper_config::model::SyslogListener;
use watchkeeper_logs::syslog::Syslog;
use watchkeeper_logs::tail::Tailer;

use super::{Shared, StartError, listener};

/// The sockets of one syslog listener.
pub(super) struct Sockets {
    listener: Arc<SyslogListener>,
    tcp: Option<TcpListener>,
    udp: Option<UdpSocket>,
}

/// Opens what is configured, before anything runs.
pub(super) async fn bind(config: &Config) -> Result<Vec<Sockets>, StartError> {
    const KEY: &str = "syslog.listen";
    let mut all = Vec::new();
    for one in &config.syslog {
        let address = one.listen;
        let tcp = match one.tcp {
            true => Some(listener(address, KEY).await?.0),
            false => None,
        };
        let udp = match one.udp {
            true => {
                let bound = UdpSocket::bind(address).await;
                Some(bound.map_err(|source| StartError::Listen { address, key: KEY, source })?)
            }
            false => None,
        };
        all.push(Sockets { listener: Arc::new(one.clone()), tcp, udp });
    }
    Ok(all)
}

/// Runs everything.
pub(super) async fn run(shared: &Arc<Shared>, sockets: Vec<Sockets>) -> Result<(), StartError> {
    for Sockets { listener, tcp, udp } in sockets {
        let syslog = Syslog { env: shared.env.clone(), sink: Arc::clone(&shared.store) as _, listener };
        if let Some(tcp) = tcp {
            let (syslog, stop) = (syslog.clone(), shared.supervisor.stopping());
            shared.supervisor.run("syslog", async move { syslog.tcp(tcp, stop.cancelled()).await });
        }
        if let Some(udp) = udp {
            let stop = shared.supervisor.stopping();
            shared.supervisor.run("syslog", async move { syslog.udp(udp, stop.cancelled()).await });
        }
    }
    let tailer = Tailer::load(shared.env.clone(), shared.state.clone(), Arc::clone(&shared.store) as _).await?;
    let (config, stop) = (Arc::clone(&shared.config), shared.supervisor.stopping());
    let configured = move || config.load().log_files.clone().into();
    shared.supervisor.run("log files", async move { tailer.run(configured, stop.cancelled()).await });
    Ok(())
}
