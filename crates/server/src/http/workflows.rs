//! Handlers: workflows and their runs.
//!
//! Not the engine: `respond::workflow` is. Guards are asked when a run is queued; there are no approvals yet.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use watchkeeper_config::model::{Uses, Workflow as Configured, WorkflowKind};
use watchkeeper_domain::ids::{AlertId, IncidentId, RunId};
use watchkeeper_domain::{Actor, Code, Labels};
use watchkeeper_incident::read as incidents;
use watchkeeper_respond::workflow::core::{Record, Status, StepStatus, VERIFY};
use watchkeeper_respond::workflow::{self, Filter, Queued, Run as Stored, RunRow, Trigger};
use watchkeeper_state::State as StateDatabase;

use super::access::Caller;
use super::alerts::person;
use super::body::JsonBody;
use super::dto::overview::Tried;
use super::dto::session::ChangeKind;
use super::dto::words::{Outcome, RunState, StepState};
use super::dto::workflows::{
    GuardDecision, Run, RunDetail, RunList, RunQuery, RunStep, StartRun, StepAttempt, Verification, Workflow,
    WorkflowList,
};
use super::extract::{Path, Query};
use super::incidents::{refused, viewer};
use super::page::{Paging, words};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// `GET /workflows`.
pub async fn list(State(shared): State<Arc<Shared>>, caller: Caller) -> ApiResult<Json<WorkflowList>> {
    let config = shared.config.load_full();
    let mut items = Vec::with_capacity(config.workflows.len());
    for configured in config.workflows.values() {
        let filter = Filter { workflow: Some(configured.name.clone()), limit: Some(20), ..Filter::default() };
        let rows = workflow::list(shared.state.read(), &filter).await?;
        let last = visible(&shared, &caller, rows).await?.into_iter().next();
        items.push(shown(configured, last.as_ref()));
    }
    Ok(Json(WorkflowList { items, next_cursor: None }))
}

fn shown(w: &Configured, last: Option<&RunRow>) -> Workflow {
    let g = &w.guard;
    let mut guards = vec![
        format!("one run at a time for {}", w.target),
        format!("{} tries, {} apart", g.tries, g.cooldown),
        format!("at most {} runs an hour", g.runs_per_hour),
        format!("at most {} long", g.timeout),
    ];
    guards.push(match w.kind {
        WorkflowKind::Remediation => "never for a security incident".to_owned(),
        WorkflowKind::Containment => "contains only; the one kind that runs for a security incident".to_owned(),
    });
    Workflow {
        name: w.name.clone(),
        description: Some(w.description.clone()).filter(|d| !d.is_empty()),
        triggers: w.on_alert.iter().map(|entry| format!("alert with {}", entry.join(", "))).collect(),
        guards,
        steps: w.steps.iter().map(|s| s.name.clone()).collect(),
        verify: w.verify.as_ref().map(|v| v.all.join("\n")),
        last_run: last.map(run),
    }
}

/// `GET /runs`.
pub async fn runs(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<RunQuery>,
) -> ApiResult<Json<RunList>> {
    let limit = Paging::new(query.limit, None)?.limit;
    let states: Vec<RunState> = words("state", query.state.as_deref().unwrap_or(""))?;
    let parse =
        |text: &str| text.parse::<RunId>().map_err(|_| ApiProblem::invalid("cursor", "it is not one that a list gave"));
    let incident = |text: &str| text.parse::<IncidentId>().map_err(|_| ApiProblem::not_found("incident", text));
    let filter = Filter {
        workflow: query.workflow,
        states: states.into_iter().flat_map(stored_states).copied().collect(),
        incident: query.incident_id.as_deref().map(incident).transpose()?,
        before: query.cursor.as_deref().map(parse).transpose()?,
        public_only: !caller.sees_restricted(),
        limit: Some(limit + 1),
    };
    let mut rows = workflow::list(shared.state.read(), &filter).await?;
    let total = workflow::count(shared.state.read(), &filter).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|r| r.id.to_string());
    Ok(Json(RunList { items: rows.iter().map(run).collect(), total, next_cursor }))
}

/// Leaves out runs for incidents that the caller may not see.
async fn visible(shared: &Shared, caller: &Caller, rows: Vec<RunRow>) -> ApiResult<Vec<RunRow>> {
    if caller.sees_restricted() {
        return Ok(rows);
    }
    let hidden: Vec<String> = sqlx::query_scalar("SELECT id FROM incident WHERE restricted = 1")
        .fetch_all(shared.state.read())
        .await
        .map_err(watchkeeper_state::StateError::statement("find what is restricted"))?;
    Ok(rows.into_iter().filter(|r| !r.incident.is_some_and(|i| hidden.contains(&i.to_string()))).collect())
}

/// `GET /runs/{id}`.
pub async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<RunDetail>> {
    let found = find(&shared, &caller, &id).await?;
    Ok(Json(detail(&found)))
}

async fn find(shared: &Shared, caller: &Caller, id: &str) -> ApiResult<Stored> {
    let not_found = || ApiProblem::not_found("run", id);
    let parsed: RunId = id.parse().map_err(|_| not_found())?;
    let found = workflow::get(shared.state.read(), parsed).await?.ok_or_else(not_found)?;
    if let Some(incident) = found.row.incident {
        incidents::get(shared.state.read(), viewer(caller), incident).await.map_err(|_| not_found())?;
    }
    Ok(found)
}

/// `POST /workflows/{name}/run`.
pub async fn run_by_hand(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(body): JsonBody<StartRun>,
) -> ApiResult<(StatusCode, Json<RunDetail>)> {
    let config = shared.config.load_full();
    let workflow = config.workflows.get(&name).ok_or_else(|| ApiProblem::not_found("workflow", &name))?;
    let mut pairs = Vec::new();
    for (key, value) in body.inputs.as_object().into_iter().flatten().take(64) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        pairs.push((key.clone(), text));
    }
    let incident = match body.incident_id.as_deref() {
        None => None,
        Some(id) => {
            let id: IncidentId = id.parse().map_err(|_| ApiProblem::not_found("incident", id))?;
            incidents::get(shared.state.read(), viewer(&caller), id).await.map_err(refused)?;
            Some(id)
        }
    };
    let trigger = Trigger { labels: Labels::from_pairs(pairs), incident, ..Trigger::default() };
    let queued = queue(&shared, workflow, &trigger, &caller.actor()).await?;
    let id = match queued {
        Queued::Queued(id) => id,
        Queued::Refused { reason, .. } => {
            return Err(ApiProblem::new(Code::Conflict, format!("`{name}` was not started: {reason}.")));
        }
    };
    let found =
        workflow::get(shared.state.read(), id).await?.ok_or_else(|| ApiProblem::not_found("run", &id.to_string()))?;
    Ok((StatusCode::ACCEPTED, Json(detail(&found))))
}

/// Starts a workflow for an alert, as a button in chat asks. Both ends are words for people.
pub(super) async fn start(
    shared: &Shared,
    name: &str,
    incident: Option<IncidentId>,
    alert: Option<AlertId>,
    actor: &Actor,
) -> Result<RunId, String> {
    let config = shared.config.load_full();
    let workflow = config.workflows.get(name).ok_or_else(|| format!("There is no workflow `{name}` any more."))?;
    let mut trigger = Trigger { incident, alert, ..Trigger::default() };
    if let Some(id) = alert {
        let found =
            watchkeeper_alert::read::get(shared.state.read(), shared.silences.cache(), shared.env.now(), id).await;
        let found = found.map_err(|error| error.to_string())?.alert;
        trigger.incident = trigger.incident.or(found.incident_id);
        (trigger.labels, trigger.annotations) = (found.labels, found.annotations);
    }
    match queue(shared, workflow, &trigger, actor)
        .await
        .map_err(|_| "The state database cannot be used right now.".to_owned())?
    {
        Queued::Queued(id) => Ok(id),
        Queued::Refused { reason, .. } => Err(format!("{name} was not started: {reason}.")),
    }
}

async fn queue(shared: &Shared, workflow: &Configured, trigger: &Trigger, actor: &Actor) -> ApiResult<Queued> {
    let mut tx = shared.state.write().await?;
    let queued = workflow::queue(&mut tx, &shared.env, workflow, trigger, actor).await?;
    StateDatabase::commit(tx).await?;
    shared.engine.wake().wake();
    shared.changes.changed(&[ChangeKind::Run]);
    Ok(queued)
}

/// `POST /runs/{id}/cancel`.
pub async fn cancel(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<RunDetail>> {
    let run = find(&shared, &caller, &id).await?.row.id;
    if !workflow::cancel(&shared.state, &shared.env, run, &caller.actor()).await? {
        return Err(ApiProblem::new(
            Code::Conflict,
            format!("`{run}` has ended already; there is nothing left to stop."),
        ));
    }
    shared.engine.wake().wake();
    shared.pipeline.wake();
    shared.changes.changed(&[ChangeKind::Run, ChangeKind::Incident]);
    Ok(Json(detail(&find(&shared, &caller, &id).await?)))
}

/// A run as lists show it.
pub(super) fn run(row: &RunRow) -> Run {
    Run {
        id: row.id.to_string(),
        workflow: row.workflow.clone(),
        state: state(row.status),
        outcome: row.outcome.clone(),
        target: Some(row.target.clone()).filter(|t| !t.is_empty()),
        started_by: person(&row.started_by.to_string()),
        created_at: row.created_at.into(),
        started_at: row.started_at.map(Into::into),
        finished_at: row.finished_at.map(Into::into),
        incident_id: row.incident.map(|i| i.to_string()),
        alert_id: row.alert.map(|a| a.to_string()),
    }
}

/// A run as the first screen shows it.
pub(super) fn tried(row: &RunRow) -> Tried {
    Tried {
        run_id: row.id.to_string(),
        workflow: row.workflow.clone(),
        state: state(row.status),
        outcome: row.outcome.clone(),
        at: row.created_at.into(),
    }
}

pub(super) fn state(status: Status) -> RunState {
    match status {
        Status::Queued | Status::Waiting => RunState::Waiting,
        Status::Running => RunState::Running,
        Status::Succeeded => RunState::Succeeded,
        Status::Failed => RunState::Failed,
        Status::HandedOver => RunState::HandedOver,
        Status::Refused => RunState::Refused,
        Status::Cancelled => RunState::Cancelled,
    }
}

fn stored_states(state: RunState) -> &'static [Status] {
    match state {
        RunState::Waiting => &[Status::Queued, Status::Waiting],
        RunState::Running => &[Status::Running],
        RunState::Succeeded => &[Status::Succeeded],
        RunState::Failed => &[Status::Failed],
        RunState::HandedOver => &[Status::HandedOver],
        RunState::Refused => &[Status::Refused],
        RunState::Cancelled => &[Status::Cancelled],
    }
}

fn detail(found: &Stored) -> RunDetail {
    let refused = found.row.status == Status::Refused;
    let guard = GuardDecision {
        guard: "guard".to_owned(),
        outcome: if refused { Outcome::Stopped } else { Outcome::Ok },
        reason: if refused {
            found.row.outcome.clone()
        } else {
            "lock, cooldown, runs per hour and kind allow it".to_owned()
        },
        at: found.row.created_at.into(),
    };
    let definition = found.definition.as_ref();
    let steps = definition.into_iter().flat_map(|w| &w.steps).map(|step| {
        let attempts: Vec<&Record> = found.records.iter().filter(|r| r.step == step.name).collect();
        run_step(&step.name, uses(&step.uses), &attempts)
    });
    RunDetail {
        run: run(&found.row),
        inputs: serde_json::json!(found.trigger.labels),
        guards: vec![guard],
        steps: steps.collect(),
        verify: definition.and_then(|w| w.verify.as_ref()).map(|v| {
            let last = found.records.iter().rfind(|r| r.step == VERIFY);
            Verification {
                expr: v.all.join("\n"),
                within: v.within.to_string(),
                outcome: match last.map(|r| r.status) {
                    Some(StepStatus::Succeeded) => Outcome::Ok,
                    Some(StepStatus::Failed) => Outcome::Failed,
                    _ => Outcome::Waiting,
                },
                detail: last.map(said).unwrap_or_default(),
                at: last.map(|r| r.finished_at.unwrap_or(r.started_at).into()),
                value: None,
            }
        }),
    }
}

fn uses(uses: &Uses) -> &'static str {
    match uses {
        Uses::Http { .. } => "http",
        Uses::Exec { .. } => "exec",
        Uses::Wait { .. } => "wait",
        Uses::Metric { .. } => "metric",
        Uses::Notify { .. } => "notify",
    }
}

fn run_step(name: &str, uses: &str, attempts: &[&Record]) -> RunStep {
    let last = attempts.last();
    RunStep {
        name: name.to_owned(),
        uses: uses.to_owned(),
        state: match last.map(|r| r.status) {
            None => StepState::Pending,
            Some(StepStatus::Started) => StepState::Running,
            Some(StepStatus::Succeeded) => StepState::Succeeded,
            Some(StepStatus::Failed | StepStatus::Unknown) => StepState::Failed,
            Some(StepStatus::Skipped) => StepState::Skipped,
        },
        reason: last.map(|r| said(r)).filter(|s| !s.is_empty()),
        input: last.map(|r| r.input.clone()).filter(serde_json::Value::is_object),
        result: last.map(|r| r.result.clone()),
        attempts: attempts.iter().map(|r| attempt(r)).collect(),
    }
}

fn attempt(r: &Record) -> StepAttempt {
    let outcome = match r.status {
        StepStatus::Started => Outcome::Waiting,
        StepStatus::Succeeded => Outcome::Ok,
        StepStatus::Failed | StepStatus::Unknown => Outcome::Failed,
        StepStatus::Skipped => Outcome::Info,
    };
    StepAttempt {
        number: r.attempt,
        started_at: r.started_at.into(),
        finished_at: r.finished_at.map(Into::into),
        outcome,
        error: (outcome == Outcome::Failed).then(|| said(r)),
    }
}

fn said(r: &Record) -> String {
    r.result["summary"].as_str().unwrap_or("").to_owned()
}
