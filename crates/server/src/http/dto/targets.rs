//! Targets: what is scraped.
//!
//! Not probes: a target says of itself how it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;
use super::words::ProbeState;

/// All targets, down first, then unknown, then by job and labels.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TargetList {
    /// The targets.
    pub items: Vec<Target>,
    /// What was found and is not scraped; of each job at most 200.
    pub dropped: Vec<DroppedTarget>,
    /// What is wrong with jobs as a whole.
    pub problems: Vec<JobProblem>,
}

/// One target.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// Its job.
    pub job: String,
    /// What is asked; credentials in it are left out.
    pub url: String,
    /// The labels of all its series. Hostile text.
    pub labels: BTreeMap<String, String>,
    /// Its state. `unknown`: it was not scraped yet.
    pub state: ProbeState,
    /// Since when.
    pub since: Option<Time>,
    /// When it was last scraped.
    pub last_scrape_at: Option<Time>,
    /// How long that took, in milliseconds.
    pub last_duration_ms: Option<f64>,
    /// How many samples that brought, before relabelling.
    pub samples: u64,
    /// Why it failed, or what of it could not be kept. Hostile text.
    pub detail: Option<String>,
    /// How often it is scraped, for example `15s`.
    pub interval: String,
    /// When it is scraped next.
    pub next_due_at: Time,
}

/// Something that was found and is not scraped.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DroppedTarget {
    /// Its job.
    pub job: String,
    /// Its labels as they were found. Hostile text.
    pub discovered: BTreeMap<String, String>,
    /// Why it cannot be scraped; absent: relabelling dropped it.
    pub detail: Option<String>,
}

/// What is wrong with a job as a whole.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct JobProblem {
    /// The job.
    pub job: String,
    /// What is wrong.
    pub detail: String,
}
