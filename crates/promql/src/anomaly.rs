//! How unusual a series' newest value is, from its own last days: for what has no weeks of history to learn a band from.
//!
//! Not a verdict: a rule compares the score with a number of its own. Parameters are constants, told with [`VERSION`].
//!
//! A value is expected to be the median of the 24 before it, or, where that has served better, the median of what was there at
//! the same time of the last seven days. Its deviation is divided by the one that one deviation in a hundred of the last
//! thousand reaches: at 1 it is as large as that, and what it is measured by does not know it yet.

use std::collections::VecDeque;

use watchkeeper_domain::telemetry::Sample;

use crate::band::median;

/// The version of the parameters.
pub const VERSION: u32 = 1;

const DAY_MS: i64 = 86_400_000;
/// Values before, whose median is the level.
const LEVEL: usize = 24;
/// Days back, whose values at the same time are the season.
const DAYS: i64 = 7;
/// Values to either side of the same time.
const BESIDE: usize = 2;
/// How far from the same time a value may be.
const NEAR_MS: i64 = 3_600_000;
/// Deviations that are remembered.
const REMEMBERED: usize = 1_000;
/// Deviations without which nothing is known.
const LEAST: usize = 30;
/// Deviations of the season without which it is not believed.
const LEAST_OF_SEASON: usize = 100;
/// Deviations that a quantile is taken from.
const TAKEN: usize = 600;
/// The quantile of deviations that a new one is measured by.
const USUAL: f64 = 0.99;
/// The quantile of deviations by which level and season are compared.
const COMPARED: f64 = 0.8;
/// A deviation is measured by this part of the usual value at least.
const LEAST_OF_VALUE: f64 = 0.02;

/// Learns from values as they come.
#[derive(Debug, Default)]
pub struct Detector {
    samples: VecDeque<Sample>,
    by_level: Deviations,
    by_season: Deviations,
}

/// Deviations from one expectation; the newest is not part of what it is measured by.
#[derive(Debug, Default)]
struct Deviations {
    before: VecDeque<f64>,
    newest: Option<f64>,
}

impl Deviations {
    fn push(&mut self, deviation: Option<f64>) {
        if let Some(last) = std::mem::replace(&mut self.newest, deviation) {
            self.before.push_back(last);
        }
        if self.before.len() > REMEMBERED {
            self.before.pop_front();
        }
    }

    fn quantile(&self, q: f64, least: usize) -> Option<f64> {
        if self.before.len() < least {
            return None;
        }
        let mut taken: Vec<f64> = self.before.iter().step_by((self.before.len() / TAKEN).max(1)).copied().collect();
        let rank = ((taken.len() as f64 * q) as usize).min(taken.len() - 1);
        Some(*taken.select_nth_unstable_by(rank, f64::total_cmp).1)
    }
}

impl Detector {
    /// The score of the newest of these values; none where there are too few. In ascending order of time.
    #[must_use]
    pub fn score_of(samples: &[Sample]) -> Option<f64> {
        let mut detector = Self::default();
        let needed = samples.len().saturating_sub(REMEMBERED + 1);
        for (at, sample) in samples.iter().enumerate() {
            if at < needed {
                detector.remember(*sample);
            } else {
                detector.push(*sample);
            }
        }
        detector.score()
    }

    /// Takes the next value. One that is no number is left out.
    pub fn push(&mut self, sample: Sample) {
        if !sample.v.is_finite() {
            return;
        }
        let from = |expected: Option<f64>| expected.map(|expected| (sample.v - expected).abs());
        let (level, season) = (from(self.level()), from(self.season(sample.t)));
        self.by_level.push(level);
        self.by_season.push(season);
        self.remember(sample);
    }

    fn remember(&mut self, sample: Sample) {
        if !sample.v.is_finite() {
            return;
        }
        self.samples.push_back(sample);
        let oldest = sample.t - DAYS * DAY_MS - NEAR_MS;
        while self.samples.len() > REMEMBERED && self.samples.front().is_some_and(|s| s.t < oldest) {
            self.samples.pop_front();
        }
    }

    /// The score of the newest value: 0 for what was expected, 1 for what one value in a hundred reaches.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        let level = self.by_level.quantile(COMPARED, LEAST)?;
        let season = self.by_season.quantile(COMPARED, LEAST_OF_SEASON).filter(|season| *season < level);
        let seasonal = season.is_some() && self.by_season.newest.is_some();
        let measure = if seasonal { &self.by_season } else { &self.by_level };
        let recent = self.samples.iter().rev().take(REMEMBERED).step_by(7);
        let mut sizes: Vec<f64> = recent.map(|s| s.v.abs()).collect();
        let usual = measure.quantile(USUAL, LEAST)? + LEAST_OF_VALUE * median(&mut sizes);
        let newest = measure.newest?;
        Some(if newest == 0.0 { 0.0 } else { newest / usual.max(f64::MIN_POSITIVE) })
    }

    fn level(&self) -> Option<f64> {
        let mut before: Vec<f64> = self.samples.iter().rev().take(LEVEL).map(|s| s.v).collect();
        (!before.is_empty()).then(|| median(&mut before))
    }

    fn season(&self, t: i64) -> Option<f64> {
        let at_day = |day: i64| {
            let same = t - day * DAY_MS;
            let at = self.samples.partition_point(|s| s.t < same);
            self.samples.get(at).filter(|s| s.t - same <= NEAR_MS)?;
            let first = at.checked_sub(BESIDE)?;
            let mut around: Vec<f64> = self.samples.range(first..).take(2 * BESIDE + 1).map(|s| s.v).collect();
            Some(median(&mut around))
        };
        let mut days: Vec<f64> = (1..=DAYS).filter_map(at_day).collect();
        (!days.is_empty()).then(|| median(&mut days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(i: i64) -> Sample {
        let t = i * 300_000;
        let noise = (i.wrapping_mul(2_654_435_761) % 1_000) as f64 / 1_000.0;
        Sample { t, v: 100.0 + 80.0 * ((t % DAY_MS) as f64 / DAY_MS as f64 * std::f64::consts::TAU).sin() + noise }
    }

    fn last(n: i64, change: impl Fn(Sample) -> Sample) -> Option<f64> {
        let mut samples: Vec<Sample> = (0..n).map(wave).collect();
        let newest = samples.pop().map(change)?;
        samples.push(newest);
        Detector::score_of(&samples)
    }

    #[test]
    fn what_is_usual_scores_low_and_what_is_not_scores_high() {
        assert!(last(2_000, |s| s).unwrap() < 1.0);
        assert!(last(2_000, |s| Sample { v: s.v + 40.0, ..s }).unwrap() > 3.0);
        // At noon the value of the night is unusual, although there is one like it every day.
        assert!(last(2_000, |s| Sample { v: 200.0 - s.v, ..s }).unwrap() > 3.0);
    }

    #[test]
    fn a_stream_and_a_window_have_one_score_and_few_values_have_none() {
        let mut stream = Detector::default();
        let samples: Vec<Sample> = (0..1_500).map(wave).collect();
        for sample in &samples {
            stream.push(*sample);
        }
        let window = Detector::score_of(&samples).unwrap();
        assert!((stream.score().unwrap() - window).abs() < 0.2, "{window}");
        assert_eq!(Detector::score_of(&samples[..20]), None);
        assert_eq!(Detector::score_of(&vec![Sample { t: 0, v: f64::NAN }; 500]), None);
    }

    #[test]
    fn a_constant_that_moves_is_unusual_and_one_that_does_not_is_not() {
        let mut samples: Vec<Sample> = (0..500).map(|i| Sample { t: i * 300_000, v: 5.0 }).collect();
        assert_eq!(Detector::score_of(&samples), Some(0.0));
        samples.push(Sample { t: 500 * 300_000, v: 6.0 });
        assert!(Detector::score_of(&samples).unwrap() > 5.0);
    }
}
