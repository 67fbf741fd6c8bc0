//! The admin API: see, add and remove blocked client addresses, and check the books. For responders and their workflows, not for customers.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Query, State};
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Front;
use super::blocklist::{BlockError, Entry, MAX_TTL_SECONDS};
use crate::problem::Problem;
use crate::wire::Audit;

const DEFAULT_TTL_SECONDS: i64 = 3600;
const MAX_REASON_CHARS: usize = 200;

/// The body of `POST /admin/blocklist`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Block {
    address: IpAddr,
    #[serde(default)]
    reason: String,
    ttl_seconds: Option<i64>,
}

/// The body or the query of `DELETE /admin/blocklist`.
#[derive(Deserialize)]
pub(super) struct Unblock {
    address: IpAddr,
}

/// What `DELETE` did.
#[derive(Serialize)]
pub(super) struct Unblocked {
    address: IpAddr,
    was_blocked: bool,
}

pub(super) async fn list(State(front): State<Front>, headers: HeaderMap) -> Result<Json<Vec<Entry>>, Problem> {
    front.admit(&headers)?;
    Ok(Json(front.blocklist.list(Timestamp::now())))
}

// The body is taken as bytes and read after the token was checked: a stranger learns nothing about the form of it.
pub(super) async fn block(
    State(front): State<Front>,
    headers: HeaderMap,
    body: String,
) -> Result<(StatusCode, Json<Entry>), Problem> {
    front.admit(&headers)?;
    let block: Block = serde_json::from_str(&body).map_err(|error| invalid(error.to_string()))?;
    let ttl = block.ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS);
    if !(1..=MAX_TTL_SECONDS).contains(&ttl) {
        return Err(invalid(format!("ttl_seconds must be from 1 to {MAX_TTL_SECONDS}")));
    }
    if block.reason.chars().count() > MAX_REASON_CHARS {
        return Err(invalid(format!("reason is longer than {MAX_REASON_CHARS} characters")));
    }
    let entry = front.blocklist.block(block.address, block.reason, SignedDuration::from_secs(ttl), Timestamp::now())?;
    tracing::warn!(client.address = %entry.address, until = %entry.until, reason = entry.reason, "client address blocked");
    Ok((StatusCode::CREATED, Json(entry)))
}

pub(super) async fn unblock(
    State(front): State<Front>,
    headers: HeaderMap,
    query: Result<Query<Unblock>, axum::extract::rejection::QueryRejection>,
    body: String,
) -> Result<Json<Unblocked>, Problem> {
    front.admit(&headers)?;
    // Some clients cannot send a body with DELETE: the address may stand in the query instead.
    let address = match query {
        Ok(Query(unblock)) => unblock.address,
        Err(_) => {
            serde_json::from_str::<Unblock>(&body)
                .map_err(|_| invalid("name the address: `?address=…` or {\"address\": \"…\"}".to_owned()))?
                .address
        }
    };
    let was_blocked = front.blocklist.unblock(address, Timestamp::now())?;
    tracing::info!(client.address = %address, was_blocked, "client address unblocked");
    Ok(Json(Unblocked { address, was_blocked }))
}

pub(super) async fn audit(State(front): State<Front>, headers: HeaderMap) -> Result<Json<Audit>, Problem> {
    front.admit(&headers)?;
    front.audit().await.map(Json)
}

impl Front {
    /// Lets in who shows the admin token.
    fn admit(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match &self.admin_token {
            None => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "admin_off",
                "the admin API is off: start the bank with BANK_ADMIN_TOKEN set",
            )),
            Some(token) if token.is_shown_in(headers) => Ok(()),
            Some(_) => Err(Problem::unauthorized("the admin API needs its bearer token (BANK_ADMIN_TOKEN)")),
        }
    }
}

fn invalid(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail)
}

impl From<BlockError> for Problem {
    fn from(error: BlockError) -> Self {
        match &error {
            BlockError::Full => Self::new(StatusCode::INSUFFICIENT_STORAGE, "blocklist_full", error.to_string()),
            BlockError::Write(source) => {
                tracing::error!(cause = %source, "the block list could not be written");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "blocklist_write", error.to_string())
            }
        }
    }
}
