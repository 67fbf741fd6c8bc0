//! What every service of the bank does around its routes: listen, measure each request, follow the trace, end gracefully.
//! Not the routes, and not the calling side (`peer`).

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use http::{Method, StatusCode};
use opentelemetry::metrics::Histogram;
use opentelemetry::{KeyValue, global};
use opentelemetry_http::HeaderExtractor;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::telemetry;

/// Larger than any form or document that the bank takes.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// How long requests in flight may take after the stop signal.
const DRAIN: Duration = Duration::from_secs(2);

/// Why a service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be had.
    #[error("{service} cannot listen on {address}; is another bank running?")]
    Bind {
        /// Which service.
        service: &'static str,
        /// Where.
        address: SocketAddr,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// The accept loop ended.
    #[error("{service} stopped serving")]
    Serve {
        /// Which service.
        service: &'static str,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// The HTTP client for other services could not be built.
    #[error("an HTTP client could not be built")]
    BuildClient(#[source] reqwest::Error),
    /// The database could not be opened or prepared.
    #[error(transparent)]
    Database(#[from] crate::database::DatabaseError),
    /// A file in the data folder could not be read or written.
    #[error("{path}: cannot be read or written")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
}

/// Serves `router` on `listen` until `stop` is ready; then lets the requests in flight end, for two seconds at most.
///
/// # Errors
/// When the address cannot be had, or the accept loop breaks.
pub async fn serve(
    service: &'static str,
    listen: SocketAddr,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), StartError> {
    let listener =
        TcpListener::bind(listen).await.map_err(|source| StartError::Bind { service, address: listen, source })?;
    tracing::info!(%listen, "{service} is listening");
    let app = measured(router).into_make_service_with_connect_info::<SocketAddr>();
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        stopping.send_replace(true);
    });
    tokio::select! {
        ended = serving.into_future() => ended.map_err(|source| StartError::Serve { service, source }),
        () = async {
            // An error only says that `serving` has ended, and then the other branch answers.
            if stopped.wait_for(|stopping| *stopping).await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(DRAIN).await;
        } => Ok(()),
    }
}

/// Wraps `router` so that each request is limited, traced and measured, panics and refusals of inner layers included.
fn measured(router: Router) -> Router {
    let duration = telemetry::meter()
        .f64_histogram("http.server.request.duration")
        .with_unit("s")
        .with_description("How long the server took for a request")
        .with_boundaries(vec![0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0])
        .build();
    router
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(duration, measure))
}

async fn measure(State(duration): State<Histogram<f64>>, request: Request, next: Next) -> Response {
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let client =
        request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_string()).unwrap_or_default();
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        client.address = client,
    );
    let caller = global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(request.headers())));
    // Fails only when no tracing layer is installed (OTLP off), and then there is no trace to join.
    let _ = span.set_parent(caller);

    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.in_scope(|| {
            tracing::error!(http.route = route, http.response.status_code = status.as_u16(), "request failed")
        });
    }
    duration.record(started.elapsed().as_secs_f64(), &attributes(method, route, status));
    response
}

fn attributes(method: &'static str, route: String, status: StatusCode) -> [KeyValue; 3] {
    [
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route),
        KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
    ]
}

/// A method from the known ones: a client may send any word, and each word would be a new series.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
