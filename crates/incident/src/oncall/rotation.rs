//! When one person of a layer takes over from the next.
//!
//! Not who may be called: restrictions and overrides come on top. A rotation is counted by the clock on the wall, so a
//! hand-off at 09:00 stays at 09:00 over a daylight change, and the turn around it is an hour shorter or longer.
//! Semantics and test material: target/goalert.

use jiff::civil::DateTime;
use jiff::{Span, Unit};
use watchkeeper_config::model::oncall::{Layer, Period, Rotation};
use watchkeeper_domain::Timestamp;

use super::civil::{local, moment};

/// One turn: from one hand-off to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Its number; the turn that begins at the rotation's start is 0, the one before it -1.
    pub number: i64,
    /// When it begins.
    pub from: Timestamp,
    /// When the next one begins.
    pub until: Timestamp,
}

/// The local time of hand-off `number`.
fn local_handoff(rotation: &Rotation, number: i64) -> Option<DateTime> {
    let units = number.checked_mul(i64::from(rotation.every.max(1)))?;
    let span = match rotation.period {
        Period::Hourly => Span::new().try_hours(units),
        Period::Daily => Span::new().try_days(units),
        Period::Weekly => Span::new().try_weeks(units),
        Period::Monthly => Span::new().try_months(units),
    };
    rotation.start.checked_add(span.ok()?).ok()
}

/// The moment of hand-off `number`; none beyond the years that a calendar can show. Never before that of `number - 1`.
#[must_use]
pub fn handoff(rotation: &Rotation, number: i64) -> Option<Timestamp> {
    moment(&rotation.time_zone, local_handoff(rotation, number)?)
}

/// The turn that a moment falls into. Turns that a daylight change leaves no time for are nobody's.
#[must_use]
pub fn turn(rotation: &Rotation, at: Timestamp) -> Option<Turn> {
    let mut number = estimate(rotation, local(&rotation.time_zone, at)?)?;
    while handoff(rotation, number)? > at {
        number -= 1;
    }
    while handoff(rotation, number + 1)? <= at {
        number += 1;
    }
    Some(Turn { number, from: handoff(rotation, number)?, until: handoff(rotation, number + 1)? })
}

/// A number close to the right one.
fn estimate(rotation: &Rotation, at: DateTime) -> Option<i64> {
    let unit = match rotation.period {
        Period::Hourly => Unit::Hour,
        Period::Daily => Unit::Day,
        Period::Weekly => Unit::Week,
        Period::Monthly => Unit::Month,
    };
    let apart = at.since((unit, rotation.start)).ok()?;
    let units = match rotation.period {
        Period::Hourly => i64::from(apart.get_hours()),
        Period::Daily => i64::from(apart.get_days()),
        Period::Weekly => i64::from(apart.get_weeks()),
        Period::Monthly => i64::from(apart.get_months()),
    };
    Some(units / i64::from(rotation.every.max(1)))
}

/// The person whose turn it is.
#[must_use]
pub fn person(layer: &Layer, number: i64) -> Option<&str> {
    let count = i64::try_from(layer.people.len()).ok().filter(|count| *count > 0)?;
    layer.people.get(usize::try_from(number.rem_euclid(count)).ok()?).map(String::as_str)
}
