//! Escalations for people: what is being called for, whom, and what comes next.
//!
//! Not the ledger's reasons: `explain` reads those.

use serde::Serialize;
use sqlx::{Row, SqlitePool};
use watchkeeper_domain::Timestamp;
use watchkeeper_state::StateError;

use super::row;
use super::step::Phase;
use crate::read::Viewer;

/// Most escalations that a list gives.
const MOST: i64 = 200;

/// One escalation, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// `esc_…`.
    pub id: String,
    /// The policy.
    pub policy: String,
    /// What people are called for. Hostile text.
    pub title: String,
    /// The incident, if it is about one.
    pub incident_id: Option<String>,
    /// How urgent.
    pub priority: String,
    /// `paging`, `held`, `acknowledged`, `exhausted` or `resolved`.
    pub phase: &'static str,
    /// How many steps were taken in this round.
    pub step: usize,
    /// How many steps the policy has.
    pub steps: usize,
    /// The round, from 1.
    pub round: u32,
    /// When the next step is taken.
    pub due_at: Option<Timestamp>,
    /// When it began.
    pub started_at: Timestamp,
    /// When somebody took it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who, as an actor.
    pub acknowledged_by: Option<String>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// The calls, in order.
    pub pages: Vec<Page>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// `person:ana`, or a receiver.
    pub receiver: String,
    /// Over which way; empty: over all.
    pub via: String,
    /// What led there.
    pub why: String,
    /// When it is or was due.
    pub due_at: Timestamp,
    /// `waiting`, `sent` or `cancelled`.
    pub state: String,
    /// Why it was cancelled.
    pub detail: String,
}

/// Open ones, or all; the newest first. Those of restricted incidents are for those only who may see these.
pub async fn list(pool: &SqlitePool, viewer: Viewer, all: bool) -> Result<Vec<Listed>, StateError> {
    let rows = sqlx::query(
        "SELECT e.* FROM escalation e LEFT JOIN incident i ON i.id = e.incident_id \
         WHERE ($1 = 1 OR e.phase <> 'resolved') AND ($2 = 1 OR ((i.restricted IS NULL OR i.restricted = 0) \
         AND NOT EXISTS (SELECT 1 FROM escalation_alert ea JOIN alert a ON a.id = ea.alert_id \
         WHERE ea.escalation_id = e.id AND a.category = 'security'))) ORDER BY e.started_at DESC, e.id DESC LIMIT $3",
    )
    .bind(i64::from(all))
    .bind(i64::from(viewer.sees_restricted))
    .bind(MOST)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("list escalations"))?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let it = row::from_row(row)?;
        let id = it.id.to_string();
        found.push(Listed {
            pages: pages(pool, &id).await?,
            id,
            policy: it.policy.name.clone(),
            title: it.title,
            incident_id: it.incident.map(|id| id.to_string()),
            priority: it.priority.to_string(),
            phase: it.progress.phase.as_str(),
            step: it.progress.step,
            steps: it.policy.steps.len(),
            round: it.progress.round + 1,
            due_at: it.progress.due_at.filter(|_| it.progress.phase == Phase::Paging),
            started_at: it.started_at,
            acknowledged_at: it.acknowledged_at,
            acknowledged_by: it.acknowledged_by,
            ended_at: it.ended_at,
        });
    }
    Ok(found)
}

async fn pages(pool: &SqlitePool, id: &str) -> Result<Vec<Page>, StateError> {
    let rows = sqlx::query(
        "SELECT receiver, via, why, due_at, state, detail FROM page WHERE escalation_id = $1 ORDER BY id LIMIT 200",
    )
    .bind(id)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("list the calls of an escalation"))?;
    let page = |row: &sqlx::sqlite::SqliteRow| Page {
        receiver: row.get("receiver"),
        via: row.get("via"),
        why: row.get("why"),
        due_at: Timestamp::from_micros(row.get("due_at")),
        state: row.get("state"),
        detail: row.get("detail"),
    };
    Ok(rows.iter().map(page).collect())
}
