//! What the HTTP API under `/api/watchkeeper/v1` says and takes, one file per noun; `openapi.json` is made from it.
//!
//! Not the domain: these types change with the API alone. The Prometheus read API under `/api/v1` keeps
//! Prometheus's own shapes and appears in the document only as far as the console uses it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use watchkeeper_domain::Timestamp;

/// A list answer: `items`, and where to go on when there is more.
macro_rules! list {
    ($($(#[$doc:meta])* $name:ident of $item:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
        pub struct $name {
            /// The objects, in the order that the path documents.
            pub items: Vec<$item>,
            /// Give this back as `cursor` to get the next page; absent on the last page.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub next_cursor: Option<String>,
        }
    )*};
}

/// A list answer that also says how many there are in all.
macro_rules! counted_list {
    ($($(#[$doc:meta])* $name:ident of $item:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
        pub struct $name {
            /// The objects, in the order that the path documents.
            pub items: Vec<$item>,
            /// How many there are on all pages together, as far as the reader may see them.
            pub total: u64,
            /// Give this back as `cursor` to get the next page; absent on the last page.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub next_cursor: Option<String>,
        }
    )*};
}

pub mod alerts;
pub mod backtests;
pub mod changes;
pub mod deliveries;
pub mod explore;
pub mod heartbeats;
pub mod incidents;
pub mod incoming;
pub mod ledger;
pub mod oncall;
pub mod overview;
pub mod post_mortem;
pub mod probes;
pub mod prometheus;
pub mod routing;
pub mod rule_groups;
pub mod rules;
pub mod self_watch;
pub mod session;
pub mod silences;
pub mod targets;
pub mod telemetry;
pub mod words;
pub mod workflows;

/// A moment: RFC 3339 in UTC with milliseconds, for example `2026-11-22T19:40:58.123Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime, example = "2026-11-22T19:40:58.123Z")]
pub struct Time(pub Timestamp);

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// A problem as RFC 9457 tells it (`application/problem+json`); the same fields as `domain::Problem`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Where the page of the code is, for example `/docs/errors/WK2003`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short title that does not change from case to case.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened to which object, and what to do.
    pub detail: String,
    /// The code, for example `WK2003`.
    pub code: String,
    /// Where in a text that is refused, if it is about one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<rule_groups::RuleProblem>,
}
