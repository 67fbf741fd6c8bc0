//! Who is asking and what is running: `/me`, `/settings`, `/demo`, the shape of live events.
//!
//! Not configuration: secrets never come here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::PersonRole;

/// Who is asking, and of what.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The person's name.
    pub name: String,
    /// What they may do.
    pub role: PersonRole,
    /// Whether this is the demo.
    pub demo: bool,
    /// The version of Watchkeeper.
    pub version: String,
    /// The configured time zone, an IANA name.
    pub time_zone: String,
}

/// The running configuration in short, without secrets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// What it listens on.
    pub listen: Vec<String>,
    /// Where the data folder is.
    pub data_dir: String,
    /// The configuration files, as loaded.
    pub files: Vec<String>,
    /// Numbers of objects by kind, for example `rules`: 12.
    pub counts: BTreeMap<String, u64>,
    /// Retention by signal, for example `logs`: `30d`.
    pub retention: BTreeMap<String, String>,
    /// Integrations that are switched on, for example `slack`.
    pub integrations: Vec<String>,
}

/// The demo: what can be broken.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Demo {
    /// What is watched, in words.
    pub description: String,
    /// The faults.
    pub faults: Vec<Fault>,
    /// Where to look beside the console, for example the Slack stand-in.
    pub links: Vec<DemoLink>,
}

/// One fault that can be switched on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Its name, as in the path.
    pub name: String,
    /// A short title.
    pub title: String,
    /// What it does to the bank.
    pub effect: String,
    /// What Watchkeeper should then do.
    pub expect: String,
    /// Whether it is on.
    pub on: bool,
}

/// A place to look at.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DemoLink {
    /// What it is.
    pub title: String,
    /// Its http address.
    pub url: String,
}

/// What has changed; sent as the server-sent event `change`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// The kinds of objects that changed.
    pub kinds: Vec<ChangeKind>,
}

/// A kind of object that can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Alerts.
    Alert,
    /// Incidents, their timelines and post-mortems.
    Incident,
    /// Rules.
    Rule,
    /// Workflow runs.
    Run,
    /// Notifications and receivers.
    Notification,
    /// Silences.
    Silence,
    /// Fire drills.
    Drill,
    /// Probes.
    Probe,
    /// Deploys and other changes to services.
    Change,
    /// Heartbeats.
    Heartbeat,
    /// The demo's faults.
    Fault,
    /// Overrides, hand-offs, hand-off notes, escalations.
    OnCall,
}
