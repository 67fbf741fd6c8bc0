//! Metrics about runs, written into the telemetry store so that rules can watch the workflows.
//!
//! Not the `metric` step. Counters are counts of rows, so a restart never sets them back.

use sqlx::{Row, SqlitePool};
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::telemetry::{Batch, MetricMeta, Sample, SeriesSamples};
use watchkeeper_domain::{Labels, Timestamp};
use watchkeeper_state::StateError;

use super::core::RunState;
use super::read::RunRow;

const RUNS: &str = "watchkeeper_workflow_runs_total";
const DURATION: &str = "watchkeeper_workflow_run_duration_seconds";

/// One counter per workflow and outcome, at `now`. Empty when nothing ever ended.
pub(super) async fn counters(pool: &SqlitePool, now: Timestamp) -> Result<Batch, StateError> {
    let rows = sqlx::query(
        "SELECT workflow, state, count(*) AS n, min(created_at) AS first FROM run \
         WHERE state NOT IN ('queued', 'running', 'waiting') GROUP BY workflow, state",
    )
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("count workflow runs"))?;
    let mut batch = Batch::default();
    for row in &rows {
        let first = Timestamp::from_micros(row.get("first"));
        batch.series.push(SeriesSamples {
            labels: labels(RUNS, row.get("workflow"), row.get("state")),
            samples: vec![sample(now, count(row.get("n")))],
            // The series begins with a zero when the first run was asked for, so that `increase()` sees that run.
            start: Some(first.as_millis()).filter(|s| *s < now.as_millis()),
        });
    }
    if !rows.is_empty() {
        batch.meta.push(meta(RUNS, "counter", "", "Workflow runs that ended, by outcome."));
    }
    Ok(batch)
}

/// The counters and the duration of a run that just ended.
pub(super) async fn ended(
    pool: &SqlitePool,
    row: &RunRow,
    state: &RunState,
    now: Timestamp,
) -> Result<Batch, StateError> {
    let mut batch = counters(pool, now).await?;
    let took = now.since(state.started_at.unwrap_or(row.created_at));
    batch.series.push(SeriesSamples {
        labels: labels(DURATION, &row.workflow, state.status.as_str()),
        samples: vec![sample(now, took.as_secs_f64())],
        start: None,
    });
    batch.meta.push(meta(DURATION, "gauge", "seconds", "How long the last workflow run took."));
    Ok(batch)
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 runs")]
fn count(n: i64) -> f64 {
    n as f64
}

fn sample(now: Timestamp, v: f64) -> Sample {
    Sample { t: now.as_millis(), v }
}

fn labels(name: &str, workflow: &str, outcome: &str) -> Labels {
    Labels::from_pairs([(NAME, name), ("workflow", workflow), ("outcome", outcome)])
}

fn meta(name: &str, kind: &str, unit: &str, help: &str) -> MetricMeta {
    MetricMeta { name: name.into(), kind: kind.into(), unit: unit.into(), help: help.into() }
}
