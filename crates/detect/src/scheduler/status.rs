//! What people see of the rules as they run.
//!
//! Not rows and not the API's types: the console's handlers turn these into answers.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper_config::model::Rule;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Labels, Timestamp};

use super::runtime::{Group, Instance, RuleRun, Runtime, Standing};
use crate::compiled::Rendering;
use crate::rule::InstanceState;

/// One rule as it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleStatus {
    /// The group's name.
    pub group: String,
    /// The file that it came from.
    pub file: String,
    /// The rule.
    pub rule: Rule,
    /// Its state.
    pub state: Standing,
    /// Why it is unknown; empty otherwise.
    pub reason: String,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// When it was last evaluated.
    pub last_evaluation_at: Option<Timestamp>,
    /// How long that took.
    pub duration: Option<Duration>,
    /// When it is due at the latest; an arriving sample makes it due at once.
    pub next_due: Timestamp,
    /// How often it was evaluated since the start.
    pub evaluations: u64,
    /// How often that failed.
    pub failures: u64,
    /// How many series its last evaluation saw.
    pub series_seen: usize,
    /// What is compared, how, and with which number, where that decides the rule.
    pub comparison: Option<(String, String, f64)>,
    /// Its instances that are not inactive, by labels.
    pub instances: Vec<InstanceStatus>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceStatus {
    /// The alert's labels.
    pub labels: Labels,
    /// The rendered annotations, where they were asked for.
    pub annotations: BTreeMap<String, String>,
    /// `pending`, `firing` or `unknown`.
    pub state: Standing,
    /// Why it is unknown; empty otherwise.
    pub reason: String,
    /// The last value.
    pub value: Option<f64>,
    /// When the condition became true.
    pub active_at: Timestamp,
    /// When the alert began; none while pending.
    pub fired_at: Option<Timestamp>,
    /// The alert.
    pub alert_id: Option<AlertId>,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Brief,
    Annotations,
}

pub(super) fn of(runtime: &Runtime, detail: Detail) -> Vec<RuleStatus> {
    runtime.groups.iter().flat_map(|g| g.rules.iter().map(move |r| rule(g, r, detail))).collect()
}

fn rule(group: &Group, run: &RuleRun, detail: Detail) -> RuleStatus {
    let at = run.last.map_or(run.due, |last| last.at);
    let told = |instance: &Instance| {
        let rendering = Rendering { at, answers: &run.answers };
        let annotations = match detail {
            Detail::Brief => BTreeMap::new(),
            Detail::Annotations => run.rule.annotations(&instance.labels, instance.value, rendering),
        };
        self::instance(instance, annotations)
    };
    RuleStatus {
        group: group.name.clone(),
        file: run.rule.file.clone(),
        rule: run.rule.rule.clone(),
        state: run.health.standing,
        reason: run.health.reason.clone(),
        since: run.health.since,
        last_evaluation_at: run.last.map(|l| l.at),
        duration: run.last.map(|l| l.duration),
        next_due: run.due,
        evaluations: run.evaluations,
        failures: run.failures,
        series_seen: run.last.map_or(0, |l| l.series_seen),
        comparison: run.rule.plan.as_ref().ok().and_then(|plan| {
            let compared = plan.comparison.as_ref()?;
            Some((compared.lhs.clone(), compared.op.sign().to_owned(), compared.threshold))
        }),
        instances: run.instances.values().filter_map(told).collect(),
    }
}

fn instance(instance: &Instance, annotations: BTreeMap<String, String>) -> Option<InstanceStatus> {
    let unknown = instance.state.unknown();
    let (state, fired_at) = match &instance.state {
        InstanceState::Inactive => return None,
        InstanceState::Pending { .. } => (Standing::Pending, None),
        InstanceState::Firing { fired_at, .. } => (Standing::Firing, Some(*fired_at)),
    };
    Some(InstanceStatus {
        labels: instance.labels.clone(),
        annotations,
        state: if unknown.is_some() { Standing::Unknown } else { state },
        reason: unknown.map(|u| u.reason.clone()).unwrap_or_default(),
        value: instance.value,
        active_at: instance.state.active_at()?,
        fired_at,
        alert_id: instance.alert_id,
    })
}
