//! From the clock on the wall to moments and back.
//!
//! Not parsing. A local time that a daylight change skips stands for the moment of the change, and one that happens
//! twice for its first occurrence, so that moments keep the order of their local times.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use watchkeeper_domain::Timestamp;

/// The moment of a local time; none beyond the years that a calendar can show.
#[must_use]
pub fn moment(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    let found = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok()?,
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok()?,
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset that holds after the change, it lies before the change: the next one is it.
            let early = after.to_timestamp(local).ok()?;
            zone.following(early).next()?.timestamp()
        }
    };
    Some(Timestamp::from_micros(found.as_microsecond()))
}

/// What the clock on the wall shows at a moment.
#[must_use]
pub fn local(zone: &TimeZone, at: Timestamp) -> Option<DateTime> {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
    Some(zone.to_datetime(at))
}
