//! Handlers: rules and probes as they run.
//!
//! Not configuration: rule files are checked by `watchkeeper check`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_config::model::RuleKind;
use watchkeeper_detect::never::Mismatch;
use watchkeeper_detect::probe::verdict::Verdict;
use watchkeeper_detect::probe::{ProbeResult as StoredResult, ProbeStatus, target};
use watchkeeper_detect::scheduler::{InstanceStatus, Never, RuleStatus, Standing};
use watchkeeper_domain::{Category, Span};
use watchkeeper_state::ledger::{self, About};

use super::access::Caller;
use super::dto::probes::{Probe, ProbeList, ProbeResult};
use super::dto::rule_groups::ExpressionComparison;
use super::dto::rules::{
    Rule, RuleEvaluation, RuleHistory, RuleInstance, RuleList, RuleMismatch, RuleOrigin, RuleQuery, RuleSort,
    RuleTransition,
};
use super::dto::words::{AlertState, Category as ShownCategory, Priority, ProbeState, RuleState};
use super::extract::{Path, Query};
use super::page::{Paging, words};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// The most changes of one rule's instances that are shown.
const MOST_TRANSITIONS: i64 = 200;
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
            && (query.never != Some(true) || !rule.never.is_empty())
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
    let never = shared.scheduler.never();
    let url = &shared.config.load().server.external_url;
    shared.scheduler.statuses().into_iter().map(|status| rule(status, caller, &never, url)).collect()
}

/// `GET /rules/{group}/{name}`.
pub async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((group, name)): Path<(String, String)>,
) -> ApiResult<Json<Rule>> {
    let id = format!("{group}/{name}");
    let found = shared.scheduler.statuses().into_iter().find(|status| status.rule.id == id);
    let status = found.ok_or_else(|| ApiProblem::not_found("rule", &id))?;
    let url = &shared.config.load().server.external_url;
    Ok(Json(rule(status, &caller, &shared.scheduler.never(), url)))
}

/// `GET /rules/{group}/{name}/history`.
pub async fn history(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((group, name)): Path<(String, String)>,
) -> ApiResult<Json<RuleHistory>> {
    let id = format!("{group}/{name}");
    let (kind, evaluations) = shared.scheduler.evaluations(&id).ok_or_else(|| ApiProblem::not_found("rule", &id))?;
    let security = matches!(kind, RuleKind::Alerting { category: Category::Security, .. });
    let mut transitions = Vec::new();
    if !security || caller.sees_restricted() {
        let about = About::Under(&format!("{id}/"));
        let mut entries = ledger::entries(shared.state.read(), about, MOST_TRANSITIONS).await?;
        entries.reverse();
        transitions = entries.into_iter().filter_map(transition).collect();
    }
    let evaluations = evaluations.into_iter().rev().map(|e| RuleEvaluation {
        at: e.at.into(),
        duration_us: u64::try_from(e.duration.as_micros()).unwrap_or(u64::MAX),
        series: e.series_seen as u64,
        state: standing(e.standing),
    });
    Ok(Json(RuleHistory { transitions, evaluations: evaluations.collect() }))
}

fn transition(entry: ledger::LedgerRow) -> Option<RuleTransition> {
    let state = entry.kind.strip_prefix("rule.")?.to_owned();
    let labels: BTreeMap<String, String> = serde_json::from_value(entry.data["labels"].clone()).unwrap_or_default();
    Some(RuleTransition {
        seq: entry.seq,
        at: entry.at.into(),
        state,
        labels,
        value: entry.data["value"].as_f64(),
        reason: entry.data["reason"].as_str().unwrap_or_default().to_owned(),
    })
}

/// What a rule selects and does not exist, as the API tells it.
pub(super) fn mismatch(found: Mismatch) -> RuleMismatch {
    RuleMismatch {
        selector: found.selector,
        missing: found.missing.as_str().to_owned(),
        wanted: found.wanted,
        nearest: found.nearest,
        reason: found.reason,
    }
}

fn rule(status: RuleStatus, caller: &Caller, never: &Never, url: &str) -> Rule {
    let none = BTreeMap::new();
    let spelt = |span: &Span| (!span.is_zero()).then(|| span.to_string());
    let (category, priority, hold_for, keep_firing_for, annotations) = match &status.rule.kind {
        RuleKind::Alerting { hold, keep_firing_for, annotations, category, priority, .. } => {
            (*category, (*priority).into(), spelt(hold), spelt(keep_firing_for), annotations)
        }
        RuleKind::Recording => (Category::Application, Priority::Low, None, None, &none),
    };
    let annotations = annotations.clone();
    let stored = status.file.starts_with("stored:");
    let comparison = status.comparison.map(|(lhs, op, threshold)| ExpressionComparison { lhs, op, threshold });
    let hidden = category == Category::Security && !caller.sees_restricted();
    let instances = if hidden { Vec::new() } else { status.instances };
    Rule {
        never: never.get(&status.rule.id).map(|all| all.iter().cloned().map(mismatch).collect()).unwrap_or_default(),
        id: status.rule.id,
        group: status.group,
        name: status.rule.name,
        origin: if stored { RuleOrigin::Stored } else { RuleOrigin::File },
        file: Some(status.file).filter(|_| !stored),
        line: status.rule.line as u64,
        recording: matches!(status.rule.kind, RuleKind::Recording),
        expr: status.rule.expr,
        hold_for,
        keep_firing_for,
        labels: status.rule.labels,
        summary: annotations.get("summary").cloned(),
        // The packs' runbooks are answered by this server itself.
        runbook_url: annotations.get("runbook_url").map(|link| link.replace("{{ externalURL }}", url)),
        annotations,
        comparison,
        since: status.since.into(),
        series: status.series_seen as u64,
        category: category.into(),
        priority,
        state: standing(status.state),
        unknown_reason: (status.state == Standing::Unknown).then_some(status.reason),
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
