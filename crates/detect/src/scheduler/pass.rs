//! One pass: evaluate what is due, step the state machines, write everything that changed in one transaction.
//!
//! Memory changes only after the commit: a pass that fails leaves the rules due, and the next one finds the same again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use watchkeeper_config::model::OnNoData;
use watchkeeper_domain::query::QueryError;
use watchkeeper_domain::{Labels, Span, Timestamp};
use watchkeeper_lang::go_template::Answers;
use watchkeeper_state::{ReconcileError, Report};

use super::runtime::{Health, Instance, LastEvaluation, Orphan, RuleRun, Runtime, Standing};
use super::write::Written;
use super::{Scheduler, series};
use crate::compiled::{Compiled, Rendering};
use crate::judge::{self, Judgement, Seen};
use crate::never;
use crate::plan::Plan;
use crate::rule::{Cause, Change, InstanceState, Observation, Transition, step};
use crate::{findings, recording};

/// Groups that are evaluated side by side, so that a slow one does not delay the others' queries.
const SIDE_BY_SIDE: usize = 8;
/// A query that takes longer has failed.
const QUERY_LIMIT: Span = Span::from_secs(10);

/// The rules of one group that are due, in their order.
struct Job {
    rules: Vec<DueRule>,
}

struct DueRule {
    rule: Arc<Compiled>,
    known: Vec<Labels>,
    recorded: BTreeSet<Labels>,
}

/// One rule's evaluation.
struct Evaluated {
    rule: Arc<Compiled>,
    at: Timestamp,
    duration: Duration,
    outcome: Outcome,
    /// To the queries of its templates.
    answers: Arc<Answers>,
}

enum Outcome {
    Judged(Judgement),
    Recorded(Result<BTreeSet<Labels>, String>),
}

/// What becomes of one instance.
pub(super) struct Move {
    pub(super) rule: Arc<Compiled>,
    pub(super) identity: Labels,
    pub(super) instance: Instance,
    pub(super) transition: Option<Transition>,
    /// Whether its row changes.
    pub(super) write: bool,
    pub(super) active_at: Timestamp,
    pub(super) at: Timestamp,
    pub(super) cost: Span,
    pub(super) answers: Arc<Answers>,
}

/// What a pass changes.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) moves: Vec<Move>,
    /// With whether it is to be written.
    pub(super) healths: Vec<(Arc<Compiled>, Health, bool)>,
    pub(super) orphans: Vec<Orphan>,
    pub(super) forgotten: Vec<String>,
}

impl Changes {
    pub(super) fn nothing_to_write(&self) -> bool {
        self.orphans.is_empty()
            && self.forgotten.is_empty()
            && !self.moves.iter().any(|m| m.write || m.transition.is_some())
            && !self.healths.iter().any(|(_, _, write)| *write)
    }
}

impl Scheduler {
    pub(super) async fn pass(&self) -> Result<Report, ReconcileError> {
        let _one_at_a_time = self.pass.lock().await;
        let now = self.env.now();
        let (jobs, mut changes) = {
            let mut runtime = self.runtime.lock();
            runtime.notice_clock(now, self.env.clock.monotonic());
            let changes = Changes {
                orphans: runtime.orphans.clone(),
                forgotten: runtime.forgotten.clone(),
                ..Changes::default()
            };
            (take_jobs(&mut runtime, now), changes)
        };
        if jobs.is_empty() && changes.nothing_to_write() && self.runtime.lock().ended.is_empty() {
            return Ok(Report { processed: 0, next_due: next_due(&self.runtime.lock()) });
        }
        let evaluated: Vec<Evaluated> = futures::stream::iter(jobs)
            .map(|job| self.evaluate(job))
            .buffer_unordered(SIDE_BY_SIDE)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .flatten()
            .collect();
        weigh(&self.runtime.lock(), &evaluated, &mut changes);
        let written = match self.write(&changes).await {
            Ok(written) => written,
            Err(error) => {
                let mut runtime = self.runtime.lock();
                for evaluation in &evaluated {
                    if let Some(run) = runtime.rule_mut(&evaluation.rule.rule.id) {
                        run.due = now;
                    }
                }
                return Err(error.into());
            }
        };
        let processed = evaluated.len() + changes.orphans.len() + changes.forgotten.len();
        let writes = adopt(&mut self.runtime.lock(), changes, &written, evaluated);
        self.write_series(writes, now).await;
        Ok(Report { processed, next_due: next_due(&self.runtime.lock()) })
    }

    async fn evaluate(&self, job: Job) -> Vec<Evaluated> {
        let mut evaluated = Vec::with_capacity(job.rules.len());
        for due in job.rules {
            let (at, began) = (self.env.now(), self.env.clock.monotonic());
            let mut answers = Answers::new();
            let outcome = match (&due.rule.plan, due.rule.is_recording()) {
                (Ok(plan), true) => Outcome::Recorded(self.record(&due, plan, at).await),
                (Err(reason), true) => Outcome::Recorded(Err(reason.clone())),
                (plan, false) => {
                    let judgement = self.judge(&due, plan, at).await;
                    let asked = async { Ok(due.rule.answers(&*self.query, &judgement.seen, at).await) };
                    // Without answers in time the texts say so where they stand; the alert goes out all the same.
                    answers = self.limited(at, asked).await.unwrap_or_default();
                    Outcome::Judged(judgement)
                }
            };
            let duration = self.env.clock.monotonic().saturating_sub(began);
            evaluated.push(Evaluated { rule: due.rule, at, duration, outcome, answers: Arc::new(answers) });
        }
        evaluated
    }

    async fn judge(&self, due: &DueRule, plan: &Result<Plan, String>, at: Timestamp) -> Judgement {
        let rule = &due.rule;
        let identity = |labels: &Labels| rule.identity(labels);
        let silence_matters = rule.on_no_data() != OnNoData::Ok;
        let found = match plan {
            Ok(plan) => {
                let asked = rule.moment(at);
                let found = findings::evaluate(&*self.query, plan, &due.known, &identity, asked, silence_matters);
                self.limited(at, found).await
            }
            Err(reason) => Err(QueryError::Invalid(reason.clone())),
        };
        judge::judge(found, &due.known, &identity, rule.on_no_data(), || self.no_data(plan))
    }

    async fn record(&self, due: &DueRule, plan: &Plan, at: Timestamp) -> Result<BTreeSet<Labels>, String> {
        let asked = due.rule.moment(at);
        let answer = self.limited(at, self.query.native(&plan.expr, asked)).await;
        let elements = answer.map_err(|e| e.to_string())?;
        if let Some(reason) = due.rule.over_limit(elements.len()) {
            return Err(reason);
        }
        let (batch, written) = recording::batch(&due.rule.rule, elements, &due.recorded, asked)?;
        if !batch.is_empty() {
            self.telemetry.append(batch).await.map_err(|e| e.to_string())?;
        }
        Ok(written)
    }

    pub(super) async fn limited<T>(
        &self,
        at: Timestamp,
        query: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        tokio::select! {
            biased;
            answer = query => answer,
            () = self.env.clock.sleep_until(at + QUERY_LIMIT) => {
                Err(QueryError::Unavailable(format!("no answer within {QUERY_LIMIT}")))
            }
        }
    }

    /// Why a rule sees nothing, with the name that was perhaps meant.
    fn no_data(&self, plan: &Result<Plan, String>) -> String {
        let Ok(plan) = plan else { return String::new() };
        match plan.selected.iter().find(|s| !self.catalog.any(&s.matchers)) {
            Some(empty) => format!("no data: {}", never::of(&empty.matchers, &*self.catalog).reason),
            None => "no data: what the rule selects is not reported any more".to_owned(),
        }
    }
}

fn take_jobs(runtime: &mut Runtime, now: Timestamp) -> Vec<Job> {
    let coalesce = runtime.coalesce;
    let mut jobs = Vec::new();
    for group in &mut runtime.groups {
        let due = group.take_due(coalesce, now);
        if due.is_empty() {
            continue;
        }
        group.started = Some(now);
        let rules = due
            .into_iter()
            .filter_map(|i| group.rules.get(i))
            .map(|run| DueRule {
                rule: run.rule.clone(),
                known: run.instances.keys().cloned().collect(),
                recorded: run.recorded.clone(),
            })
            .collect();
        jobs.push(Job { rules });
    }
    jobs
}

fn next_due(runtime: &Runtime) -> Option<Timestamp> {
    runtime.groups.iter().filter_map(|g| g.due(runtime.coalesce)).min()
}

/// Steps the state machines; changes nothing yet.
fn weigh(runtime: &Runtime, evaluated: &[Evaluated], changes: &mut Changes) {
    let runs: BTreeMap<&str, &RuleRun> = runtime.rules().map(|r| (r.rule.rule.id.as_str(), r)).collect();
    for evaluation in evaluated {
        let Some(run) = runs.get(evaluation.rule.rule.id.as_str()) else { continue };
        let (standing, cause, reason) = match &evaluation.outcome {
            Outcome::Recorded(Ok(_)) => (Standing::Ok, None, String::new()),
            Outcome::Recorded(Err(reason)) => (Standing::Unknown, Some(Cause::QueryFailed), reason.clone()),
            Outcome::Judged(judgement) => {
                let moved =
                    |seen: &[Seen]| seen.iter().filter_map(|seen| move_of(run, evaluation, seen)).collect::<Vec<_>>();
                let mut moves = moved(&judgement.seen);
                let active = moves.iter().filter(|m| m.instance.state != InstanceState::Inactive).count();
                let mut unknown = judgement.unknown.clone();
                if let Some(reason) = evaluation.rule.over_limit(active) {
                    // Prometheus forgets all of the rule's alerts then; here what was on stays on, and nobody can tell more.
                    let known: Vec<Labels> = run.instances.keys().cloned().collect();
                    let told = judge::cannot_tell(&known, Cause::QueryFailed, reason, judgement.series_seen);
                    (moves, unknown) = (moved(&told.seen), told.unknown);
                }
                let standing = stand(&unknown, &moves);
                changes.moves.extend(moves);
                standing
            }
        };
        let before = &run.health;
        let since = if before.standing == standing { before.since } else { evaluation.at };
        let other_cause = run.last.is_some() && before.cause != cause;
        let write = !run.stored || before.standing != standing || other_cause;
        changes.healths.push((evaluation.rule.clone(), Health { standing, cause, reason, since }, write));
    }
}

fn move_of(run: &RuleRun, evaluation: &Evaluated, seen: &Seen) -> Option<Move> {
    let (at, rule) = (evaluation.at, &evaluation.rule);
    let known = run.instances.get(&seen.identity);
    let inactive = InstanceState::Inactive;
    let before = known.map_or(&inactive, |i| &i.state);
    let gone = matches!(seen.observation, Observation::Unknown { cause: Cause::SeriesGone, .. });
    let (state, transition) = if run.changed && gone && before.is_firing() {
        let reason = "the rule's expression was changed, and no longer finds it".to_owned();
        (InstanceState::Inactive, Some(Transition { change: Change::Resolved, reason }))
    } else {
        step(before, seen.observation.clone(), at, &rule.timing)
    };
    let value = match seen.observation {
        Observation::True { value } | Observation::False { value } => value.or(known.and_then(|i| i.value)),
        Observation::Unknown { .. } => known.and_then(|i| i.value),
    };
    let active_at = state.active_at().or(before.active_at())?;
    let write = super::rows::row_state(before) != super::rows::row_state(&state);
    let instance = match known {
        Some(known) => Instance { state, value, ..known.clone() },
        None => {
            let rendering = Rendering { at, answers: &evaluation.answers };
            let labels = rule.alert_labels(&seen.labels, value, rendering);
            let fingerprint = labels.fingerprint().to_string();
            Instance { labels, fingerprint, state, value, alert_id: None }
        }
    };
    let cost = Span::from(evaluation.duration);
    let (rule, answers, identity) = (rule.clone(), evaluation.answers.clone(), seen.identity.clone());
    Some(Move { rule, identity, instance, transition, write, active_at, at, cost, answers })
}

/// The worst of a rule's instances; unknown when it could not be evaluated.
fn stand(unknown: &Option<(Cause, String)>, moves: &[Move]) -> (Standing, Option<Cause>, String) {
    if let Some((cause, reason)) = unknown {
        return (Standing::Unknown, Some(*cause), reason.clone());
    }
    let states = || moves.iter().map(|m| &m.instance.state);
    if states().any(|s| s.is_firing() && s.unknown().is_none()) {
        return (Standing::Firing, None, String::new());
    }
    if let Some(unknown) = states().find_map(InstanceState::unknown) {
        return (Standing::Unknown, Some(unknown.cause), unknown.reason.clone());
    }
    let standing = if states().any(|s| *s != InstanceState::Inactive) { Standing::Pending } else { Standing::Ok };
    (standing, None, String::new())
}

/// Takes over what was committed; gives what is to be written of the rules' alerts as series.
fn adopt(
    runtime: &mut Runtime,
    changes: Changes,
    written: &Written,
    evaluated: Vec<Evaluated>,
) -> Vec<series::Written> {
    runtime.orphans.clear();
    runtime.forgotten.clear();
    let mut moves: BTreeMap<String, Vec<(usize, Move)>> = BTreeMap::new();
    for (i, m) in changes.moves.into_iter().enumerate() {
        moves.entry(m.rule.rule.id.clone()).or_default().push((i, m));
    }
    let mut healths: BTreeMap<String, Health> =
        changes.healths.into_iter().map(|(rule, health, _)| (rule.rule.id.clone(), health)).collect();
    let mut evaluated: BTreeMap<String, Evaluated> =
        evaluated.into_iter().map(|e| (e.rule.rule.id.clone(), e)).collect();
    let mut writes = Vec::new();
    for group in &mut runtime.groups {
        let mut cost = None;
        for run in &mut group.rules {
            let id = run.rule.rule.id.as_str();
            let Some(evaluation) = evaluated.remove(id) else { continue };
            for (i, m) in moves.remove(id).unwrap_or_default() {
                if m.instance.state == InstanceState::Inactive {
                    run.instances.remove(&m.identity);
                } else {
                    let alert_id = written.alert_ids.get(&i).copied().or(m.instance.alert_id);
                    run.instances.insert(m.identity, Instance { alert_id, ..m.instance });
                }
            }
            if let Some(health) = healths.remove(id) {
                run.failures += u64::from(health.cause == Some(Cause::QueryFailed));
                run.health = health;
                run.stored = true;
            }
            let duration = Span::from(evaluation.duration);
            let series_seen = match evaluation.outcome {
                Outcome::Judged(judgement) => judgement.series_seen,
                Outcome::Recorded(Ok(recorded)) => {
                    run.recorded = recorded;
                    run.recorded.len()
                }
                Outcome::Recorded(Err(_)) => 0,
            };
            run.answers = evaluation.answers;
            run.changed = false;
            run.evaluated(LastEvaluation { at: evaluation.at, duration: evaluation.duration, series_seen });
            run.due = run.next_due(evaluation.at, group.interval, duration);
            writes.extend(series::due(run, group.interval, evaluation.at));
            *cost.get_or_insert(0) += duration.as_micros();
        }
        if let Some(cost) = cost {
            group.cost = Span::from_micros(cost);
        }
    }
    writes
}
