//! The reconciler: messages that call people are taken, open escalations follow what happens, and calls whose time has
//! come are made.
//!
//! Not the decisions: see [`super::step`].

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqliteExecutor};
use watchkeeper_alert::silence::Cache;
use watchkeeper_domain::{Integration, Span, Timestamp};
use watchkeeper_state::{ReconcileError, Reconciler, Report, State, StateError, Tx};

use super::effect::{Page, Scene, send};
use super::row::{self, Situation};
use super::step::{Condition, Event, Phase};
use super::take::{Taken, take, turn};
use crate::oncall::Override;
use crate::oncall::command::OnCall;
use crate::oncall::restriction::Window;
use crate::oncall::store;

/// Most messages and most calls that one pass takes.
const BATCH: i64 = 200;

/// Calls people until somebody answers.
pub struct EscalationReconciler {
    on_call: OnCall,
    silences: Cache,
}

impl EscalationReconciler {
    /// Works with the schedules and policies of `on_call`. `silences` is the one that others use, too.
    #[must_use]
    pub fn new(on_call: OnCall, silences: Cache) -> Self {
        Self { on_call, silences }
    }

    /// Takes in somebody else's transaction the messages that it has just written, so that one commit carries a verdict
    /// to the first call. Everything else (time, answers, what is over) is left to the passes.
    pub async fn pass_in(&self, tx: &mut Tx) -> Result<Report, StateError> {
        let settings = self.on_call.settings();
        if settings.paging.is_empty() || tx.enqueued().is_empty() {
            return Ok(Report::default());
        }
        let rows = messages(tx).await?;
        if rows.is_empty() {
            return Ok(Report::default());
        }
        let now = self.on_call.env.now();
        let overrides = overrides_of_now(tx, now).await?;
        let scene =
            Scene { env: &self.on_call.env, now, settings: &settings, overrides: &overrides, silences: &self.silences };
        Ok(Report { processed: take_messages(tx, &scene, &rows).await?, next_due: None })
    }

    async fn pass(&self) -> Result<Report, StateError> {
        let state = &self.on_call.state;
        let now = self.on_call.env.now();
        // Looking costs no write transaction, so that an idle pass holds nobody up.
        let mut db = state.read().acquire().await.map_err(StateError::statement("look at escalations"))?;
        let news = changed(row::situations(&mut db, &self.silences, now, None).await?);
        if news.is_empty() && !anything_due(&mut *db, now).await? {
            return Ok(Report { processed: 0, next_due: self.next_due(&mut db, now).await? });
        }
        // Whoever waits for the writer holds no reader.
        drop(db);
        let mut tx = state.write().await?;
        let overrides = overrides_of_now(&mut tx, now).await?;
        let settings = self.on_call.settings();
        let scene =
            Scene { env: &self.on_call.env, now, settings: &settings, overrides: &overrides, silences: &self.silences };
        let mut processed = 0;
        // First what people and alerts did: what somebody has is not escalated, however late this pass comes.
        for situation in changed(row::situations(&mut tx, &self.silences, now, None).await?) {
            if let Some(it) = row::load(&mut tx, &situation.id).await? {
                turn(&mut tx, &scene, it, Event::Is(situation.condition), situation.owner).await?;
                processed += 1;
            }
        }
        let rows = messages(&mut tx).await?;
        processed += take_messages(&mut tx, &scene, &rows).await?;
        processed += keep_time(&mut tx, &scene).await?;
        processed += make_calls(&mut tx, &scene).await?;
        let next_due = self.next_due(&mut tx, now).await?;
        State::commit(tx).await?;
        Ok(Report { processed, next_due })
    }

    async fn next_due(&self, db: &mut SqliteConnection, now: Timestamp) -> Result<Option<Timestamp>, StateError> {
        let silences = row::next_change_of_silences(&mut *db, &self.silences, now).await?;
        Ok(next_due(db).await?.into_iter().chain(silences).min())
    }
}

/// Those whose phase is not what the situation asks for.
fn changed(all: Vec<Situation>) -> Vec<Situation> {
    let fits = |situation: &Situation| {
        let phase = Phase::ALL.into_iter().find(|phase| phase.as_str() == situation.phase);
        match situation.condition {
            Condition::Over => false,
            Condition::Owned => phase == Some(Phase::Acknowledged),
            Condition::Muted => matches!(phase, Some(Phase::Held | Phase::Acknowledged)),
            Condition::Unowned => matches!(phase, Some(Phase::Paging | Phase::Exhausted)),
        }
    };
    all.into_iter().filter(|situation| !fits(situation)).collect()
}

async fn anything_due(db: impl SqliteExecutor<'_>, now: Timestamp) -> Result<bool, StateError> {
    let due: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM notification WHERE state = 'escalating' AND integration = $2) \
         OR EXISTS (SELECT 1 FROM page WHERE state = 'waiting' AND due_at <= $1) \
         OR EXISTS (SELECT 1 FROM escalation WHERE phase <> 'resolved' AND (due_at <= $1 OR remind_at <= $1))",
    )
    .bind(now.as_micros())
    .bind(Integration::ON_CALL)
    .fetch_one(db)
    .await
    .map_err(StateError::statement("see whether anybody is to be called"))?;
    Ok(due != 0)
}

async fn next_due(db: impl SqliteExecutor<'_>) -> Result<Option<Timestamp>, StateError> {
    let due: Option<i64> = sqlx::query_scalar(
        "SELECT min(due) FROM (SELECT min(due_at) AS due FROM page WHERE state = 'waiting' \
         UNION ALL SELECT min(due_at) FROM escalation WHERE phase <> 'resolved' \
         UNION ALL SELECT min(remind_at) FROM escalation WHERE phase <> 'resolved') AS times",
    )
    .fetch_one(db)
    .await
    .map_err(StateError::statement("see when somebody is to be called"))?;
    Ok(due.map(Timestamp::from_micros))
}

async fn overrides_of_now(tx: &mut Tx, now: Timestamp) -> Result<BTreeMap<String, Vec<Override>>, StateError> {
    let instant = Window { from: now, until: now + Span::from_micros(1) };
    Ok(store::by_schedule(&store::overrides(&mut **tx, instant).await?))
}

/// The messages that call people and that nobody took yet.
async fn messages(tx: &mut Tx) -> Result<Vec<SqliteRow>, StateError> {
    sqlx::query(
        "SELECT id, kind, status, receiver, thread, incident_id, alert_ids, content FROM notification \
         WHERE state = 'escalating' ORDER BY rowid LIMIT $1",
    )
    .bind(BATCH)
    .fetch_all(&mut **tx)
    .await
    .map_err(StateError::statement("find messages that call people"))
}

async fn take_messages(tx: &mut Tx, scene: &Scene<'_>, rows: &[SqliteRow]) -> Result<usize, StateError> {
    for row in rows {
        take(tx, scene, &Taken::from_row(row)?).await?;
    }
    Ok(rows.len())
}

/// Steps and reminders whose time has come.
async fn keep_time(tx: &mut Tx, scene: &Scene<'_>) -> Result<usize, StateError> {
    let rows = sqlx::query(
        "SELECT * FROM escalation WHERE phase <> 'resolved' AND (due_at <= $1 OR remind_at <= $1) \
         ORDER BY coalesce(due_at, remind_at), id LIMIT $2",
    )
    .bind(scene.now.as_micros())
    .bind(BATCH)
    .fetch_all(&mut **tx)
    .await
    .map_err(StateError::statement("find escalations that are due"))?;
    for row in &rows {
        turn(tx, scene, row::from_row(row)?, Event::Time, None).await?;
    }
    Ok(rows.len())
}

/// Calls that a person wanted later than the first one.
async fn make_calls(tx: &mut Tx, scene: &Scene<'_>) -> Result<usize, StateError> {
    let rows = sqlx::query(
        "SELECT id, escalation_id, step, receiver, via, why FROM page WHERE state = 'waiting' AND due_at <= $1 \
         ORDER BY due_at, id LIMIT $2",
    )
    .bind(scene.now.as_micros())
    .bind(BATCH)
    .fetch_all(&mut **tx)
    .await
    .map_err(StateError::statement("find calls that are due"))?;
    let mut known = BTreeMap::new();
    for row in &rows {
        let id: String = row.get("escalation_id");
        if !known.contains_key(&id) {
            known.insert(id.clone(), row::load(tx, &id).await?);
        }
        if let Some(Some(it)) = known.get(&id) {
            send(tx, scene, it, &Page::from_row(row)).await?;
        }
    }
    Ok(rows.len())
}

impl Reconciler for EscalationReconciler {
    fn name(&self) -> &'static str {
        "escalation"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.pass().await?) })
    }
}
