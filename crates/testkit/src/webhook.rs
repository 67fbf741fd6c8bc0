//! A webhook's receiver that does what it is told: answers well, badly, late, or not at all.
//!
//! Not a web server: it reads HTTP/1.1 requests off a socket by hand, because a framework would not let it break the
//! protocol (garbage instead of an answer, closing after it has read everything).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The most that one request may hold; more than any test sends.
const MOST_BYTES: usize = 4 << 20;

/// What is done with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A status with a body.
    Status(u16, String),
    /// A status with `Retry-After` in seconds.
    RetryAfter(u16, u32),
    /// Bytes that are no HTTP.
    Garbage,
    /// A redirect to somewhere else.
    Redirect(String),
    /// Nothing, until the next [`MockWebhook::release`]; then 200.
    Hang,
    /// The connection is closed after the whole request was read: did it arrive?
    CloseAfterReading,
}

impl Answer {
    /// 200 with the body `ok`.
    #[must_use]
    pub fn ok() -> Self {
        Self::Status(200, "ok".to_owned())
    }
}

/// What is answered when there is no script.
enum Otherwise {
    Always(Answer),
    By(fn(&Recorded) -> Answer),
}

impl std::fmt::Debug for Otherwise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Always(answer) => answer.fmt(f),
            Self::By(_) => f.write_str("by the request"),
        }
    }
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// When it was complete, since the mock started (real time: it measures the sender).
    pub after: Duration,
    /// `POST`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Recorded {
    /// The first header of that name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Debug)]
struct Shared {
    start: Instant,
    script: Mutex<VecDeque<Answer>>,
    otherwise: Mutex<Otherwise>,
    recorded: watch::Sender<Vec<Recorded>>,
    released: watch::Sender<bool>,
}

/// A receiver on loopback. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct MockWebhook {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl MockWebhook {
    /// Starts one on a free port; it answers 200 `ok` until it is told otherwise.
    ///
    /// # Panics
    /// When loopback cannot be bound: without it no test makes sense.
    #[expect(clippy::disallowed_methods, reason = "it measures the sender's real speed")]
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            start: Instant::now(),
            script: Mutex::default(),
            otherwise: Mutex::new(Otherwise::Always(Answer::ok())),
            recorded: watch::Sender::new(Vec::new()),
            released: watch::Sender::new(false),
        });
        let mut tasks = JoinSet::new();
        let serving = Arc::clone(&shared);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&serving)));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, shared, _tasks: tasks }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Adds answers for the next requests, one each.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.script.lock().extend(answers);
    }

    /// What is answered when the script is empty.
    pub fn otherwise(&self, answer: Answer) {
        if matches!(answer, Answer::Hang) {
            self.shared.released.send_replace(false);
        }
        *self.shared.otherwise.lock() = Otherwise::Always(answer);
    }

    /// Lets a provider of [`crate::providers`] answer when the script is empty.
    pub fn answer_by(&self, provider: fn(&Recorded) -> Answer) {
        *self.shared.otherwise.lock() = Otherwise::By(provider);
    }

    /// Lets hanging requests, and those that would hang, answer 200.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.recorded.borrow().clone()
    }

    /// Waits until at least `count` requests have arrived whole; gives all of them.
    pub async fn received(&self, count: usize) -> Vec<Recorded> {
        let mut recorded = self.shared.recorded.subscribe();
        recorded.wait_for(|all| all.len() >= count).await.expect("the sender lives as long as this mock").clone()
    }

    /// Real time since it started, to compare with [`Recorded::after`].
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.shared.start.elapsed()
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    // Nothing to do about a peer that breaks off: the test sees it in what was recorded.
    while let Ok(Some(request)) = read(&mut stream, shared.start).await {
        let answer = shared.script.lock().pop_front().unwrap_or_else(|| match &*shared.otherwise.lock() {
            Otherwise::Always(answer) => answer.clone(),
            Otherwise::By(provider) => provider(&request),
        });
        shared.recorded.send_modify(|all| all.push(request));
        let bytes = match answer {
            Answer::Status(status, body) => response(status, "", &body),
            Answer::RetryAfter(status, secs) => response(status, &format!("Retry-After: {secs}\r\n"), "slow down"),
            Answer::Garbage => b"\x16\x03\x01 this is not HTTP\r\n\r\n".to_vec(),
            Answer::Redirect(to) => response(307, &format!("Location: {to}\r\n"), ""),
            Answer::Hang => {
                let mut released = shared.released.subscribe();
                if released.wait_for(|yes| *yes).await.is_err() {
                    return;
                }
                response(200, "", "ok")
            }
            Answer::CloseAfterReading => return,
        };
        if stream.write_all(&bytes).await.is_err() || bytes.first() == Some(&0x16) {
            return;
        }
    }
}

fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Unknown");
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Reads one request; none when the peer has closed in good order.
async fn read(stream: &mut TcpStream, start: Instant) -> std::io::Result<Option<Recorded>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > MOST_BYTES || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (first.next().unwrap_or_default().to_owned(), first.next().unwrap_or_default().to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(n, v)| (n.trim().to_ascii_lowercase(), v.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(n, _)| n == "content-length").and_then(|(_, v)| v.parse::<usize>().ok());
    let end = head_end + 4 + length.unwrap_or(0).min(MOST_BYTES);
    while bytes.len() < end {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    let body = bytes[head_end + 4..end].to_vec();
    Ok(Some(Recorded { after: start.elapsed(), method, path, headers, body }))
}
