//! Probing over the real network: names, connections, TLS, one request or query, redirects within the host.
//!
//! Not a general client: no connection is reused, no proxy is asked, and nothing of an answer's body is kept.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;
use watchkeeper_config::model::probe::{HttpProbe, Probe, ProbeKind, Starttls, TlsProbe};
use watchkeeper_domain::{Env, Span};

use super::certificate::{RootsError, Verifiers, in_words, system_roots};
use super::request::{self, Expected};
use super::{Finding, Network, Phases, database, dns, icmp, starttls};

/// Redirects within the host that are followed.
const MOST_REDIRECTS: usize = 5;

/// A byte stream, plain or encrypted.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The network as it is.
#[derive(Clone)]
pub struct RealNetwork {
    env: Env,
    verifiers: Verifiers,
    /// The trusted certificate authorities as DER, for a client that wants to build its own verifier.
    authorities: Arc<Vec<Vec<u8>>>,
}

/// What is known so far; read also when the probe ran out of time.
pub(super) struct Progress<'a> {
    env: &'a Env,
    pub(super) finding: Mutex<Finding>,
    doing: Mutex<&'static str>,
}

impl Progress<'_> {
    /// Runs one phase and adds its time, also to what earlier redirects took.
    pub(super) async fn phase<T>(
        &self,
        doing: &'static str,
        slot: fn(&mut Phases) -> &mut Option<Span>,
        work: impl Future<Output = T>,
    ) -> T {
        *self.doing.lock() = doing;
        let began = self.env.clock.monotonic();
        let done = work.await;
        let took = Span::from(self.env.clock.monotonic().saturating_sub(began));
        let mut finding = self.finding.lock();
        let slot = slot(&mut finding.phases);
        *slot = Some(Span::from_micros(slot.unwrap_or_default().as_micros() + took.as_micros()));
        done
    }
}

impl RealNetwork {
    /// Trusts the system's certificate authorities.
    pub fn new(env: Env) -> Result<Self, RootsError> {
        let (roots, authorities) = system_roots()?;
        Ok(Self { authorities: Arc::new(authorities), ..Self::trusting(env, roots)? })
    }

    /// Trusts these certificate authorities only.
    pub fn trusting(env: Env, roots: RootCertStore) -> Result<Self, RootsError> {
        Ok(Self { env, verifiers: Verifiers::new(roots)?, authorities: Arc::default() })
    }

    async fn run(&self, probe: &Probe, progress: &Progress<'_>) -> Result<(), String> {
        match &probe.kind {
            ProbeKind::Tcp { address } => {
                let (host, port) = split(address)?;
                self.connect(host, port, progress).await.map(drop)
            }
            ProbeKind::Http(http) => self.http(http, progress).await,
            ProbeKind::Dns(dns) => dns::check(dns, probe.timeout, progress).await,
            ProbeKind::Icmp { host } => icmp::check(host, probe.timeout, &self.env, progress).await,
            ProbeKind::Tls(tls) => self.tls(tls, progress).await,
            ProbeKind::Postgres(database) => {
                let (host, port) = split(&database.address)?;
                let mut tcp = self.connect(host, port, progress).await?;
                let stream: Box<dyn Stream> = if database.tls {
                    starttls::begin(&mut tcp, Starttls::Postgres).await?;
                    self.handshake(tcp, host, progress).await?
                } else {
                    Box::new(tcp)
                };
                database::postgres(database, stream, progress).await
            }
            ProbeKind::Mysql(database) => {
                database::mysql(database, split(&database.address)?, &self.authorities, progress).await
            }
        }
    }

    async fn http(&self, http: &HttpProbe, progress: &Progress<'_>) -> Result<(), String> {
        let mut url = Url::parse(&http.url).map_err(|e| format!("the probe's URL is not usable: {e}"))?;
        let expected = Expected::new(http)?;
        for _ in 0..=MOST_REDIRECTS {
            let stream = self.open(&url, progress).await?;
            let answer = request::send(stream, &url, &http.method, &http.headers, progress).await?;
            match request::redirect(&answer, &url, &expected)? {
                Some(next) => url = next,
                None => return request::check(answer, &expected, progress).await,
            }
        }
        Err(format!("more than {MOST_REDIRECTS} redirects"))
    }

    async fn tls(&self, tls: &TlsProbe, progress: &Progress<'_>) -> Result<(), String> {
        let (host, port) = split(&tls.address)?;
        let mut tcp = self.connect(host, port, progress).await?;
        if let Some(protocol) = tls.starttls {
            starttls::begin(&mut tcp, protocol).await?;
        }
        let name = tls.server_name.as_deref().unwrap_or(host);
        self.handshake(tcp, name, progress).await?;
        let expires_at = progress.finding.lock().certificate_expires_at;
        match expires_at.filter(|at| *at < self.env.now() + tls.min_validity) {
            Some(at) => Err(format!("the certificate of `{name}` expires at {at}, within {}", tls.min_validity)),
            None => Ok(()),
        }
    }

    async fn connect(&self, host: &str, port: u16, progress: &Progress<'_>) -> Result<TcpStream, String> {
        let lookup = progress.phase("resolving the name", |p| &mut p.resolve, tokio::net::lookup_host((host, port)));
        let addresses: Vec<SocketAddr> =
            lookup.await.map_err(|e| format!("the name `{host}` cannot be resolved: {e}"))?.collect();
        let connect = async {
            let mut last = format!("the name `{host}` has no address");
            for address in &addresses {
                match TcpStream::connect(address).await {
                    Ok(stream) => return Ok(stream),
                    Err(e) => last = format!("no connection to {address}: {e}"),
                }
            }
            Err(last)
        };
        progress.phase("connecting", |p| &mut p.connect, connect).await
    }

    async fn open(&self, url: &Url, progress: &Progress<'_>) -> Result<Box<dyn Stream>, String> {
        let host =
            url.host_str().ok_or("the URL has no host")?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port_or_known_default().ok_or("the URL has no port")?;
        match url.scheme() {
            "http" => Ok(Box::new(self.connect(&host, port, progress).await?)),
            "https" => {
                let tcp = self.connect(&host, port, progress).await?;
                self.handshake(tcp, &host, progress).await
            }
            other => Err(format!("`{other}` is not a scheme that probes speak; use http or https")),
        }
    }

    /// The handshake; what the certificate says is noted also when it is refused.
    async fn handshake(&self, tcp: TcpStream, host: &str, progress: &Progress<'_>) -> Result<Box<dyn Stream>, String> {
        let (config, seen) = self.verifiers.client().map_err(|e| format!("TLS cannot be set up: {e}"))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| format!("`{host}` is not a name for TLS"))?;
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        let result = progress.phase("the TLS handshake", |p| &mut p.tls, handshake).await;
        let seen = seen.lock();
        progress.finding.lock().certificate_expires_at = seen.expires_at;
        let refused = |e: std::io::Error| match &seen.refused {
            Some(error) => in_words(error, host, seen.expires_at),
            None => format!("the TLS handshake with `{host}` failed: {e}"),
        };
        Ok(Box::new(result.map_err(refused)?))
    }
}

/// Host and port of an address; the host of IPv6 without its brackets.
fn split(address: &str) -> Result<(&str, u16), String> {
    address
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host.trim_start_matches('[').trim_end_matches(']'), port.parse().ok()?)))
        .ok_or_else(|| format!("`{address}` is not an address of the form host:port"))
}

impl Network for RealNetwork {
    fn probe<'a>(&'a self, probe: &'a Probe) -> Pin<Box<dyn Future<Output = Finding> + Send + 'a>> {
        Box::pin(async move {
            let progress =
                Progress { env: &self.env, finding: Mutex::new(Finding::default()), doing: Mutex::new("starting") };
            let deadline = self.env.now() + probe.timeout;
            let error = tokio::select! {
                biased;
                done = self.run(probe, &progress) => done.err(),
                () = self.env.clock.sleep_until(deadline) => {
                    Some(format!("no answer within {}; it was still {}", probe.timeout, progress.doing.lock()))
                }
            };
            let finding = progress.finding.into_inner();
            // One that did not run did not fail either.
            Finding { error: error.filter(|_| finding.not_run.is_none()), ..finding }
        })
    }
}
