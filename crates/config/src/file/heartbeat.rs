//! `heartbeats`: jobs that are expected to report.
//!
//! Not their reports: `detect::heartbeat` takes those.

use std::collections::{BTreeMap, BTreeSet};

use watchkeeper_domain::{Category, Code, Priority, Span};

use super::names::Names;
use super::probe::labels;
use super::server::{or, positive};
use crate::decode::leaf::calendar::Zone;
use crate::decode::record::record;
use crate::decode::secret::SecretAt;
use crate::decode::{At, Context, Map};
use crate::diagnostic::Diagnostic;
use crate::model::heartbeat::{Calendar, Expected, Heartbeat};

/// The shortest id that is taken: it is all that a sender shows.
const SHORTEST_ID: usize = 16;

record! {
    /// A job that is expected to report to `/heartbeat/ID`.
    HeartbeatFile, "a heartbeat" {
        /// Its name: the label `heartbeat` of its alert and its metrics.
        name: At<String> = "name";
        /// How long after its last report the next one is expected.
        every: Option<At<Span>> = "every";
        /// When it reports, as in a crontab: `0 2 * * *`.
        cron: Option<At<String>> = "cron" | "schedule";
        /// Whose clock `cron` goes by. Default `UTC`.
        time_zone: Option<At<Zone>> = "time_zone";
        /// How long after the expected time it is late. Default 5 min.
        grace: Option<At<Span>> = "grace";
        /// How long a run that said that it starts may take. Default: as `grace`.
        run_timeout: Option<At<Span>> = "run_timeout";
        /// The secret part of its address; a reference. Default: made by the server.
        id: Option<SecretAt> = "id";
        /// How urgent it is when it is missing. Default high.
        priority: Option<At<Priority>> = "priority";
        /// What it is about. Default application.
        category: Option<At<Category>> = "category";
        /// Labels added to its alert and its metrics.
        labels: Option<Map<At<String>>> = "labels";
        /// Annotations of its alert, for example `runbook_url`.
        annotations: Option<Map<At<String>>> = "annotations";
    }
}

impl HeartbeatFile {
    pub(crate) fn build(
        &self,
        names: &mut Names,
        ids: &mut BTreeSet<String>,
        cx: &mut Context<'_>,
    ) -> Option<Heartbeat> {
        if !names.define(&self.name, cx) {
            return None;
        }
        let expected = self.expected(cx)?;
        let grace = positive(self.grace.as_ref(), Span::from_secs(300), "grace", cx);
        let labels = labels(self.labels.as_ref(), cx);
        for taken in ["alertname", "heartbeat"] {
            if labels.contains_key(taken) {
                let message = format!("the label `{taken}` of a heartbeat is given by Watchkeeper");
                cx.invalid(&self.place, message, Some("use another name".to_owned()));
            }
        }
        let annotations = self.annotations.as_ref().map_or(&[][..], |map| &map.0);
        let annotations: BTreeMap<String, String> =
            annotations.iter().map(|(key, value)| (key.text.clone(), value.value.clone())).collect();
        Some(Heartbeat {
            name: self.name.value.clone(),
            expected,
            grace,
            run_timeout: positive(self.run_timeout.as_ref(), grace, "run_timeout", cx),
            id: self.id(ids, cx),
            priority: or(self.priority.as_ref(), Priority::High),
            category: or(self.category.as_ref(), Category::Application),
            labels,
            annotations,
        })
    }

    fn expected(&self, cx: &mut Context<'_>) -> Option<Expected> {
        if let (Some(zone), None) = (&self.time_zone, &self.cron) {
            cx.invalid(&zone.place, "only `cron` goes by a time zone", Some("remove `time_zone`".to_owned()));
        }
        match (&self.every, &self.cron) {
            (Some(every), None) => Some(Expected::Every(positive(Some(every), Span::from_secs(3_600), "every", cx))),
            (None, Some(cron)) => {
                let zone = self.time_zone.as_ref().map_or(jiff::tz::TimeZone::UTC, |at| at.value.0.clone());
                match Calendar::new(&cron.value, zone) {
                    Ok(calendar) => Some(Expected::Cron(Box::new(calendar))),
                    Err(reason) => {
                        let shown: String = cron.value.chars().take(80).collect();
                        let help = "write minute, hour, day of the month, month and day of the week: `0 2 * * *`";
                        cx.invalid(
                            &cron.place,
                            format!("`{shown}` is not a cron pattern: {reason}"),
                            Some(help.to_owned()),
                        );
                        None
                    }
                }
            }
            _ => {
                let message = format!("the heartbeat `{}` needs `every` or `cron`, one of them", self.name.value);
                let help = "write for example `every: 1h`, or `cron: \"0 2 * * *\"` with a `time_zone`";
                cx.invalid(&self.name.place, message, Some(help.to_owned()));
                None
            }
        }
    }

    fn id(&self, ids: &mut BTreeSet<String>, cx: &mut Context<'_>) -> Option<crate::Secret> {
        let at = self.id.as_ref()?;
        let secret = at.secret.clone()?;
        let id = secret.expose();
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !plain || id.len() < SHORTEST_ID || id.len() > 128 {
            let message = format!("the value of `{}` cannot be the id of a heartbeat", at.reference);
            let help = format!("use {SHORTEST_ID} to 128 letters, digits, `-` and `_`, for example a UUID");
            cx.invalid(&at.place, message, Some(help));
            return None;
        }
        if !ids.insert(id.to_owned()) {
            let message = format!("the id `{}` belongs to another heartbeat already", at.reference);
            cx.error(Diagnostic::at(Code::ConfigDuplicate, &at.place, message).help("give each an id of its own"));
            return None;
        }
        Some(secret)
    }
}
