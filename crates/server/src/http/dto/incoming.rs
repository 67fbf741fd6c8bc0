//! What integrations are answered.
//!
//! Not what they send: each tool has its own form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

/// What was taken of a body. It is on disk.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Received {
    /// How many alerts the body told of.
    pub alerts: u32,
    /// How many changes, for example deployments, it told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<u32>,
    /// Why there was nothing to take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<String>,
}

/// What would become of a body.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// Its alerts.
    pub alerts: Vec<PreviewedAlert>,
    /// Why there would be nothing to take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<String>,
}

/// An alert as it would be taken.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PreviewedAlert {
    /// `fire`, `resolve` or `acknowledge`.
    pub act: String,
    /// The sender's own name for it: what comes with the same one is about the same alert.
    pub key: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Where the sender shows it.
    pub url: String,
    /// When it began, if the sender says so.
    pub starts_at: Option<Time>,
    /// When it ends unless something is heard of it.
    pub ends_at: Option<Time>,
    /// Why it could not be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}
