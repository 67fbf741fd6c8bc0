//! Handlers: SDKs of Application Insights send to `/v2/track` and `/v2.1/track`.
//!
//! Not the envelopes: `ingest::app_insights` reads them. Here is who may send, what is answered so that the SDKs do the right
//! thing with it, and that a batch which comes again is not counted again.
//!
//! The SDKs send no header: the instrumentation key in each envelope is the credential. What is answered decides what they do:
//! 200 and 400 end it, 206 has them send again what is 429, 500 or 503 of its errors, 429 and 503 all of it after
//! `Retry-After`. 402 and 439 would make some of them drop everything, and are never answered.

pub mod live;
pub mod origin;

use std::pin::Pin;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde::Serialize;
use watchkeeper_config::Config;
use watchkeeper_config::model::Role;
use watchkeeper_domain::Code;
use watchkeeper_domain::telemetry::{Appended, Batch};
use watchkeeper_ingest::ContentEncoding;
use watchkeeper_ingest::app_insights::{self, Claim, Gate, Rejected, Track};
use watchkeeper_ingest::compression::decompress;

use super::access::Caller;
use super::ingest::{append, body, off_thread, refused, text};
use super::problem::ApiProblem;
use crate::app::Shared;

/// When increments were last counted, in milliseconds: no two batches count at one moment, since the store takes the
/// increments of a series in order and each moment once.
#[derive(Default)]
pub struct Counting(Mutex<i64>);

/// The answer, in Breeze's words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    items_received: usize,
    items_accepted: usize,
    errors: Vec<ItemError>,
}

/// What is wrong with one item.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemError {
    index: usize,
    status_code: u16,
    message: String,
}

impl From<Rejected> for ItemError {
    fn from(rejected: Rejected) -> Self {
        Self { index: rejected.index, status_code: rejected.status, message: rejected.message }
    }
}

/// `POST /v2/track` and `POST /v2.1/track`.
pub async fn track(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery, request: Request) -> Response {
    let config = shared.config.load_full();
    let origin = match origin::check(&config, request.headers()) {
        Ok(origin) => origin,
        Err(problem) => return problem.into_response(),
    };
    let mut response = match take(&shared, &config, query.as_deref(), request).await {
        Ok(answer) => answer.into_response(),
        Err(problem) => in_their_words(problem),
    };
    origin::allow(response.headers_mut(), origin);
    response
}

async fn take(
    shared: &Arc<Shared>,
    config: &Arc<Config>,
    query: Option<&str>,
    request: Request,
) -> Result<Answer, ApiProblem> {
    let coding = ContentEncoding::from_header(text(request.headers(), &header::CONTENT_ENCODING)).map_err(refused)?;
    let given_key = parameter(query, "ikey");
    let any_key = any_key(config, &request);
    let body = body(shared, request).await?;
    let (limits, whole) = (shared.limits.clone(), Arc::clone(shared));
    let door = Door { shared: Arc::clone(shared), config: Arc::clone(config), any_key, claimed: Claims::new(whole) };
    let decoded = off_thread(shared, body, move |body| {
        let mut door = door;
        let plain = decompress(body, coding, &limits)?;
        let track = app_insights::decode(&plain, &limits, given_key.as_deref(), &mut door)?;
        Ok((track, door.claimed))
    });
    let (mut track, claimed) = decoded.await?;
    if track.under_way {
        let detail = "The same items are being written for another request; send them again in a moment.";
        return Err(ApiProblem::new(Code::StorageUnavailable, detail).retry_after(1));
    }
    shared.senders.see(&track.batch, shared.env.now());
    let batch = std::mem::take(&mut track.batch);
    let for_disk = Arc::clone(shared);
    #[expect(
        clippy::disallowed_methods,
        reason = "what is on its way to the disk is known only when the disk has answered, even to a client that is gone"
    )]
    let written = tokio::spawn(async move {
        let appended = count(&for_disk, batch).await;
        claimed.settle(appended.is_ok());
        appended
    });
    let appended = written.await.map_err(|error| ApiProblem::internal("write the telemetry", &error))??;
    for refusal in &appended.refusals {
        track.refuse_series(refusal.place, &refusal.why);
    }
    let (items_received, items_accepted) = (track.received, track.accepted());
    Ok(Answer { items_received, items_accepted, errors: track.rejected.into_iter().map(Into::into).collect() })
}

/// Appends, with the increments at this moment. Its turn among others that do the same ends when the batch is in the
/// store's queue, not when it is on disk.
async fn count(shared: &Shared, batch: Batch) -> Result<Appended, ApiProblem> {
    type Appending<'a> = Pin<Box<dyn Future<Output = Result<Appended, ApiProblem>> + Send + 'a>>;

    let (mut batch, mut appending) = (Some(batch), None::<Appending<'_>>);
    std::future::poll_fn(|cx| {
        if let Some(appending) = &mut appending {
            return appending.as_mut().poll(cx);
        }
        let mut batch = batch.take().unwrap_or_default();
        let mut last = shared.counting.0.lock();
        *last = shared.env.now().as_millis().max(*last + 1);
        Track::count_at(&mut batch, *last);
        // The first poll puts it into the queue.
        appending.insert(Box::pin(append(shared, batch))).as_mut().poll(cx)
    })
    .await
}

/// Whether any key will do: nobody has to show anything here, or the caller showed a token.
fn any_key(config: &Config, request: &Request) -> bool {
    let caller = request.extensions().get::<Caller>().is_some_and(|caller| caller.role >= Role::Ingest);
    let open = config.server.tokens.is_empty() && config.app_insights.keys.is_empty();
    // A browser sends its session by itself, whichever page asks it to.
    caller && (open || request.headers().contains_key(header::AUTHORIZATION))
}

/// Whose a key is. Every key is looked at, so that the time tells nothing of them.
fn sender(config: &Config, any_key: bool, given: &str) -> Option<Arc<str>> {
    use subtle::ConstantTimeEq as _;

    let mut found = None;
    for key in &config.app_insights.keys {
        if bool::from(key.key.expose().as_bytes().ct_eq(given.as_bytes())) {
            found = Some(Arc::from(key.name.as_str()));
        }
    }
    found.or_else(|| any_key.then(|| Arc::from("application_insights")))
}

/// A parameter of the query.
fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(query?.as_bytes());
    pairs.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned())
}

/// Knows the keys, and what was taken before.
struct Door {
    shared: Arc<Shared>,
    config: Arc<Config>,
    any_key: bool,
    claimed: Claims,
}

impl Gate for Door {
    fn sender(&self, key: &str) -> Option<Arc<str>> {
        sender(&self.config, self.any_key, key)
    }

    fn claim(&mut self, fingerprint: u128) -> Claim {
        let claim = self.shared.repeats.claim(fingerprint, self.shared.env.now());
        if claim == Claim::New {
            self.claimed.items.push(fingerprint);
        }
        claim
    }
}

/// Items that this request is about to take. Dropped without an outcome, they may come again.
struct Claims {
    shared: Arc<Shared>,
    items: Vec<u128>,
}

impl Claims {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, items: Vec::new() }
    }

    fn settle(mut self, kept: bool) {
        self.shared.repeats.settle(&std::mem::take(&mut self.items), kept);
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        self.shared.repeats.settle(&self.items, false);
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = match (self.items_accepted, self.errors.len()) {
            (_, 0) => StatusCode::OK,
            (0, _) => StatusCode::BAD_REQUEST,
            _ => StatusCode::PARTIAL_CONTENT,
        };
        (status, Json(self)).into_response()
    }
}

/// A problem as the SDKs read it: the status and `Retry-After` are ours, the body is theirs.
fn in_their_words(problem: ApiProblem) -> Response {
    let message = format!("{}: {}", problem.code(), problem.detail());
    let mut response = problem.into_response();
    let status = response.status();
    let errors = vec![ItemError { index: 0, status_code: status.as_u16(), message }];
    let theirs = Json(Answer { items_received: 0, items_accepted: 0, errors }).into_response();
    let (parts, body) = theirs.into_parts();
    *response.body_mut() = body;
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        match parts.headers.get(&name) {
            Some(value) => response.headers_mut().insert(name, value.clone()),
            None => response.headers_mut().remove(name),
        };
    }
    response
}

/// The key of a request's query, if it is known.
fn known(config: &Config, request: &Request, query: Option<&str>) -> Result<Arc<str>, ApiProblem> {
    let key = parameter(query, "ikey").unwrap_or_default().trim().to_ascii_lowercase();
    sender(config, any_key(config, request), &key)
        .ok_or_else(|| ApiProblem::new(Code::InvalidParameter, "`ikey`: Invalid instrumentation key"))
}
