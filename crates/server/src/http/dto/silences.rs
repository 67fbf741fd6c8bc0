//! Silences: notifications held back on purpose, for a time.
//!
//! Not the Alertmanager v2 API, which has shapes of its own.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::alerts::Alert;
use super::words::SilenceState;

counted_list! {
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
    /// Whom to ask about it.
    pub owner: Option<String>,
    /// Where the work is tracked. Hostile text: follow only http and https.
    pub ticket: Option<String>,
    /// It holds back at these times only; absent: always between its start and its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<SilenceTimes>,
    /// When a silence that recurs begins or ceases to hold back next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_change_at: Option<Time>,
}

/// Times that recur, with the meaning of a time interval of the configuration: every part that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceTimes {
    /// Days of the week: `saturday`, `monday:friday`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<String>,
    /// Days of the month: `1`, `1:7`, `-1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days_of_month: Vec<String>,
    /// Months: `january:march`, `12`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<String>,
    /// Parts of the day, `22:00-24:00`. Each ends on the day on which it begins: a night is two parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<String>,
    /// A name of the time zone database; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// A silence to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewSilence {
    /// What to match, in Alertmanager's notation; at least one that does not match the empty text.
    pub matchers: Vec<String>,
    /// When it starts; now when absent.
    pub starts_at: Option<Time>,
    /// How long, for example `1h`, `4h`, `2d`; at most 90 days, or 366 days for one that recurs.
    pub duration: String,
    /// Why; must not be empty.
    pub comment: String,
    /// Whom to ask about it, when that is somebody else than who makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where the work is tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// It holds back at these times only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<SilenceTimes>,
}

/// Matchers to try before they silence anything.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SilenceTrial {
    /// What to match, in Alertmanager's notation.
    pub matchers: Vec<String>,
}

/// What a silence with these matchers would hold back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SilencePreview {
    /// How many alerts that fire now match.
    pub total: u32,
    /// How many of those are silenced already.
    pub silenced: u32,
    /// How many alerts that match began to fire within the last day, whether they still fire or not.
    pub last_day: u32,
    /// The most urgent of those that fire; at most 20.
    pub alerts: Vec<Alert>,
}

/// Which silences.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SilenceQuery {
    /// States, comma-separated; `active,pending` when absent.
    pub state: Option<String>,
    /// Text that must occur in the matchers, the comment, the owner, the ticket, or who made it; letter case does not
    /// matter.
    pub q: Option<String>,
    /// Whether those that recur, or those that do not; all when absent.
    pub recurring: Option<bool>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}
