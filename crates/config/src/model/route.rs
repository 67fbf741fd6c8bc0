//! The route tree and inhibition, with Alertmanager's meaning.
//!
//! Not the walk over it: `alert::route` does that.

use std::collections::BTreeMap;

use watchkeeper_domain::{Matcher, Span};

/// A node of the route tree; settings that were absent in the file are inherited already.
#[derive(Debug, Clone)]
pub struct Route {
    /// The receiver of alerts that stop here.
    pub receiver: String,
    /// Labels that alerts are grouped by; `...` means by all.
    pub group_by: GroupBy,
    /// How long the first notification of a group waits. Critical and high alerts do not wait unless the file says so.
    pub group_wait: Option<Span>,
    /// How long after a notification the next one about changes may follow. Default 5 min.
    pub group_interval: Span,
    /// After how long an unchanged, still firing group is told again. Default 4 h.
    pub repeat_interval: Span,
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// Whether siblings after this one are tried too.
    pub continue_: bool,
    /// Names of time intervals in which nothing is told. Not inherited.
    pub mute_time_intervals: Vec<String>,
    /// Names of time intervals outside of which nothing is told; empty: always. Not inherited.
    pub active_time_intervals: Vec<String>,
    /// Labels of the route itself, for readers of groups.
    pub labels: BTreeMap<String, String>,
    /// Children, first match wins.
    pub routes: Vec<Route>,
}

/// What alerts are grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// These labels. Default `alertname` and `service`.
    Labels(Vec<String>),
    /// All labels: every alert is its own group (`...`).
    All,
}

/// While a source alert fires, target alerts with equal labels are not told.
#[derive(Debug, Clone)]
pub struct InhibitRule {
    /// Which alerts mute.
    pub source_matchers: Vec<Matcher>,
    /// Which alerts are muted.
    pub target_matchers: Vec<Matcher>,
    /// Labels that must be equal in both.
    pub equal: Vec<String>,
}
