//! Asking for a run: the guard decides, and the run is a row in the caller's transaction.
//!
//! Not running it: the engine finds the row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use watchkeeper_config::model::{Workflow, WorkflowKind};
use watchkeeper_domain::ids::{AlertId, EntryId, Id, IncidentId, RunId};
use watchkeeper_domain::{Actor, Env, Labels, Span, Timestamp};
use watchkeeper_lang::jinja;
use watchkeeper_state::{Entry, State, StateError, Tx, ledger};

use super::core::Status;

/// Why a run is asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// The alert's labels, or what a person gave. Hostile text.
    pub labels: Labels,
    /// The alert's annotations. Hostile text.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// The incident that it is for.
    #[serde(default)]
    pub incident: Option<IncidentId>,
    /// The alert that it is for.
    #[serde(default)]
    pub alert: Option<AlertId>,
}

/// What became of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queued {
    /// The run is a row. Wake the engine after the commit.
    Queued(RunId),
    /// A guard said no. That is a row, too, so that people see it.
    Refused {
        /// The row.
        run: RunId,
        /// Why, in words.
        reason: String,
    },
}

/// Writes a run in the caller's transaction, or says why not; with ledger and timeline.
pub async fn queue(
    tx: &mut Tx,
    env: &Env,
    workflow: &Workflow,
    trigger: &Trigger,
    started_by: &Actor,
) -> Result<Queued, StateError> {
    let now = env.now();
    let context = json!({
        "labels": trigger.labels, "annotations": trigger.annotations,
        "incident": {"id": trigger.incident}, "alert": {"id": trigger.alert},
    });
    let (target, refusal) = match jinja::render(&workflow.target, &context) {
        Ok(target) => {
            let target: String = target.trim().chars().take(300).collect();
            let refusal = guard(tx, workflow, &target, trigger, now).await?;
            (target, refusal)
        }
        Err(e) => (String::new(), Some(format!("its target cannot be told: {e}"))),
    };
    let id = RunId::new(env);
    let status = if refusal.is_some() { Status::Refused } else { Status::Queued };
    let over = refusal.is_some().then_some(now.as_micros());
    sqlx::query(
        "INSERT INTO run (id, workflow, definition, target, incident_id, alert_id, trigger, state, outcome, started_by, \
         created_at, finished_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(id.to_string())
    .bind(&workflow.name)
    .bind(json!(workflow).to_string())
    .bind(&target)
    .bind(trigger.incident.map(|i| i.to_string()))
    .bind(trigger.alert.map(|a| a.to_string()))
    .bind(json!(trigger).to_string())
    .bind(status.as_str())
    .bind(refusal.as_deref().unwrap_or(""))
    .bind(started_by.to_string())
    .bind(now.as_micros())
    .bind(over)
    .bind(if refusal.is_some() { None } else { Some(now.as_micros()) })
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("queue a workflow run"))?;
    let kind = if refusal.is_some() { "run.refused" } else { "run.queued" };
    let text = match &refusal {
        Some(reason) => format!("Workflow {} was not started: {reason}", workflow.name),
        None if target.is_empty() => format!("Workflow {} was started", workflow.name),
        None => format!("Workflow {} was started for {target}", workflow.name),
    };
    let subject = Subject { run: id, incident: trigger.incident, alert: trigger.alert };
    let data = json!({"workflow": workflow.name, "target": target, "reason": refusal});
    subject.write(tx, env, kind, started_by, data, Some(&text)).await?;
    Ok(match refusal {
        Some(reason) => Queued::Refused { run: id, reason },
        None => Queued::Queued(id),
    })
}

/// Why the guard says no; none: it does not.
async fn guard(
    tx: &mut Tx,
    workflow: &Workflow,
    target: &str,
    trigger: &Trigger,
    now: Timestamp,
) -> Result<Option<String>, StateError> {
    if let (Some(incident), WorkflowKind::Remediation) = (trigger.incident, workflow.kind) {
        let kind: Option<String> = sqlx::query_scalar("SELECT kind FROM incident WHERE id = $1")
            .bind(incident.to_string())
            .fetch_optional(&mut **tx)
            .await
            .map_err(StateError::statement("read the kind of an incident"))?;
        if kind.as_deref() == Some("security") {
            return Ok(Some("the incident is a security incident, and only containment may run for those".to_owned()));
        }
    }
    let on = if target.is_empty() { String::new() } else { format!(" for `{target}`") };
    let active: Option<String> = sqlx::query_scalar(
        "SELECT id FROM run WHERE workflow = $1 AND target = $2 AND state IN ('queued', 'running', 'waiting') LIMIT 1",
    )
    .bind(&workflow.name)
    .bind(target)
    .fetch_optional(&mut **tx)
    .await
    .map_err(StateError::statement("look for an active run"))?;
    if let Some(run) = active {
        return Ok(Some(format!("{run} already works{on}")));
    }
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT max(finished_at) FROM run WHERE workflow = $1 AND target = $2 AND state <> 'refused'",
    )
    .bind(&workflow.name)
    .bind(target)
    .fetch_one(&mut **tx)
    .await
    .map_err(StateError::statement("look for the last run"))?;
    if let Some(last) = last.map(Timestamp::from_micros) {
        let free = last + workflow.guard.cooldown;
        if free > now {
            let (since, cooldown) = (seconds(now.since(last)), workflow.guard.cooldown);
            return Ok(Some(format!("the last run{on} ended {since} ago; the cooldown is {cooldown}")));
        }
    }
    let recent: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM run WHERE workflow = $1 AND target = $2 AND created_at > $3 AND state <> 'refused'",
    )
    .bind(&workflow.name)
    .bind(target)
    .bind((now - Span::from_secs(3_600)).as_micros())
    .fetch_one(&mut **tx)
    .await
    .map_err(StateError::statement("count recent runs"))?;
    if recent >= i64::from(workflow.guard.runs_per_hour) {
        return Ok(Some(format!(
            "it ran {recent} times{on} within the hour; the limit is {}",
            workflow.guard.runs_per_hour
        )));
    }
    Ok(None)
}

fn seconds(span: Span) -> Span {
    Span::from_secs(span.as_micros() / 1_000_000)
}

/// Stops a run. False when there is nothing to stop any more. Wake the engine afterwards: it drops what is under way.
pub async fn cancel(state: &State, env: &Env, run: RunId, by: &Actor) -> Result<bool, StateError> {
    let mut tx = state.write().await?;
    let now = env.now().as_micros();
    let outcome = format!("Stopped by {by}.");
    let row: Option<(String, Option<String>, Option<String>)> = sqlx::query_as(
        "UPDATE run SET state = 'cancelled', outcome = $2, finished_at = $3, due_at = NULL, lease_owner = NULL, \
         lease_until = NULL WHERE id = $1 AND state IN ('queued', 'running', 'waiting') \
         RETURNING workflow, incident_id, alert_id",
    )
    .bind(run.to_string())
    .bind(&outcome)
    .bind(now)
    .fetch_optional(&mut *tx)
    .await
    .map_err(StateError::statement("cancel a run"))?;
    let Some((workflow, incident, alert)) = row else { return Ok(false) };
    // Nobody will know what became of a step that is under way.
    sqlx::query(
        "UPDATE run_step SET state = 'unknown', finished_at = $2, result = $3 WHERE run_id = $1 AND state = 'started'",
    )
    .bind(run.to_string())
    .bind(now)
    .bind(json!({"summary": "the run was stopped while it was under way"}).to_string())
    .execute(&mut *tx)
    .await
    .map_err(StateError::statement("cancel the steps of a run"))?;
    let subject =
        Subject { run, incident: incident.and_then(|i| i.parse().ok()), alert: alert.and_then(|a| a.parse().ok()) };
    let text = format!("Workflow {workflow} was stopped");
    subject.write(&mut tx, env, "run.cancelled", by, json!({"workflow": workflow}), Some(&text)).await?;
    State::commit(tx).await?;
    Ok(true)
}

/// What a note is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) run: RunId,
    pub(super) incident: Option<IncidentId>,
    pub(super) alert: Option<AlertId>,
}

impl Subject {
    /// Writes into the ledger and, with a text, into the incident's timeline.
    pub(super) async fn write(
        &self,
        tx: &mut Tx,
        env: &Env,
        kind: &'static str,
        actor: &Actor,
        data: serde_json::Value,
        text: Option<&str>,
    ) -> Result<(), StateError> {
        let now = env.now();
        let mut entry = Entry::new(now, kind, actor.clone(), self.run).run(self.run).incident(self.incident).data(data);
        if let Some(alert) = self.alert {
            entry = entry.alert(alert);
        }
        ledger::append(tx, entry).await?;
        let (Some(text), Some(incident)) = (text, self.incident) else { return Ok(()) };
        sqlx::query(
            "INSERT INTO timeline_entry (id, incident_id, at, kind, actor, text, data) \
             VALUES ($1, $2, $3, 'workflow', $4, $5, $6)",
        )
        .bind(EntryId::new(env).to_string())
        .bind(incident.to_string())
        .bind(now.as_micros())
        .bind(actor.to_string())
        .bind(text)
        .bind(json!({"run": self.run, "event": kind}).to_string())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("write a run into the timeline"))?;
        Ok(())
    }
}
