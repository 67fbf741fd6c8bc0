//! What is read out of many records: patterns of logs, the map of services.
//!
//! Not the records themselves: see `telemetry`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;
use super::telemetry::LogRecord;

/// Patterns of the messages within a window, the most frequent first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LogPatternList {
    /// The patterns, at most `limit`.
    pub items: Vec<LogPattern>,
    /// How many patterns there are.
    pub total: u64,
    /// How many records were looked at.
    pub records: u64,
    /// Where the window begins that `before` counts; it ends where the window asked for begins.
    pub before_since: Time,
    /// Present when part of the stored data was not looked at: what is missing, in words.
    pub incomplete: Option<String>,
}

/// Messages of one shape.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LogPattern {
    /// What is constant, with `<*>` where the messages vary. Hostile text.
    pub pattern: String,
    /// How many records of the window have it.
    pub count: u64,
    /// How many records of the equally long window before had it; 0: it is new. Absent when that could not be told.
    pub before: Option<u64>,
    /// The highest severity among them: `TRACE` to `FATAL`, empty when none was given.
    pub severity: String,
    /// The services that wrote it, at most eight. Hostile text.
    pub services: Vec<String>,
    /// When the first of them was written.
    pub first_at: Time,
    /// When the last of them was.
    pub last_at: Time,
    /// The newest message in full. Hostile text.
    pub example: String,
    /// The longest text that all of them contain, for `q` of the list of logs; empty when there is none. Hostile text.
    pub constant: String,
}

/// New log records, as the event `records` of the stream carries them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LogTail {
    /// The records, in the order of arrival.
    pub items: Vec<LogRecord>,
    /// How many more there were than could be shown.
    pub missed: u64,
}

/// Who calls whom, told from the spans of a window.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ServiceMap {
    /// From.
    pub since: Time,
    /// To.
    pub until: Time,
    /// The services and what they call, by name.
    pub nodes: Vec<MapNode>,
    /// The calls, by their ends.
    pub edges: Vec<MapEdge>,
    /// Present when part of the spans was not looked at, in words.
    pub incomplete: Option<String>,
}

/// What a node of the map is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MapNodeKind {
    /// It sends spans of its own.
    Service,
    /// A database that services call.
    Database,
    /// A queue or topic.
    Messaging,
    /// Anything else that is called and sends no spans.
    External,
}

/// One service, or what services call.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MapNode {
    /// Its name. Hostile text.
    pub name: String,
    /// What it is.
    pub kind: MapNodeKind,
    /// Its own work: spans that came in or began a trace; of what sends no spans, the calls to it.
    pub timing: MapTiming,
}

/// Calls from one node to another.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MapEdge {
    /// Who calls. Hostile text.
    pub from: String,
    /// Who is called. Hostile text.
    pub to: String,
    /// The calls, as the called one measured them; where it sends no spans, as the caller did.
    pub timing: MapTiming,
}

/// How often, how well and how fast.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MapTiming {
    /// How many.
    pub calls: u64,
    /// How many of them failed.
    pub errors: u64,
    /// Calls per second of the window.
    pub rate: f64,
    /// The median duration, in milliseconds.
    pub p50_ms: f64,
    /// The 95th percentile, in milliseconds.
    pub p95_ms: f64,
}
