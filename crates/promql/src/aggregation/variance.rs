//! `stddev` and `stdvar`, and their siblings over time: the population variance by Welford's method.
//!
//! Not the sample variance (n - 1).

use crate::compensated::Sum;

/// The variance of a group. One infinite or NaN value makes it NaN.
pub(super) fn of_group(values: &[f64]) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for v in values {
        count += 1.0;
        let delta = v - mean;
        mean += delta / count;
        squares += delta * (v - mean);
    }
    squares / count
}

/// The variance of the samples in a window, compensated as Prometheus does it.
pub(crate) fn over_time(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, Sum::default(), Sum::default());
    for v in values {
        count += 1.0;
        let delta = v - (mean.value + mean.compensation);
        mean.add(delta / count);
        squares.add(delta * (v - (mean.value + mean.compensation)));
    }
    (squares.value + squares.compensation) / count
}
