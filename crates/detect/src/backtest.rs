//! Backtests: what a rule would have done over stored history, before it wakes anybody.
//!
//! The rule lives on virtual time, with the code that evaluates, judges and steps it in the scheduler: `findings`, `judge` and
//! `rule` are those, and a test holds every moment against them. What is different is how questions are answered (`replay`:
//! from range queries over series that are read once) and when the rule is looked at (`walk`: when something could change).
//!
//! Cast: `grid` has the moments, `table` one expression at all of them, `explore` other thresholds and `for`s, `incidents` what
//! would have been caught, `calendar` the days and nights.
//!
//! Not what the scheduler does on arrival: moments here are a step apart, so that a time may be off by one step. Series that a
//! new recording rule would write do not exist in the past; a rule over them is unknown there, and shown so.

mod calendar;
mod explore;
mod grid;
mod incidents;
mod replay;
mod table;
mod walk;

use std::sync::Arc;

use futures::StreamExt as _;
use jiff::tz::TimeZone;
use watchkeeper_config::model::{Rule, RuleGroup, RuleKind};
use watchkeeper_domain::query::{Query, QueryError};
use watchkeeper_domain::{Labels, Span, Timestamp};

pub use crate::rule::Cause;
pub use calendar::{Calendar, Day, Hour};
pub use explore::{Cell, Exploration};
pub use incidents::{Caught, IncidentVerdict, KnownIncident, LEAD_LIMIT};

use crate::compiled::Compiled;
use explore::Explorer;
use grid::Grid;
use incidents::Watch;
use replay::Replay;
use walk::Walk;

/// The most moments of one backtest: 30 days of 15 s are 172,800.
pub const MOST_STEPS: usize = 400_000;
/// The most moments of a rule whose expression has to be asked for moment by moment.
const MOST_SINGLE_STEPS: usize = 20_000;
/// Moments that are asked for at once; query engines refuse more than 11,000.
const PART: usize = 10_000;
/// Points of one part, which are in memory at once: 32 MB.
const MOST_POINTS: usize = 2_000_000;
/// The fewest moments of a part.
const LEAST_PART: usize = 100;
/// Parts that are evaluated while another one is looked at.
const AHEAD: usize = 2;
/// A night begins and ends, in hours.
const NIGHT: (usize, usize) = (22, 7);

/// What is replayed.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The rule; an alerting one.
    pub rule: &'a Rule,
    /// The first moment.
    pub start: Timestamp,
    /// The last moment.
    pub end: Timestamp,
    /// Time between two looks.
    pub step: Span,
    /// The incidents of that time.
    pub incidents: &'a [KnownIncident],
    /// Where those live who would have been told.
    pub zone: TimeZone,
    /// Whether other thresholds and `for`s are tried.
    pub explore: bool,
}

/// Why there is no backtest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BacktestError {
    /// The rule cannot be replayed.
    #[error("{0}")]
    Rule(String),
    /// There would be too many moments.
    #[error("the backtest has {steps} moments, and {most} are the most: take a longer step or a shorter time")]
    TooLong {
        /// How many.
        steps: usize,
        /// The limit.
        most: usize,
    },
    /// The query engine cannot answer.
    #[error("the query engine cannot answer: {0}")]
    Unavailable(String),
}

/// What a rule would have done.
#[derive(Debug, Clone, PartialEq)]
pub struct Backtest {
    /// The first moment that was looked at.
    pub start: Timestamp,
    /// The last one.
    pub end: Timestamp,
    /// Time between two moments.
    pub step: Span,
    /// The alerts, in the order in which they ended; the first 5,000.
    pub firings: Vec<Firing>,
    /// How many alerts there were.
    pub fired: u64,
    /// Times at which somebody would have been told: alerts that were on at the same time count once.
    pub pages: u64,
    /// Of those, the ones between 22:00 and 07:00.
    pub pages_at_night: u64,
    /// Pages that belong to no known incident.
    pub pages_without_incident: u64,
    /// How many weeks are known, as what pages are divided by; none where less than a day is.
    pub weeks_known: Option<f64>,
    /// How long at least one alert was on.
    pub firing: Span,
    /// The longest of these times.
    pub longest: Span,
    /// Conditions that ended before they had held for as long as `for` asks.
    pub not_held: u64,
    /// Times at which nothing was known, oldest first.
    pub unknown: Vec<NotKnown>,
    /// How long they were together.
    pub unknown_for: Span,
    /// By day and by hour of the day.
    pub calendar: Calendar,
    /// What would have become of the known incidents.
    pub incidents: Vec<IncidentVerdict>,
    /// Other thresholds and `for`s, where the rule has one threshold that decides it.
    pub exploration: Option<Exploration>,
    /// How many series it compared at most.
    pub series: usize,
    /// How often the rule had to be looked at.
    pub looks: u64,
}

/// One alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// Its labels.
    pub labels: Labels,
    /// When the condition became true.
    pub active_at: Timestamp,
    /// When it began.
    pub fired_at: Timestamp,
    /// When it ended; none: it is on at the end.
    pub resolved_at: Option<Timestamp>,
    /// Why it ended.
    pub reason: Option<String>,
    /// The value when it began.
    pub value: Option<f64>,
    /// How long nobody could tell whether it should be on.
    pub unknown: Span,
}

/// A time at which nothing was known of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotKnown {
    /// From when.
    pub start: Timestamp,
    /// Until when; none: to the end.
    pub end: Option<Timestamp>,
    /// Of which kind.
    pub cause: Cause,
    /// In words.
    pub reason: String,
}

/// Replays a rule. `progress` hears how much of it is done, from 0 to 1. Dropping the future cancels it.
pub async fn run(
    query: &dyn Query,
    asked: &Asked<'_>,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<Backtest, BacktestError> {
    in_parts(query, asked, progress, PART).await
}

async fn in_parts(
    query: &dyn Query,
    asked: &Asked<'_>,
    progress: &(dyn Fn(f64) + Sync),
    part: usize,
) -> Result<Backtest, BacktestError> {
    let rule = compiled(asked.rule)?;
    let plan = rule.plan.as_ref().map_err(|reason| BacktestError::Rule(reason.clone()))?;
    let grid = Grid::within(asked.start, asked.end, asked.step);
    let primary = if plan.direct { plan.lhs() } else { plan.expr.as_str() };
    let by_itself = watchkeeper_promql::Expr::parse(primary).is_ok_and(|e| e.depends_on_range());
    let most = if by_itself { MOST_SINGLE_STEPS } else { MOST_STEPS };
    if grid.steps == 0 || grid.steps > most {
        return match grid.steps {
            0 => Err(BacktestError::Rule("the time is shorter than the step: there is no moment to look at".into())),
            steps => Err(BacktestError::TooLong { steps, most }),
        };
    }
    let end = grid.at(grid.steps - 1);
    let condition = plan.comparison.as_ref().filter(|_| plan.direct).map(|c| (c.op, c.threshold));
    let mut explorer = match (asked.explore && !by_itself, condition) {
        (true, Some(condition)) => {
            Explorer::new(query, plan.lhs(), condition, &rule.timing, grid, asked.incidents).await
        }
        _ => None,
    };
    let mut watch = Watch::new(asked.incidents, end);
    let mut walk = Walk::new(&rule, plan);
    let part = (MOST_POINTS / width(query, primary, end).await).clamp(LEAST_PART.min(part), part);
    let mut parts = futures::stream::iter(grid.parts(part))
        .map(|part| async move { (part, replay::fetch(query, primary, part, condition).await) })
        .buffered(AHEAD);
    let mut done = 0;
    while let Some((part, table)) = parts.next().await {
        let table = table.map_err(unavailable)?;
        if let (Some(explorer), Some(table)) = (&mut explorer, &table) {
            explorer.feed(table.rows());
        }
        let replay = Replay::new(query, part, primary, table.as_ref().map(Arc::clone));
        walk.through(&replay, part, &mut watch).await?;
        done += part.steps;
        progress(done as f64 / grid.steps as f64);
    }
    drop(parts);
    let noted = walk.finish(end, &mut watch);
    Ok(told(asked, grid, noted, watch, explorer.map(Explorer::finish)))
}

/// How many series an expression has at a moment; at least one.
async fn width(query: &dyn Query, expr: &str, at: Timestamp) -> usize {
    let counted = query.instant(&format!("count({expr})"), at).await.ok();
    let count =
        counted.and_then(|answer| crate::findings::vector(answer).ok()).and_then(|found| Some(found.first()?.value));
    count.map_or(1, |count| (count as usize).max(1))
}

/// The course of an expression, for a chart: moments at which it fails are gaps. Nothing where the engine cannot answer.
pub async fn course(
    query: &dyn Query,
    expr: &str,
    start: Timestamp,
    end: Timestamp,
    step: Span,
) -> Vec<watchkeeper_domain::query::SeriesData> {
    let grid = Grid::within(start, end, step);
    match table::Table::fetch(query, expr, grid, None).await {
        Ok(Some(table)) => table.into_rows(),
        Ok(None) | Err(_) => Vec::new(),
    }
}

fn compiled(rule: &Rule) -> Result<Compiled, BacktestError> {
    if matches!(rule.kind, RuleKind::Recording) {
        return Err(BacktestError::Rule(format!("`{}` is a recording rule: it raises no alert", rule.name)));
    }
    let group = RuleGroup {
        name: String::new(),
        file: String::new(),
        interval: None,
        limit: 0,
        query_offset: Span::ZERO,
        rules: Vec::new(),
    };
    Ok(Compiled::new(&group, rule))
}

fn unavailable(error: QueryError) -> BacktestError {
    match error {
        QueryError::Unavailable(reason) => BacktestError::Unavailable(reason),
        other => BacktestError::Rule(other.to_string()),
    }
}

fn told(
    asked: &Asked<'_>,
    grid: Grid,
    noted: walk::Noted,
    watch: Watch<'_>,
    exploration: Option<Exploration>,
) -> Backtest {
    let (start, end) = (grid.at(0), grid.at(grid.steps - 1));
    let pages: Vec<(Timestamp, Timestamp)> = noted.pages.iter().map(|(from, to)| (*from, to.unwrap_or(end))).collect();
    let unknown: Vec<(Timestamp, Timestamp)> = noted.unknown.iter().map(|u| (u.start, u.end.unwrap_or(end))).collect();
    let total =
        |times: &[(Timestamp, Timestamp)]| times.iter().fold(Span::ZERO, |sum, (from, to)| sum + to.since(*from));
    let unknown_for = total(&unknown);
    let known = Span::from_micros(end.since(start).as_micros() - unknown_for.as_micros()).as_secs_f64();
    let day = 86_400.0;
    let at_night = |at: Timestamp| {
        let hour = calendar::hour(at, &asked.zone);
        hour >= NIGHT.0 || hour < NIGHT.1
    };
    Backtest {
        start,
        end,
        step: Span::from_millis(grid.step_ms),
        fired: noted.fired,
        pages: pages.len() as u64,
        pages_at_night: pages.iter().filter(|(from, _)| at_night(*from)).count() as u64,
        pages_without_incident: incidents::without(&pages, asked.incidents, end),
        weeks_known: (known >= day).then(|| known / (7.0 * day)),
        firing: total(&pages),
        longest: pages.iter().map(|(from, to)| to.since(*from)).max().unwrap_or_default(),
        not_held: noted.not_held,
        unknown_for,
        calendar: calendar::of((start, end), &asked.zone, &pages, &unknown),
        incidents: watch.finish(&noted.unknown),
        unknown: noted.unknown,
        firings: noted.firings,
        exploration,
        series: noted.series,
        looks: noted.looks,
    }
}

#[cfg(test)]
mod tests;
