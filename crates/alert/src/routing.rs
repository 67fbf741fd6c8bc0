//! What the pipeline needs of the configuration, taken out of it once per load.
//!
//! Not the receivers' settings: the pipeline knows their integrations by key and nothing else.

use std::collections::BTreeMap;

use watchkeeper_config::model::{Config, InhibitRule, Route};
use watchkeeper_domain::{Integration, TimeInterval, Timestamp, time_interval};

/// Routes, inhibition and the integrations of each receiver.
#[derive(Debug, Clone)]
pub struct Routing {
    /// The root of the route tree.
    pub route: Route,
    /// Alerts that mute others.
    pub inhibit_rules: Vec<InhibitRule>,
    /// The integrations of each receiver, by its name.
    pub receivers: BTreeMap<String, Vec<Integration>>,
    /// Times that recur, by name.
    pub time_intervals: BTreeMap<String, Vec<TimeInterval>>,
}

/// That a route tells nothing now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// Names of the time intervals that say so: those to mute in, or those to be active in.
    pub by: Vec<String>,
    /// When that ends; none: not within a year.
    pub until: Option<Timestamp>,
}

impl Routing {
    /// Whether a route tells nothing at a moment.
    #[must_use]
    pub fn quiet(&self, route: &Route, at: Timestamp) -> Option<Quiet> {
        let (mute, active) = (&route.mute_time_intervals, &route.active_time_intervals);
        let of = |name: &String| self.time_intervals.get(name).map_or(&[][..], Vec::as_slice);
        let holds = |name: &&String, at| of(name).iter().any(|interval| interval.contains(at));
        let is_quiet = |at| {
            mute.iter().any(|name| holds(&name, at))
                || !active.is_empty() && !active.iter().any(|name| holds(&name, at))
        };
        if !is_quiet(at) {
            return None;
        }
        let muting: Vec<String> = mute.iter().filter(|name| holds(name, at)).cloned().collect();
        let all: Vec<&TimeInterval> = mute.iter().chain(active).flat_map(of).collect();
        Some(Quiet {
            by: if muting.is_empty() { active.clone() } else { muting },
            until: time_interval::next_change(&all, at, is_quiet),
        })
    }
}

impl From<&Config> for Routing {
    fn from(config: &Config) -> Self {
        Self {
            route: config.route.clone(),
            inhibit_rules: config.inhibit_rules.clone(),
            receivers: config.receivers.iter().map(|(name, r)| (name.clone(), r.integrations())).collect(),
            time_intervals: config.time_intervals.clone(),
        }
    }
}
