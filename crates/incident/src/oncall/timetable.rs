//! The answer of a schedule: its layers and its overrides folded into one line of shifts, and the gaps between them.
//!
//! Not where overrides are kept. What wins over what: the override that was made last, then those before it, then the
//! layers from the last to the first. For every moment there is exactly one person, or it lies in a gap.

use serde::Serialize;
use watchkeeper_config::model::oncall::{Layer, Schedule};
use watchkeeper_domain::Timestamp;

use super::restriction::{self, Window};
use super::rotation;

/// Somebody takes a time over, made by a person while the server runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Its id.
    pub id: String,
    /// Who takes over.
    pub person: String,
    /// Only where this person would be on call; none: whoever it would be, and gaps too.
    pub instead_of: Option<String>,
    /// Beginning.
    pub from: Timestamp,
    /// End, excluded.
    pub until: Timestamp,
}

/// Somebody is on call for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shift {
    /// Who.
    pub person: String,
    /// From when.
    pub from: Timestamp,
    /// Until when, excluded.
    pub until: Timestamp,
    /// The layer or the override that it comes from.
    pub by: Source,
}

/// Why somebody is on call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A layer, by name.
    Layer(String),
    /// An override, by id.
    Override(String),
}

/// A stretch of time without anybody.
pub type Stretch = Window;

/// A schedule over a range of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    /// Who is on call, in order, without overlap.
    pub shifts: Vec<Shift>,
    /// When nobody is, in order.
    pub gaps: Vec<Stretch>,
}

/// The most turns of one layer that are worked out, about 2 years of hours: a range is a question, not a way to keep
/// the server busy.
const MAX_TURNS: usize = 20_000;

/// One layer alone over a range, without overrides.
#[must_use]
pub fn layer(layer: &Layer, range: Window) -> Vec<Shift> {
    let mut shifts: Vec<Shift> = Vec::new();
    for window in restriction::windows(&layer.restrictions, &layer.rotation.time_zone, range) {
        let mut at = window.from;
        while at < window.until && shifts.len() < MAX_TURNS {
            let Some(turn) = rotation::turn(&layer.rotation, at) else { break };
            let until = turn.until.min(window.until);
            if let Some(person) = rotation::person(layer, turn.number) {
                push(&mut shifts, person, at, until, &Source::Layer(layer.name.clone()));
            }
            at = until;
        }
    }
    shifts
}

/// Adds a shift, or lengthens the last one when it is the same going on.
fn push(shifts: &mut Vec<Shift>, person: &str, from: Timestamp, until: Timestamp, by: &Source) {
    match shifts.last_mut() {
        Some(last) if last.until == from && last.person == person && last.by == *by => last.until = until,
        _ => shifts.push(Shift { person: person.to_owned(), from, until, by: by.clone() }),
    }
}

/// Lays `top` over `base`; both in order and without overlap.
fn lay_over(base: &[Shift], top: &[Shift]) -> Vec<Shift> {
    let mut out: Vec<Shift> = Vec::with_capacity(base.len() + top.len());
    let mut above = top.iter().peekable();
    for shift in base {
        let mut from = shift.from;
        while let Some(over) = above.peek().filter(|over| over.from < shift.until) {
            if over.until <= from {
                push(&mut out, &over.person, over.from, over.until, &over.by);
                above.next();
                continue;
            }
            if from < over.from {
                push(&mut out, &shift.person, from, over.from, &shift.by);
            }
            from = over.until;
            if over.until > shift.until {
                // It goes on over the next shift.
                break;
            }
            push(&mut out, &over.person, over.from, over.until, &over.by);
            above.next();
        }
        if from < shift.until {
            push(&mut out, &shift.person, from, shift.until, &shift.by);
        }
    }
    for over in above {
        push(&mut out, &over.person, over.from, over.until, &over.by);
    }
    out
}

/// What an override puts over what was there before.
fn takes(over: &Override, below: &[Shift], range: Window) -> Vec<Shift> {
    let (from, until) = (over.from.max(range.from), over.until.min(range.until));
    if from >= until {
        return Vec::new();
    }
    let by = Source::Override(over.id.clone());
    let mut shifts = Vec::new();
    match &over.instead_of {
        None => push(&mut shifts, &over.person, from, until, &by),
        Some(replaced) => {
            for shift in below.iter().filter(|s| s.person == *replaced && s.from < until && from < s.until) {
                push(&mut shifts, &over.person, shift.from.max(from), shift.until.min(until), &by);
            }
        }
    }
    shifts
}

/// The schedule over a range. `overrides` are in the order in which they were made.
#[must_use]
pub fn timetable(schedule: &Schedule, overrides: &[Override], range: Window) -> Timetable {
    let mut shifts: Vec<Shift> = Vec::new();
    for one in &schedule.layers {
        shifts = lay_over(&shifts, &layer(one, range));
    }
    for over in overrides {
        let top = takes(over, &shifts, range);
        shifts = lay_over(&shifts, &top);
    }
    let (mut gaps, mut covered) = (Vec::new(), range.from);
    for shift in &shifts {
        if covered < shift.from {
            gaps.push(Stretch { from: covered, until: shift.from });
        }
        covered = covered.max(shift.until);
    }
    if covered < range.until {
        gaps.push(Stretch { from: covered, until: range.until });
    }
    Timetable { shifts, gaps }
}

/// Who is on call at a moment, and why; none: nobody.
#[must_use]
pub fn who(schedule: &Schedule, overrides: &[Override], at: Timestamp) -> Option<(String, Source)> {
    let by_layer = schedule.layers.iter().rev().find_map(|layer| {
        let zone = &layer.rotation.time_zone;
        let turn =
            restriction::active(&layer.restrictions, zone, at).then(|| rotation::turn(&layer.rotation, at))??;
        let person = rotation::person(layer, turn.number)?;
        Some((person.to_owned(), Source::Layer(layer.name.clone())))
    });
    overrides.iter().filter(|over| over.from <= at && at < over.until).fold(by_layer, |below, over| {
        let takes = match &over.instead_of {
            None => true,
            Some(replaced) => below.as_ref().is_some_and(|(person, _)| person == replaced),
        };
        if takes { Some((over.person.clone(), Source::Override(over.id.clone()))) } else { below }
    })
}
