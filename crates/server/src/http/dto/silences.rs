//! Silences: notifications held back on purpose, for a time.
//!
//! Not the Alertmanager v2 API, which has shapes of its own.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::words::SilenceState;

list! {
    /// Silences, active first, then by end.
    SilenceList of Silence;
}

/// One silence.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Silence {
    /// `sil_…`.
    pub id: String,
    /// Its state now.
    pub state: SilenceState,
    /// What it matches, in Alertmanager's notation, for example `service="payments"`. All must match.
    pub matchers: Vec<String>,
    /// From.
    pub starts_at: Time,
    /// To.
    pub ends_at: Time,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// How many active alerts it holds back now.
    pub matching_alerts: u32,
}

/// A silence to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewSilence {
    /// What to match, in Alertmanager's notation; at least one that does not match the empty text.
    pub matchers: Vec<String>,
    /// When it starts; now when absent.
    pub starts_at: Option<Time>,
    /// How long, for example `1h`, `4h`, `2d`; at most 90 days.
    pub duration: String,
    /// Why; must not be empty.
    pub comment: String,
}

/// Which silences.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SilenceQuery {
    /// States, comma-separated; `active,pending` when absent.
    pub state: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}
