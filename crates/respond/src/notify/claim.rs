//! Taking what is due out of the outbox: lease, attempt row and ledger entry in one transaction, before anything leaves.
//!
//! Not the sending. A row that somebody left in `sending` (the process died, the lease ran out) is taken over here, and
//! its attempt is closed as `unknown`, for that is the truth.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::json;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use watchkeeper_domain::ids::{AlertId, IncidentId, NotificationId};
use watchkeeper_domain::{Env, Span, Timestamp};
use watchkeeper_state::transaction::placeholders;
use watchkeeper_state::{State, StateError, Tx};

use super::destination::Destination;
use super::facts::{self, Subject};
use super::manners::{self, Fallback, Manners};
use super::standing;

/// How many attempts with an unknown outcome a notification may have: the one, and one more.
pub(super) const MOST_UNKNOWN: i64 = 2;
/// The most rows that one transaction takes.
pub(super) const MOST_ROWS: usize = 64;

/// A row that could be claimed now.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) id: NotificationId,
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
    pub(super) created_at: Timestamp,
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

/// In the order in which rows were written. What they were written at says nothing: two may have the same moment, and a
/// clock may be set back.
///
/// The first unfinished row of each thread, if it is due; of these at most [`MOST_ROWS`], and at most a few per destination,
/// so that one destination with many rows does not hide the others.
pub(super) async fn candidates(state: &State, who: &Claimant, now: Timestamp) -> Result<Vec<Candidate>, StateError> {
    let rows = sqlx::query(
        "WITH head AS (SELECT id, rowid AS written, receiver, integration, state, next_attempt_at, lease_until, lease_owner, \
           row_number() OVER (PARTITION BY receiver, integration, thread ORDER BY rowid) AS place \
           FROM notification WHERE state IN ('pending', 'sending')), \
         due AS (SELECT id, receiver, integration, written, \
           row_number() OVER (PARTITION BY receiver, integration ORDER BY written) AS turn \
           FROM head WHERE place = 1 AND ((state = 'pending' AND next_attempt_at <= $1) \
             OR (state = 'sending' AND (lease_until <= $1 OR ($2 = 1 AND lease_owner <> $3))))) \
         SELECT id, receiver, integration FROM due WHERE turn <= $4 ORDER BY turn, written LIMIT $5",
    )
    .bind(now.as_micros())
    .bind(i64::from(who.sole_owner))
    .bind(&who.boot_id)
    .bind(i64::try_from(super::destination::SLOTS).unwrap_or(i64::MAX))
    .bind(i64::try_from(MOST_ROWS).unwrap_or(i64::MAX))
    .fetch_all(state.read())
    .await
    .map_err(StateError::statement("look for due notifications"))?;
    let candidate = |row: &SqliteRow| {
        let id: &str = row.get("id");
        Ok(Candidate {
            id: id.parse().map_err(|_| StateError::corrupt("notification", "id", id))?,
            to: Destination { receiver: row.get("receiver"), integration: row.get("integration") },
        })
    };
    rows.iter().map(candidate).collect()
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

/// A row as it stands in the transaction that may claim it.
pub(super) struct Row {
    pub(super) claimed: Claimed,
    /// It stands in `sending`, and nobody sends it any more.
    abandoned: bool,
    /// How many of its attempts ended without anybody knowing how, the abandoned one included.
    unknown: i64,
}

/// What is read of a row. An attempt that stands as `started` in an abandoned row is one of an unknown outcome.
const SELECT: &str = "SELECT id, kind, status, receiver, integration, thread, incident_id, alert_ids, content, reason, \
                      attempts, state, created_at, deadline_at, (SELECT count(*) FROM notification_attempt a \
                      WHERE a.notification_id = n.id AND (a.outcome = 'unknown' \
                      OR (n.state = 'sending' AND a.outcome = 'started'))) AS unknown FROM notification n";

/// The statement for so many rows, less one.
type BySize = LazyLock<[String; MOST_ROWS]>;

static CLAIMABLE: BySize = LazyLock::new(|| {
    std::array::from_fn(|less_one| {
        format!(
            "{SELECT} WHERE id IN ({}) AND ((state = 'pending' AND next_attempt_at <= $1) \
             OR (state = 'sending' AND (lease_until <= $1 OR ($2 = 1 AND lease_owner <> $3)))) ORDER BY rowid",
            list(4, less_one + 1)
        )
    })
});

static FRESH: BySize = LazyLock::new(|| {
    std::array::from_fn(|less_one| {
        format!(
            "{SELECT} WHERE id IN ({}) AND state = 'pending' AND next_attempt_at <= $1 \
             AND NOT EXISTS (SELECT 1 FROM notification o WHERE o.thread = n.thread AND o.receiver = n.receiver \
             AND o.integration = n.integration AND o.state IN ('pending', 'sending') \
             AND o.rowid < n.rowid) ORDER BY rowid",
            list(2, less_one + 1)
        )
    })
});

static LEASE: BySize = LazyLock::new(|| {
    std::array::from_fn(|less_one| {
        format!(
            "UPDATE notification SET state = 'sending', attempts = attempts + 1, lease_owner = $1, lease_until = $2 \
             WHERE id IN ({})",
            list(3, less_one + 1)
        )
    })
});

static ATTEMPT: BySize = LazyLock::new(|| {
    std::array::from_fn(|less_one| {
        format!(
            "INSERT INTO notification_attempt (notification_id, n, started_at, outcome) VALUES {}",
            placeholders(less_one + 1, 4)
        )
    })
});

/// `$4, $5, $6`.
fn list(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

fn sized(statements: &'static BySize, count: usize) -> Option<&'static str> {
    statements.get(count.checked_sub(1)?).map(String::as_str)
}

/// Those of these rows that nobody else has claimed, oldest first. At most [`MOST_ROWS`] are looked at.
pub(super) async fn claimable(
    tx: &mut Tx,
    who: &Claimant,
    ids: &[NotificationId],
    now: Timestamp,
) -> Result<Vec<Row>, StateError> {
    let ids = ids.get(..ids.len().min(MOST_ROWS)).unwrap_or_default();
    let Some(statement) = sized(&CLAIMABLE, ids.len()) else { return Ok(Vec::new()) };
    let query = sqlx::query(statement).bind(now.as_micros()).bind(i64::from(who.sole_owner)).bind(&who.boot_id);
    let query = ids.iter().fold(query, |query, id| query.bind(id.to_string()));
    let rows = query.fetch_all(&mut **tx).await.map_err(StateError::statement("claim notifications"))?;
    rows.iter().map(read).collect()
}

/// Those of the rows that this very transaction has written which are the first of their thread, oldest first. At most
/// [`MOST_ROWS`] are looked at.
pub(super) async fn fresh(tx: &mut Tx, now: Timestamp) -> Result<Vec<Row>, StateError> {
    let ids: Vec<String> = tx.enqueued().iter().take(MOST_ROWS).map(ToString::to_string).collect();
    let Some(statement) = sized(&FRESH, ids.len()) else { return Ok(Vec::new()) };
    let query = ids.into_iter().fold(sqlx::query(statement).bind(now.as_micros()), |query, id| query.bind(id));
    let rows = query.fetch_all(&mut **tx).await.map_err(StateError::statement("claim new notifications"))?;
    rows.iter().map(read).collect()
}

/// Claims rows: what is out of time or out of attempts is closed instead. `lease` is how long each may take. Gives the
/// attempts, which are on disk when the transaction is.
pub(super) async fn take(
    tx: &mut Tx,
    env: &Env,
    who: &Claimant,
    rows: Vec<Row>,
    manners: &BTreeMap<String, Manners>,
    lease: impl Fn(&Destination) -> Span,
) -> Result<Vec<Claimed>, StateError> {
    let now = env.now();
    let act = "claim notifications";
    let mut taken: Vec<Claimed> = Vec::with_capacity(rows.len());
    let mut by_lease: BTreeMap<Span, Vec<String>> = BTreeMap::new();
    for Row { mut claimed, abandoned, unknown } in rows {
        if abandoned {
            close_abandoned(tx, &claimed, now).await?;
        }
        let manners = manners.get(&claimed.subject.receiver);
        if let Some(total) = manners.and_then(|manners| manners.total_time) {
            claimed.deadline_at = claimed.deadline_at.min(claimed.created_at + total);
        }
        let fallback = manners.and_then(|manners| manners.fallback.as_ref());
        if unknown >= MOST_UNKNOWN {
            let error =
                format!("nobody knows whether it arrived: {unknown} attempts ended without an answer; not sent again");
            finish(tx, env, &claimed, fallback, &error).await?;
            continue;
        }
        if now >= claimed.deadline_at {
            let error = format!("given up at its deadline {} after {} attempts", claimed.deadline_at, claimed.attempt);
            finish(tx, env, &claimed, fallback, &error).await?;
            continue;
        }
        claimed.attempt += 1;
        let mut data = json!({"attempt": claimed.attempt, "idempotency_key": claimed.subject.id});
        if unknown > 0 {
            data["reason"] =
                json!("the outcome of an earlier attempt is unknown: sent once more, with the same idempotency key");
        }
        facts::note(tx, now, "notification.attempted", &claimed.subject, data).await?;
        by_lease.entry(lease(&claimed.to())).or_default().push(claimed.subject.id.to_string());
        taken.push(claimed);
    }
    for (lease, ids) in by_lease {
        let Some(statement) = sized(&LEASE, ids.len()) else { continue };
        let query = sqlx::query(statement).bind(&who.boot_id).bind((now + lease).as_micros());
        let query = ids.into_iter().fold(query, |query, id| query.bind(id));
        query.execute(&mut **tx).await.map_err(StateError::statement(act))?;
    }
    if let Some(statement) = sized(&ATTEMPT, taken.len()) {
        let query = taken.iter().fold(sqlx::query(statement), |query, claimed| {
            query.bind(claimed.subject.id.to_string()).bind(claimed.attempt).bind(now.as_micros()).bind("started")
        });
        query.execute(&mut **tx).await.map_err(StateError::statement(act))?;
    }
    Ok(taken)
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
async fn finish(
    tx: &mut Tx,
    env: &Env,
    claimed: &Claimed,
    fallback: Option<&Fallback>,
    error: &str,
) -> Result<(), StateError> {
    let now = env.now();
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
    standing::failed(tx, &claimed.to(), now, true, error).await?;
    facts::note(tx, now, "notification.failed", &claimed.subject, json!({"attempts": claimed.attempt, "error": error}))
        .await?;
    match fallback {
        Some(fallback) => manners::tell(tx, env, now, claimed, fallback, Some(error)).await,
        None => Ok(()),
    }
}

fn read(row: &SqliteRow) -> Result<Row, StateError> {
    let table = "notification";
    let (id, alert_ids): (String, String) = (row.get("id"), row.get("alert_ids"));
    let incident: Option<String> = row.get("incident_id");
    let alerts: Vec<AlertId> =
        serde_json::from_str(&alert_ids).map_err(|_| StateError::corrupt(table, "alert_ids", &alert_ids))?;
    let claimed = Claimed {
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
        created_at: Timestamp::from_micros(row.get("created_at")),
        deadline_at: Timestamp::from_micros(row.get("deadline_at")),
    };
    Ok(Row { claimed, abandoned: row.get::<&str, _>("state") == "sending", unknown: row.get("unknown") })
}
