//! The engine's SQL: which runs are due, and committing what the core decided.
//!
//! Not decisions.

use serde_json::json;
use sqlx::{Row, SqlitePool};
use watchkeeper_domain::ids::RunId;
use watchkeeper_domain::{Actor, Env, Span, Timestamp};
use watchkeeper_state::outbox::{self, Message};
use watchkeeper_state::{State, StateError, Tx};

use super::core::{Effect, Record, RunState};
use super::engine::{HandOver, Receivers};
use super::queue::Subject;
use super::read::{self, RunRow};

/// How long after a step's own time-out its lease ends.
const LEASE_GRACE: Span = Span::from_secs(60);

/// Active runs: which are due at `now`, and when the next one is.
pub(super) async fn due(
    pool: &SqlitePool,
    owner: &str,
    now: Timestamp,
    limit: i64,
) -> Result<(Vec<RunId>, Option<Timestamp>), StateError> {
    let act = "look for due workflow runs";
    let rows = sqlx::query(
        "SELECT id FROM run WHERE state IN ('queued', 'running', 'waiting') AND due_at <= $1 \
         AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until <= $1) ORDER BY due_at LIMIT $3",
    )
    .bind(now.as_micros())
    .bind(owner)
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement(act))?;
    let ids = rows.iter().filter_map(|r| r.get::<&str, _>("id").parse().ok()).collect();
    let next: Option<i64> = sqlx::query_scalar(
        "SELECT min(CASE WHEN due_at > $1 THEN due_at ELSE lease_until END) FROM run \
         WHERE state IN ('queued', 'running', 'waiting') AND (due_at > $1 OR (lease_owner <> $2 AND lease_until > $1))",
    )
    .bind(now.as_micros())
    .bind(owner)
    .fetch_one(pool)
    .await
    .map_err(StateError::statement(act))?;
    Ok((ids, next.map(Timestamp::from_micros)))
}

/// Frees what a process that is gone had leased. One process owns the database, so whoever else holds a lease is dead.
pub(super) async fn free_leases(state: &State, owner: &str) -> Result<(), StateError> {
    let mut tx = state.write().await?;
    sqlx::query(
        "UPDATE run SET lease_owner = NULL, lease_until = NULL \
         WHERE state IN ('queued', 'running', 'waiting') AND lease_owner IS NOT NULL AND lease_owner <> $1",
    )
    .bind(owner)
    .execute(&mut *tx)
    .await
    .map_err(StateError::statement("free the leases of workflow runs"))?;
    State::commit(tx).await
}

/// Which of these runs are not active any more.
pub(super) async fn inactive(pool: &SqlitePool, runs: &[RunId]) -> Result<Vec<RunId>, StateError> {
    let mut out = Vec::new();
    for run in runs {
        let active: i64 =
            sqlx::query_scalar("SELECT count(*) FROM run WHERE id = $1 AND state IN ('queued', 'running', 'waiting')")
                .bind(run.to_string())
                .fetch_one(pool)
                .await
                .map_err(StateError::statement("look for cancelled runs"))?;
        if active == 0 {
            out.push(*run);
        }
    }
    Ok(out)
}

/// What a commit needs besides the decision.
pub(super) struct Commit<'a> {
    pub(super) state: &'a State,
    pub(super) env: &'a Env,
    pub(super) owner: &'a str,
    pub(super) hand_over: &'a dyn HandOver,
    pub(super) receivers: &'a Receivers,
}

impl Commit<'_> {
    /// Commits a decision. False when the run is not ours any more: cancelled, or taken by another node.
    pub(super) async fn write(
        &self,
        row: &RunRow,
        next: &mut RunState,
        effects: &[Effect],
    ) -> Result<bool, StateError> {
        let now = self.env.now();
        let mut tx = self.state.write().await?;
        let over = !next.status.is_active();
        let lease = effects.iter().find_map(|e| match e {
            Effect::Run { timeout, .. } => Some(now + *timeout + LEASE_GRACE),
            _ => None,
        });
        let updated = sqlx::query(
            "UPDATE run SET state = $2, outcome = $3, started_at = $4, finished_at = $5, due_at = $6, lease_owner = $7, \
             lease_until = $8 WHERE id = $1 AND state IN ('queued', 'running', 'waiting') \
             AND (lease_owner IS NULL OR lease_owner = $9 OR lease_until <= $10)",
        )
        .bind(row.id.to_string())
        .bind(next.status.as_str())
        .bind(&next.outcome)
        .bind(next.started_at.map(Timestamp::as_micros))
        .bind(over.then_some(now.as_micros()))
        .bind(next.due_at.map(Timestamp::as_micros))
        .bind(lease.map(|_| self.owner))
        .bind(lease.map(Timestamp::as_micros))
        .bind(self.owner)
        .bind(now.as_micros())
        .execute(&mut *tx)
        .await
        .map_err(StateError::statement("write a workflow run"))?;
        if updated.rows_affected() == 0 {
            return Ok(false);
        }
        for record in next.records.iter_mut().filter(|r| r.changed) {
            save(&mut tx, row.id, record).await?;
            record.changed = false;
        }
        let subject = Subject { run: row.id, incident: row.incident, alert: row.alert };
        let actor = Actor::Workflow(row.workflow.clone());
        for effect in effects {
            match effect {
                Effect::Note { kind, data, text } => {
                    subject.write(&mut tx, self.env, kind, &actor, data.clone(), text.as_deref()).await?;
                }
                Effect::Notify { receiver, message } => self.tell(&mut tx, row, receiver, message).await?,
                Effect::End if next.status != super::core::Status::Succeeded => {
                    let ended = RunRow {
                        status: next.status,
                        outcome: next.outcome.clone(),
                        finished_at: Some(now),
                        started_at: next.started_at,
                        due_at: None,
                        ..row.clone()
                    };
                    self.hand_over.handed_over(&mut tx, &ended).await?;
                }
                _ => {}
            }
        }
        State::commit(tx).await?;
        Ok(true)
    }

    async fn tell(&self, tx: &mut Tx, row: &RunRow, receiver: &str, message: &str) -> Result<(), StateError> {
        // A receiver that a reload removed has nobody to tell; the ledger says that nothing was intended.
        let integrations = (self.receivers)(receiver).unwrap_or_default();
        let (thread, alerts) = (row.id.to_string(), Vec::from_iter(row.alert));
        let message = Message {
            kind: "workflow",
            status: "info",
            receiver,
            thread: &thread,
            group: None,
            incident: row.incident,
            alerts: &alerts,
            content: json!({"text": message, "workflow": row.workflow, "run_id": row.id}),
            reason: format!("a step of the workflow {}", row.workflow),
        };
        outbox::enqueue(tx, self.env, self.env.now(), &integrations, &message).await.map(drop)
    }
}

async fn save(tx: &mut Tx, run: RunId, record: &Record) -> Result<(), StateError> {
    sqlx::query(
        "INSERT INTO run_step (run_id, step, attempt, state, input, result, started_at, finished_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (run_id, step, attempt) \
         DO UPDATE SET state = excluded.state, result = excluded.result, finished_at = excluded.finished_at",
    )
    .bind(run.to_string())
    .bind(&record.step)
    .bind(record.attempt)
    .bind(record.status.as_str())
    .bind(record.input.to_string())
    .bind(record.result.to_string())
    .bind(record.started_at.as_micros())
    .bind(record.finished_at.map(Timestamp::as_micros))
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("record a step"))?;
    Ok(())
}

/// A run as the engine takes it up.
pub(super) async fn load(pool: &SqlitePool, id: RunId) -> Result<Option<(read::Run, RunState)>, StateError> {
    let Some(run) = read::get(pool, id).await? else { return Ok(None) };
    let state = RunState {
        status: run.row.status,
        outcome: run.row.outcome.clone(),
        started_at: run.row.started_at,
        due_at: run.row.due_at,
        records: run.records.clone(),
    };
    Ok(Some((run, state)))
}
