//! Backtests in the API's words.
//!
//! Not figures: what is counted is counted by `detect::backtest`.

use watchkeeper_config::model::{Rule, RuleKind};
use watchkeeper_detect::backtest::{Backtest as Told, Caught, Exploration, Firing, IncidentVerdict, NotKnown};
use watchkeeper_domain::{Labels, Span};
use watchkeeper_promql::Expr;

use crate::app::{Job, JobState};
use crate::http::dto::backtests::{
    Backtest, BacktestCell, BacktestDay, BacktestExploration, BacktestFiring, BacktestHour, BacktestIncident,
    BacktestState, BacktestUnknown, BacktestVerdict, Replayed,
};

/// The most alerts that are told.
const MOST_FIRINGS: usize = 2_000;
/// The most unknown times that are told.
const MOST_UNKNOWN: usize = 500;

pub(super) fn job(job: &Job) -> Backtest {
    let (state, ended_at, error, report) = match &*job.state() {
        JobState::Running => (BacktestState::Running, None, None, None),
        JobState::Done(at, report) => (BacktestState::Done, Some(*at), None, Some((**report).clone())),
        JobState::Failed(at, reason) => (BacktestState::Failed, Some(*at), Some(reason.clone()), None),
        JobState::Cancelled(at) => (BacktestState::Cancelled, Some(*at), None, None),
    };
    Backtest {
        id: job.id.to_string(),
        progress: if state == BacktestState::Done { 1.0 } else { job.progress() },
        state,
        started_at: job.started_at.into(),
        ended_at: ended_at.map(Into::into),
        error,
        report,
    }
}

pub(super) fn replayed(rule: &Rule, told: Told) -> Replayed {
    let comparison = Expr::parse(&rule.expr).ok().and_then(|e| e.comparison());
    let (hold, keep) = match &rule.kind {
        RuleKind::Alerting { hold, keep_firing_for, .. } => (*hold, *keep_firing_for),
        RuleKind::Recording => (Span::ZERO, Span::ZERO),
    };
    let factor = told.weeks_known.map(|weeks| 1.0 / weeks);
    Replayed {
        name: rule.name.clone(),
        expr: rule.expr.clone(),
        hold: hold.to_string(),
        keep_firing_for: keep.to_string(),
        comparison: comparison.as_ref().map(|c| c.op.sign().to_owned()),
        threshold: comparison.as_ref().map(|c| c.threshold).filter(|t| t.is_finite()),
        lhs: comparison.map(|c| c.lhs.to_string()),
        start: told.start.into(),
        end: told.end.into(),
        step_seconds: told.step.as_secs_f64(),
        pages: told.pages,
        pages_per_week: factor.map(|factor| factor * told.pages as f64),
        pages_at_night: told.pages_at_night,
        pages_without_incident: told.pages_without_incident,
        fired: told.fired,
        not_held: told.not_held,
        firing_seconds: told.firing.as_secs_f64(),
        longest_seconds: told.longest.as_secs_f64(),
        unknown_seconds: told.unknown_for.as_secs_f64(),
        series: told.series,
        firings: told.firings.iter().take(MOST_FIRINGS).map(firing).collect(),
        unknown: told.unknown.iter().take(MOST_UNKNOWN).map(unknown).collect(),
        days: told.calendar.days.into_iter().map(day).collect(),
        hours: told.calendar.hours.iter().map(hour).collect(),
        incidents: told.incidents.iter().map(incident).collect(),
        exploration: told.exploration.map(|e| exploration(e, factor)),
    }
}

fn pairs(labels: &Labels) -> std::collections::BTreeMap<String, String> {
    labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

fn firing(firing: &Firing) -> BacktestFiring {
    BacktestFiring {
        labels: pairs(&firing.labels),
        active_at: firing.active_at.into(),
        fired_at: firing.fired_at.into(),
        resolved_at: firing.resolved_at.map(Into::into),
        reason: firing.reason.clone(),
        value: firing.value.filter(|v| v.is_finite()),
        unknown_seconds: firing.unknown.as_secs_f64(),
    }
}

fn unknown(unknown: &NotKnown) -> BacktestUnknown {
    BacktestUnknown { start: unknown.start.into(), end: unknown.end.map(Into::into), reason: unknown.reason.clone() }
}

fn day(day: watchkeeper_detect::backtest::Day) -> BacktestDay {
    BacktestDay {
        date: day.date,
        pages: day.pages,
        firing_seconds: day.firing.as_secs_f64(),
        unknown_seconds: day.unknown.as_secs_f64(),
    }
}

fn hour(hour: &watchkeeper_detect::backtest::Hour) -> BacktestHour {
    BacktestHour { pages: hour.pages, firing_seconds: hour.firing.as_secs_f64() }
}

fn incident(told: &IncidentVerdict) -> BacktestIncident {
    let incident = &told.incident;
    let (verdict, fired_at, earlier) = match &told.verdict {
        Caught::Caught { fired_at, earlier_micros, .. } => {
            (BacktestVerdict::Caught, Some(*fired_at), Some(*earlier_micros as f64 / 1e6))
        }
        Caught::AlreadyFiring { since } => (BacktestVerdict::AlreadyFiring, Some(*since), None),
        Caught::Missed => (BacktestVerdict::Missed, None, None),
        Caught::Unknown => (BacktestVerdict::Unknown, None, None),
    };
    BacktestIncident {
        id: incident.id.clone(),
        number: incident.number,
        title: incident.title.clone(),
        started_at: incident.started_at.into(),
        opened_at: incident.opened_at.into(),
        ended_at: incident.ended_at.map(Into::into),
        verdict,
        fired_at: fired_at.map(Into::into),
        earlier_seconds: earlier,
    }
}

/// `factor` makes a week's pages of those of the whole time.
fn exploration(explored: Exploration, factor: Option<f64>) -> BacktestExploration {
    let cells = explored.cells.chunks(explored.holds.len().max(1)).map(|row| {
        let cell = |cell: &watchkeeper_detect::backtest::Cell| BacktestCell {
            pages: cell.pages,
            pages_per_week: factor.map(|factor| factor * cell.pages as f64),
            firing_seconds: cell.firing.as_secs_f64(),
            caught: cell.caught,
        };
        row.iter().map(cell).collect()
    });
    BacktestExploration {
        cells: cells.collect(),
        thresholds: explored.thresholds,
        holds_seconds: explored.holds.iter().map(|hold| hold.as_secs_f64()).collect(),
    }
}
