//! Syslog's sockets: connections and datagrams in, records out.
//!
//! Not the forms of messages (`ingest::syslog`). There are no credentials: who may send is a matter of addresses.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use watchkeeper_config::model::SyslogListener;
use watchkeeper_domain::Env;
use watchkeeper_domain::telemetry::{Batch, LogRecord, TelemetrySink};
use watchkeeper_ingest::syslog::frame::Framer;
use watchkeeper_ingest::syslog::{Context, record};

use crate::keep::keep;

/// The most connections at once; more are closed again.
const MOST_CONNECTIONS: usize = 512;
/// How much is read at once from a connection.
const READ_BYTES: usize = 64 << 10;
/// The largest datagram (RFC 5426, 3.2).
const DATAGRAM_BYTES: usize = 65_536;
/// The most datagrams that go into one batch.
const MOST_DATAGRAMS: usize = 1_000;

/// One listener with what it needs.
#[derive(Clone)]
pub struct Syslog {
    /// Time.
    pub env: Env,
    /// What keeps the records.
    pub sink: Arc<dyn TelemetrySink>,
    /// The listener's configuration.
    pub listener: Arc<SyslogListener>,
}

impl Syslog {
    /// Takes connections until `stop` completes.
    pub async fn tcp(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) if self.allowed(peer) => {
                        if connections.len() >= MOST_CONNECTIONS {
                            tracing::warn!(%peer, "a syslog connection is closed: there are {MOST_CONNECTIONS} already");
                            continue;
                        }
                        let syslog = self.clone();
                        connections.spawn(async move { syslog.connection(stream, peer).await });
                    }
                    Ok(_) => {}
                    Err(error) => {
                        // Out of file descriptors, for example: it passes.
                        tracing::warn!(%error, "a syslog connection could not be taken");
                        self.env.clock.sleep_until(self.env.now() + watchkeeper_domain::Span::from_millis(100)).await;
                    }
                },
            }
        }
    }

    fn allowed(&self, peer: SocketAddr) -> bool {
        let allowed = self.listener.allows(peer.ip());
        if !allowed {
            tracing::warn!(%peer, "a syslog sender is refused: its address is not in `allow_from`");
        }
        allowed
    }

    async fn connection(self, mut stream: TcpStream, peer: SocketAddr) {
        let whose = peer.to_string();
        let (mut framer, mut buffer, mut messages) = (Framer::default(), vec![0; READ_BYTES], Vec::new());
        loop {
            let read = match stream.read(&mut buffer).await {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => {
                    tracing::debug!(%peer, %error, "a syslog connection ended");
                    break;
                }
            };
            let broken = framer.push(buffer.get(..read).unwrap_or_default(), &mut messages);
            if !self.take(&mut messages, peer, &whose).await {
                return;
            }
            if let Err(error) = broken {
                tracing::warn!(%peer, %error, "a syslog connection is closed: it cannot be read on");
                return;
            }
        }
        messages.extend(framer.finish());
        self.take(&mut messages, peer, &whose).await;
    }

    /// Keeps what was read before more is read: that holds the sender up when the store cannot.
    async fn take(&self, messages: &mut Vec<Vec<u8>>, peer: SocketAddr, whose: &str) -> bool {
        if messages.is_empty() {
            return true;
        }
        let context = self.context(peer);
        let records = messages.drain(..).map(|message| record(&message, &context)).collect();
        keep(self.sink.as_ref(), &self.env, records, whose).await
    }

    fn context(&self, peer: SocketAddr) -> Context {
        let attributes = &self.listener.attributes;
        Context {
            now: self.env.now(),
            time_zone: self.listener.time_zone.clone(),
            peer: Some(peer.ip().to_canonical().to_string()),
            resource: attributes.iter().map(|(n, v)| (n.clone(), v.clone())).collect(),
        }
    }

    /// Takes datagrams until `stop` completes. What the store does not take is lost, and counted in the log.
    pub async fn udp(self, socket: UdpSocket, stop: impl Future<Output = ()>) {
        let mut buffer = vec![0; DATAGRAM_BYTES];
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                received = socket.recv_from(&mut buffer) => match received {
                    Ok((length, peer)) => self.datagrams(&socket, &mut buffer, (length, peer)).await,
                    // An earlier answer of ours was refused by its receiver; there is none, but the kernel may say so.
                    Err(error) => tracing::debug!(%error, "a datagram could not be read"),
                },
            }
        }
    }

    async fn datagrams(&self, socket: &UdpSocket, buffer: &mut [u8], first: (usize, SocketAddr)) {
        let mut logs: Vec<LogRecord> = Vec::new();
        let mut next = Some(first);
        while let Some((length, peer)) = next {
            if self.allowed(peer) {
                logs.push(record(buffer.get(..length).unwrap_or_default(), &self.context(peer)));
            }
            next = match socket.try_recv_from(buffer) {
                Ok(received) if logs.len() < MOST_DATAGRAMS => Some(received),
                Ok((length, peer)) => {
                    if self.allowed(peer) {
                        logs.push(record(buffer.get(..length).unwrap_or_default(), &self.context(peer)));
                    }
                    None
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
                Err(_) => None,
            };
        }
        let lost = logs.len();
        if lost > 0
            && let Err(error) = self.sink.append(Batch { logs, ..Batch::default() }).await
        {
            tracing::warn!(%error, lost, "syslog messages that came over UDP are lost; TCP would have waited");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::pin::Pin;

    use parking_lot::Mutex;
    use tokio::io::AsyncWriteExt as _;
    use watchkeeper_domain::Span;
    use watchkeeper_domain::telemetry::{AppendError, Appended};
    use watchkeeper_testkit::{SeededEntropy, SystemClock};

    use super::*;

    /// Keeps what it is given, after refusing as often as it is told to.
    #[derive(Default)]
    struct Kept {
        refuse: Mutex<u32>,
        bodies: Mutex<Vec<String>>,
    }

    impl TelemetrySink for Kept {
        fn append(&self, batch: Batch) -> Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send + '_>> {
            let mut refuse = self.refuse.lock();
            let refused = *refuse > 0;
            *refuse = refuse.saturating_sub(1);
            if !refused {
                self.bodies.lock().extend(batch.logs.into_iter().map(|log| log.body));
            }
            Box::pin(async move {
                if refused { Err(AppendError::Overloaded { retry_after_s: 1 }) } else { Ok(Appended::default()) }
            })
        }
    }

    fn syslog(kept: &Arc<Kept>, allow: &[&str]) -> Syslog {
        let allow_from = allow.iter().map(|text| text.parse().unwrap());
        let allow_from = allow_from.map(|address| watchkeeper_config::model::input::Network { address, prefix: 32 });
        Syslog {
            env: Env { clock: Arc::new(SystemClock::default()), entropy: Arc::new(SeededEntropy::new(1)) },
            sink: Arc::clone(kept) as _,
            listener: Arc::new(SyslogListener {
                listen: ([127, 0, 0, 1], 0).into(),
                tcp: true,
                udp: true,
                allow_from: allow_from.collect(),
                time_zone: jiff::tz::TimeZone::UTC,
                attributes: BTreeMap::new(),
            }),
        }
    }

    async fn until(kept: &Kept, count: usize) -> Vec<String> {
        let env = Env { clock: Arc::new(SystemClock::default()), entropy: Arc::new(SeededEntropy::new(1)) };
        for _ in 0..500 {
            if kept.bodies.lock().len() >= count {
                break;
            }
            env.clock.sleep_until(env.now() + Span::from_millis(10)).await;
        }
        kept.bodies.lock().clone()
    }

    #[tokio::test]
    async fn a_connection_is_held_up_while_the_store_refuses_and_loses_nothing() {
        let kept = Arc::new(Kept { refuse: Mutex::new(2), ..Kept::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let story = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream
                .write_all(b"<13>1 - h a - - - one\n27 <13>1 - h a - - - two\nlines<13>Nov 26 17:40:05 h a: th")
                .await
                .unwrap();
            stream.write_all(b"ree").await.unwrap();
            drop(stream);
            until(&kept, 3).await
        };
        tokio::select! {
            bodies = story => assert_eq!(bodies, ["one", "two\nlines", "three"]),
            () = syslog(&kept, &[]).tcp(listener, std::future::pending()) => unreachable!(),
        }
    }

    #[tokio::test]
    async fn datagrams_are_taken_one_by_one() {
        let kept = Arc::<Kept>::default();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let story = async {
            let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            for n in 0..50 {
                sender.send_to(format!("<13>app: {n}").as_bytes(), address).await.unwrap();
            }
            until(&kept, 50).await
        };
        tokio::select! {
            bodies = story => assert_eq!(bodies, (0..50).map(|n| n.to_string()).collect::<Vec<_>>()),
            () = syslog(&kept, &[]).udp(socket, std::future::pending()) => unreachable!(),
        }
    }

    #[test]
    fn only_this_machine_and_the_networks_that_are_named_may_send() {
        let syslog = syslog(&Arc::default(), &["10.1.2.3"]);
        let allowed = |text: &str| syslog.listener.allows(text.parse().unwrap());
        assert!(allowed("127.0.0.1") && allowed("::1") && allowed("10.1.2.3") && allowed("::ffff:10.1.2.3"));
        assert!(!allowed("10.1.2.4") && !allowed("2001:db8::1"));
    }
}
