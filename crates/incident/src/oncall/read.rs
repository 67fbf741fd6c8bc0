//! What people ask about on-call: who is it now, who will it be, and where would nobody answer.
//!
//! Not changing anything: see [`super::command`].

use serde::Serialize;
use watchkeeper_config::model::Schedule;
use watchkeeper_domain::{Span, Timestamp};

use super::command::{OnCall, known_schedule};
use super::restriction::Window;
use super::store::{self, Note, OverrideRow};
use super::timetable::{self, Shift, Timetable, timetable};
use crate::error::Error;

/// How far a shift's ends are looked for.
const HORIZON: Span = Span::from_secs(40 * 86_400);
/// The longest range that is worked out.
pub const LONGEST_RANGE: Span = Span::from_secs(400 * 86_400);

/// Who answers in one schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The schedule.
    pub schedule: String,
    /// Who is on call, from when until when; none: nobody. Ends are looked for 40 days around.
    pub now: Option<Shift>,
    /// Who comes after that, or after the gap.
    pub next: Option<Shift>,
}

/// One schedule over a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Who is on call, and the gaps.
    pub folded: Timetable,
    /// Each layer by itself, the weakest first.
    pub layers: Vec<(String, Vec<Shift>)>,
    /// The overrides that touch the range, in the order in which they were made.
    pub overrides: Vec<OverrideRow>,
    /// Hand-off notes of the range.
    pub notes: Vec<Note>,
}

/// A time without anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The schedule.
    pub schedule: String,
    /// From when.
    pub from: Timestamp,
    /// Until when; the end of the time that was looked at, if it is longer.
    pub until: Timestamp,
    /// Whether the schedule intends times without anybody.
    pub intended: bool,
}

impl OnCall {
    /// Who answers at a moment, in every schedule or in one.
    pub async fn answers(&self, at: Timestamp, only: Option<&str>) -> Result<Vec<Answer>, Error> {
        let settings = self.settings();
        if let Some(name) = only {
            known_schedule(&settings, name)?;
        }
        let range = Window { from: at - HORIZON, until: at + HORIZON };
        let overrides = store::by_schedule(&store::overrides(self.state.read(), range).await?);
        let wanted = settings.schedules.values().filter(|schedule| only.is_none_or(|name| name == schedule.name));
        let answer = |schedule: &Schedule| {
            let made = overrides.get(&schedule.name).map_or(&[][..], Vec::as_slice);
            let shifts = joined(timetable(schedule, made, range).shifts);
            let mut now = shifts.iter().find(|shift| shift.from <= at && at < shift.until).cloned();
            // A turn may go on in another layer; at this moment it comes from one.
            if let (Some(turn), Some((_, by))) = (&mut now, timetable::who(schedule, made, at)) {
                turn.by = by;
            }
            let next = shifts.into_iter().find(|shift| shift.from > at);
            Answer { schedule: schedule.name.clone(), now, next }
        };
        Ok(wanted.map(answer).collect())
    }

    /// One schedule over a range of at most [`LONGEST_RANGE`].
    pub async fn calendar(&self, schedule: &str, range: Window) -> Result<Calendar, Error> {
        let settings = self.settings();
        known_schedule(&settings, schedule)?;
        let Some(known) = settings.schedules.get(schedule) else { return Err(unknown(schedule)) };
        checked_range(range)?;
        let mut overrides = store::overrides(self.state.read(), range).await?;
        overrides.retain(|row| row.schedule == schedule);
        let made: Vec<_> = overrides.iter().map(OverrideRow::folded).collect();
        let layers = known.layers.iter().map(|layer| (layer.name.clone(), timetable::layer(layer, range))).collect();
        let mut notes = store::notes(self.state.read(), schedule, range.from).await?;
        notes.retain(|note| note.at < range.until);
        Ok(Calendar { folded: timetable(known, &made, range), layers, overrides, notes })
    }

    /// Who is on call when, of one schedule or of all, and only one person's turns if one is named; in the order of
    /// schedules and time.
    pub async fn shifts(
        &self,
        range: Window,
        schedule: Option<&str>,
        person: Option<&str>,
    ) -> Result<Vec<(String, Shift)>, Error> {
        let settings = self.settings();
        if let Some(name) = schedule {
            known_schedule(&settings, name)?;
        }
        checked_range(range)?;
        let overrides = store::by_schedule(&store::overrides(self.state.read(), range).await?);
        let mut found = Vec::new();
        for one in settings.schedules.values().filter(|one| schedule.is_none_or(|name| name == one.name)) {
            let made = overrides.get(&one.name).map_or(&[][..], Vec::as_slice);
            let shifts = joined(timetable(one, made, range).shifts).into_iter();
            let shifts = shifts.filter(|shift| person.is_none_or(|name| name == shift.person));
            found.extend(shifts.map(|shift| (one.name.clone(), shift)));
        }
        Ok(found)
    }

    /// The overrides that touch a range, in the order in which they were made.
    pub async fn overrides(&self, range: Window, only: Option<&str>) -> Result<Vec<OverrideRow>, Error> {
        checked_range(range)?;
        let mut rows = store::overrides(self.state.read(), range).await?;
        rows.retain(|row| only.is_none_or(|name| name == row.schedule));
        Ok(rows)
    }

    /// Where nobody would answer in a range, in every schedule or in one; the first ones first.
    pub async fn gaps(&self, range: Window, only: Option<&str>) -> Result<Vec<Gap>, Error> {
        let settings = self.settings();
        if let Some(name) = only {
            known_schedule(&settings, name)?;
        }
        checked_range(range)?;
        let overrides = store::by_schedule(&store::overrides(self.state.read(), range).await?);
        let mut gaps = Vec::new();
        for schedule in settings.schedules.values().filter(|s| only.is_none_or(|name| name == s.name)) {
            let made = overrides.get(&schedule.name).map_or(&[][..], Vec::as_slice);
            gaps.extend(timetable(schedule, made, range).gaps.into_iter().map(|gap| Gap {
                schedule: schedule.name.clone(),
                from: gap.from,
                until: gap.until,
                intended: schedule.allow_gaps,
            }));
        }
        gaps.sort_by(|a, b| (a.from, &a.schedule).cmp(&(b.from, &b.schedule)));
        Ok(gaps)
    }
}

/// Shifts of one person that follow each other are one to those who ask who answers, whatever they come from.
fn joined(shifts: Vec<Shift>) -> Vec<Shift> {
    let mut out: Vec<Shift> = Vec::with_capacity(shifts.len());
    for shift in shifts {
        match out.last_mut() {
            Some(last) if last.until == shift.from && last.person == shift.person => last.until = shift.until,
            _ => out.push(shift),
        }
    }
    out
}

fn unknown(schedule: &str) -> Error {
    Error::NotFound { what: "schedule", id: schedule.chars().take(80).collect() }
}

fn checked_range(range: Window) -> Result<(), Error> {
    if range.from >= range.until {
        return Err(Error::Invalid("a range ends after it begins".into()));
    }
    if range.until.since(range.from) > LONGEST_RANGE {
        return Err(Error::Invalid("a range is 400 days at most".into()));
    }
    Ok(())
}
