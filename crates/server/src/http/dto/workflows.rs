//! Workflows and their runs: steps, attempts, guard decisions, verification.
//!
//! Not workflow files: those are configuration.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::words::{Outcome, RunState, StepState};

list! {
    /// All workflows, by name.
    WorkflowList of Workflow;
}

counted_list! {
    /// Runs, newest first.
    RunList of Run;
}

/// One workflow as it is configured.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What starts it, in words, for example `alert PaymentsUnreachable fires`.
    pub triggers: Vec<String>,
    /// What holds it back, in words, for example `at most 3 runs an hour`.
    pub guards: Vec<String>,
    /// The names of its steps, in order.
    pub steps: Vec<String>,
    /// The expression that decides whether it helped.
    pub verify: Option<String>,
    /// The last run.
    pub last_run: Option<Run>,
}

/// One run as a list shows it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// `run_…`.
    pub id: String,
    /// The workflow's name.
    pub workflow: String,
    /// How it stands.
    pub state: RunState,
    /// What came of it, in words.
    pub outcome: String,
    /// What it works on, for example `payments`.
    pub target: Option<String>,
    /// Who or what started it: `rule:…`, `user:…`.
    pub started_by: String,
    /// When it was asked for.
    pub created_at: Time,
    /// When its first step began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// The incident that it is for, `inc_…`.
    pub incident_id: Option<String>,
    /// The alert that it is for, `alr_…`.
    pub alert_id: Option<String>,
}

/// One run in full.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub run: Run,
    /// Its inputs; secrets appear as `***`. Hostile text.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub inputs: Value,
    /// What each guard decided, in order.
    pub guards: Vec<GuardDecision>,
    /// The steps, in order.
    pub steps: Vec<RunStep>,
    /// Whether it helped; absent when the workflow does not verify.
    pub verify: Option<Verification>,
}

/// What one guard decided.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GuardDecision {
    /// Which: `lock`, `cooldown`, `runs_per_hour`, `kind`.
    pub guard: String,
    /// `ok`, `waiting`, `stopped`.
    pub outcome: Outcome,
    /// Why, in words.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// One step of a run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunStep {
    /// Its name.
    pub name: String,
    /// The action, for example `http` or `shell`.
    pub uses: String,
    /// How it stands.
    pub state: StepState,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// What it was given, expanded; secrets appear as `***`. Hostile text.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub input: Option<Value>,
    /// What it gave back. Hostile text.
    pub result: Option<Value>,
    /// Its attempts, oldest first.
    pub attempts: Vec<StepAttempt>,
}

/// One attempt of a step.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StepAttempt {
    /// From 1.
    pub number: u32,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// What came of it.
    pub outcome: Outcome,
    /// What went wrong. Hostile text.
    pub error: Option<String>,
}

/// Whether a run helped.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// What is watched.
    pub expr: String,
    /// How long it may take, for example `2m`.
    pub within: String,
    /// `ok`, `waiting`, `failed`.
    pub outcome: Outcome,
    /// What was seen, in words.
    pub detail: String,
    /// When it was decided, or last looked at.
    pub at: Option<Time>,
    /// The last value.
    pub value: Option<f64>,
}

/// A run to start by hand.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StartRun {
    /// The inputs by name.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Value>)]
    pub inputs: Value,
    /// The incident that it is for, `inc_…`.
    pub incident_id: Option<String>,
}

/// Which runs.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// The workflow's name.
    pub workflow: Option<String>,
    /// States, comma-separated.
    pub state: Option<String>,
    /// The incident, `inc_…`.
    pub incident_id: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}
