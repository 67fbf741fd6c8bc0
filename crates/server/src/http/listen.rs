//! Accepting connections: HTTP/1.1 and HTTP/2 (for gRPC) on one listener, with limits and an orderly end.
//!
//! Not TLS: behind loopback there is none; in front of the world a proxy terminates it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::{Service as _, ServiceExt as _};

use crate::supervisor::ConnectionGuard;

/// The most connections at once over all listeners.
const MAX_CONNECTIONS: u64 = 8_192;
/// How long the header of a request may take to arrive, the first one counted from the connection on.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// Serves until `stop`; then finishes the requests in flight within 5 s. A connection whose next header takes longer than
/// `header_timeout` is closed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    connections: Arc<AtomicU64>,
    header_timeout: Duration,
) {
    let graceful = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new());
    // A client that opens a connection and sends its header line by line would hold it for ever.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(64 << 10);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256).max_header_list_size(64 << 10);
    let mut make = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
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
        let service =
            hyper_util::service::TowerToHyperService::new(service.map_request(move |request: http::Request<_>| {
                first.cancel();
                request.map(axum::body::Body::new)
            }));
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        #[expect(
            clippy::disallowed_methods,
            reason = "one task per connection; they end with the listener's graceful shutdown"
        )]
        tokio::spawn(async move {
            let _guard = guard;
            // The builder's own time starts when it knows the protocol; who sends nothing, or a part of HTTP/2's
            // preface, never gets that far.
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
