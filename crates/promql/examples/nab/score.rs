//! The scorer of the Numenta Anomaly Benchmark: Lavin and Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms" (2015),
//! as `nab/sweeper.py` and `nab/runner.py` of numenta/NAB 1.1 compute it.
//!
//! - The first 15 % of a file, at most 750 values, are not scored.
//! - Of the detections in a window the best one counts, the earlier the better: `2·sigmoid(-5·x) - 1` at the position `x`
//!   from -1 at the window's left end to 0 behind its right one, scaled so that the left end is 1. A window without a
//!   detection counts -1.
//! - A detection outside counts as a false one: -0.11 times one, or less right behind a window.
//! - One threshold is used for all files: the one with the best sum.
//! - The sum is scaled so that the detector that detects nothing has 0, and the perfect one 100.

use crate::series::Series;

/// What right and wrong count.
pub(crate) struct Profile {
    pub(crate) true_positive: f64,
    pub(crate) false_negative: f64,
    pub(crate) false_positive: f64,
}

impl Profile {
    /// NAB's standard profile.
    pub(crate) const STANDARD: Self = Self { true_positive: 1.0, false_negative: 1.0, false_positive: 0.11 };
}

/// The values of one file that are scored.
pub(crate) struct Scored {
    points: Vec<Point>,
    /// What each window counts without a detection; 0 of those that lie in the first 15 %.
    windows: usize,
    miss: f64,
}

struct Point {
    score: f64,
    /// What a detection here counts.
    worth: f64,
    window: Option<usize>,
}

/// A sum over files.
#[derive(Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) raw: f64,
    pub(crate) windows: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.raw += other.raw;
        self.windows += other.windows;
    }

    /// From what nothing is worth to what everything is worth; none where there is no window.
    pub(crate) fn normalised(&self) -> Option<f64> {
        let windows = self.windows as f64;
        (self.windows > 0).then(|| 100.0 * (self.raw + windows) / (2.0 * windows))
    }
}

fn scaled_sigmoid(x: f64) -> f64 {
    if x > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * x).exp()) - 1.0 }
}

impl Scored {
    /// A file with a score from 0 to 1 for each of its values.
    pub(crate) fn of(series: &Series, scores: &[f64], profile: &Profile) -> Self {
        let values = series.samples.len();
        let probation = ((0.15 * values as f64) as usize).min(750);
        let mut points = Vec::with_capacity(values);
        let mut seen = vec![false; series.windows.len()];
        for (at, score) in scores.iter().enumerate().skip(probation) {
            let window = series.windows.iter().position(|(first, last)| (*first..=*last).contains(&at));
            let worth = match window.and_then(|w| Some((w, series.windows.get(w)?))) {
                Some((w, (first, last))) => {
                    seen[w] = true;
                    let width = (last - first + 1) as f64;
                    let position = -((last - at + 1) as f64) / width;
                    scaled_sigmoid(position) * profile.true_positive / scaled_sigmoid(-1.0)
                }
                None => {
                    let before = series.windows.iter().rfind(|(_, last)| *last < at);
                    let distance = before.map(|(first, last)| (at - last) as f64 / (last - first) as f64);
                    distance.map_or(-1.0, scaled_sigmoid) * profile.false_positive
                }
            };
            points.push(Point { score: *score, worth, window });
        }
        Self { points, windows: seen.iter().filter(|seen| **seen).count(), miss: -profile.false_negative }
    }

    /// What detections at or above a threshold are worth.
    pub(crate) fn at(&self, threshold: f64) -> Tally {
        let mut best: std::collections::BTreeMap<usize, f64> = std::collections::BTreeMap::new();
        let mut raw = 0.0;
        for point in self.points.iter().filter(|p| p.score >= threshold) {
            match point.window {
                Some(window) => {
                    let best = best.entry(window).or_insert(self.miss);
                    *best = best.max(point.worth);
                }
                None => raw += point.worth,
            }
        }
        raw += best.values().sum::<f64>() + self.miss * (self.windows - best.len()) as f64;
        Tally { raw, windows: self.windows }
    }
}

/// The threshold with the best sum over all files; above 1 where nothing should be detected.
pub(crate) fn best_threshold(all: &[Scored]) -> f64 {
    let mut thresholds: Vec<f64> =
        all.iter().flat_map(|s| s.points.iter().map(|p| p.score)).filter(|s| *s > 0.0).collect();
    thresholds.push(1.1);
    thresholds.sort_unstable_by(f64::total_cmp);
    thresholds.dedup();
    let sum = |threshold: f64| all.iter().map(|s| s.at(threshold).raw).sum::<f64>();
    thresholds.into_iter().map(|t| (sum(t), t)).max_by(|a, b| a.0.total_cmp(&b.0)).map_or(1.1, |(_, t)| t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchkeeper_domain::telemetry::Sample;

    fn series(values: usize, windows: &[(usize, usize)]) -> Series {
        let samples = (0..values as i64).map(|t| Sample { t, v: 0.0 }).collect();
        Series { name: "a/b.csv".into(), samples, windows: windows.to_vec() }
    }

    fn score(all: &[(Series, Vec<f64>)], threshold: Option<f64>) -> f64 {
        let scored: Vec<Scored> = all.iter().map(|(s, d)| Scored::of(s, d, &Profile::STANDARD)).collect();
        let threshold = threshold.unwrap_or_else(|| best_threshold(&scored));
        let mut total = Tally::default();
        scored.iter().for_each(|s| total.add(s.at(threshold)));
        total.normalised().unwrap()
    }

    fn with(values: usize, detections: &[usize]) -> Vec<f64> {
        (0..values).map(|at| if detections.contains(&at) { 0.9 } else { 0.0 }).collect()
    }

    #[test]
    fn the_perfect_detector_has_100_and_the_one_that_detects_nothing_has_0() {
        let one = || series(1_000, &[(300, 400), (700, 799)]);
        assert!((score(&[(one(), with(1_000, &[300, 700]))], None) - 100.0).abs() < 1e-9);
        assert_eq!(score(&[(one(), with(1_000, &[]))], None), 0.0);
        // Whoever calls everything an anomaly pays for every value outside.
        assert!(score(&[(one(), vec![0.9; 1_000])], Some(0.5)) < -500.0);
    }

    #[test]
    fn the_earlier_in_a_window_the_better_and_false_alarms_cost_their_weight() {
        let one = || series(1_000, &[(300, 399)]);
        let at = |detections: &[usize]| score(&[(one(), with(1_000, detections))], Some(0.5));
        // At the middle of the window: position -0.5.
        let middle = scaled_sigmoid(-0.5) / scaled_sigmoid(-1.0);
        assert!((at(&[350]) - 50.0 * (middle + 1.0)).abs() < 1e-9);
        assert!(at(&[301]) > at(&[350]) && at(&[350]) > at(&[399]));
        assert_eq!(at(&[350, 380]), at(&[350]));
        // Far before any window, a false alarm costs 0.11 of the two that a window is worth.
        assert!((at(&[300]) - at(&[300, 200]) - 100.0 * 0.11 / 2.0).abs() < 1e-9);
        // Right behind a window it costs next to nothing, and nothing at all in the first 15 %.
        assert!(at(&[300]) - at(&[300, 400]) < 0.2);
        assert_eq!(at(&[300, 149]), at(&[300]));
        assert!(at(&[300, 150]) < at(&[300]));
    }

    #[test]
    fn one_threshold_is_chosen_for_all_files() {
        let mut good = with(1_000, &[300]);
        good[500] = 0.4;
        let all = [(series(1_000, &[(300, 399)]), good), (series(1_000, &[]), vec![0.3; 1_000])];
        assert!((score(&all, None) - 100.0).abs() < 1e-9);
    }
}
