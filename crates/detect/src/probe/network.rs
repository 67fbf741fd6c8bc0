//! Probing over the real network: names, connections, TLS, one request, redirects within the host.
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
use watchkeeper_config::model::{Probe, ProbeKind};
use watchkeeper_domain::{Env, Span};

use super::certificate::{RootsError, Verifiers, in_words, system_roots};
use super::request::{self, Expected};
use super::{Finding, Network, Phases};

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
        Self::trusting(env, system_roots()?)
    }

    /// Trusts these certificate authorities only.
    pub fn trusting(env: Env, roots: RootCertStore) -> Result<Self, RootsError> {
        Ok(Self { env, verifiers: Verifiers::new(roots)? })
    }

    async fn run(&self, probe: &Probe, progress: &Progress<'_>) -> Result<(), String> {
        match &probe.kind {
            ProbeKind::Tcp { address } => {
                let (host, port) = address
                    .rsplit_once(':')
                    .and_then(|(host, port)| {
                        Some((host.trim_start_matches('[').trim_end_matches(']'), port.parse().ok()?))
                    })
                    .ok_or_else(|| format!("`{address}` is not an address of the form host:port"))?;
                self.connect(host, port, progress).await.map(drop)
            }
            ProbeKind::Http { url, method, headers, expect_status, expect_body } => {
                let mut url = Url::parse(url).map_err(|e| format!("the probe's URL is not usable: {e}"))?;
                let expected = Expected::new(expect_status, expect_body.as_deref())?;
                for _ in 0..=MOST_REDIRECTS {
                    let stream = self.open(&url, progress).await?;
                    let answer = request::send(stream, &url, method, headers, progress).await?;
                    match request::redirect(&answer, &url, &expected)? {
                        Some(next) => url = next,
                        None => return request::check(answer, &expected, progress).await,
                    }
                }
                Err(format!("more than {MOST_REDIRECTS} redirects"))
            }
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
                let (config, seen) = self.verifiers.client().map_err(|e| format!("TLS cannot be set up: {e}"))?;
                let name = ServerName::try_from(host.clone()).map_err(|_| format!("`{host}` is not a name for TLS"))?;
                let handshake = TlsConnector::from(Arc::new(config)).connect(name, tcp);
                let result = progress.phase("the TLS handshake", |p| &mut p.tls, handshake).await;
                let seen = seen.lock();
                progress.finding.lock().certificate_expires_at = seen.expires_at;
                let refused = |e: std::io::Error| match &seen.refused {
                    Some(error) => in_words(error, &host, seen.expires_at),
                    None => format!("the TLS handshake with `{host}` failed: {e}"),
                };
                Ok(Box::new(result.map_err(refused)?))
            }
            other => Err(format!("`{other}` is not a scheme that probes speak; use http or https")),
        }
    }
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
            Finding { error, ..progress.finding.into_inner() }
        })
    }
}
