//! Workflows as the engine runs them.
//!
//! Not the engine: `respond::workflow` is. Values that may hold templates are text here and rendered when a step starts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchkeeper_domain::Span;

/// A workflow. It is copied into each run, so a change never reaches a run that has begun; secrets stay references
/// (`${env:NAME}`) in it and are resolved when a step starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// Unique.
    pub name: String,
    /// One sentence for people.
    pub description: String,
    /// Remediation or containment.
    pub kind: WorkflowKind,
    /// Alerts that start it: all matchers of one entry must match; any entry suffices. Empty: by hand only.
    pub on_alert: Vec<Vec<String>>,
    /// What the lock is on; a template over the alert, for example `{{ labels.service }}`.
    pub target: String,
    /// Limits.
    pub guard: Guard,
    /// Steps, in order.
    pub steps: Vec<Step>,
    /// How success is judged; none: the steps' success suffices.
    pub verify: Option<Verify>,
}

/// What a workflow is allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowKind {
    /// Repairs. Never runs for a security incident.
    Remediation,
    /// Contains (blocks, isolates). The only kind that runs for a security incident.
    Containment,
}

/// Limits of a workflow, per target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// How often the steps are tried in one run before people take over. Default 2.
    pub tries: u32,
    /// Least time between two tries, and between two runs for one target. Default 1 min.
    pub cooldown: Span,
    /// Most runs per hour for one target; one more is handed to people. Default 3.
    pub runs_per_hour: u32,
    /// The longest that a run may take. Default 10 min.
    pub timeout: Span,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Unique within the workflow.
    pub name: String,
    /// What it does.
    pub uses: Uses,
    /// A minijinja expression; the step is skipped when it is false.
    pub condition: Option<String>,
    /// How long one attempt may take. Default 30 s.
    pub timeout: Span,
    /// Attempts of this step within one try.
    pub retry: Retry,
    /// Whether it may run again when nobody knows whether it ran (the server died in the middle). Default false: a
    /// person is asked.
    pub idempotent: bool,
}

/// Retries of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all. Default 1.
    pub attempts: u32,
    /// Wait before the second attempt; doubles. Default 1 s.
    pub backoff: Span,
}

/// What a step does. Texts are templates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Uses {
    /// An HTTP request.
    Http {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// Headers; values may refer to secrets.
        headers: BTreeMap<String, String>,
        /// The body, sent as JSON when it is not a text.
        body: Option<serde_json::Value>,
        /// Accepted statuses; empty: 200 to 299.
        expect_status: Vec<u16>,
    },
    /// A program, without a shell: a label with `;` or `$()` reaches it as one argument.
    Exec {
        /// Program and arguments.
        command: Vec<String>,
        /// Environment; values may refer to secrets. Nothing else is inherited but `PATH`.
        env: BTreeMap<String, String>,
    },
    /// Waiting.
    Wait {
        /// How long.
        duration: Span,
    },
    /// A custom metric, written into the telemetry store.
    Metric {
        /// Metric name.
        name: String,
        /// Value, a template that gives a number.
        value: String,
        /// Labels.
        labels: BTreeMap<String, String>,
    },
    /// A message to a receiver.
    Notify {
        /// Its name.
        receiver: String,
        /// The text.
        message: String,
    },
}

/// How a run's success is judged, on what users feel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verify {
    /// PromQL expressions; each must give a non-empty, non-zero answer. A failed query is not success.
    pub all: Vec<String>,
    /// For how long all must hold without a break. Default 5 s.
    pub hold: Span,
    /// The longest to wait for that. Default 1 min.
    pub within: Span,
}
