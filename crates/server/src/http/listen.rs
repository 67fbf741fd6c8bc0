//! Accepting connections: HTTP/1.1 and HTTP/2 (for gRPC) on one listener, with and without TLS, with limits and an orderly end.
//!
//! Not the certificates: `tls` reads and replaces them; a connection takes the one that is in force when it begins.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::{Service as _, ServiceExt as _};

use crate::supervisor::ConnectionGuard;
use crate::tls::{Certificates, Loaded};

/// The most connections at once over all listeners.
const MAX_CONNECTIONS: u64 = 8_192;
/// How long the header of a request may take to arrive, the first one counted from the connection on; with TLS, from the
/// end of the handshake on, which may take as long.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The first byte of every TLS connection: a handshake record.
const HANDSHAKE: u8 = 0x16;
/// What is told to those who speak HTTP where TLS is spoken.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 50\r\nConnection: close\r\n\r\nThis port speaks HTTPS: write https:// in the URL.";

/// Serves until `stop`; then finishes the requests in flight within 5 s. A connection whose handshake or next header takes
/// longer than `header_timeout` is closed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    connections: Arc<AtomicU64>,
    header_timeout: Duration,
    certificates: Certificates,
) {
    let graceful = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new());
    // A client that opens a connection and sends its header line by line would hold it for ever.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(64 << 10);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256).max_header_list_size(64 << 10);
    let mut make = router.into_make_service_with_connect_info::<SocketAddr>();
    loop {
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: a pause lets connections end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::task::yield_now().await;
                    continue;
                }
            },
        };
        let guard = ConnectionGuard::new(&connections);
        if connections.load(std::sync::atomic::Ordering::Relaxed) > MAX_CONNECTIONS {
            tracing::warn!(%peer, "too many connections; this one is closed");
            continue;
        }
        // Answers are small and latency is the product.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let Ok(service) = make.call(peer).await;
        let asked = CancellationToken::new();
        let first = asked.clone();
        let service = service.map_request(move |request: Request<Incoming>| {
            first.cancel();
            request.map(Body::new)
        });
        let connection =
            Connection { builder: builder.clone(), watcher: graceful.watcher(), asked, header_timeout, peer };
        let (loaded, stop) = (certificates.now(), stop.clone());
        #[expect(
            clippy::disallowed_methods,
            reason = "one task per connection; they end with the listener's graceful shutdown"
        )]
        tokio::spawn(async move {
            let _guard = guard;
            match loaded {
                None => connection.run(stream, service).await,
                Some(loaded) => {
                    let shaken = tokio::select! {
                        shaken = shake(stream, loaded, header_timeout, peer) => shaken,
                        () = stop.cancelled() => None,
                    };
                    if let Some(stream) = shaken {
                        connection.run(stream, service).await;
                    }
                }
            }
        });
    }
    drop(listener);
    #[expect(clippy::disallowed_methods, reason = "the end of the process is on real time")]
    let patience = tokio::time::sleep(Duration::from_secs(5));
    tokio::select! {
        () = graceful.shutdown() => {}
        () = patience => tracing::warn!("some requests did not finish within 5 s and are cut off"),
    }
}

/// The handshake. None: it failed, took too long, or was none.
async fn shake(
    mut stream: TcpStream,
    loaded: Arc<Loaded>,
    patience: Duration,
    peer: SocketAddr,
) -> Option<Box<TlsStream<TcpStream>>> {
    let shaken = tokio::time::timeout(patience, async {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first != [HANDSHAKE] {
            stream.write_all(PLAIN).await?;
            stream.shutdown().await?;
            return Err(std::io::Error::other("it speaks HTTP without TLS"));
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&loaded.config));
        Box::pin(acceptor.accept(stream)).await.map(Box::new)
    });
    match Box::pin(shaken).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, %peer, "a TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "a TLS handshake took too long");
            None
        }
    }
}

/// What one connection needs beside its stream and its service.
struct Connection {
    builder: Builder<TokioExecutor>,
    watcher: Watcher,
    /// Cancelled by the first request.
    asked: CancellationToken,
    header_timeout: Duration,
    peer: SocketAddr,
}

impl Connection {
    async fn run<I, S>(self, stream: I, service: S)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: tower::Service<Request<Incoming>, Response = Response, Error = std::convert::Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
    {
        let Self { builder, watcher, asked, header_timeout, peer } = self;
        let service = TowerToHyperService::new(service);
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let connection = Box::pin(watcher.watch(connection));
        // The builder's own time starts when it knows the protocol; who sends nothing, or a part of HTTP/2's preface,
        // never gets that far.
        let silent = async {
            if tokio::time::timeout(header_timeout, asked.cancelled()).await.is_ok() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, %peer, "a connection ended early");
            },
            () = silent => tracing::debug!(%peer, "a connection without a request was closed"),
        }
    }
}
