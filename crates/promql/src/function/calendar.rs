//! The Gregorian calendar in UTC, reckoned backwards before its time.
//!
//! Not a time library: it takes a number of seconds apart, and nothing more. (Howard Hinnant's algorithm,
//! "chrono-compatible low-level date algorithms".)

/// A moment in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    /// 0 is Sunday.
    pub(super) day_of_week: i64,
    /// 1 to 366.
    pub(super) day_of_year: i64,
    pub(super) days_in_month: i64,
}

const DAY: i64 = 86_400;
/// Seconds further from 1970 than this (about 280,000 years) are no dates.
const FARTHEST: f64 = 1e13;

impl Date {
    /// The date of a Unix time in seconds; nothing for NaN, infinity and what is absurdly far away.
    pub(super) fn from_unix(seconds: f64) -> Option<Self> {
        if seconds.is_nan() || seconds.abs() > FARTHEST {
            return None;
        }
        let seconds = seconds as i64;
        let (days, second_of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        // Years that start in March put the leap day last; 719,468 days lie between 0000-03-01 and 1970-01-01.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_shifted_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_shifted_year + 2) / 153;
        let day = day_of_shifted_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let before_month = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let start_of_month = usize::try_from(month - 1).ok().and_then(|m| before_month.get(m)).copied().unwrap_or(0);
        let days_in_month = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        Some(Self {
            year,
            month,
            day,
            hour: second_of_day / 3_600,
            minute: second_of_day / 60 % 60,
            day_of_week: (days + 4).rem_euclid(7),
            day_of_year: start_of_month + day + i64::from(leap && month > 2),
            days_in_month,
        })
    }
}

/// A moment in milliseconds as RFC 3339 has it, in UTC.
pub(crate) fn rfc3339(ms: i64) -> String {
    let Some(date) = Date::from_unix(ms.div_euclid(1000) as f64) else { return format!("{ms} ms") };
    let (seconds, rest) = (ms.div_euclid(1000).rem_euclid(60), ms.rem_euclid(1000));
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}").trim_end_matches('0').to_owned() };
    let Date { year, month, day, hour, minute, .. } = date;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{seconds:02}{fraction}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(seconds: f64) -> (i64, i64, i64, i64, i64) {
        let date = Date::from_unix(seconds).expect("a date");
        (date.year, date.month, date.day, date.day_of_week, date.day_of_year)
    }

    #[test]
    fn known_dates_come_out_right() {
        assert_eq!(parts(0.0), (1970, 1, 1, 4, 1));
        assert_eq!(parts(-1.0), (1969, 12, 31, 3, 365));
        assert_eq!(parts(1_709_164_800.0), (2024, 2, 29, 4, 60));
        assert_eq!(parts(1_709_251_200.0), (2024, 3, 1, 5, 61));
        assert_eq!(parts(4_107_542_400.0), (2100, 3, 1, 1, 60));
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut before = Date::from_unix(-4e9).expect("a date");
        for day in 1..146_097_i64 {
            let date = Date::from_unix((day * DAY) as f64 - 4e9).expect("a date");
            assert_eq!(date.day_of_week, (before.day_of_week + 1) % 7);
            if date.day == 1 {
                assert_eq!(before.day, before.days_in_month);
                assert_eq!(date.month, before.month % 12 + 1);
            } else {
                assert_eq!((date.year, date.month, date.day), (before.year, before.month, before.day + 1));
            }
            let first = date.month == 1 && date.day == 1;
            assert_eq!(date.day_of_year, if first { 1 } else { before.day_of_year + 1 });
            before = date;
        }
    }

    #[test]
    fn what_is_no_time_has_no_date() {
        assert_eq!(Date::from_unix(f64::NAN), None);
        assert_eq!(Date::from_unix(f64::INFINITY), None);
    }
}
