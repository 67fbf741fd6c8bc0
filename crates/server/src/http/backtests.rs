//! Handlers: backtests, which run as jobs beside everything else.
//!
//! Not the replay (`detect::backtest`), and not the words of the answer (`shown`).

mod chart;
mod shown;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use watchkeeper_config::model::{OnNoData, Rule, RuleKind, TemplateLanguage};
use watchkeeper_detect::backtest::{self as replay, Asked, BacktestError, KnownIncident, MOST_STEPS};
use watchkeeper_domain::ids::{BacktestId, Id as _};
use watchkeeper_domain::{Category, Code, Priority, Span, Timestamp};
use watchkeeper_incident::history;
use watchkeeper_promql::Expr;

use super::access::Caller;
use super::body::JsonBody;
use super::dto::backtests::{Backtest, BacktestQuery, NewBacktest, Report};
use super::extract::{Path, Query};
use super::incidents::viewer;
use super::problem::{ApiProblem, ApiResult};
use crate::app::{Job, JobState, Shared};

/// How far back, when nobody says.
const SINCE: Span = Span::from_secs(30 * 86_400);
/// Between two looks, when nobody says: rules are evaluated on arrival, and telemetry arrives about that often.
const STEP: Span = Span::from_secs(15);
/// A step that nobody chose is made longer beyond so many moments: 31 days of 15 s.
const USUAL_STEPS: i64 = 178_560;
/// The longest that one may run.
const TIME_LIMIT: Span = Span::from_secs(300);
/// The longest that an answer waits, in milliseconds.
const MOST_WAIT_MS: u32 = 10_000;
/// The most incidents that a rule is held against; the newest ones.
const MOST_INCIDENTS: u32 = 200;
/// The longest expression, in bytes.
const MOST_EXPR: usize = 32 << 10;

/// `POST /backtests`.
pub async fn start(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(body): JsonBody<NewBacktest>,
) -> ApiResult<(StatusCode, Json<Backtest>)> {
    let plan = plan(&shared, &caller, &body).await?;
    let id = BacktestId::from_uuid(shared.env.uuid_v7());
    let cancel = shared.stopping.child_token();
    let job = shared.backtests.begin(id, &caller.name, shared.env.now(), cancel).ok_or_else(|| {
        ApiProblem::new(Code::Overloaded, "Four backtests run already. Wait for one of them, or stop it.")
            .retry_after(2)
    })?;
    let (running, with) = (Arc::clone(&job), Arc::clone(&shared));
    shared.supervisor.run("backtest", async move {
        let ending = Ending { job: &running, shared: &with };
        let work = report(&with, &plan, &running);
        let state = tokio::select! {
            report = work => match report {
                Ok(report) => JobState::Done(with.env.now(), Arc::new(report)),
                Err(reason) => JobState::Failed(with.env.now(), reason),
            },
            () = running.cancel.cancelled() => JobState::Cancelled(with.env.now()),
            () = with.env.clock.sleep_until(running.started_at + TIME_LIMIT) => {
                let reason = format!("it took longer than {TIME_LIMIT}: take a longer step, a shorter time or fewer series");
                JobState::Failed(with.env.now(), reason)
            }
        };
        running.end(state);
        drop(ending);
    });
    wait(&shared, &job, body.wait_ms).await;
    Ok((StatusCode::ACCEPTED, Json(shown::job(&job))))
}

/// `GET /backtests/{id}`.
pub async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<BacktestQuery>,
) -> ApiResult<Json<Backtest>> {
    let job = find(&shared, &caller, &id)?;
    wait(&shared, &job, query.wait_ms).await;
    Ok(Json(shown::job(&job)))
}

/// `DELETE /backtests/{id}`.
pub async fn cancel(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Backtest>> {
    let job = find(&shared, &caller, &id)?;
    job.cancel.cancel();
    job.ended().await;
    Ok(Json(shown::job(&job)))
}

fn find(shared: &Shared, caller: &Caller, id: &str) -> ApiResult<Arc<Job>> {
    let parsed = id.parse::<BacktestId>().ok();
    parsed.and_then(|id| shared.backtests.get(id, &caller.name)).ok_or_else(|| ApiProblem::not_found("backtest", id))
}

async fn wait(shared: &Shared, job: &Job, wait_ms: Option<u32>) {
    let wait = Span::from_millis(wait_ms.unwrap_or(0).min(MOST_WAIT_MS).into());
    if wait.is_zero() {
        return;
    }
    tokio::select! {
        () = job.ended() => {}
        () = shared.env.clock.sleep_until(shared.env.now() + wait) => {}
    }
}

/// A job whose task panics must not look as if it ran for ever.
struct Ending<'a> {
    job: &'a Job,
    shared: &'a Shared,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let running = self.job.state().ended_at().is_none();
        if running {
            let reason = "Watchkeeper panicked over it; this is a defect. The log has the reason.".to_owned();
            self.job.end(JobState::Failed(self.shared.env.now(), reason));
        }
    }
}

/// What a job does.
struct Plan {
    candidate: Rule,
    current: Option<Rule>,
    start: Timestamp,
    end: Timestamp,
    step: Span,
    zone: jiff::tz::TimeZone,
    explore: bool,
    incidents: Vec<KnownIncident>,
}

async fn plan(shared: &Shared, caller: &Caller, body: &NewBacktest) -> ApiResult<Plan> {
    let (candidate, current) = rules(shared, body)?;
    let end = body.end.map_or_else(|| shared.env.now(), |t| t.0).min(shared.env.now());
    let since = span("since", body.since.as_deref())?;
    let start = match (body.start, since) {
        (Some(_), Some(_)) => return Err(ApiProblem::invalid("since", "give it or `start`, not both")),
        (Some(start), None) => start.0,
        (None, since) => end - since.unwrap_or(SINCE),
    };
    if start >= end {
        return Err(ApiProblem::invalid("start", "it must be before the end, and before now"));
    }
    let step = match span("step", body.step.as_deref())? {
        Some(step) => step,
        None => {
            let longer = end.since(start).as_micros() / USUAL_STEPS;
            Span::from_secs((longer / 1_000_000 + 1).max(1)).max(STEP)
        }
    };
    if step < Span::from_secs(1) {
        return Err(ApiProblem::invalid("step", "the shortest is 1s"));
    }
    let moments = end.since(start).as_micros() / step.as_micros();
    if moments >= i64::try_from(MOST_STEPS).unwrap_or(i64::MAX) {
        let reason = format!("that makes {moments} moments, and {MOST_STEPS} are the most: take a longer step");
        return Err(ApiProblem::invalid("step", reason));
    }
    let zone = body.time_zone.as_deref().unwrap_or("UTC");
    let zone = jiff::tz::TimeZone::get(zone).map_err(|_| {
        ApiProblem::invalid("time_zone", format!("`{zone}` is no IANA time zone; write for example Europe/Zurich"))
    })?;
    let past = history::between(shared.state.read(), viewer(caller), start, end, MOST_INCIDENTS).await?;
    let incidents = past.into_iter().rev().map(known).collect();
    Ok(Plan { candidate, current, start, end, step, zone, explore: body.explore.unwrap_or(true), incidents })
}

fn known(past: history::Past) -> KnownIncident {
    let incident = past.incident;
    KnownIncident {
        id: incident.id.to_string(),
        number: incident.number,
        title: incident.title,
        started_at: incident.started_at,
        opened_at: incident.opened_at,
        ended_at: incident.resolved_at.or(incident.closed_at),
        alerts: past.alerts,
    }
}

/// The rule that is asked about, and the one that runs under its name if that says something else.
fn rules(shared: &Shared, body: &NewBacktest) -> ApiResult<(Rule, Option<Rule>)> {
    let running: Vec<Rule> = shared
        .scheduler
        .statuses()
        .into_iter()
        .map(|status| status.rule)
        .filter(|rule| matches!(rule.kind, RuleKind::Alerting { .. }))
        .collect();
    let base = match &body.rule {
        Some(asked) => {
            let found: Vec<&Rule> = match running.iter().find(|rule| rule.id == *asked) {
                Some(rule) => vec![rule],
                None => running.iter().filter(|rule| rule.name == *asked).collect(),
            };
            match found[..] {
                [rule] => Some(rule.clone()),
                [] => return Err(ApiProblem::not_found("alerting rule", asked)),
                ref several => {
                    let ids: Vec<&str> = several.iter().take(10).map(|rule| rule.id.as_str()).collect();
                    let reason = format!("several rules have this name; say which: {}", ids.join(", "));
                    return Err(ApiProblem::invalid("rule", reason));
                }
            }
        }
        None => None,
    };
    let name = body.name.clone().unwrap_or_else(|| "backtest".to_owned());
    let current = base.clone().or_else(|| running.into_iter().find(|rule| rule.name == name));
    let candidate = changed(base.unwrap_or_else(|| blank(name)), body)?;
    let differs =
        |rule: &Rule| (&rule.expr, &rule.kind, &rule.labels) != (&candidate.expr, &candidate.kind, &candidate.labels);
    let current = current.filter(|rule| body.compare.unwrap_or(true) && differs(rule));
    Ok((candidate, current))
}

fn blank(name: String) -> Rule {
    Rule {
        id: format!("backtest/{name}"),
        name,
        expr: String::new(),
        kind: RuleKind::Alerting {
            hold: Span::ZERO,
            keep_firing_for: Span::ZERO,
            annotations: std::collections::BTreeMap::new(),
            category: Category::Application,
            priority: Priority::Medium,
            on_no_data: OnNoData::Unknown,
            templates: TemplateLanguage::default(),
        },
        labels: std::collections::BTreeMap::new(),
        line: 0,
    }
}

/// A rule with what the request says instead.
fn changed(mut rule: Rule, body: &NewBacktest) -> ApiResult<Rule> {
    if let Some(expr) = &body.expr {
        rule.expr.clone_from(expr);
    }
    if let Some(labels) = &body.labels {
        rule.labels.clone_from(labels);
    }
    if let RuleKind::Alerting { hold, keep_firing_for, on_no_data, .. } = &mut rule.kind {
        if let Some(asked) = span("for", body.hold.as_deref())? {
            *hold = asked;
        }
        if let Some(asked) = span("keep_firing_for", body.keep_firing_for.as_deref())? {
            *keep_firing_for = asked;
        }
        match body.on_no_data.as_deref() {
            None => {}
            Some("unknown") => *on_no_data = OnNoData::Unknown,
            Some("ok") => *on_no_data = OnNoData::Ok,
            Some("firing") => *on_no_data = OnNoData::Firing,
            Some(other) => {
                let other: String = other.chars().take(40).collect();
                return Err(ApiProblem::invalid("on_no_data", format!("`{other}` is none of unknown, ok, firing")));
            }
        }
    }
    if rule.expr.trim().is_empty() {
        return Err(ApiProblem::invalid("expr", "say which `rule`, or give an expression"));
    }
    if rule.expr.len() > MOST_EXPR {
        return Err(ApiProblem::invalid("expr", format!("it is longer than {MOST_EXPR} bytes")));
    }
    Expr::parse(&rule.expr).map_err(|e| ApiProblem::new(Code::RuleExpression, e.to_string()))?;
    Ok(rule)
}

fn span(name: &str, text: Option<&str>) -> ApiResult<Option<Span>> {
    let parse = |text: &str| text.parse::<Span>().map_err(|error| ApiProblem::invalid(name, error));
    text.map(parse).transpose()
}

/// Replays the rule, and then the one that runs.
async fn report(shared: &Shared, plan: &Plan, job: &Job) -> Result<Report, String> {
    let began = shared.env.clock.monotonic();
    let parts = if plan.current.is_some() { 2.0 } else { 1.0 };
    let asked = |rule, explore| Asked {
        rule,
        start: plan.start,
        end: plan.end,
        step: plan.step,
        incidents: &plan.incidents,
        zone: plan.zone.clone(),
        explore,
    };
    let query = &*shared.store;
    let words = |error: BacktestError| error.to_string();
    let candidate = asked(&plan.candidate, plan.explore);
    let first = replay::run(query, &candidate, &|done| job.advance(done / parts)).await.map_err(words)?;
    let candidate = shown::replayed(&plan.candidate, first);
    let current = match &plan.current {
        None => None,
        Some(rule) => {
            let done = |done| job.advance((1.0 + done) / parts);
            let second = replay::run(query, &asked(rule, false), &done).await.map_err(words)?;
            Some(shown::replayed(rule, second))
        }
    };
    let chart = chart::of(query, &plan.candidate.expr, plan.start, plan.end).await;
    let band = chart::band(query, &plan.candidate.expr, plan.start, plan.end).await;
    let took_seconds = shared.env.clock.monotonic().saturating_sub(began).as_secs_f64();
    Ok(Report { candidate, current, chart, band, took_seconds })
}
