//! The network and the peers at its other end: they take what they are sent, refuse it, break off, hang, answer too late.
//!
//! Not a server: nothing here has a socket. What becomes of a request follows from the seed and from the request itself, not
//! from the order in which requests come, and an answer arrives when the driver lets it.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use tokio::sync::oneshot;
use watchkeeper_domain::{Clock as _, Span, Timestamp};
use watchkeeper_respond::client::reach::Addresses;
use watchkeeper_respond::client::{Answer, ClientError, Network, Request};

use super::clock::SimClock;
use super::fate::Fate;
use super::mutant::Mutant;

/// Everybody who can be told something: host, receiver, integration.
pub(crate) const PEERS: [(&str, &str, &str); 6] = [
    ("10.0.0.1", "team", "webhook"),
    ("10.0.0.2", "team", "webhook:1"),
    ("10.0.0.3", "second", "webhook"),
    ("10.0.1.1", "person:ana", "webhook"),
    ("10.0.1.2", "person:bo", "webhook"),
    ("10.0.1.3", "person:cy", "webhook"),
];

/// How a peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Well,
    /// 500.
    Broken,
    /// 429 with the wish to be left alone for some seconds.
    Busy,
    /// What it answers is no HTTP; it has taken the message all the same.
    Garbage,
    /// It takes the message, and never answers.
    Hanging,
    /// It takes the message, and answers when nobody waits any more.
    Late,
    /// It closes the connection, having taken the message or not.
    Closing,
    /// Nobody listens.
    Gone,
    /// Another one each time.
    Moody,
}

impl Mode {
    pub(crate) const BAD: [Self; 8] =
        [Self::Broken, Self::Busy, Self::Garbage, Self::Hanging, Self::Late, Self::Closing, Self::Gone, Self::Moody];
}

/// What is known of an attempt by whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing (yet).
    Unknown,
    Taken,
    NotTaken,
}

/// One request as it came to a peer.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) at: Timestamp,
    pub(crate) peer: usize,
    pub(crate) key: String,
    /// Alert and whether it is said to fire.
    pub(crate) alerts: Vec<(String, bool)>,
    pub(crate) taken: bool,
    pub(crate) known: Known,
}

enum Reply {
    Status(u16, Option<u32>),
    Unanswered,
    NotSent,
}

struct Flight {
    due: Option<Timestamp>,
    reply: Reply,
    answer: oneshot::Sender<Result<Answer, ClientError>>,
    arrival: usize,
}

struct Inner {
    seed: u64,
    modes: [Mode; PEERS.len()],
    /// When something last went wrong with it.
    troubled: [Option<Timestamp>; PEERS.len()],
    attempts: BTreeMap<String, u32>,
    flights: BTreeMap<(String, u32), Flight>,
    arrivals: Vec<Arrival>,
    alive: usize,
    mutant: Option<Mutant>,
}

/// See the module.
pub(crate) struct SimNetwork {
    clock: Arc<SimClock>,
    fate: Fate,
    inner: Arc<Mutex<Inner>>,
}

/// Counts a request that somebody waits for.
struct Alive(Arc<Mutex<Inner>>, (String, u32));

impl Drop for Alive {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.alive -= 1;
        inner.flights.remove(&self.1);
    }
}

impl SimNetwork {
    pub(crate) fn new(seed: u64, clock: Arc<SimClock>, fate: Fate, mutant: Option<Mutant>) -> Self {
        let inner = Inner {
            seed,
            modes: [Mode::Well; PEERS.len()],
            troubled: [None; PEERS.len()],
            attempts: BTreeMap::new(),
            flights: BTreeMap::new(),
            arrivals: Vec::new(),
            alive: 0,
            mutant,
        };
        Self { clock, fate, inner: Arc::new(Mutex::new(inner)) }
    }

    pub(crate) fn set(&self, peer: usize, mode: Mode) {
        let mut inner = self.inner.lock();
        inner.modes[peer] = mode;
    }

    /// When something last went wrong with a peer; now, while it is not well.
    pub(crate) fn troubled(&self, peer: usize) -> Option<Timestamp> {
        let inner = self.inner.lock();
        if inner.modes[peer] == Mode::Well { inner.troubled[peer] } else { Some(self.clock.now()) }
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.inner.lock().arrivals.clone()
    }

    /// Whether every request that is under way waits for its peer.
    pub(crate) fn at_rest(&self) -> bool {
        let inner = self.inner.lock();
        inner.alive == inner.flights.len()
    }

    /// When the next answer arrives.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.inner.lock().flights.values().filter_map(|flight| flight.due).min()
    }

    /// Lets the first answer that is due arrive. Gives the place of its arrival and what the sender now knows.
    pub(crate) fn answer_one(&self) -> Option<(usize, Known)> {
        let mut inner = self.inner.lock();
        let now = self.clock.now();
        let due = |flight: &Flight| flight.due.filter(|due| *due <= now);
        let first = inner.flights.iter().filter_map(|(key, flight)| Some((due(flight)?, key.clone()))).min()?;
        let flight = inner.flights.remove(&first.1)?;
        let (answer, known) = match flight.reply {
            Reply::Status(status, after) => {
                let mut headers = HeaderMap::new();
                if let Some(secs) = after {
                    headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
                }
                let status = StatusCode::from_u16(status).unwrap();
                let known = if status.is_success() { Known::Taken } else { Known::NotTaken };
                (Ok(Answer { status, headers, body: "said".into() }), known)
            }
            Reply::Unanswered => (Err(ClientError::Unanswered("it closed".to_owned())), Known::Unknown),
            Reply::NotSent => (Err(ClientError::NotSent("refused".to_owned())), Known::NotTaken),
        };
        // Whoever asked may have stopped waiting at this very moment.
        drop(flight.answer.send(answer));
        Some((flight.arrival, known))
    }

    /// The sender has lived on to write down what it was answered.
    pub(crate) fn learned(&self, arrival: usize, known: Known) {
        self.inner.lock().arrivals[arrival].known = known;
    }

    fn depart(&self, request: &Request) -> Option<(Alive, oneshot::Receiver<Result<Answer, ClientError>>)> {
        // The process is dead: nothing leaves it any more.
        if self.fate.is_dead() {
            return None;
        }
        let mut inner = self.inner.lock();
        let now = self.clock.now();
        let host = request.url.host_str().unwrap();
        let peer = PEERS.iter().position(|(known, _, _)| *known == host).expect("a peer of the simulation");
        let key = request.headers.get("idempotency-key").unwrap().to_str().unwrap().to_owned();
        let attempt = inner.attempts.entry(key.clone()).or_default();
        *attempt += 1;
        let place = (key.clone(), *attempt);
        let mut random = StdRng::seed_from_u64(inner.seed ^ hash(&place));
        let mode = match inner.modes[peer] {
            Mode::Moody if random.random_bool(0.4) => Mode::Well,
            Mode::Moody => Mode::BAD[random.random_range(0..Mode::BAD.len() - 1)],
            mode => mode,
        };
        let soon = now + Span::from_millis([5, 20, 40][random.random_range(0..3)]);
        let (taken, due, reply) = match mode {
            Mode::Well | Mode::Moody => (true, Some(soon), Reply::Status(200, None)),
            Mode::Broken => (false, Some(soon), Reply::Status(500, None)),
            Mode::Busy => (false, Some(soon), Reply::Status(429, Some(random.random_range(1..20)))),
            Mode::Garbage => (true, Some(soon), Reply::Unanswered),
            Mode::Hanging => (random.random_bool(0.5), None, Reply::Unanswered),
            Mode::Late => (true, Some(now + Span::from_secs(8)), Reply::Status(200, None)),
            Mode::Closing => (random.random_bool(0.5), Some(soon), Reply::Unanswered),
            Mode::Gone => (false, Some(soon), Reply::NotSent),
        };
        if mode != Mode::Well {
            inner.troubled[peer] = Some(now);
        }
        if !matches!(reply, Reply::NotSent) {
            request.left.mark();
        }
        let alerts = said(&request.body);
        let mut arrival = Arrival { at: now, peer, key, alerts, taken, known: Known::Unknown };
        if let Some(mutant) = inner.mutant {
            let before = inner.arrivals.clone();
            inner.arrivals.extend(mutant.on_the_wire(&mut arrival, &before));
        }
        inner.arrivals.push(arrival);
        let (answer, told) = oneshot::channel();
        let arrival = inner.arrivals.len() - 1;
        inner.alive += 1;
        inner.flights.insert(place.clone(), Flight { due, reply, answer, arrival });
        Some((Alive(Arc::clone(&self.inner), place), told))
    }
}

/// The alerts of a body, with whether they are said to fire.
fn said(body: &[u8]) -> Vec<(String, bool)> {
    let body: Value = serde_json::from_slice(body).unwrap();
    let one = |alert: &Value| {
        let id = alert["generatorURL"].as_str()?.rsplit_once("/alerts/")?.1.to_owned();
        Some((id, alert["status"] == "firing"))
    };
    body["alerts"].as_array().into_iter().flatten().filter_map(one).collect()
}

/// FNV-1a: the same in every run.
fn hash((key, attempt): &(String, u32)) -> u64 {
    let bytes = key.bytes().chain(attempt.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl std::fmt::Debug for SimNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the network of a simulation")
    }
}

impl Network for SimNetwork {
    fn carry(&self, request: Request, _: Addresses) -> BoxFuture<'_, Result<Answer, ClientError>> {
        Box::pin(async move {
            let Some((_alive, told)) = self.depart(&request) else { return pending().await };
            match told.await {
                Ok(answer) => answer,
                Err(_) => pending().await,
            }
        })
    }
}
