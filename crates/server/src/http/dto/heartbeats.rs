//! Heartbeats: jobs that report when they ran.
//!
//! Not probes: those are Watchkeeper's own look from outside.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;
use super::words::{Category, HeartbeatState, Priority};

list! {
    /// All heartbeats: failed and late ones first, then unknown ones.
    HeartbeatList of Heartbeat;
}

/// One heartbeat.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Heartbeat {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: HeartbeatState,
    /// Since when.
    pub since: Time,
    /// Why, when it is not as it should be.
    pub detail: Option<String>,
    /// When it is expected: `every 1h`, or `0 2 * * * Europe/Zurich`.
    pub schedule: String,
    /// How long after that it is late.
    pub grace: String,
    /// Of its alert.
    pub priority: Priority,
    /// Of its alert.
    pub category: Category,
    /// Of its alert and its metrics.
    pub labels: BTreeMap<String, String>,
    /// When it last succeeded.
    pub last_success_at: Option<Time>,
    /// When it last reported a failure.
    pub last_failure_at: Option<Time>,
    /// When the run began that is under way.
    pub running_since: Option<Time>,
    /// When it is expected next.
    pub expected_at: Option<Time>,
    /// When it will be late, unless it reports.
    pub deadline_at: Option<Time>,
    /// How long its last run took that told its start, in milliseconds.
    pub last_duration_ms: Option<f64>,
    /// The exit status of its last run.
    pub last_exit_code: Option<u8>,
    /// How often a run began while another was under way.
    pub overlapping_runs: u64,
    /// The address to report to; a secret, for responders only.
    pub url: Option<String>,
}

/// One heartbeat with its newest beats.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatDetail {
    /// How it stands.
    #[serde(flatten)]
    pub heartbeat: Heartbeat,
    /// The newest beats, the newest first; at most 200.
    pub beats: Vec<HeartbeatBeat>,
}

/// One beat.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatBeat {
    /// When it came.
    pub at: Time,
    /// `success`, `start`, `fail` or `log`.
    pub kind: String,
    /// The exit status that it told.
    pub exit_code: Option<u8>,
    /// The sender's name for the run. Hostile text.
    pub run: Option<String>,
    /// How long the run took, in milliseconds.
    pub duration_ms: Option<f64>,
    /// The first 10,000 bytes of what the job said, for responders. Hostile text.
    pub body: Option<String>,
}
