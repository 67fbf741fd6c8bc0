//! Taking what is due out of the outbox: lease, attempt row and ledger entry in one transaction, before anything leaves.
//!
//! Not the sending. A row that somebody left in `sending` (the process died, the lease ran out) is taken over here, and
//! its attempt is closed as `unknown`, for that is the truth.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use watchkeeper_domain::ids::{AlertId, IncidentId, NotificationId};
use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_state::{State, StateError, Tx};

use super::destination::Destination;
use super::facts::{self, Subject};

/// How many attempts with an unknown outcome a notification may have: the one, and one more.
pub(super) const MOST_UNKNOWN: i64 = 2;
/// The most rows that one pass takes.
const BATCH: i64 = 64;

/// A row that could be claimed now.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) to: Destination,
}

/// A claimed row: an attempt that must end in a record.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub(super) subject: Subject,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) thread: String,
    pub(super) content: String,
    pub(super) reason: String,
    pub(super) attempt: i64,
    pub(super) deadline_at: Timestamp,
}

impl Claimed {
    pub(super) fn to(&self) -> Destination {
        Destination { receiver: self.subject.receiver.clone(), integration: self.subject.integration.clone() }
    }
}

/// Who claims, and whether rows leased to others are known to be abandoned.
#[derive(Debug, Clone)]
pub(super) struct Claimant {
    pub(super) boot_id: String,
    pub(super) sole_owner: bool,
}

/// The first unfinished row of each thread, if it is due; of these at most `BATCH`, and at most a few per destination,
/// so that one destination with many rows does not hide the others.
pub(super) async fn candidates(state: &State, who: &Claimant, now: Timestamp) -> Result<Vec<Candidate>, StateError> {
    let rows = sqlx::query(
        "WITH head AS (SELECT id, receiver, integration, created_at, state, next_attempt_at, lease_until, lease_owner, \
           row_number() OVER (PARTITION BY receiver, integration, thread ORDER BY created_at, id) AS place \
           FROM notification WHERE state IN ('pending', 'sending')), \
         due AS (SELECT id, receiver, integration, created_at, \
           row_number() OVER (PARTITION BY receiver, integration ORDER BY created_at, id) AS turn \
           FROM head WHERE place = 1 AND ((state = 'pending' AND next_attempt_at <= $1) \
             OR (state = 'sending' AND (lease_until <= $1 OR ($2 = 1 AND lease_owner <> $3))))) \
         SELECT id, receiver, integration FROM due WHERE turn <= $4 ORDER BY turn, created_at, id LIMIT $5",
    )
    .bind(now.as_micros())
    .bind(i64::from(who.sole_owner))
    .bind(&who.boot_id)
    .bind(i64::try_from(super::destination::SLOTS).unwrap_or(i64::MAX))
    .bind(BATCH)
    .fetch_all(state.read())
    .await
    .map_err(StateError::statement("look for due notifications"))?;
    Ok(rows
        .iter()
        .map(|row| Candidate {
            id: row.get("id"),
            to: Destination { receiver: row.get("receiver"), integration: row.get("integration") },
        })
        .collect())
}

/// When a row will be due that is not yet: the next attempt, or the end of a lease.
pub(super) async fn next_due(state: &State, now: Timestamp) -> Result<Option<Timestamp>, StateError> {
    let next: Option<i64> = sqlx::query_scalar(
        "SELECT min(due) FROM (SELECT min(next_attempt_at) AS due FROM notification WHERE state = 'pending' AND next_attempt_at > $1 \
         UNION ALL SELECT min(lease_until) FROM notification WHERE state = 'sending' AND lease_until > $1) AS times",
    )
    .bind(now.as_micros())
    .fetch_one(state.read())
    .await
    .map_err(StateError::statement("look for the next due notification"))?;
    Ok(next.map(Timestamp::from_micros))
}

/// Claims one row, unless somebody else was quicker. Rows that are out of time or out of attempts are closed instead.
pub(super) async fn claim(
    tx: &mut Tx,
    who: &Claimant,
    candidate: &Candidate,
    now: Timestamp,
    lease: Span,
) -> Result<Option<Claimed>, StateError> {
    let act = "claim a notification";
    let row = sqlx::query(
        "SELECT id, kind, status, receiver, integration, thread, incident_id, alert_ids, content, reason, attempts, \
         state, deadline_at FROM notification WHERE id = $1 AND ((state = 'pending' AND next_attempt_at <= $2) \
         OR (state = 'sending' AND (lease_until <= $2 OR ($3 = 1 AND lease_owner <> $4))))",
    )
    .bind(&candidate.id)
    .bind(now.as_micros())
    .bind(i64::from(who.sole_owner))
    .bind(&who.boot_id)
    .fetch_optional(&mut **tx)
    .await
    .map_err(StateError::statement(act))?;
    let Some(row) = row else { return Ok(None) };
    let mut claimed = read(&row)?;
    let abandoned = row.get::<&str, _>("state") == "sending";
    if abandoned {
        close_abandoned(tx, &claimed, now).await?;
    }
    let unknown = unknown_attempts(tx, &candidate.id).await?;
    if unknown >= MOST_UNKNOWN {
        let error =
            format!("nobody knows whether it arrived: {unknown} attempts ended without an answer; not sent again");
        finish(tx, &claimed, now, &error).await?;
        return Ok(None);
    }
    if now >= claimed.deadline_at {
        let error = format!("given up at its deadline {} after {} attempts", claimed.deadline_at, claimed.attempt);
        finish(tx, &claimed, now, &error).await?;
        return Ok(None);
    }
    claimed.attempt += 1;
    sqlx::query(
        "UPDATE notification SET state = 'sending', attempts = $2, lease_owner = $3, lease_until = $4 WHERE id = $1",
    )
    .bind(&candidate.id)
    .bind(claimed.attempt)
    .bind(&who.boot_id)
    .bind((now + lease).as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement(act))?;
    sqlx::query(
        "INSERT INTO notification_attempt (notification_id, n, started_at, outcome) VALUES ($1, $2, $3, 'started')",
    )
    .bind(&candidate.id)
    .bind(claimed.attempt)
    .bind(now.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement(act))?;
    let mut data = json!({"attempt": claimed.attempt, "idempotency_key": claimed.subject.id});
    if unknown > 0 {
        data["reason"] =
            json!("the outcome of an earlier attempt is unknown: sent once more, with the same idempotency key");
    }
    facts::note(tx, now, "notification.attempted", &claimed.subject, data).await?;
    Ok(Some(claimed))
}

async fn close_abandoned(tx: &mut Tx, claimed: &Claimed, now: Timestamp) -> Result<(), StateError> {
    let detail = "the server ended, or lost its lease, between the attempt and its result";
    sqlx::query(
        "UPDATE notification_attempt SET outcome = 'unknown', finished_at = $2, detail = $3 \
         WHERE notification_id = $1 AND outcome = 'started'",
    )
    .bind(claimed.subject.id.to_string())
    .bind(now.as_micros())
    .bind(detail)
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("close an abandoned attempt"))?;
    facts::note(tx, now, "notification.unknown", &claimed.subject, json!({"attempt": claimed.attempt, "error": detail}))
        .await
}

/// How many attempts of a notification ended without anybody knowing how.
pub(super) async fn unknown_attempts(tx: &mut Tx, id: &str) -> Result<i64, StateError> {
    sqlx::query_scalar("SELECT count(*) FROM notification_attempt WHERE notification_id = $1 AND outcome = 'unknown'")
        .bind(id)
        .fetch_one(&mut **tx)
        .await
        .map_err(StateError::statement("count a notification's unknown attempts"))
}

/// Ends a row without (another) attempt.
async fn finish(tx: &mut Tx, claimed: &Claimed, now: Timestamp, error: &str) -> Result<(), StateError> {
    sqlx::query(
        "UPDATE notification SET state = 'failed', last_error = $2, finished_at = $3, lease_owner = NULL, lease_until = NULL \
         WHERE id = $1",
    )
    .bind(claimed.subject.id.to_string())
    .bind(error)
    .bind(now.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("give up a notification"))?;
    facts::note(tx, now, "notification.failed", &claimed.subject, json!({"attempts": claimed.attempt, "error": error}))
        .await
}

fn read(row: &SqliteRow) -> Result<Claimed, StateError> {
    let table = "notification";
    let (id, alert_ids): (String, String) = (row.get("id"), row.get("alert_ids"));
    let incident: Option<String> = row.get("incident_id");
    let alerts: Vec<AlertId> =
        serde_json::from_str(&alert_ids).map_err(|_| StateError::corrupt(table, "alert_ids", &alert_ids))?;
    Ok(Claimed {
        subject: Subject {
            id: id.parse::<NotificationId>().map_err(|_| StateError::corrupt(table, "id", &id))?,
            receiver: row.get("receiver"),
            integration: row.get("integration"),
            alerts,
            incident: incident
                .map(|text| text.parse::<IncidentId>().map_err(|_| StateError::corrupt(table, "incident_id", &text)))
                .transpose()?,
        },
        kind: row.get("kind"),
        status: row.get("status"),
        thread: row.get("thread"),
        content: row.get("content"),
        reason: row.get("reason"),
        attempt: row.get("attempts"),
        deadline_at: Timestamp::from_micros(row.get("deadline_at")),
    })
}

/// How many are on their way to each destination.
pub(super) fn count<'a>(in_flight: impl Iterator<Item = &'a Destination>) -> BTreeMap<Destination, usize> {
    let mut counts = BTreeMap::new();
    for to in in_flight {
        *counts.entry(to.clone()).or_insert(0) += 1;
    }
    counts
}
