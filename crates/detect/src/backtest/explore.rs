//! Other thresholds and other `for`s, all at once: how often each would have told somebody.
//!
//! Not the state machine at every moment: the compared side is read once, each threshold's runs of "the condition holds" are
//! followed through it, and a run becomes an alert for every `for` that is not longer. What `rule` says of such runs is
//! the same, gaps of a series included, with two exceptions: that a metric as a whole was missing is not told from that its
//! series was, and `keep_firing_for` runs out in a gap as it does outside of one.

use std::collections::HashMap;

use watchkeeper_domain::query::{Query, SeriesData};
use watchkeeper_domain::{Labels, Span};
use watchkeeper_promql::ComparisonOp;

use super::grid::{Grid, Steps};
use super::incidents::KnownIncident;
use super::table::Condition;
use crate::rule::RuleTiming;

/// The most thresholds that are tried.
const MOST_THRESHOLDS: usize = 24;
/// The `for`s that are tried beside the rule's own, in seconds.
const HOLDS: [i64; 8] = [0, 60, 120, 300, 600, 900, 1_800, 3_600];
/// Moments of the compared side that thresholds are chosen from.
const SAMPLED_STEPS: usize = 400;

/// What other settings would have done.
#[derive(Debug, Clone, PartialEq)]
pub struct Exploration {
    /// The compared side.
    pub lhs: String,
    /// How it is compared.
    pub op: ComparisonOp,
    /// From the one that fires most to the one that fires least.
    pub thresholds: Vec<f64>,
    /// Ascending.
    pub holds: Vec<Span>,
    /// By threshold, then by `for`.
    pub cells: Vec<Cell>,
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// The threshold.
    pub threshold: f64,
    /// `for`.
    pub hold: Span,
    /// Times at which somebody would have been told.
    pub pages: u64,
    /// How long at least one alert would have been on.
    pub firing: Span,
    /// How many of the known incidents it would have caught.
    pub caught: u64,
}

/// Follows the compared side.
#[derive(Debug)]
pub(super) struct Explorer<'a> {
    lhs: String,
    op: ComparisonOp,
    thresholds: Vec<f64>,
    holds: Vec<Span>,
    hold_steps: Vec<usize>,
    keep_steps: usize,
    absence_steps: usize,
    grid: Grid,
    incidents: &'a [KnownIncident],
    windows: Vec<(usize, usize)>,
    rows: HashMap<Labels, Row>,
    cells: Vec<Seen>,
}

#[derive(Debug)]
struct Seen {
    on: Steps,
    caught: Vec<bool>,
}

/// One series.
#[derive(Debug)]
struct Row {
    /// How many thresholds its last value passed.
    passed: usize,
    /// The step after its last value.
    next: usize,
    /// When the run of each threshold began.
    since: Vec<usize>,
    /// Where it has no value, since a threshold was first passed.
    gaps: Vec<(usize, usize)>,
    /// Until when an alert of each cell goes on by `keep_firing_for`.
    kept: Vec<usize>,
    /// The incidents that it can be about.
    concerned: Vec<usize>,
}

impl<'a> Explorer<'a> {
    /// None where there is nothing to explore: `==` and `!=` have no more and less.
    pub(super) async fn new(
        query: &dyn Query,
        lhs: &str,
        (op, threshold): Condition,
        timing: &RuleTiming,
        grid: Grid,
        incidents: &'a [KnownIncident],
    ) -> Option<Self> {
        let downwards = match op {
            ComparisonOp::Greater | ComparisonOp::GreaterOrEqual => false,
            ComparisonOp::Less | ComparisonOp::LessOrEqual => true,
            ComparisonOp::Equal | ComparisonOp::NotEqual => return None,
        };
        let coarse = grid.step_ms.saturating_mul(i64::try_from(grid.steps.div_ceil(SAMPLED_STEPS)).unwrap_or(1).max(1));
        let last = grid.at(grid.steps.saturating_sub(1));
        let coarse = Span::from_millis(coarse);
        let sampled = super::course(query, lhs, grid.at(0), last, coarse).await;
        let thresholds = thresholds(&sampled, threshold, downwards);
        let mut holds: Vec<Span> = HOLDS.map(Span::from_secs).into_iter().chain([timing.hold]).collect();
        holds.sort_unstable();
        holds.dedup();
        let window = |incident: &KnownIncident| {
            let over = incident.ended_at.map_or(grid.steps, |end| grid.not_before(end) + 1);
            (grid.not_before(incident.from()), over)
        };
        let cell = || Seen { on: Steps::none(grid.steps), caught: vec![false; incidents.len()] };
        Some(Self {
            lhs: lhs.to_owned(),
            op,
            hold_steps: holds.iter().map(|hold| grid.steps_of(*hold)).collect(),
            keep_steps: grid.steps_of(timing.keep_firing_for),
            absence_steps: grid.steps_of(timing.absence_limit),
            grid,
            incidents,
            windows: incidents.iter().map(window).collect(),
            rows: HashMap::new(),
            cells: (0..thresholds.len() * holds.len()).map(|_| cell()).collect(),
            thresholds,
            holds,
        })
    }

    /// Takes the next part of the compared side.
    pub(super) fn feed(&mut self, rows: &[SeriesData]) {
        for series in rows {
            let mut row = self.rows.remove(&series.labels).unwrap_or_else(|| self.row(&series.labels));
            for sample in &series.samples {
                let step = self.grid.step(sample.t);
                if row.passed == 0 {
                    row.gaps.clear();
                } else if step > row.next {
                    let end = row.next.saturating_add(self.absence_steps);
                    row.gaps.push((row.next, step.min(end)));
                    if step >= end {
                        // A series that is gone for that long resolves its alert at once.
                        self.close(&mut row, 0, end, 0);
                    }
                }
                let passed = self.passed(row.passed, sample.v);
                if passed < row.passed {
                    self.close(&mut row, passed, step, self.keep_steps);
                }
                for since in row.since.iter_mut().take(passed).skip(row.passed) {
                    *since = step;
                }
                row.passed = passed;
                row.next = step + 1;
            }
            self.rows.insert(series.labels.clone(), row);
        }
    }

    fn row(&self, labels: &Labels) -> Row {
        let concerned = self.incidents.iter().enumerate().filter(|(_, i)| i.concerns(labels)).map(|(at, _)| at);
        let kept = if self.keep_steps > 0 { vec![0; self.cells.len()] } else { Vec::new() };
        Row {
            passed: 0,
            next: 0,
            since: vec![0; self.thresholds.len()],
            gaps: Vec::new(),
            kept,
            concerned: concerned.collect(),
        }
    }

    /// How many thresholds a value passes; near the last answer, most of the time.
    fn passed(&self, near: usize, v: f64) -> usize {
        let holds = |at: usize| self.thresholds.get(at).is_some_and(|threshold| self.op.holds(v, *threshold));
        if (near == 0 || holds(near - 1)) && !holds(near) {
            return near;
        }
        self.thresholds.partition_point(|threshold| self.op.holds(v, *threshold))
    }

    /// Ends the runs of the thresholds from `passed` on, at the first step at which they do not hold.
    fn close(&mut self, row: &mut Row, passed: usize, end: usize, keep: usize) {
        let holds = self.hold_steps.len();
        for threshold in passed..row.passed {
            let since = row.since.get(threshold).copied().unwrap_or(end);
            for (at, hold) in self.hold_steps.iter().enumerate() {
                let cell = threshold * holds + at;
                let kept = row.kept.get(cell).copied().unwrap_or(0);
                let goes_on = self.keep_steps > 0 && kept > 0 && since <= kept;
                let fired = if goes_on { since } else { row.seen_from(since.saturating_add(*hold)) };
                if fired >= end {
                    // `for` is not reached, and with a longer one it is not either.
                    if self.keep_steps == 0 {
                        break;
                    }
                    continue;
                }
                let over = end.saturating_add(keep);
                if let Some(kept) = row.kept.get_mut(cell) {
                    *kept = over;
                }
                let Some(seen) = self.cells.get_mut(cell) else { continue };
                seen.on.fill(fired, over);
                if goes_on {
                    continue;
                }
                for incident in &row.concerned {
                    let within = self.windows.get(*incident).is_some_and(|(from, to)| fired >= *from && fired < *to);
                    if let (true, Some(caught)) = (within, seen.caught.get_mut(*incident)) {
                        *caught = true;
                    }
                }
            }
        }
        row.passed = row.passed.min(passed);
    }

    pub(super) fn finish(mut self) -> Exploration {
        let end = self.grid.steps;
        for mut row in std::mem::take(&mut self.rows).into_values() {
            let over = row.next.saturating_add(self.absence_steps).min(end);
            row.gaps.push((row.next, over));
            self.close(&mut row, 0, over, 0);
        }
        let step = Span::from_millis(self.grid.step_ms);
        let settings = self.thresholds.iter().flat_map(|t| self.holds.iter().map(move |hold| (*t, *hold)));
        let cells = settings.zip(&self.cells).map(|((threshold, hold), seen)| Cell {
            threshold,
            hold,
            pages: seen.on.runs() as u64,
            firing: Span::from_micros(step.as_micros().saturating_mul(i64::try_from(seen.on.count()).unwrap_or(0))),
            caught: seen.caught.iter().filter(|caught| **caught).count() as u64,
        });
        let cells = cells.collect();
        Exploration { lhs: self.lhs, op: self.op, thresholds: self.thresholds, holds: self.holds, cells }
    }
}

impl Row {
    /// The first step from this one on that has a value: nothing begins in a gap.
    fn seen_from(&self, step: usize) -> usize {
        let before = self.gaps.partition_point(|(from, _)| *from <= step);
        match before.checked_sub(1).and_then(|at| self.gaps.get(at)) {
            Some((_, to)) if step < *to => *to,
            _ => step,
        }
    }
}

/// Thresholds worth trying: the rule's own and some around it, and quantiles of what was seen.
fn thresholds(sampled: &[SeriesData], own: f64, downwards: bool) -> Vec<f64> {
    let mut values: Vec<f64> = sampled.iter().flat_map(|s| &s.samples).map(|s| s.v).filter(|v| v.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let quantile = |q: f64| {
        let q = if downwards { 1.0 - q } else { q };
        let last = values.len().checked_sub(1)?;
        values.get((q * last as f64).round() as usize).copied()
    };
    let around = [0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0].map(|factor| own * factor);
    let extreme = quantile(1.0).map(|v| [1.25, 1.5].map(|factor| if downwards { v / factor } else { v * factor }));
    let seen = [0.5, 0.75, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0].iter().filter_map(|q| quantile(*q));
    let mut all: Vec<f64> = seen.chain(around).chain(extreme.into_iter().flatten()).map(rounded).collect();
    all.retain(|v| v.is_finite() && *v != own);
    all.truncate(MOST_THRESHOLDS - 1);
    all.push(own);
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    if downwards {
        all.reverse();
    }
    all
}

/// Three digits are enough for a threshold that a person may type.
fn rounded(v: f64) -> f64 {
    if v == 0.0 {
        return 0.0;
    }
    let scale = 10_f64.powi(2 - v.abs().log10().floor() as i32);
    let rounded = (v * scale).round() / scale;
    if rounded.is_finite() { rounded } else { v }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_hold_the_rules_own_and_are_short_numbers() {
        let samples = (0..100).map(|i| watchkeeper_domain::telemetry::Sample { t: i, v: i as f64 / 3.0 }).collect();
        let sampled = [SeriesData { labels: Labels::empty(), samples }];
        let up = thresholds(&sampled, 31.4159, false);
        assert!(up.contains(&31.4159) && up.contains(&16.7) && up.is_sorted(), "{up:?}");
        let down = thresholds(&sampled, 5.0, true);
        assert!(down.is_sorted_by(|a, b| a >= b) && down.contains(&5.0) && down.contains(&0.0), "{down:?}");
        assert!(thresholds(&[], 0.0, false).contains(&0.0));
    }
}
