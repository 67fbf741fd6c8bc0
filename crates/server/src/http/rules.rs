//! Handlers: rules and probes as they run.
//!
//! Not configuration: rule files are checked by `watchkeeper check`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_config::model::RuleKind;
use watchkeeper_detect::probe::verdict::Verdict;
use watchkeeper_detect::probe::{ProbeResult as StoredResult, ProbeStatus, target};
use watchkeeper_detect::scheduler::{InstanceStatus, RuleStatus, Standing};
use watchkeeper_domain::Category;

use super::access::Caller;
use super::dto::probes::{Probe, ProbeList, ProbeResult};
use super::dto::rules::{Rule, RuleInstance, RuleList, RuleQuery, RuleSort};
use super::dto::words::{AlertState, Category as ShownCategory, Priority, ProbeState, RuleState};
use super::extract::Query;
use super::page::{Paging, words};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// The most instances of one rule that are shown.
const MOST_INSTANCES: usize = 100;

/// `GET /rules`.
pub async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<RuleQuery>,
) -> ApiResult<Json<RuleList>> {
    let limit = Paging::new(query.limit.or(Some(1_000)), None)?.limit as usize;
    let states: Vec<RuleState> = words("state", query.state.as_deref().unwrap_or(""))?;
    let priorities: Vec<Priority> = words("priority", query.priority.as_deref().unwrap_or(""))?;
    let categories: Vec<ShownCategory> = words("category", query.category.as_deref().unwrap_or(""))?;
    let text = query.q.map(|q| q.to_lowercase()).filter(|q| !q.trim().is_empty());
    let sort = query.sort.unwrap_or_default();
    let mut items = all(&shared, &caller);
    items.retain(|rule| {
        let said = |text: &str| [&rule.name, &rule.group, &rule.expr].iter().any(|s| s.to_lowercase().contains(text));
        (states.is_empty() || states.contains(&rule.state))
            && (priorities.is_empty() || priorities.contains(&rule.priority))
            && (categories.is_empty() || categories.contains(&rule.category))
            && text.as_deref().is_none_or(said)
    });
    let total = items.len() as u64;
    items.sort_by(|a, b| key(sort, a).cmp(&key(sort, b)));
    if let Some(cursor) = &query.cursor {
        let after = cursor.split_once('.').and_then(|(rank, id)| Some((rank.parse::<u8>().ok()?, id)));
        let after = after.ok_or_else(|| ApiProblem::invalid("cursor", "it is not one that a list gave"))?;
        items.retain(|rule| key(sort, rule) > after);
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|rule| {
        let (rank, id) = key(sort, rule);
        format!("{rank}.{id}")
    });
    Ok(Json(RuleList { items, total, next_cursor }))
}

/// What a rule is sorted by.
fn key(sort: RuleSort, rule: &Rule) -> (u8, &str) {
    let rank = match (sort, rule.state) {
        (RuleSort::Name, _) | (RuleSort::State, RuleState::Firing) => 0,
        (RuleSort::State, RuleState::Unknown) => 1,
        (RuleSort::State, RuleState::Pending) => 2,
        (RuleSort::State, RuleState::Ok) => 3,
    };
    (rank, &rule.id)
}

/// All rules.
pub(super) fn all(shared: &Shared, caller: &Caller) -> Vec<Rule> {
    shared.scheduler.statuses().into_iter().map(|status| rule(status, caller)).collect()
}

fn rule(status: RuleStatus, caller: &Caller) -> Rule {
    let (category, priority, hold_for, summary, runbook_url) = match &status.rule.kind {
        RuleKind::Alerting { hold, annotations, category, priority, .. } => (
            *category,
            (*priority).into(),
            (!hold.is_zero()).then(|| hold.to_string()),
            annotations.get("summary").cloned(),
            annotations.get("runbook_url").cloned(),
        ),
        RuleKind::Recording => (Category::Application, Priority::Low, None, None, None),
    };
    let hidden = category == Category::Security && !caller.sees_restricted();
    let instances = if hidden { Vec::new() } else { status.instances };
    Rule {
        id: status.rule.id,
        group: status.group,
        name: status.rule.name,
        file: Some(status.file),
        expr: status.rule.expr,
        hold_for,
        category: category.into(),
        priority,
        state: standing(status.state),
        unknown_reason: (status.state == Standing::Unknown).then_some(status.reason),
        summary,
        runbook_url,
        last_evaluated_at: status.last_evaluation_at.map(Into::into),
        last_duration_us: status.duration.map(|d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX)),
        evaluations: status.evaluations,
        failures: status.failures,
        next_due_at: Some(status.next_due.into()),
        instances: instances.into_iter().take(MOST_INSTANCES).map(instance).collect(),
    }
}

fn standing(standing: Standing) -> RuleState {
    match standing {
        Standing::Ok => RuleState::Ok,
        Standing::Pending => RuleState::Pending,
        Standing::Firing => RuleState::Firing,
        Standing::Unknown => RuleState::Unknown,
    }
}

fn instance(status: InstanceStatus) -> RuleInstance {
    RuleInstance {
        alert_id: status.alert_id.map(|id| id.to_string()),
        labels: status.labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        state: match status.state {
            Standing::Pending => AlertState::Pending,
            Standing::Unknown => AlertState::Unknown,
            Standing::Ok => AlertState::Resolved,
            Standing::Firing => AlertState::Firing,
        },
        value: status.value.filter(|v| v.is_finite()),
        since: status.fired_at.unwrap_or(status.active_at).into(),
    }
}

/// `GET /probes`.
pub async fn probes(State(shared): State<Arc<Shared>>) -> Json<ProbeList> {
    Json(ProbeList { items: all_probes(&shared), next_cursor: None })
}

/// All probes, down first.
pub(super) fn all_probes(shared: &Shared) -> Vec<Probe> {
    let mut items: Vec<Probe> = shared.probes.statuses().into_iter().map(probe).collect();
    let rank = |p: &Probe| match p.state {
        ProbeState::Down => 0,
        ProbeState::Unknown => 1,
        ProbeState::Up => 2,
    };
    items.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name)));
    items
}

fn probe(status: ProbeStatus) -> Probe {
    let last = status.last.as_ref();
    Probe {
        name: status.probe.name.clone(),
        kind: status.probe.kind.as_str().to_owned(),
        target: target(&status.probe),
        state: match status.verdict {
            Verdict::Up => ProbeState::Up,
            Verdict::Down => ProbeState::Down,
            Verdict::Unknown => ProbeState::Unknown,
        },
        since: status.since.map(Into::into),
        last_run_at: last.map(|l| l.at.into()),
        last_duration_ms: last.map(milliseconds),
        detail: last.and_then(|l| l.finding.error.clone().or_else(|| l.finding.not_run.clone())).or(status.not_kept),
        interval: status.probe.interval.to_string(),
        certificate_expires_at: last.and_then(|l| l.finding.certificate_expires_at).map(Into::into),
        history: status
            .history
            .iter()
            .map(|r| ProbeResult { at: r.at.into(), state: probe_state(r), duration_ms: Some(milliseconds(r)) })
            .collect(),
    }
}

fn probe_state(result: &StoredResult) -> ProbeState {
    match result.success() {
        Some(true) => ProbeState::Up,
        Some(false) => ProbeState::Down,
        None => ProbeState::Unknown,
    }
}

fn milliseconds(result: &StoredResult) -> f64 {
    result.duration.as_secs_f64() * 1_000.0
}
