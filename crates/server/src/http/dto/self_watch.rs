//! How Watchkeeper watches over itself: stages, heartbeat, second path, fire drills.
//!
//! Not its metrics.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::words::DrillState;

list! {
    /// Drills, the newest first.
    DrillList of Drill;
}

/// How Watchkeeper itself does.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SelfWatch {
    /// Since when something is stalled; absent when all is well.
    pub stalled_since: Option<Time>,
    /// What is stalled, in words.
    pub faults: Vec<String>,
    /// When the watchman last looked; absent before its first look.
    pub looked_at: Option<Time>,
    /// The receiver of the second path.
    pub second_path: Option<String>,
    /// When it was last told that something is stalled.
    pub second_path_told_at: Option<Time>,
    /// Why it could not be told. Hostile text.
    pub second_path_error: Option<String>,
    /// How often a heartbeat leaves; absent: none does.
    pub heartbeat_interval: Option<String>,
    /// Where to, without secrets.
    pub heartbeat_to: Option<String>,
    /// When one last arrived.
    pub last_heartbeat_at: Option<Time>,
    /// Why the last one did not.
    pub heartbeat_error: Option<String>,
    /// The stages of the background work.
    pub stages: Vec<Stage>,
    /// When the next drill begins by itself.
    pub next_drill_at: Option<Time>,
    /// The newest drill.
    pub last_drill: Option<Drill>,
}

/// A stage of the background work.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Stage {
    /// Its name, for example `alert`.
    pub name: String,
    /// When it last came to the end of a look.
    pub last_completed_at: Time,
}

/// A fire drill.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Drill {
    /// `drl_…`.
    pub id: String,
    /// How it stands.
    pub state: DrillState,
    /// When the schedule wanted it; absent: somebody started it.
    pub due_at: Option<Time>,
    /// When it began.
    pub started_at: Time,
    /// Who began it.
    pub started_by: String,
    /// Until when it may be confirmed.
    pub confirm_by: Time,
    /// Its alert, `alr_…`, which says how far it came.
    pub alert_id: Option<String>,
    /// When it was confirmed, or its time was over.
    pub ended_at: Option<Time>,
    /// Who confirmed it.
    pub confirmed_by: Option<String>,
    /// How long that took, in seconds.
    pub seconds: Option<f64>,
}

/// How many drills.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DrillQuery {
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
}
