//! A stand-in for Slack: incoming webhooks that accept and refuse as Slack's do, a page that shows each message as
//! Slack would, and buttons that send what Slack sends.
//!
//! Not Slack: one channel, no accounts, loopback only, nothing kept. Sources: Slack's documentation of incoming
//! webhooks, Block Kit, interactivity and request signing.

pub mod check;
pub mod press;
pub mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use watchkeeper_domain::{Clock, Timestamp};

use crate::clock::SystemClock;
use press::{Person, Press};
use store::Store;
pub use store::{Message, Reply};

/// How many messages a webhook takes at once before its limit of one a second bites.
const BURST: f64 = 8.0;
/// The most bytes of one payload.
const MOST_BYTES: usize = 1 << 20;
/// How long Slack waits for an app to answer a press.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why the stand-in could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was told to listen where others could reach it.
    #[error("the stand-in for Slack listens on loopback only, not on {0}; use 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// The address could not be bound or served.
    #[error("the stand-in for Slack cannot listen on {address}; choose another port if it is taken")]
    Listen {
        /// Where it should have listened.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

struct Inner {
    clock: Arc<dyn Clock>,
    store: Store,
    buckets: Mutex<BTreeMap<String, (f64, Timestamp)>>,
    revoked: Mutex<BTreeSet<String>>,
    interactivity_url: String,
    signing_secret: String,
    base_url: String,
    http: reqwest::Client,
    presses: Mutex<u64>,
}

/// A running stand-in. Dropping it stops it.
pub struct StandIn {
    inner: Arc<Inner>,
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl StandIn {
    /// Starts one on a free port of loopback, on the given clock (its rate limit and times follow it).
    pub async fn start(clock: Arc<dyn Clock>, interactivity_url: &str, signing_secret: &str) -> Result<Self, Error> {
        let (listener, address) = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let inner = inner(clock, address, interactivity_url.to_owned(), signing_secret.to_owned());
        let app = router(Arc::clone(&inner));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the stand-in for Slack has stopped");
            }
        });
        Ok(Self { inner, address, _tasks: tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An incoming webhook's URL. Different tokens are different webhooks to the rate limit.
    #[must_use]
    pub fn webhook_url(&self, token: &str) -> String {
        format!("{}/services/T0STANDIN/B0STANDIN/{token}", self.inner.base_url)
    }

    /// The messages so far.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.inner.store.messages().1
    }

    /// Waits until there are at least `count` messages; gives all of them.
    pub async fn received(&self, count: usize) -> Vec<Message> {
        self.inner.store.at_least(count).await
    }

    /// Makes a webhook answer `no_service`, as when somebody removed it from the workspace.
    pub fn revoke(&self, token: &str) {
        self.inner.revoked.lock().insert(token.to_owned());
    }

    /// Presses the button with that `action_id` in a message, as `person`. Gives the status that the app answered.
    pub async fn press(&self, ts: &str, action_id: &str, person: &Person) -> Result<u16, String> {
        let message = self.inner.store.find(ts).ok_or("there is no such message")?;
        let place = elements(&message.payload)
            .position(|(_, element)| element.get("action_id").and_then(Value::as_str) == Some(action_id))
            .ok_or("the message has no such button")?;
        send_press(&self.inner, ts, place, None, person).await
    }

    /// Chooses a person (by id, `U…`) in the menu with that `action_id`. Gives the status that the app answered.
    pub async fn choose(&self, ts: &str, action_id: &str, chosen: &str, person: &Person) -> Result<u16, String> {
        let message = self.inner.store.find(ts).ok_or("there is no such message")?;
        let place = elements(&message.payload)
            .position(|(_, element)| {
                element.get("action_id").and_then(Value::as_str) == Some(action_id) && is_menu(element)
            })
            .ok_or("the message has no such menu")?;
        send_press(&self.inner, ts, place, Some(chosen), person).await
    }
}

/// Runs the stand-in as a process does: on the computer's clock, until the future is dropped.
///
/// `on_listen` learns the address once it is bound. Presses are sent to `interactivity_url`, signed with
/// `signing_secret`. Errors when `listen` is not on loopback or is taken.
pub async fn run(
    listen: SocketAddr,
    interactivity_url: String,
    signing_secret: String,
    on_listen: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let (listener, address) = bind(listen).await?;
    on_listen(address);
    let inner = inner(Arc::new(SystemClock::default()), address, interactivity_url, signing_secret);
    axum::serve(listener, router(inner)).await.map_err(|source| Error::Listen { address, source })
}

async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    if !listen.ip().is_loopback() {
        return Err(Error::NotLoopback(listen));
    }
    let failed = |source| Error::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn inner(clock: Arc<dyn Clock>, address: SocketAddr, interactivity_url: String, signing_secret: String) -> Arc<Inner> {
    Arc::new(Inner {
        clock,
        store: Store::new(),
        buckets: Mutex::default(),
        revoked: Mutex::default(),
        interactivity_url,
        signing_secret,
        base_url: format!("http://{address}"),
        http: reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .expect("a client without certificates of its own can be built"),
        presses: Mutex::new(0),
    })
}

fn router(inner: Arc<Inner>) -> Router {
    Router::new()
        .route("/", get(|| asset("text/html; charset=utf-8", include_str!("slack/page.html"))))
        .route("/page.js", get(|| asset("text/javascript; charset=utf-8", include_str!("slack/page.js"))))
        .route("/page.css", get(|| asset("text/css; charset=utf-8", include_str!("slack/page.css"))))
        .route("/messages", get(messages))
        .route("/services/{team}/{bot}/{token}", post(webhook))
        .route("/press", post(pressed))
        .route("/response/{token}", post(answered))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(inner)
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    // Messages hold other people's text: even if the page had a hole, no script but its own would run.
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src http: https: data:; connect-src 'self'; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    (
        [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")],
        text,
    )
        .into_response()
}

#[derive(Deserialize)]
struct Since {
    since: Option<u64>,
}

/// All messages; with `?since=VERSION` it waits for a change first, so that the page is live without polling.
async fn messages(State(inner): State<Arc<Inner>>, Query(query): Query<Since>) -> Json<Value> {
    if let Some(version) = query.since {
        let changed = inner.store.changed_since(version);
        let patience = inner.clock.sleep_until(inner.clock.now() + watchkeeper_domain::Span::from_secs(25));
        futures::future::select(Box::pin(changed), patience).await;
    }
    let (version, messages) = inner.store.messages();
    Json(json!({"version": version, "messages": messages}))
}

async fn webhook(
    State(inner): State<Arc<Inner>>,
    Path((team, bot, token)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !team.starts_with('T') {
        return (StatusCode::NOT_FOUND, "no_team").into_response();
    }
    if !bot.starts_with('B') || inner.revoked.lock().contains(&token) {
        return (StatusCode::NOT_FOUND, "no_service").into_response();
    }
    if let Err(wait) = take_turn(&inner, &token) {
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait.to_string())], "rate_limited")
            .into_response();
    }
    let Some(payload) = read_payload(&headers, &body) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
    };
    if let Err(refusal) = check::payload(&payload) {
        return (StatusCode::BAD_REQUEST, refusal).into_response();
    }
    inner.store.post(inner.clock.now(), payload);
    "ok".into_response()
}

/// JSON as such, or in the form field `payload`, which Slack takes as well.
fn read_payload(headers: &HeaderMap, body: &[u8]) -> Option<Value> {
    let form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
    if form {
        let (_, value) = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload")?;
        return serde_json::from_str(&value).ok();
    }
    serde_json::from_slice(body).ok()
}

/// One message a second for each webhook, with short bursts. Gives the seconds to wait when it is exceeded.
fn take_turn(inner: &Inner, token: &str) -> Result<(), u64> {
    let now = inner.clock.now();
    let mut buckets = inner.buckets.lock();
    let (left, at) = buckets.entry(token.to_owned()).or_insert((BURST, now));
    *left = (*left + now.since(*at).as_secs_f64()).min(BURST);
    *at = now;
    if *left >= 1.0 {
        *left -= 1.0;
        Ok(())
    } else {
        Err(1)
    }
}

#[derive(Deserialize)]
struct PagePress {
    ts: String,
    /// The element's place among all buttons and menus of the message.
    place: usize,
    /// Who was chosen, in a menu of people.
    chosen: Option<String>,
    user: Person,
}

async fn pressed(State(inner): State<Arc<Inner>>, Json(press): Json<PagePress>) -> Response {
    match send_press(&inner, &press.ts, press.place, press.chosen.as_deref(), &press.user).await {
        Ok(status) => Json(json!({"status": status})).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, Json(json!({"error": error}))).into_response(),
    }
}

/// All elements that can be pressed, with the id of their block, in the order in which they are shown.
fn elements(payload: &Value) -> impl Iterator<Item = (String, &Value)> {
    let top = payload.get("blocks").and_then(Value::as_array).into_iter().flatten();
    let attached = payload
        .get("attachments")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|a| a.get("blocks").and_then(Value::as_array))
        .flatten();
    top.chain(attached).enumerate().flat_map(|(at, block)| {
        let id = block.get("block_id").and_then(Value::as_str).map_or_else(|| format!("b{at}"), str::to_owned);
        let list = block.get("elements").and_then(Value::as_array).into_iter().flatten();
        list.chain(block.get("accessory"))
            .filter(|e| is_menu(e) || e.get("type").and_then(Value::as_str) == Some("button"))
            .map(move |e| (id.clone(), e))
    })
}

fn is_menu(element: &Value) -> bool {
    element.get("type").and_then(Value::as_str) == Some("users_select")
}

async fn send_press(
    inner: &Inner,
    ts: &str,
    place: usize,
    chosen: Option<&str>,
    person: &Person,
) -> Result<u16, String> {
    let message = inner.store.find(ts).ok_or("there is no such message")?;
    let (block_id, element) = elements(&message.payload).nth(place).ok_or("the message has no such button")?;
    if is_menu(element) != chosen.is_some() {
        return Err("a menu is chosen from, and a button is pressed".to_owned());
    }
    let now = inner.clock.now();
    let count = {
        let mut presses = inner.presses.lock();
        *presses += 1;
        *presses
    };
    let token = format!("{}{count}", now.as_micros());
    inner.store.open_answer(&token, ts, now);
    let payload = press::block_actions(&Press {
        person,
        ts,
        message: &message.payload,
        element,
        block_id: &block_id,
        chosen,
        trigger_id: &format!("{count}.{}.standin", now.as_micros()),
        action_ts: &format!("{}.{:06}", now.as_micros() / 1_000_000, now.as_micros() % 1_000_000),
        response_url: &format!("{}/response/{token}", inner.base_url),
    });
    let body =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
    let timestamp = (now.as_micros() / 1_000_000).to_string();
    let answer = inner
        .http
        .post(&inner.interactivity_url)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("X-Slack-Signature", press::signature(&inner.signing_secret, &timestamp, body.as_bytes()))
        .header("X-Slack-Request-Timestamp", timestamp)
        .body(body)
        .send()
        .await
        .map_err(|e| format!("the app did not answer: {}", e.without_url()))?;
    Ok(answer.status().as_u16())
}

async fn answered(State(inner): State<Arc<Inner>>, Path(token): Path<String>, body: Bytes) -> Response {
    let Ok(payload) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
    };
    let deletes = payload.get("delete_original").and_then(Value::as_bool).unwrap_or(false);
    if let Err(refusal) = check::payload(&payload).or(if deletes { Ok(()) } else { Err("invalid_payload") }) {
        return (StatusCode::BAD_REQUEST, refusal).into_response();
    }
    match inner.store.answer(&token, inner.clock.now(), payload) {
        Ok(()) => "ok".into_response(),
        Err(refusal) => (StatusCode::NOT_FOUND, refusal).into_response(),
    }
}
