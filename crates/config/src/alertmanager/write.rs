//! Routes, inhibition, times and the names of receivers as YAML.
//!
//! Not the integrations: they are named in comments, because their settings are secret or are not Alertmanager's.

use watchkeeper_domain::Matcher;
use watchkeeper_domain::time_interval::Written;

use crate::model::route::GroupBy;
use crate::model::{Config, Route};

/// The routing part of a configuration, as programs that know Alertmanager read it (`amtool config show`, `amtool config
/// routes`). Holds nothing secret.
#[must_use]
pub fn shown(config: &Config) -> String {
    let mut out = String::new();
    line(&mut out, 0, "global:");
    line(&mut out, 1, &format!("resolve_timeout: {}", config.resolve_timeout));
    line(&mut out, 0, "route:");
    route(&mut out, &config.route, 1);
    if !config.inhibit_rules.is_empty() {
        line(&mut out, 0, "inhibit_rules:");
    }
    for rule in &config.inhibit_rules {
        line(&mut out, 1, "-");
        list(&mut out, 2, "source_matchers", &texts(&rule.source_matchers));
        list(&mut out, 2, "target_matchers", &texts(&rule.target_matchers));
        list(&mut out, 2, "equal", &rule.equal);
    }
    if !config.time_intervals.is_empty() {
        line(&mut out, 0, "time_intervals:");
    }
    for (name, intervals) in &config.time_intervals {
        line(&mut out, 1, &format!("- name: {}", quoted(name)));
        line(&mut out, 2, "time_intervals:");
        for interval in intervals {
            time_interval(&mut out, interval.written());
        }
    }
    line(&mut out, 0, "receivers:");
    for receiver in config.receivers.values().filter(|receiver| !receiver.is_person()) {
        line(&mut out, 1, &format!("- name: {}", quoted(&receiver.name)));
        let kinds: Vec<String> = receiver.integrations().into_iter().map(|integration| integration.key).collect();
        if !kinds.is_empty() {
            line(&mut out, 2, &format!("# {}", kinds.join(", ")));
        }
    }
    out
}

pub(super) fn line(out: &mut String, depth: usize, text: &str) {
    for part in ["  ".repeat(depth).as_str(), text, "\n"] {
        out.push_str(part);
    }
}

fn list(out: &mut String, depth: usize, key: &str, items: &[String]) {
    if !items.is_empty() {
        let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
        line(out, depth, &format!("{key}: [{}]", items.join(", ")));
    }
}

fn texts(matchers: &[Matcher]) -> Vec<String> {
    matchers.iter().map(ToString::to_string).collect()
}

/// A YAML text in double quotes; JSON's notation is part of YAML's.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The settings of a route, at this depth.
pub(super) fn route(out: &mut String, route: &Route, depth: usize) {
    line(out, depth, &format!("receiver: {}", quoted(&route.receiver)));
    let by = match &route.group_by {
        GroupBy::All => vec!["...".to_owned()],
        GroupBy::Labels(names) => names.clone(),
    };
    list(out, depth, "group_by", &by);
    if let Some(wait) = route.group_wait {
        line(out, depth, &format!("group_wait: {wait}"));
    }
    line(out, depth, &format!("group_interval: {}", route.group_interval));
    line(out, depth, &format!("repeat_interval: {}", route.repeat_interval));
    list(out, depth, "matchers", &texts(&route.matchers));
    list(out, depth, "mute_time_intervals", &route.mute_time_intervals);
    list(out, depth, "active_time_intervals", &route.active_time_intervals);
    if route.continue_ {
        line(out, depth, "continue: true");
    }
    if !route.routes.is_empty() {
        line(out, depth, "routes:");
    }
    for child in &route.routes {
        line(out, depth + 1, "-");
        self::route(out, child, depth + 2);
    }
}

fn time_interval(out: &mut String, written: &Written) {
    line(out, 3, "-");
    if !written.times.is_empty() {
        let time = |t: &watchkeeper_domain::time_interval::WrittenTime| {
            format!("{{start_time: {}, end_time: {}}}", quoted(&t.start_time), quoted(&t.end_time))
        };
        let times: Vec<String> = written.times.iter().map(time).collect();
        line(out, 4, &format!("times: [{}]", times.join(", ")));
    }
    list(out, 4, "weekdays", &written.weekdays);
    list(out, 4, "days_of_month", &written.days_of_month);
    list(out, 4, "months", &written.months);
    list(out, 4, "years", &written.years);
    if let Some(location) = &written.location {
        line(out, 4, &format!("location: {}", quoted(location)));
    }
    if *written == Written::default() {
        // A mapping without keys, which holds always.
        line(out, 4, "{}");
    }
}
