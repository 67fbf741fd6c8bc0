//! Reading runs: for the API, the console and hand-over.
//!
//! Not the engine's own reading, which checks leases.

use serde::Serialize;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use watchkeeper_config::model::Workflow;
use watchkeeper_domain::ids::{AlertId, IncidentId, RunId};
use watchkeeper_domain::{Actor, Timestamp};
use watchkeeper_state::StateError;

use super::core::{Record, Status, StepStatus};
use super::queue::Trigger;

/// The most runs of one page.
const MAX_PAGE: i64 = 1_001;

/// A run as its row has it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// The workflow's name.
    pub workflow: String,
    /// What it acts on.
    pub target: String,
    /// The incident that it is for.
    pub incident: Option<IncidentId>,
    /// The alert that it is for.
    pub alert: Option<AlertId>,
    /// How it stands.
    pub status: Status,
    /// What came of it, in words. May quote hostile text.
    pub outcome: String,
    /// Who asked for it.
    pub started_by: Actor,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its first step began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When the engine looks at it again.
    pub due_at: Option<Timestamp>,
}

/// A run with its steps and its definition.
#[derive(Debug, Clone)]
pub struct Run {
    /// The row.
    pub row: RunRow,
    /// Why it was asked for. Hostile text.
    pub trigger: Trigger,
    /// The workflow as it was when the run was queued; none when this version cannot read it.
    pub definition: Option<Workflow>,
    /// Attempts of steps, in order. Verification is the step `verify`.
    pub records: Vec<Record>,
}

/// Which runs.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this workflow.
    pub workflow: Option<String>,
    /// In one of these states; empty: in any.
    pub states: Vec<Status>,
    /// For this incident.
    pub incident: Option<IncidentId>,
    /// Created before this run: the next page.
    pub before: Option<RunId>,
    /// Without those of restricted incidents.
    pub public_only: bool,
    /// At most this many, 1 to 1,000.
    pub limit: Option<u32>,
}

/// How many runs there are on all pages together.
pub async fn count(pool: &SqlitePool, filter: &Filter) -> Result<u64, StateError> {
    let states: Vec<&str> = filter.states.iter().map(|s| s.as_str()).collect();
    let states = if states.is_empty() { String::new() } else { format!(",{},", states.join(",")) };
    let many: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM run WHERE ($1 = '' OR workflow = $1) AND ($2 = '' OR incident_id = $2) \
         AND ($3 = '' OR $3 LIKE '%,' || state || ',%') AND ($4 = 0 OR incident_id IS NULL OR incident_id NOT IN \
         (SELECT id FROM incident WHERE restricted = 1))",
    )
    .bind(filter.workflow.as_deref().unwrap_or(""))
    .bind(filter.incident.map(|i| i.to_string()).unwrap_or_default())
    .bind(states)
    .bind(i64::from(filter.public_only))
    .fetch_one(pool)
    .await
    .map_err(StateError::statement("count workflow runs"))?;
    Ok(many.unsigned_abs())
}

/// Runs, newest first.
pub async fn list(pool: &SqlitePool, filter: &Filter) -> Result<Vec<RunRow>, StateError> {
    // One text for every combination: an absent condition is an empty text.
    let states: Vec<&str> = filter.states.iter().map(|s| s.as_str()).collect();
    let states = if states.is_empty() { String::new() } else { format!(",{},", states.join(",")) };
    let rows = sqlx::query(
        "SELECT * FROM run WHERE ($1 = '' OR workflow = $1) AND ($2 = '' OR incident_id = $2) \
         AND ($3 = '' OR $3 LIKE '%,' || state || ',%') AND ($4 = '' OR id < $4) AND ($6 = 0 OR incident_id IS NULL \
         OR incident_id NOT IN (SELECT id FROM incident WHERE restricted = 1)) ORDER BY id DESC LIMIT $5",
    )
    .bind(filter.workflow.as_deref().unwrap_or(""))
    .bind(filter.incident.map(|i| i.to_string()).unwrap_or_default())
    .bind(states)
    .bind(filter.before.map(|r| r.to_string()).unwrap_or_default())
    .bind(filter.limit.map_or(100, i64::from).clamp(1, MAX_PAGE))
    .bind(i64::from(filter.public_only))
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("list workflow runs"))?;
    rows.iter().map(row).collect()
}

/// One run in full.
pub async fn get(pool: &SqlitePool, id: RunId) -> Result<Option<Run>, StateError> {
    let found = sqlx::query("SELECT * FROM run WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await
        .map_err(StateError::statement("read a workflow run"))?;
    let Some(found) = found else { return Ok(None) };
    let trigger: &str = found.get("trigger");
    let definition: Option<Workflow> = serde_json::from_str(found.get("definition")).ok();
    let mut records = records(pool, id).await?;
    // Several steps may begin in one microsecond; then the definition says which came first. Verification is last.
    let place = |name: &str| {
        let steps = definition.as_ref().map_or(&[][..], |d| &d.steps);
        steps.iter().position(|s| s.name == name).unwrap_or(usize::MAX)
    };
    records.sort_by_key(|r| (r.started_at, r.try_number, place(&r.step), r.attempt));
    Ok(Some(Run {
        row: row(&found)?,
        trigger: serde_json::from_str(trigger).map_err(|_| StateError::corrupt("run", "trigger", trigger))?,
        definition,
        records,
    }))
}

async fn records(pool: &SqlitePool, id: RunId) -> Result<Vec<Record>, StateError> {
    let rows = sqlx::query("SELECT * FROM run_step WHERE run_id = $1 ORDER BY started_at, step, attempt")
        .bind(id.to_string())
        .fetch_all(pool)
        .await
        .map_err(StateError::statement("read the steps of a run"))?;
    rows.iter().map(record).collect()
}

fn json(row: &SqliteRow, column: &'static str) -> Result<Value, StateError> {
    let text: &str = row.get(column);
    serde_json::from_str(text).map_err(|_| StateError::corrupt("run_step", column, text))
}

fn record(row: &SqliteRow) -> Result<Record, StateError> {
    let state: &str = row.get("state");
    let input = json(row, "input")?;
    Ok(Record {
        step: row.get("step"),
        attempt: row.get("attempt"),
        try_number: input.get("try").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
        status: StepStatus::from_word(state).ok_or_else(|| StateError::corrupt("run_step", "state", state))?,
        result: json(row, "result")?,
        input,
        started_at: Timestamp::from_micros(row.get("started_at")),
        finished_at: row.get::<Option<i64>, _>("finished_at").map(Timestamp::from_micros),
        changed: false,
    })
}

pub(super) fn row(row: &SqliteRow) -> Result<RunRow, StateError> {
    let (id, state): (&str, &str) = (row.get("id"), row.get("state"));
    let Ok(started_by) = row.get::<&str, _>("started_by").parse::<Actor>();
    let time = |column| row.get::<Option<i64>, _>(column).map(Timestamp::from_micros);
    Ok(RunRow {
        id: id.parse().map_err(|_| StateError::corrupt("run", "id", id))?,
        workflow: row.get("workflow"),
        target: row.get("target"),
        incident: row.get::<Option<&str>, _>("incident_id").and_then(|i| i.parse().ok()),
        alert: row.get::<Option<&str>, _>("alert_id").and_then(|a| a.parse().ok()),
        status: Status::from_word(state).ok_or_else(|| StateError::corrupt("run", "state", state))?,
        outcome: row.get("outcome"),
        started_by,
        created_at: Timestamp::from_micros(row.get("created_at")),
        started_at: time("started_at"),
        finished_at: time("finished_at"),
        due_at: time("due_at"),
    })
}

/// A step as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepSummary {
    /// Its name.
    pub step: String,
    /// How its last attempt stands.
    pub status: StepStatus,
    /// Why, in words. Hostile text.
    pub summary: String,
}

impl Run {
    /// The last attempt of each step, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<StepSummary> {
        let mut out: Vec<StepSummary> = Vec::new();
        for record in &self.records {
            let summary = record.result.get("summary").and_then(Value::as_str).unwrap_or("").to_owned();
            let step = StepSummary { step: record.step.clone(), status: record.status, summary };
            match out.iter_mut().find(|s| s.step == record.step) {
                Some(known) => *known = step,
                None => out.push(step),
            }
        }
        out
    }
}
