//! `self_watch`: the heartbeat, the second path, receivers that do not work, and the fire drill.
//!
//! Not probes and rules, which watch others.

use std::collections::BTreeMap;

use watchkeeper_domain::{Code, Labels, Priority, Span};

use super::names::Names;
use super::server::{or, positive};
use crate::decode::leaf::calendar::{TimeOfDay, Zone};
use crate::decode::record::record;
use crate::decode::secret::{SecretAt, UrlAt};
use crate::decode::{At, Context, List, Map, items};
use crate::diagnostic::Diagnostic;
use crate::model::oncall::Days;
use crate::model::self_watch::{Drill, Heartbeat, SelfWatch};
use crate::model::{Receiver, self_watch};

/// Labels that a drill gives its alert itself.
const OWN: [&str; 3] = ["alertname", "drill", "priority"];
/// The shortest interval of a heartbeat: less is a load test of somebody else's server.
const SHORTEST: Span = Span::from_secs(5);

record! {
    /// Watching over Watchkeeper itself.
    SelfWatchFile, "`self_watch`" {
        /// A signal of life to an outside URL, as long as all is well.
        heartbeat: Option<HeartbeatFile> = "heartbeat";
        /// The receiver that is told directly when an alert's way is stalled.
        receiver: Option<At<String>> = "receiver";
        /// How long a stage may do nothing before it counts as stalled. Default 2 min.
        stalled_after: Option<At<Span>> = "stalled_after";
        /// How many messages may wait before the outbox counts as stalled. Default 50,000.
        most_waiting: Option<At<u32>> = "most_waiting";
        /// Receivers that were not tried or do not work.
        receivers: Option<ReceiverWatchFile> = "receivers";
        /// The fire drill.
        drill: Option<DrillFile> = "drill";
    }
}

record! {
    /// A signal of life.
    HeartbeatFile, "the heartbeat" {
        /// Where it goes; a reference, because whoever knows it can pretend to be Watchkeeper.
        url: UrlAt = "url";
        /// `get` (default) or `post`.
        method: Option<At<String>> = "method";
        /// Sent as `Authorization: Bearer …`; a reference.
        bearer_token: Option<SecretAt> = "bearer_token";
        /// How often. Default 1 min.
        interval: Option<At<Span>> = "interval";
    }
}

record! {
    /// When a receiver is an alert.
    ReceiverWatchFile, "`receivers` of `self_watch`" {
        /// After how long without a message that arrived; `0s`: never. Default 30 days.
        untested_after: Option<At<Span>> = "untested_after";
        /// After how long of failing. Default 5 min.
        failing_after: Option<At<Span>> = "failing_after";
    }
}

record! {
    /// A fire drill.
    DrillFile, "the drill" {
        /// On which days: `wed`, `mon-fri`. Default `wed`.
        days: Option<List<At<Days>>> = "days" | "day";
        /// At which time of the day.
        at: At<TimeOfDay> = "at";
        /// Whose clock on the wall. Default `UTC`.
        time_zone: Option<At<Zone>> = "time_zone";
        /// How long a confirmation is waited for. Default 15 min.
        confirm_within: Option<At<Span>> = "confirm_within";
        /// The priority of its alert. Default `high`.
        priority: Option<At<Priority>> = "priority";
        /// More labels of its alert, so that it takes the route that is to be tried.
        labels: Option<Map<At<String>>> = "labels";
    }
}

impl SelfWatchFile {
    pub(crate) fn build(
        file: Option<&Self>,
        names: &Names,
        receivers: &BTreeMap<String, Receiver>,
        cx: &mut Context<'_>,
    ) -> SelfWatch {
        let default = SelfWatch::default();
        let Some(file) = file else { return default };
        if let Some(at) = &file.receiver {
            names.refer(&at.value, &at.place, cx);
            let direct = |receiver: &Receiver| {
                receiver.integrations().iter().any(|i| i.key != watchkeeper_domain::Integration::ON_CALL)
            };
            if receivers.get(&at.value).is_some_and(|r| !direct(r) && r.escalation_policy.is_some()) {
                let message =
                    format!("`{}` calls people by an escalation policy, which may be what is stalled", at.value);
                let help = "name a receiver with a way of its own: `sms`, `voice`, `email`, `webhook`, …".to_owned();
                cx.invalid(&at.place, message, Some(help));
            }
        }
        let watch = file.receivers.as_ref();
        let untested = watch.and_then(|watch| watch.untested_after.as_ref());
        let failing = watch.and_then(|watch| watch.failing_after.as_ref());
        SelfWatch {
            heartbeat: file.heartbeat.as_ref().and_then(|file| file.build(cx)),
            receiver: file.receiver.as_ref().map(|at| at.value.clone()),
            stalled_after: positive(file.stalled_after.as_ref(), default.stalled_after, "stalled_after", cx)
                .max(self_watch::LEAST_STALLED),
            most_waiting: or(file.most_waiting.as_ref(), default.most_waiting).max(1),
            untested_after: match untested {
                None => default.untested_after,
                Some(at) => Some(at.value).filter(|span| !span.is_zero()),
            },
            failing_after: positive(failing, default.failing_after, "failing_after", cx),
            drill: file.drill.as_ref().map(|file| file.build(cx)),
        }
    }
}

impl HeartbeatFile {
    fn build(&self, cx: &mut Context<'_>) -> Option<Heartbeat> {
        let post = match self.method.as_ref().map(|at| (at.value.to_ascii_lowercase(), &at.place)) {
            None => false,
            Some((word, _)) if word == "get" => false,
            Some((word, _)) if word == "post" => true,
            Some((_, place)) => {
                cx.invalid(place, "the method of a heartbeat is `get` or `post`", None);
                false
            }
        };
        let interval = positive(self.interval.as_ref(), Span::from_secs(60), "interval", cx);
        if let Some(at) = self.interval.as_ref().filter(|_| interval < SHORTEST) {
            cx.invalid(&at.place, format!("a heartbeat leaves at most every {SHORTEST}"), None);
        }
        let Some(url) = self.url.0.secret.clone() else {
            let message = format!("no heartbeat leaves, because `{}` is not set", self.url.0.reference);
            let problem = Diagnostic::at(Code::ConfigMissingSecret, &self.url.0.place, message);
            cx.warn(problem.help("set the variable to switch it on"));
            return None;
        };
        let bearer_token = self.bearer_token.as_ref().and_then(|token| token.secret.clone());
        Some(Heartbeat { url, post, bearer_token, interval })
    }
}

impl DrillFile {
    fn build(&self, cx: &mut Context<'_>) -> Drill {
        let mut labels = BTreeMap::new();
        for (key, at) in self.labels.as_ref().map_or(&[][..], |map| &map.0) {
            if OWN.contains(&key.text.as_str()) {
                let help = match key.text.as_str() {
                    "priority" => "write it as `priority` of the drill",
                    _ => "choose another name",
                };
                cx.invalid(&at.place, format!("the drill sets the label `{}` itself", key.text), Some(help.to_owned()));
            }
            labels.insert(key.text.clone(), at.value.clone());
        }
        // Alerts drop empty labels, and two that differ in nothing else would be one.
        let labels = Labels::from_pairs(labels).iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let days = items(&self.days).iter().fold(Days::NONE, |all, at| all.and(at.value));
        let week = Span::from_secs(7 * 86_400);
        let within = positive(self.confirm_within.as_ref(), Span::from_secs(900), "confirm_within", cx);
        if let Some(at) = self.confirm_within.as_ref().filter(|_| within >= week) {
            cx.invalid(&at.place, "a drill that may be confirmed for a week never ends before the next one", None);
        }
        Drill {
            days: if days == Days::NONE { Days::NONE.with(jiff::civil::Weekday::Wednesday) } else { days },
            at: self.at.value.0,
            time_zone: self.time_zone.as_ref().map_or(jiff::tz::TimeZone::UTC, |at| at.value.0.clone()),
            confirm_within: within.min(week),
            priority: or(self.priority.as_ref(), Priority::High),
            labels,
        }
    }
}
