//! When drills are held: days of the week at a time of the day, by somebody's clock on the wall.
//!
//! Not the drill.

use jiff::tz::TimeZone;
use watchkeeper_config::Config;
use watchkeeper_config::model::oncall::Days;
use watchkeeper_config::model::self_watch::Drill;
use watchkeeper_domain::{Priority, Span, Timestamp};

/// Drills as configured.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The schedule; none: only when somebody starts one.
    pub drill: Option<Drill>,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        Self { drill: config.self_watch.drill.clone() }
    }
}

impl Settings {
    /// What a drill is like that somebody starts though none is scheduled.
    pub(super) fn drill_or_default(&self) -> Drill {
        self.drill.clone().unwrap_or_else(|| Drill {
            days: Days::NONE,
            at: jiff::civil::Time::midnight(),
            time_zone: TimeZone::UTC,
            confirm_within: Span::from_secs(900),
            priority: Priority::High,
            labels: std::collections::BTreeMap::new(),
        })
    }
}

/// The first drill after a moment.
#[must_use]
pub fn next_after(drill: &Drill, now: Timestamp) -> Option<Timestamp> {
    occurrences(drill, now, 0..=8).filter(|at| *at > now).min()
}

/// The last drill until a moment, that moment included.
#[must_use]
pub fn last_until(drill: &Drill, now: Timestamp) -> Option<Timestamp> {
    occurrences(drill, now, -8..=0).filter(|at| *at <= now).max()
}

/// The drills of these days around a moment. On a day whose clock skips the time, it is held when the clock has moved on;
/// where the time comes twice, at the first.
fn occurrences(
    drill: &Drill,
    around: Timestamp,
    days: std::ops::RangeInclusive<i64>,
) -> impl Iterator<Item = Timestamp> + '_ {
    let local = jiff::Timestamp::from_microsecond(around.as_micros()).ok();
    let today = local.map(|at| at.to_zoned(drill.time_zone.clone()).date());
    days.filter_map(move |offset| {
        let day = today?.checked_add(jiff::Span::new().try_days(offset).ok()?).ok()?;
        if !drill.days.has(day.weekday()) {
            return None;
        }
        let at = day.to_datetime(drill.at).to_zoned(drill.time_zone.clone()).ok()?;
        Some(Timestamp::from_micros(at.timestamp().as_microsecond()))
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, time};

    use super::*;

    #[test]
    fn drills_stay_at_their_time_of_the_day_when_the_clocks_change() {
        let drill = Drill {
            days: Days::NONE.with(Weekday::Sunday),
            at: time(2, 30, 0, 0),
            time_zone: TimeZone::get("Europe/Zurich").unwrap(),
            ..Settings::default().drill_or_default()
        };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // In winter, on the day whose clock skips half past two, in summer, and where it comes twice.
        for (from, next) in [
            ("2026-03-16T00:00:00Z", "2026-03-22T01:30:00Z"),
            ("2026-03-23T00:00:00Z", "2026-03-29T01:30:00Z"),
            ("2026-03-30T00:00:00Z", "2026-04-05T00:30:00Z"),
            ("2026-10-19T00:00:00Z", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(next_after(&drill, at(from)), Some(at(next)), "{from}");
            assert_eq!(last_until(&drill, at(next)), Some(at(next)));
            assert!(next_after(&drill, at(next)).unwrap() > at(next));
        }
        let never = Drill { days: Days::NONE, ..drill };
        assert_eq!(
            (next_after(&never, at("2026-01-01T00:00:00Z")), last_until(&never, at("2026-01-01T00:00:00Z"))),
            (None, None)
        );
    }
}
