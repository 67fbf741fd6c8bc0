//! The route tree, and the way that an alert would go through it.
//!
//! Not notifications: nothing is sent here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;
use super::words::Priority;

/// The route tree, depth first, as it is tried.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Routing {
    /// The routes; the first one is the root.
    pub routes: Vec<RouteNode>,
}

/// One route.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RouteNode {
    /// Its path: the matchers from the root. Unique.
    pub path: String,
    /// How deep it is; the root is at 0.
    pub depth: u32,
    /// What an alert must match, in Alertmanager's notation. All must; none: everything does.
    pub matchers: Vec<String>,
    /// The receiver of alerts that stop here.
    pub receiver: String,
    /// Whether siblings after this one are tried, too.
    pub goes_on: bool,
    /// The labels that alerts are grouped by; `...` alone: each alert is its own group.
    pub group_by: Vec<String>,
    /// How long the first message of a group waits; absent: critical and high do not wait.
    pub group_wait: Option<String>,
    /// How long after a message the next one about changes may follow.
    pub group_interval: String,
    /// After how long an unchanged group is told again.
    pub repeat_interval: String,
    /// Time intervals in which nothing is told.
    pub mute_time_intervals: Vec<String>,
    /// Time intervals outside of which nothing is told; empty: always.
    pub active_time_intervals: Vec<String>,
}

/// An alert that does not exist.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RouteTrial {
    /// Its labels, `priority` and `category` among them when routes match on those.
    pub labels: BTreeMap<String, String>,
    /// When; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// Which way an alert would go.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RouteAnswer {
    /// The moment that the answer is for.
    pub at: Time,
    /// The answer in one sentence.
    pub verdict: String,
    /// The routes that were tried, in order.
    pub tried: Vec<TriedRoute>,
    /// Where it stops; at least one.
    pub stops: Vec<RouteStop>,
    /// Silences that would hold it back, `sil_…`.
    pub silences: Vec<String>,
    /// The alert that fires now and would inhibit it, `alr_…`.
    pub inhibited_by: Option<String>,
}

/// A route that was tried.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TriedRoute {
    /// Its path.
    pub path: String,
    /// Whether its matchers match.
    pub matched: bool,
}

/// A route at which the alert stops.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RouteStop {
    /// Its path.
    pub path: String,
    /// The receiver.
    pub receiver: String,
    /// The labels of its group.
    pub group: BTreeMap<String, String>,
    /// How long its first message would wait; absent: not at all.
    pub waits: Option<String>,
    /// The time intervals that keep the route quiet then; empty: none does.
    pub quiet_by: Vec<String>,
    /// Until when.
    pub quiet_until: Option<Time>,
    /// The receiver's channels, for example `slack`.
    pub channels: Vec<String>,
    /// The escalation policy by which it calls people.
    pub escalation_policy: Option<String>,
    /// Whom that would call, step by step.
    pub steps: Vec<RouteStep>,
}

/// A step of an escalation policy, at that moment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RouteStep {
    /// How long after the beginning, if nobody acknowledges.
    pub after: String,
    /// Whom it calls.
    pub calls: Vec<RouteCall>,
    /// Targets that reach nobody, with the reason.
    pub missed: Vec<String>,
}

/// One who would be called.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RouteCall {
    /// The person, or the receiver.
    pub name: String,
    /// What leads there.
    pub why: String,
    /// Over what and when, in words; empty: their own rules have nothing for this priority.
    pub ways: Vec<String>,
    /// The priority that their rules are asked for.
    pub priority: Priority,
}
