//! Handlers: feeds for calendars. Without logging in, because a calendar cannot, and so under a name that nobody guesses.
//!
//! Not the feed's format: `incident::oncall::ical` has that.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use watchkeeper_domain::Span;
use watchkeeper_incident::oncall::ical::Feed;
use watchkeeper_incident::oncall::restriction::Window;

use super::extract::Path;
use super::incidents::refused;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// How far a feed goes back and ahead.
const BACK: Span = Span::from_secs(30 * 86_400);
const AHEAD: Span = Span::from_secs(180 * 86_400);
/// Octets of a seal that are shown and asked for: 128 bits.
const SEAL: usize = 16;

/// Whose feed.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// Everybody's turns in a schedule.
    Schedule(&'a str),
    /// A person's turns in all schedules.
    Person(&'a str),
}

impl Of<'_> {
    fn words(self) -> (&'static str, String) {
        match self {
            Self::Schedule(name) => ("schedules", name.to_owned()),
            Self::Person(name) => ("people", name.to_owned()),
        }
    }
}

/// The address of a feed.
#[must_use]
pub fn url(shared: &Shared, of: Of<'_>) -> String {
    let seal = sealed(shared, of).finalize().into_bytes();
    let (kind, name) = of.words();
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let seal = hex::encode(seal.get(..SEAL).unwrap_or_default());
    // A space in a path is never `+`.
    let name = name.replace('+', "%20");
    format!("{}/calendars/{kind}/{name}/{seal}.ics", shared.config.load().server.external_url)
}

fn sealed(shared: &Shared, of: Of<'_>) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&shared.instance_key).expect("HMAC takes a key of any length");
    let (kind, name) = of.words();
    mac.update(format!("calendar/{kind}/{name}").as_bytes());
    mac
}

/// `GET /calendars/schedules/{name}/{seal}`.
pub async fn schedule(
    State(shared): State<Arc<Shared>>,
    Path((name, seal)): Path<(String, String)>,
) -> ApiResult<Response> {
    feed(&shared, Of::Schedule(&name), &seal).await
}

/// `GET /calendars/people/{name}/{seal}`.
pub async fn person(
    State(shared): State<Arc<Shared>>,
    Path((name, seal)): Path<(String, String)>,
) -> ApiResult<Response> {
    feed(&shared, Of::Person(&name), &seal).await
}

async fn feed(shared: &Shared, of: Of<'_>, seal: &str) -> ApiResult<Response> {
    let (_, name) = of.words();
    let unknown = || ApiProblem::not_found("calendar", &name);
    let given = seal.strip_suffix(".ics").and_then(|seal| hex::decode(seal).ok()).ok_or_else(unknown)?;
    if given.len() < SEAL {
        return Err(unknown());
    }
    sealed(shared, of).verify_truncated_left(&given).map_err(|_| unknown())?;
    let (schedule, person) = match of {
        Of::Schedule(name) => (Some(name), None),
        Of::Person(name) => (None, Some(name)),
    };
    let now = shared.env.now();
    let range = Window { from: now - BACK, until: now + AHEAD };
    let shifts = shared.on_call.shifts(range, schedule, person).await.map_err(refused)?;
    let external = shared.config.load().server.external_url.clone();
    let host = external.split_once("://").map_or(external.as_str(), |(_, rest)| rest);
    let text = Feed { name: &format!("On call: {name}"), host, now, range, shifts: &shifts }.text();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300")),
    ];
    Ok((headers, text).into_response())
}
