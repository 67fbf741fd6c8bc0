//! Changes: deploys, new configurations, and what else people and pipelines do to a service.
//!
//! Not the stream of changes to objects of Watchkeeper: that is `session`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;

list! {
    /// Changes, the newest first.
    ChangeList of Change;
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ServiceChangeKind)]
pub enum ChangeKind {
    /// Another version runs.
    Deploy,
    /// Another configuration holds.
    Config,
    /// Something else.
    Other,
}

/// How far a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ServiceChangeStatus)]
pub enum ChangeStatus {
    /// Under way.
    Started,
    /// Made.
    Succeeded,
    /// Not made, or not wholly.
    Failed,
}

/// One change. Its texts are hostile.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ServiceChange)]
pub struct Change {
    /// `chg_…`.
    pub id: String,
    /// When it was made.
    pub at: Time,
    /// When that ended, if it was told.
    pub ended_at: Option<Time>,
    /// When it was heard of.
    pub received_at: Time,
    /// `api`, or the integration that it came through.
    pub source: String,
    /// What was changed.
    pub kind: ChangeKind,
    /// How far it is.
    pub status: ChangeStatus,
    /// Of what; empty: nobody said.
    pub service: String,
    /// Where.
    pub environment: String,
    /// To which version.
    pub version: String,
    /// In one line.
    pub summary: String,
    /// By whom.
    pub author: String,
    /// Where its source shows it.
    pub url: String,
    /// All of it in one line.
    pub title: String,
}

/// A change to record. `summary` or `version` must be there.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct NewChange {
    /// Your own name for it, for example the pipeline's run: reporting it again brings it up to date.
    pub key: Option<String>,
    /// `deploy` when absent.
    pub kind: Option<ChangeKind>,
    /// `succeeded` when absent.
    pub status: Option<ChangeStatus>,
    /// When it was made; now when absent.
    pub at: Option<Time>,
    /// When that ended.
    pub ended_at: Option<Time>,
    /// Of what; the name that its alerts have in `service`.
    pub service: Option<String>,
    /// Where.
    pub environment: Option<String>,
    /// To which version.
    pub version: Option<String>,
    /// In one line.
    pub summary: Option<String>,
    /// By whom; the token's name when absent.
    pub author: Option<String>,
    /// Where it can be read about.
    pub url: Option<String>,
    /// What else is known, at most 16,000 bytes of JSON.
    pub details: Option<serde_json::Value>,
}

/// Which changes.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangeQuery {
    /// Of this service only.
    pub service: Option<String>,
    /// Made then or later: RFC 3339 or Unix seconds.
    pub since: Option<String>,
    /// Made before then.
    pub until: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}
