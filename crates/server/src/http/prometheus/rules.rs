//! Handlers: `/api/v1/rules` and `/api/v1/alerts` in Prometheus's shapes, for Grafana, karma and promtool.
//!
//! Not our own answer about rules (`http::rules`), which knows more states. Prometheus's shapes have none for "unknown":
//! an alert of which nobody can tell whether it still holds goes on firing here too, and its rule's `health` is `err`
//! with the reason as `lastError`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use watchkeeper_config::model::RuleKind;
use watchkeeper_detect::scheduler::{InstanceStatus, RuleStatus, Standing};
use watchkeeper_domain::{Category, Matcher, Timestamp};
use watchkeeper_promql::Annotations;

use super::{Failure, Params, number, selectors, success};
use crate::app::Shared;
use crate::http::access::Caller;

/// `GET /api/v1/rules`.
pub async fn rules(State(shared): State<Arc<Shared>>, caller: Caller, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref().unwrap_or(""));
    match Wanted::read(&params) {
        Ok(wanted) => success(groups(&shared, &caller, &wanted), &Annotations::default()).into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// `GET /api/v1/alerts`: what is pending or firing.
pub async fn alerts(State(shared): State<Arc<Shared>>, caller: Caller) -> Response {
    let statuses = shared.scheduler.statuses_with_annotations();
    let seen = statuses.iter().filter(|status| may_see(status, &caller));
    let active: Vec<Value> = seen.flat_map(|status| status.instances.iter().map(alert)).collect();
    success(json!({"alerts": active}), &Annotations::default()).into_response()
}

/// Which rules are asked for.
struct Wanted {
    alerting: bool,
    recording: bool,
    alerts: bool,
    names: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    labels: Vec<Vec<Matcher>>,
}

impl Wanted {
    fn read(params: &Params) -> Result<Self, Failure> {
        let (alerting, recording) = match params.get("type") {
            None => (true, true),
            Some("alert") => (true, false),
            Some("record") => (false, true),
            Some(other) => return Err(Failure::bad_data(format!("not supported value \"{other}\""))),
        };
        let alerts = match params.get("exclude_alerts") {
            None | Some("false" | "0") => true,
            Some("true" | "1") => false,
            Some(other) => return Err(Failure::bad_data(format!("error parsing exclude_alerts: \"{other}\""))),
        };
        let all = |name: &str| params.all(name).map(ToOwned::to_owned).collect();
        Ok(Self {
            alerting,
            recording,
            alerts,
            names: all("rule_name[]"),
            groups: all("rule_group[]"),
            files: all("file[]"),
            labels: selectors(params)?,
        })
    }

    fn wants(&self, status: &RuleStatus) -> bool {
        let named = |list: &[String], name: &str| list.is_empty() || list.iter().any(|one| one == name);
        let kind = if matches!(status.rule.kind, RuleKind::Recording) { self.recording } else { self.alerting };
        // Rules are selected by their own labels, as they are written.
        let own = &status.rule.labels;
        let fits = |all: &Vec<Matcher>| all.iter().all(|m| m.matches_value(own.get(&m.name).map_or("", |v| v)));
        kind && named(&self.names, &status.rule.name)
            && named(&self.groups, &status.group)
            && named(&self.files, &status.file)
            && (self.labels.is_empty() || self.labels.iter().any(fits))
    }
}

fn may_see(status: &RuleStatus, caller: &Caller) -> bool {
    let security = matches!(status.rule.kind, RuleKind::Alerting { category: Category::Security, .. });
    !security || caller.sees_restricted()
}

fn groups(shared: &Shared, caller: &Caller, wanted: &Wanted) -> Value {
    let rules = shared.rules();
    let running = &rules.running;
    let group_of = |name: &str, file: &str| running.groups.iter().find(|g| g.name == name && g.file == file);
    let interval = |name: &str, file: &str| {
        group_of(name, file).and_then(|g| g.interval).unwrap_or(running.evaluation.interval).as_secs_f64()
    };
    let statuses = if wanted.alerts && wanted.alerting {
        shared.scheduler.statuses_with_annotations()
    } else {
        shared.scheduler.statuses()
    };
    let mut groups: Vec<(String, String, Vec<RuleStatus>)> = Vec::new();
    for status in statuses.into_iter().filter(|status| wanted.wants(status)) {
        match groups.last_mut() {
            Some((name, file, rules)) if *name == status.group && *file == status.file => rules.push(status),
            _ => groups.push((status.group.clone(), status.file.clone(), vec![status])),
        }
    }
    let group = |(name, file, rules): (String, String, Vec<RuleStatus>)| {
        let seconds: f64 = rules.iter().filter_map(|r| r.duration).map(|d| d.as_secs_f64()).sum();
        json!({
            "name": name, "file": file, "interval": interval(&name, &file), "limit": group_of(&name, &file).map_or(0, |g| g.limit),
            "evaluationTime": seconds,
            "lastEvaluation": moment(rules.iter().filter_map(|r| r.last_evaluation_at).max()),
            "rules": rules.iter().map(|r| rule(r, wanted.alerts && may_see(r, caller))).collect::<Vec<_>>(),
        })
    };
    json!({"groups": groups.into_iter().map(group).collect::<Vec<_>>()})
}

fn rule(status: &RuleStatus, with_alerts: bool) -> Value {
    let health = match (status.last_evaluation_at, status.state) {
        (None, _) => "unknown",
        (Some(_), Standing::Unknown) => "err",
        (Some(_), _) => "ok",
    };
    let mut out = json!({
        "name": status.rule.name, "query": status.rule.expr, "labels": status.rule.labels, "health": health,
        "evaluationTime": status.duration.map_or(0.0, |d| d.as_secs_f64()),
        "lastEvaluation": moment(status.last_evaluation_at),
    });
    if health == "err" {
        out["lastError"] = json!(status.reason);
    }
    match &status.rule.kind {
        RuleKind::Recording => out["type"] = json!("recording"),
        RuleKind::Alerting { hold, keep_firing_for, annotations, .. } => {
            let firing = status.instances.iter().any(|i| i.fired_at.is_some());
            let state = match (firing, status.instances.is_empty()) {
                (true, _) => "firing",
                (false, false) => "pending",
                (false, true) => "inactive",
            };
            let alerts: Vec<Value> =
                if with_alerts { status.instances.iter().map(alert).collect() } else { Vec::new() };
            out["type"] = json!("alerting");
            out["state"] = json!(state);
            out["duration"] = json!(hold.as_secs_f64());
            out["keepFiringFor"] = json!(keep_firing_for.as_secs_f64());
            out["annotations"] = json!(annotations);
            out["alerts"] = json!(alerts);
        }
    }
    out
}

fn alert(instance: &InstanceStatus) -> Value {
    json!({
        "labels": instance.labels,
        "annotations": instance.annotations,
        "state": if instance.fired_at.is_some() { "firing" } else { "pending" },
        "activeAt": moment(Some(instance.active_at)),
        // Prometheus writes a float as Go's `%e` does; every client reads any notation of a number.
        "value": number(instance.value.unwrap_or(f64::NAN)),
    })
}

/// RFC 3339; the year 1 stands for never, as Go's zero time does.
fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_string())
}
