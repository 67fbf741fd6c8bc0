//! `route` and `inhibit_rules`, in Alertmanager's shape.
//!
//! Not the walk over the tree.

use std::collections::BTreeMap;

use watchkeeper_domain::{MatchOp, Matcher, Span};

use super::names::Names;
use super::server::{or, positive};
use crate::decode::leaf::Matchers;
use crate::decode::record::record;
use crate::decode::{At, Context, List, Map, items};
use crate::model::route::GroupBy;
use crate::model::{InhibitRule, Route};

record! {
    /// A node of the route tree. What is absent is inherited.
    RouteFile, "a route" {
        /// The receiver of alerts that stop here.
        receiver: Option<At<String>> = "receiver";
        /// Labels that alerts are grouped by; `...` for all. Default `alertname` and `service`.
        group_by: Option<List<At<String>>> = "group_by";
        /// How long a group's first notification waits. Critical and high alerts do not wait unless this is set.
        group_wait: Option<At<Span>> = "group_wait";
        /// How long after a notification the next one about changes may follow. Default 5 min.
        group_interval: Option<At<Span>> = "group_interval";
        /// After how long an unchanged group is told again. Default 4 h.
        repeat_interval: Option<At<Span>> = "repeat_interval";
        /// All must match.
        matchers: Option<List<At<Matchers>>> = "matchers";
        /// Labels that must be equal (Alertmanager's old notation).
        match_equal: Option<Map<At<String>>> = "match";
        /// Labels that must match (Alertmanager's old notation).
        match_re: Option<Map<At<String>>> = "match_re";
        /// Whether routes after this one are tried too.
        continue_: Option<At<bool>> = "continue";
        /// Names of time intervals in which nothing is told.
        mute_time_intervals: Option<List<At<String>>> = "mute_time_intervals";
        /// Names of time intervals outside of which nothing is told.
        active_time_intervals: Option<List<At<String>>> = "active_time_intervals";
        /// Labels of the route itself, for readers of groups; inherited.
        labels: Option<Map<At<String>>> = "labels";
        /// Children; the first that matches wins.
        routes: Option<List<RouteFile>> = "routes";
    }
}

record! {
    /// While a source alert fires, target alerts with equal labels are not told.
    InhibitRuleFile, "an inhibit rule" {
        /// Which alerts mute.
        source_matchers: Option<List<At<Matchers>>> = "source_matchers";
        /// Old notation.
        source_match: Option<Map<At<String>>> = "source_match";
        /// Old notation.
        source_match_re: Option<Map<At<String>>> = "source_match_re";
        /// Which alerts are muted.
        target_matchers: Option<List<At<Matchers>>> = "target_matchers";
        /// Old notation.
        target_match: Option<Map<At<String>>> = "target_match";
        /// Old notation.
        target_match_re: Option<Map<At<String>>> = "target_match_re";
        /// Labels that must be equal in both.
        equal: Option<List<At<String>>> = "equal";
    }
}

/// Matchers of all three notations.
fn gather(
    new: &Option<List<At<Matchers>>>,
    equal: Option<&Map<At<String>>>,
    regex: Option<&Map<At<String>>>,
    cx: &mut Context<'_>,
) -> Vec<Matcher> {
    let mut out: Vec<Matcher> = items(new).iter().flat_map(|at| at.value.0.clone()).collect();
    for (map, op) in [(equal, MatchOp::Equal), (regex, MatchOp::Match)] {
        for (key, value) in map.map_or(&[][..], |m| &m.0) {
            // `match_re` is anchored in what a group's key shows, too, as in Alertmanager.
            let text = if op == MatchOp::Match { format!("^(?:{})$", value.value) } else { value.value.clone() };
            match Matcher::of_alerts(&key.text, op, text) {
                Ok(matcher) => out.push(matcher),
                Err(e) => cx.invalid(&value.place, e.to_string(), None),
            }
        }
    }
    out
}

/// The root that stands for an absent one.
pub(crate) fn default_root(receiver: &str) -> Route {
    Route {
        receiver: receiver.to_owned(),
        group_by: GroupBy::Labels(vec!["alertname".to_owned(), "service".to_owned()]),
        group_wait: None,
        group_interval: Span::from_secs(300),
        repeat_interval: Span::from_secs(4 * 3_600),
        matchers: Vec::new(),
        continue_: false,
        mute_time_intervals: Vec::new(),
        active_time_intervals: Vec::new(),
        labels: BTreeMap::new(),
        routes: Vec::new(),
    }
}

/// The names that a route may refer to.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) receivers: &'a Names,
    pub(crate) time_intervals: &'a Names,
}

impl RouteFile {
    /// The root: it takes every alert, so it has no matchers.
    pub(crate) fn build_root(&self, defaults: &Route, known: Known<'_>, cx: &mut Context<'_>) -> Route {
        let root = self.build(defaults, known, cx);
        for list in [&self.mute_time_intervals, &self.active_time_intervals] {
            if let Some(at) = items(list).first() {
                let help = "put it into `routes`, so that something is told of every alert at some time";
                cx.invalid(&at.place, "the root route cannot have time intervals", Some(help.to_owned()));
            }
        }
        if !root.matchers.is_empty() {
            cx.invalid(
                &self.place,
                "the root route takes every alert; it cannot have matchers",
                Some("put them into `routes`".to_owned()),
            );
        }
        if let Some(at) = self.continue_.as_ref().filter(|at| at.value) {
            cx.invalid(&at.place, "the root route has no sibling; `continue` means nothing there", None);
        }
        root
    }

    fn build(&self, parent: &Route, known: Known<'_>, cx: &mut Context<'_>) -> Route {
        if let Some(at) = &self.receiver {
            known.receivers.refer(&at.value, &at.place, cx);
        }
        let mut intervals = |list: &Option<List<At<String>>>| -> Vec<String> {
            let refer = |at: &At<String>| {
                known.time_intervals.refer(&at.value, &at.place, cx);
                at.value.clone()
            };
            items(list).iter().map(refer).collect()
        };
        let (mute_time_intervals, active_time_intervals) =
            (intervals(&self.mute_time_intervals), intervals(&self.active_time_intervals));
        let mut labels = parent.labels.clone();
        let own = self.labels.as_ref().map_or(&[][..], |map| &map.0);
        labels.extend(own.iter().map(|(key, value)| (key.text.clone(), value.value.clone())));
        let group_by = match &self.group_by {
            None => parent.group_by.clone(),
            Some(list) if list.0.iter().any(|at| at.value == "...") => {
                if let Some(at) = list.0.iter().find(|at| at.value != "...") {
                    cx.invalid(&at.place, "`...` already means all labels", Some("remove the other labels".to_owned()));
                }
                GroupBy::All
            }
            Some(list) => {
                let mut seen: Vec<String> = Vec::new();
                for at in &list.0 {
                    if seen.contains(&at.value) {
                        cx.invalid(&at.place, format!("`{}` is twice in `group_by`", at.value), None);
                    }
                    seen.push(at.value.clone());
                }
                GroupBy::Labels(seen)
            }
        };
        let mut route = Route {
            receiver: self.receiver.as_ref().map_or_else(|| parent.receiver.clone(), |at| at.value.clone()),
            group_by,
            group_wait: self.group_wait.as_ref().map(|at| at.value).or(parent.group_wait),
            group_interval: positive(self.group_interval.as_ref(), parent.group_interval, "group_interval", cx),
            repeat_interval: positive(self.repeat_interval.as_ref(), parent.repeat_interval, "repeat_interval", cx),
            matchers: gather(&self.matchers, self.match_equal.as_ref(), self.match_re.as_ref(), cx),
            continue_: or(self.continue_.as_ref(), false),
            mute_time_intervals,
            active_time_intervals,
            labels,
            routes: Vec::new(),
        };
        route.routes = items(&self.routes).iter().map(|child| child.build(&route, known, cx)).collect();
        route
    }
}

impl InhibitRuleFile {
    pub(crate) fn build(&self, cx: &mut Context<'_>) -> InhibitRule {
        InhibitRule {
            source_matchers: gather(
                &self.source_matchers,
                self.source_match.as_ref(),
                self.source_match_re.as_ref(),
                cx,
            ),
            target_matchers: gather(
                &self.target_matchers,
                self.target_match.as_ref(),
                self.target_match_re.as_ref(),
                cx,
            ),
            equal: items(&self.equal).iter().map(|at| at.value.clone()).collect(),
        }
    }
}
