//! What a request passes before its handler: the block list, and the faults that strike at the door.
//! Also the counting of login attempts by client address.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use parking_lot::Mutex;
use rand::Rng;

use super::Front;
use crate::fault::Fault;
use crate::problem::Problem;
use crate::telemetry;

/// The share of API calls that fails while [`Fault::ApiErrors`] is on.
const ERROR_SHARE: f64 = 0.2;
/// How much longer a page takes while [`Fault::SlowFront`] is on.
const SLOW: Duration = Duration::from_millis(2400);
/// How many addresses get series of their own; the ones after that are counted together.
const MAX_ADDRESSES: usize = 500;

/// How an attempt to log in ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attempt {
    Success,
    Failure,
    Blocked,
}

impl Attempt {
    const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Blocked];

    fn outcome(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Blocked => "blocked",
        }
    }
}

/// The addresses that came so far, and the counters by address.
pub(super) struct Visitors {
    known: Mutex<HashSet<IpAddr>>,
    attempts: Counter<u64>,
    refused: Counter<u64>,
}

impl Visitors {
    pub(super) fn new() -> Self {
        let meter = telemetry::meter();
        let attempts = meter
            .u64_counter("bank.login.attempts")
            .with_unit("{attempt}")
            .with_description("Attempts to log in, by outcome and client address")
            .build();
        let refused = meter
            .u64_counter("bank.requests.blocked")
            .with_unit("{request}")
            .with_description("Requests refused because the client address is blocked")
            .build();
        Self { known: Mutex::default(), attempts, refused }
    }

    /// Starts the counters of an address at zero when its first request comes, so that a rate sees its first failure.
    fn welcome(&self, address: IpAddr) {
        {
            let mut known = self.known.lock();
            if known.len() >= MAX_ADDRESSES || !known.insert(address) {
                return;
            }
        }
        for attempt in Attempt::ALL {
            self.count(address, attempt, 0);
        }
        self.refused.add(0, &[client(address.to_string())]);
    }

    /// Counts one attempt.
    pub(super) fn attempt(&self, address: IpAddr, attempt: Attempt) {
        self.count(address, attempt, 1);
    }

    fn count(&self, address: IpAddr, attempt: Attempt, by: u64) {
        self.attempts.add(by, &[KeyValue::new("outcome", attempt.outcome()), client(self.label(address))]);
    }

    /// The address as it stands in a series: whoever comes from thousands of addresses must not make thousands of series.
    fn label(&self, address: IpAddr) -> String {
        if self.known.lock().contains(&address) { address.to_string() } else { "other".to_owned() }
    }
}

fn client(address: String) -> KeyValue {
    KeyValue::new("client.address", address)
}

/// Refuses blocked addresses, and counts what it refuses.
pub(super) async fn blocked(
    State(front): State<Front>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let address = peer.ip();
    front.visitors.welcome(address);
    if !front.blocklist.refuses(address, Timestamp::now()) {
        return next.run(request).await;
    }
    front.visitors.refused.add(1, &[client(front.visitors.label(address))]);
    if request.method() == Method::POST && matches!(request.uri().path(), "/login" | "/api/login") {
        front.visitors.attempt(address, Attempt::Blocked);
    }
    Problem::new(StatusCode::FORBIDDEN, "blocked", "requests from your address are blocked").into_response()
}

/// [`Fault::ApiErrors`].
pub(super) async fn api_errors(State(front): State<Front>, request: Request, next: Next) -> Response {
    if front.faults.is_on(Fault::ApiErrors) && rand::rng().random_bool(ERROR_SHARE) {
        tracing::error!("unexpected end of the session cache");
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
            .into_response();
    }
    next.run(request).await
}

/// [`Fault::SlowFront`].
pub(super) async fn slow_pages(State(front): State<Front>, request: Request, next: Next) -> Response {
    if front.faults.is_on(Fault::SlowFront) && request.method() == Method::GET {
        tokio::time::sleep(SLOW).await;
    }
    next.run(request).await
}
