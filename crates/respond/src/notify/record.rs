//! Writing down what became of an attempt: row, attempt, ledger and those who wait for the same destination, in one
//! transaction.
//!
//! Not the decision what an answer means: the channel made it.

use serde_json::json;
use watchkeeper_domain::{Env, Timestamp};
use watchkeeper_state::{Entry, State, StateError, Tx, ledger};

use super::backoff;
use super::channel::SendResult;
use super::claim::{self, Claimed, MOST_UNKNOWN};
use super::destination::{Change, Destination};
use super::facts;
use super::manners::{self, Fallback};
use super::standing;

/// How a row stands after an attempt.
struct Verdict {
    state: &'static str,
    outcome: &'static str,
    kind: &'static str,
    status: Option<u16>,
    error: Option<String>,
    receipt: Option<String>,
    next_attempt_at: Option<Timestamp>,
}

/// What became of an attempt.
pub(super) struct Outcome<'a> {
    pub(super) result: &'a SendResult,
    /// What it meant for the destination.
    pub(super) change: Change,
    /// Which of the receiver's templates failed, so that the built-in text left.
    pub(super) template_errors: &'a [String],
}

/// Records an outcome.
pub(super) async fn record(
    state: &State,
    env: &Env,
    boot_id: &str,
    claimed: &Claimed,
    outcome: &Outcome<'_>,
    fallback: Option<&Fallback>,
) -> Result<(), StateError> {
    let Outcome { result, change, template_errors } = *outcome;
    let act = "record a notification's outcome";
    let now = env.now();
    let mut tx = state.write().await?;
    let id = claimed.subject.id.to_string();
    let unknown = match result {
        SendResult::Unknown { .. } => claim::unknown_attempts(&mut tx, &id).await?,
        SendResult::Delivered { .. } | SendResult::Retry { .. } | SendResult::Failed { .. } => 0,
    };
    let verdict = judge(env, claimed, result, unknown, now);
    sqlx::query(
        "UPDATE notification_attempt SET outcome = $3, finished_at = $4, status = $5, detail = $6, receipt = $7 \
         WHERE notification_id = $1 AND n = $2",
    )
    .bind(&id)
    .bind(claimed.attempt)
    .bind(verdict.outcome)
    .bind(now.as_micros())
    .bind(verdict.status.map(i64::from))
    .bind(verdict.error.as_deref().unwrap_or_default())
    .bind(&verdict.receipt)
    .execute(&mut *tx)
    .await
    .map_err(StateError::statement(act))?;
    // Only the holder of the lease moves the row: an attempt that outlived its lease must not undo its successor.
    sqlx::query(
        "UPDATE notification SET state = $4, last_error = $5, receipt = coalesce($6, receipt), finished_at = $7, \
         next_attempt_at = coalesce($8, next_attempt_at), lease_owner = NULL, lease_until = NULL \
         WHERE id = $1 AND state = 'sending' AND lease_owner = $2 AND attempts = $3",
    )
    .bind(&id)
    .bind(boot_id)
    .bind(claimed.attempt)
    .bind(verdict.state)
    .bind(&verdict.error)
    .bind(&verdict.receipt)
    .bind((verdict.state != "pending").then_some(now.as_micros()))
    .bind(verdict.next_attempt_at.map(Timestamp::as_micros))
    .execute(&mut *tx)
    .await
    .map_err(StateError::statement(act))?;
    let to = claimed.to();
    match &verdict.error {
        None => standing::delivered(&mut tx, &to, now).await?,
        Some(error) => standing::failed(&mut tx, &to, now, verdict.state == "failed", error).await?,
    }
    let failed = verdict.error.clone().filter(|_| verdict.state == "failed");
    let mut data = json!({"attempt": claimed.attempt});
    if let Some(object) = data.as_object_mut() {
        let details = [
            ("status", verdict.status.map(|s| json!(s))),
            ("error", verdict.error.map(|e| json!(e))),
            ("receipt", verdict.receipt.map(|r| json!(r))),
            ("next_attempt_at", verdict.next_attempt_at.map(|t| json!(t))),
            ("template_errors", (!template_errors.is_empty()).then(|| json!(template_errors.join("; ")))),
        ];
        object.extend(details.into_iter().filter_map(|(name, value)| value.map(|v| (name.to_owned(), v))));
    }
    facts::note(&mut tx, now, verdict.kind, &claimed.subject, data.clone()).await?;
    if verdict.outcome == "unknown" && verdict.state == "failed" {
        facts::note(&mut tx, now, "notification.failed", &claimed.subject, data).await?;
    }
    apply(&mut tx, &to, change, now).await?;
    if let (Some(fallback), "failed" | "delivered") = (fallback, verdict.state) {
        manners::tell(&mut tx, env, now, claimed, fallback, failed.as_deref()).await?;
    }
    State::commit(tx).await
}

fn judge(env: &Env, claimed: &Claimed, result: &SendResult, unknown: i64, now: Timestamp) -> Verdict {
    let failures = u32::try_from(claimed.attempt).unwrap_or(u32::MAX);
    let failed = |outcome, kind, status, error| Verdict {
        state: "failed",
        outcome,
        kind,
        status,
        error: Some(error),
        receipt: None,
        next_attempt_at: None,
    };
    match result {
        SendResult::Delivered { status, receipt } => Verdict {
            state: "delivered",
            outcome: "delivered",
            kind: "notification.delivered",
            status: Some(*status),
            error: None,
            receipt: Some(receipt.clone()),
            next_attempt_at: None,
        },
        SendResult::Failed { status, error } => failed("failed", "notification.failed", *status, error.clone()),
        SendResult::Retry { status, error, after } => {
            let next = now + backoff::wait(env, failures, *after);
            if next >= claimed.deadline_at {
                let error = format!("given up, the next attempt would be after the deadline: {error}");
                return failed("failed", "notification.failed", *status, error);
            }
            Verdict {
                state: "pending",
                outcome: "retry",
                kind: "notification.retry",
                status: *status,
                error: Some(error.clone()),
                receipt: None,
                next_attempt_at: Some(next),
            }
        }
        // This attempt is not counted among `unknown` yet: it still stands as `started`.
        SendResult::Unknown { error } if unknown + 1 >= MOST_UNKNOWN => {
            let error = format!("nobody knows whether it arrived, and it was sent twice; not sent again: {error}");
            failed("unknown", "notification.unknown", None, error)
        }
        SendResult::Unknown { error } => Verdict {
            state: "pending",
            outcome: "unknown",
            kind: "notification.unknown",
            status: None,
            error: Some(error.clone()),
            receipt: None,
            next_attempt_at: Some(now + backoff::wait(env, failures, None)),
        },
    }
}

/// Moves those who wait for the same destination, so that everybody can see when they go.
async fn apply(tx: &mut Tx, to: &Destination, change: Change, now: Timestamp) -> Result<(), StateError> {
    let act = "move the notifications that wait for a destination";
    let (sql, at) = match change {
        Change::None => return Ok(()),
        Change::Hold { until, .. } => (
            "UPDATE notification SET next_attempt_at = $3 \
             WHERE receiver = $1 AND integration = $2 AND state = 'pending' AND next_attempt_at < $3",
            until,
        ),
        Change::Release => (
            "UPDATE notification SET next_attempt_at = $3 \
             WHERE receiver = $1 AND integration = $2 AND state = 'pending' AND next_attempt_at > $3",
            now,
        ),
    };
    let moved = sqlx::query(sql)
        .bind(&to.receiver)
        .bind(&to.integration)
        .bind(at.as_micros())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement(act))?
        .rows_affected();
    let kind = match change {
        Change::Hold { opened: true, .. } => "receiver.unreachable",
        Change::Release => "receiver.recovered",
        Change::Hold { .. } | Change::None => return Ok(()),
    };
    let data = json!({"receiver": to.receiver, "integration": to.integration, "moved": moved, "next_attempt_at": at});
    let subject = format!("{}/{}", to.receiver, to.integration);
    ledger::append(tx, Entry::new(now, kind, watchkeeper_domain::Actor::System, subject).data(data)).await?;
    Ok(())
}
