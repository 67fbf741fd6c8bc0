//! Probes: checks that Watchkeeper makes from outside.
//!
//! Not rules: a probe's result is telemetry, and a rule judges it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;
use super::words::ProbeState;

list! {
    /// All probes, down first, then by name.
    ProbeList of Probe;
}

/// One probe.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// `http`, `tcp`, `dns`, `icmp`, `tls`, `postgres`, `mysql`.
    pub kind: String,
    /// What it checks: an address without credentials. Hostile text.
    pub target: String,
    /// Its state.
    pub state: ProbeState,
    /// Since when.
    pub since: Option<Time>,
    /// When it last ran.
    pub last_run_at: Option<Time>,
    /// How long that took, in milliseconds.
    pub last_duration_ms: Option<f64>,
    /// What failed, or why it is unknown. Hostile text.
    pub detail: Option<String>,
    /// How often it runs, for example `10s`.
    pub interval: String,
    /// When the certificate that it saw expires.
    pub certificate_expires_at: Option<Time>,
    /// The last results, oldest first; at most 60.
    pub history: Vec<ProbeResult>,
}

/// One result.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProbeResult {
    /// When.
    pub at: Time,
    /// What.
    pub state: ProbeState,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<f64>,
}
