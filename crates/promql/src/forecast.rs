//! Where a trend leads: a line through history that outliers do not bend, and how far values stray from it.
//!
//! Not seasons (see `band`). The line is that of Theil and Sen: the median of the slopes between all pairs of points, here of
//! at most 48 points, each the median of an equal part of the time. Its uncertainty is that of Sen (1968, "Estimates of the
//! Regression Coefficient Based on Kendall's Tau"): a confidence interval of the slope from the ranks of those slopes, and
//! beside it the quantiles of the residuals.

use watchkeeper_domain::telemetry::Sample;

use crate::band::median;

/// Points that a line is drawn through at most.
const MOST_POINTS: usize = 48;
/// Points without which there is no line.
const LEAST_POINTS: usize = 6;

/// A robust line, in seconds from its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// Per second.
    pub slope: f64,
    /// At the origin.
    pub level: f64,
    /// The slopes of all pairs, ascending.
    slopes: Vec<f64>,
    /// The residuals of the points, ascending.
    residuals: Vec<f64>,
    /// Seconds from the origin to the middle of the history; the line turns around that point.
    middle: f64,
    points: usize,
}

impl Trend {
    /// A line through samples, with its origin at a moment. None where there are fewer than six points.
    #[must_use]
    pub fn of(samples: &[Sample], origin_ms: i64) -> Option<Self> {
        let points = thinned(samples, origin_ms);
        if points.len() < LEAST_POINTS {
            return None;
        }
        let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
        for (at, (x, y)) in points.iter().enumerate() {
            slopes.extend(points.iter().skip(at + 1).map(|(later, v)| (v - y) / (later - x)));
        }
        slopes.sort_unstable_by(f64::total_cmp);
        let slope = quantile(&slopes, 0.5);
        let mut levels: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
        let level = median(&mut levels);
        let mut residuals: Vec<f64> = levels.iter().map(|v| v - level).collect();
        residuals.sort_unstable_by(f64::total_cmp);
        let middle = points.iter().map(|(x, _)| x).sum::<f64>() / points.len() as f64;
        Some(Self { slope, level, slopes, residuals, middle, points: points.len() })
    }

    /// The value that will not be exceeded with this probability, so many seconds after the origin. One half is the line.
    #[must_use]
    pub fn value(&self, ahead: f64, probability: f64) -> f64 {
        let slope = self.slope_at(probability);
        let turned = self.level + self.slope * self.middle + slope * (ahead - self.middle);
        turned + quantile(&self.residuals, probability) - quantile(&self.residuals, 0.5)
    }

    /// Seconds after the origin until the limit is reached with this probability; 0 where it is already, none where
    /// the trend does not lead there. A small probability is the earliest moment that has to be reckoned with.
    #[must_use]
    pub fn until(&self, limit: f64, probability: f64) -> Option<f64> {
        let upwards = limit > self.level;
        // The quantile of the value at which the limit is reached with this probability.
        let quantile_of_value = if upwards { 1.0 - probability } else { probability };
        let (now, slope) = (self.value(0.0, quantile_of_value), self.slope_at(quantile_of_value));
        let reached = if upwards { now >= limit } else { now <= limit };
        if reached {
            return Some(0.0);
        }
        let seconds = (limit - now) / slope;
        (seconds.is_finite() && seconds > 0.0).then_some(seconds)
    }

    /// The slope at a quantile of its confidence distribution: normal, around the middle of the ranks, with Kendall's
    /// variance.
    fn slope_at(&self, probability: f64) -> f64 {
        let n = self.points as f64;
        let pairs = self.slopes.len() as f64;
        let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
        let rank = (pairs + normal_quantile(probability) * deviation) / 2.0;
        quantile(&self.slopes, (rank / pairs).clamp(0.0, 1.0))
    }
}

/// Medians of equal parts of the time, as seconds from the origin and values.
fn thinned(samples: &[Sample], origin_ms: i64) -> Vec<(f64, f64)> {
    let finite = || samples.iter().filter(|s| s.v.is_finite());
    let seconds = |t: i64| (t - origin_ms) as f64 / 1_000.0;
    if samples.len() <= MOST_POINTS {
        return finite().map(|s| (seconds(s.t), s.v)).collect();
    }
    let (Some(first), Some(last)) = (finite().next(), finite().next_back()) else { return Vec::new() };
    let part = ((last.t - first.t) / i64::try_from(MOST_POINTS).unwrap_or(1) + 1).max(1);
    let mut points = Vec::with_capacity(MOST_POINTS);
    let mut rest: Vec<Sample> = finite().copied().collect();
    while let Some(start) = rest.first().map(|s| (s.t - first.t) / part) {
        let end = rest.partition_point(|s| (s.t - first.t) / part <= start);
        let tail = rest.split_off(end);
        let mut values: Vec<f64> = rest.iter().map(|s| s.v).collect();
        let middle = rest.iter().map(|s| seconds(s.t)).sum::<f64>() / rest.len() as f64;
        points.push((middle, median(&mut values)));
        rest = tail;
    }
    points
}

/// The quantile of ascending values, interpolated.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let rank = q.clamp(0.0, 1.0) * last as f64;
    let at = |i: usize| sorted.get(i.min(last)).copied().unwrap_or(f64::NAN);
    let (lower, upper) = (at(rank.floor() as usize), at(rank.ceil() as usize));
    lower + (upper - lower) * rank.fract()
}

/// The quantile of the normal distribution, by Acklam's rational approximation (relative error below 1.15e-9).
fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 5] =
        [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416];
    let polynomial = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |q: f64| polynomial(&C, q) / (polynomial(&D, q) * q + 1.0);
    match p {
        p if p.is_nan() || p <= 0.0 => f64::NEG_INFINITY,
        p if p >= 1.0 => f64::INFINITY,
        p if p < 0.02425 => tail((-2.0 * p.ln()).sqrt()),
        p if p > 1.0 - 0.02425 => -tail((-2.0 * (1.0 - p).ln()).sqrt()),
        p => {
            let q = p - 0.5;
            let r = q * q;
            polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(minutes: i64, v: impl Fn(i64) -> f64) -> Vec<Sample> {
        (0..minutes).map(|i| Sample { t: i * 60_000, v: v(i) }).collect()
    }

    #[test]
    fn the_disk_is_full_when_the_line_says_so_whatever_a_few_values_say() {
        // 100 GB free, a GB less every minute; every tenth value is nonsense.
        let samples = disk(60, |i| if i % 10 == 3 { 1e6 } else { 100.0 - i as f64 });
        let trend = Trend::of(&samples, 59 * 60_000).unwrap();
        let minutes = trend.until(0.0, 0.5).unwrap() / 60.0;
        assert!((minutes - 41.0).abs() < 0.5, "{minutes}");
        assert!((trend.value(600.0, 0.5) - 31.0).abs() < 0.5);
        assert_eq!(trend.until(1_000.0, 0.5), None);
        assert_eq!(trend.until(41.0, 0.5), Some(0.0));
    }

    #[test]
    fn the_interval_holds_the_truth_and_grows_with_the_noise() {
        let noisy = |amplitude: f64| {
            let noise = move |i: i64| ((i.wrapping_mul(2_654_435_761)) % 1_000) as f64 / 500.0 - 1.0;
            let samples = disk(240, |i| 500.0 - i as f64 + amplitude * noise(i));
            let trend = Trend::of(&samples, 239 * 60_000).unwrap();
            let at = |p| trend.until(0.0, p).unwrap() / 60.0;
            (at(0.05), at(0.5), at(0.95))
        };
        let (earliest, middle, latest) = noisy(30.0);
        assert!(
            earliest < 261.0 && latest > 261.0 && earliest < middle && middle < latest,
            "{earliest} {middle} {latest}"
        );
        let (tight_earliest, _, tight_latest) = noisy(3.0);
        assert!(latest - earliest > 3.0 * (tight_latest - tight_earliest));
    }

    #[test]
    fn the_normal_distribution_has_its_known_quantiles() {
        for (p, z) in [(0.5, 0.0), (0.975, 1.959964), (0.05, -1.644854), (0.001, -3.090232)] {
            assert!((normal_quantile(p) - z).abs() < 1e-5, "{p}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn few_points_make_no_line_and_a_level_one_leads_nowhere() {
        assert_eq!(Trend::of(&disk(5, |_| 1.0), 0), None);
        let level = Trend::of(&disk(100, |_| 7.0), 0).unwrap();
        assert_eq!((level.slope, level.until(8.0, 0.5)), (0.0, None));
    }
}
