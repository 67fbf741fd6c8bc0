//! Dynamic thresholds: the band in which a series' own history says that it should be.
//!
//! Not a forecast of a trend (see `forecast`), and not a model that is kept: a band is learnt anew from the history that the
//! expression names, so that the same data give the same band, now and in a backtest. All parameters are constants here and
//! change with [`VERSION`] only.
//!
//! How it is learnt, for a moment `t` and the hour `h` in which `t` is:
//! - From history that ended with the hour before: what happens now does not move the measure that it is held against.
//! - From the same hour of the week, an hour and a half to either side, in each week that the history has; where it has fewer
//!   than three, from the same hour of the day in each day. Fewer than three of those are too little, and there is no band.
//! - The middle is the median of the periods' medians: an outage that took one period of three does not move it.
//! - The width is a number of robust standard deviations (1.4826 times the median distance from the middle), which half
//!   of the values may lie outside of before it gives way. It is at least 2 % of the middle, and a tenth of what the
//!   history as a whole spreads, since a value that never moved would make every movement an anomaly.
//! - Between the middles of two hours the edges are interpolated. Times are UTC; what follows local time moves by an hour
//!   twice a year, which the hour and a half to either side takes in.

use std::collections::HashMap;
use std::fmt;

use watchkeeper_domain::Span;
use watchkeeper_domain::telemetry::Sample;

/// The version of the parameters, told beside every use.
pub const VERSION: u32 = 1;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// How far to either side of an hour's middle values count for it.
const REACH_MS: i64 = 90 * 60_000;
/// Periods that are enough.
const LEAST_PERIODS: usize = 3;
/// Values of a period without which it says nothing.
const LEAST_VALUES: usize = 3;
/// Standard deviations of normally distributed values in one median distance.
const SIGMAS_PER_MAD: f64 = 1.4826;
/// The least standard deviation, as a part of the middle.
const LEAST_OF_MIDDLE: f64 = 0.02;
/// The least standard deviation, as a part of that of the whole history.
const LEAST_OF_WHOLE: f64 = 0.1;
/// Values of the whole history that its spread is taken from.
const WHOLE: usize = 256;

/// How small a deviation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitivity {
    /// A wide band: few alerts.
    Low,
    /// In between.
    Medium,
    /// A narrow band: small deviations count.
    High,
}

impl Sensitivity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The word in expressions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Half of the band's width, in robust standard deviations.
    #[must_use]
    pub fn width(self) -> f64 {
        match self {
            Self::Low => 6.0,
            Self::Medium => 4.0,
            Self::High => 3.0,
        }
    }
}

/// What a series should be between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// The lower edge.
    pub lower: f64,
    /// What is expected.
    pub middle: f64,
    /// The upper edge.
    pub upper: f64,
}

/// Why there is no band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLittleHistory {
    /// Days in which the series has enough values at this hour.
    pub days: usize,
    /// How long its history is.
    pub history: Span,
}

impl fmt::Display for TooLittleHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { days, history } = self;
        write!(
            f,
            "too little history: the longest one has {history}, and {days} of the {LEAST_PERIODS} days that are needed have \
             values at this hour"
        )
    }
}

/// The middle and the deviation of one hour.
#[derive(Debug, Clone, Copy)]
struct Hour {
    middle: f64,
    sigma: f64,
}

/// Learns the bands of one series.
#[derive(Debug)]
pub struct Learner<'a> {
    samples: &'a [Sample],
    range_ms: i64,
    width: f64,
    /// By the hour that is learnt in, and the hour that is learnt.
    hours: HashMap<(i64, i64), Option<Hour>>,
    /// By the hour that is learnt in.
    wholes: HashMap<i64, f64>,
}

impl<'a> Learner<'a> {
    /// Over a history of at most `range_ms`. Samples are in ascending order of time, stale markers and NaN left out or not.
    #[must_use]
    pub fn new(samples: &'a [Sample], range_ms: i64, sensitivity: Sensitivity) -> Self {
        Self { samples, range_ms, width: sensitivity.width(), hours: HashMap::new(), wholes: HashMap::new() }
    }

    /// The band at a moment. It depends on nothing that came in the moment's own hour, or after it.
    pub fn at(&mut self, t_ms: i64) -> Result<Band, TooLittleHistory> {
        let now = t_ms.div_euclid(HOUR_MS) * HOUR_MS;
        // Between the middles of two hours.
        let before = (t_ms - HOUR_MS / 2).div_euclid(HOUR_MS) * HOUR_MS + HOUR_MS / 2;
        let (Some(a), Some(b)) = (self.hour(now, before), self.hour(now, before + HOUR_MS)) else {
            return Err(self.lacking(now, before));
        };
        let part = (t_ms - before) as f64 / HOUR_MS as f64;
        let between = |a: f64, b: f64| a + (b - a) * part;
        let (middle, half) = (between(a.middle, b.middle), self.width * between(a.sigma, b.sigma));
        Ok(Band { lower: middle - half, middle, upper: middle + half })
    }

    fn hour(&mut self, now: i64, centre: i64) -> Option<Hour> {
        if let Some(known) = self.hours.get(&(now, centre)) {
            return *known;
        }
        let learnt = self.learn(now, centre);
        // Only the hours of the present matter from now on.
        if self.hours.len() > 64 {
            self.hours.clear();
            self.wholes.clear();
        }
        self.hours.insert((now, centre), learnt);
        learnt
    }

    fn learn(&mut self, now: i64, centre: i64) -> Option<Hour> {
        let weeks = self.periods(now, centre, WEEK_MS);
        let mut periods = if weeks.len() >= LEAST_PERIODS { weeks } else { self.periods(now, centre, DAY_MS) };
        if periods.len() < LEAST_PERIODS {
            return None;
        }
        let mut medians: Vec<f64> = periods.iter_mut().map(|values| median(values)).collect();
        let middle = median(&mut medians);
        let mut distances: Vec<f64> = periods.into_iter().flatten().map(|v| (v - middle).abs()).collect();
        let least = (LEAST_OF_MIDDLE * middle.abs()).max(LEAST_OF_WHOLE * self.whole(now));
        Some(Hour { middle, sigma: (SIGMAS_PER_MAD * median(&mut distances)).max(least) })
    }

    /// The values around a moment and the same moment of each period before, as far as the history goes.
    fn periods(&self, now: i64, centre: i64, period: i64) -> Vec<Vec<f64>> {
        let oldest = now + HOUR_MS - self.range_ms;
        let mut found = Vec::new();
        let mut at = centre - period;
        while at + REACH_MS > oldest {
            let values = values(self.within((at - REACH_MS).max(oldest), (at + REACH_MS).min(now)));
            if values.len() >= LEAST_VALUES {
                found.push(values);
            }
            at -= period;
        }
        found
    }

    /// The samples in `(after, last]`.
    fn within(&self, after: i64, last: i64) -> &'a [Sample] {
        let first = self.samples.partition_point(|s| s.t <= after);
        let end = self.samples.partition_point(|s| s.t <= last);
        self.samples.get(first..end).unwrap_or(&[])
    }

    /// The robust standard deviation of the whole history.
    fn whole(&mut self, now: i64) -> f64 {
        if let Some(known) = self.wholes.get(&now) {
            return *known;
        }
        let all = self.within(now + HOUR_MS - self.range_ms, now);
        let some: Vec<Sample> = all.iter().step_by(all.len().div_ceil(WHOLE).max(1)).copied().collect();
        let mut some = values(&some);
        let middle = median(&mut some);
        some.iter_mut().for_each(|v| *v = (*v - middle).abs());
        let spread = SIGMAS_PER_MAD * median(&mut some);
        let spread = if spread.is_finite() { spread } else { 0.0 };
        self.wholes.insert(now, spread);
        spread
    }

    fn lacking(&self, now: i64, centre: i64) -> TooLittleHistory {
        let history = self.within(now + HOUR_MS - self.range_ms, now);
        let length = history.first().zip(history.last()).map_or(0, |(first, last)| last.t - first.t);
        TooLittleHistory { days: self.periods(now, centre, DAY_MS).len(), history: Span::from_millis(length) }
    }
}

fn values(samples: &[Sample]) -> Vec<f64> {
    samples.iter().map(|s| s.v).filter(|v| v.is_finite()).collect()
}

/// The median; NaN of nothing. Reorders the values.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let (low, upper, _) = values.select_nth_unstable_by(values.len() / 2, f64::total_cmp);
    let upper = *upper;
    if last % 2 == 0 {
        return upper;
    }
    let lower = low.iter().copied().max_by(f64::total_cmp).unwrap_or(upper);
    lower + (upper - lower) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five minutes apart: a daily wave, higher by half at weekends, with a little noise that is the same each time.
    fn history(days: i64, change: impl Fn(i64, f64) -> f64) -> Vec<Sample> {
        let wave = |t: i64| {
            let day = (t % DAY_MS) as f64 / DAY_MS as f64 * std::f64::consts::TAU;
            let weekend = if (t / DAY_MS) % 7 >= 5 { 1.5 } else { 1.0 };
            let noise = ((t / 300_000).wrapping_mul(2_654_435_761) % 1_000) as f64 / 1_000.0 - 0.5;
            weekend * (100.0 + 50.0 * day.sin()) + 4.0 * noise
        };
        (1..=days * 288).map(|i| i * 300_000).map(|t| Sample { t, v: change(t, wave(t)) }).collect()
    }

    fn band(samples: &[Sample], t: i64, sensitivity: Sensitivity) -> Result<Band, TooLittleHistory> {
        Learner::new(samples, 30 * DAY_MS, sensitivity).at(t)
    }

    #[test]
    fn a_normal_week_lies_within_the_band_and_a_deviation_does_not() {
        let samples = history(37, |_, v| v);
        let mut learner = Learner::new(&samples, 30 * DAY_MS, Sensitivity::Medium);
        let week: Vec<&Sample> = samples.iter().filter(|s| s.t > 30 * DAY_MS).collect();
        let outside = week.iter().filter(|s| {
            let band = learner.at(s.t).unwrap();
            s.v < band.lower || s.v > band.upper
        });
        assert_eq!(outside.count(), 0);
        // The same value is normal on a Saturday and an anomaly on a Monday.
        let noon = |day: i64| learner.at(day * DAY_MS + 6 * HOUR_MS).unwrap();
        let (monday, saturday) = {
            let mut noon = noon;
            (noon(35), noon(33))
        };
        assert!(monday.upper < 225.0 && saturday.lower < 225.0 && saturday.upper > 225.0, "{monday:?} {saturday:?}");
    }

    #[test]
    fn past_outages_do_not_move_the_band() {
        let clean = band(&history(30, |_, v| v), 30 * DAY_MS + HOUR_MS, Sensitivity::Medium).unwrap();
        // A whole day of zeros a week ago, and another day that was ten times as high.
        let broken = history(30, |t, v| match t / DAY_MS {
            23 => 0.0,
            16 => v * 10.0,
            _ => v,
        });
        let band = band(&broken, 30 * DAY_MS + HOUR_MS, Sensitivity::Medium).unwrap();
        assert!((band.middle - clean.middle).abs() < 10.0, "{band:?} {clean:?}");
        assert!(band.upper - band.lower < 6.0 * (clean.upper - clean.lower), "{band:?} {clean:?}");
    }

    #[test]
    fn too_little_history_is_told_and_three_days_are_enough() {
        let why = band(&history(2, |_, v| v), 2 * DAY_MS + HOUR_MS, Sensitivity::Medium).unwrap_err();
        assert_eq!(why.days, 2);
        assert!(why.to_string().contains("2 of the 3 days"), "{why}");
        assert!(band(&history(4, |_, v| v), 4 * DAY_MS + HOUR_MS, Sensitivity::Medium).is_ok());
        assert!(band(&[], 0, Sensitivity::Medium).is_err());
    }

    #[test]
    fn the_present_does_not_teach_itself() {
        let until = 30 * DAY_MS + HOUR_MS;
        let calm = history(31, |_, v| v);
        let storm = history(31, |t, v| if t > until { 1e6 } else { v });
        let at = until + HOUR_MS / 2;
        assert_eq!(band(&calm, at, Sensitivity::High), band(&storm, at, Sensitivity::High));
    }

    #[test]
    fn a_higher_sensitivity_is_a_narrower_band_and_a_constant_has_one_too() {
        let samples = history(30, |_, v| v);
        let width = |sensitivity| {
            let band = band(&samples, 30 * DAY_MS, sensitivity).unwrap();
            band.upper - band.lower
        };
        assert!(width(Sensitivity::High) < width(Sensitivity::Medium));
        assert!(width(Sensitivity::Medium) < width(Sensitivity::Low));
        let flat = band(&history(30, |_, _| 5.0), 30 * DAY_MS, Sensitivity::Medium).unwrap();
        assert!(flat.lower < 4.7 && flat.upper > 5.3, "{flat:?}");
    }

    #[test]
    fn the_median_is_that_of_the_sorted_values() {
        assert_eq!([median(&mut [3.0, 1.0, 2.0]), median(&mut [4.0, 1.0, 2.0, 3.0])], [2.0, 2.5]);
        assert!(median(&mut []).is_nan());
    }
}
