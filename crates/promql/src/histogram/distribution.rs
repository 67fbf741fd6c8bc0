//! What a native histogram tells about its observations: quantiles, shares, spread.
//!
//! Estimates, no better than the buckets. Within a bucket observations are taken to be spread evenly: on a logarithmic
//! scale where the schema is exponential, on a linear one in the zero bucket and in custom buckets.

use watchkeeper_domain::histogram::{Bucket, Histogram};

use super::trim::share_below_on;
use crate::compensated::Sum;

/// What there is to remark about observations that are NaN, which no bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skew {
    None,
    /// The quantile lies among them.
    Nan,
    /// They shift the answer.
    Skewed,
}

/// The φ-quantile.
pub(crate) fn quantile(phi: f64, h: &Histogram) -> (f64, Skew) {
    let sure = |v: f64| (v, Skew::None);
    if phi < 0.0 {
        return sure(f64::NEG_INFINITY);
    }
    if phi > 1.0 {
        return sure(f64::INFINITY);
    }
    if h.count == 0.0 || phi.is_nan() {
        return sure(f64::NAN);
    }
    let buckets = h.buckets();
    // From the nearer end, so that less is added up. NaN observations count, but lie above all buckets.
    let from_below = h.sum.is_nan() || phi < 0.5;
    let ordered: Vec<Bucket> = if from_below { buckets } else { buckets.into_iter().rev().collect() };
    let rank = if from_below { phi * h.count } else { (1.0 - phi) * h.count };
    let mut seen = 0.0;
    let mut at = 0;
    for (i, bucket) in ordered.iter().enumerate() {
        at = i;
        seen += bucket.count;
        if bucket.count != 0.0 && seen >= rank {
            break;
        }
    }
    let Some(mut bucket) = ordered.get(at).copied() else { return sure(f64::NAN) };
    if h.has_custom_buckets() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return sure(bucket.upper);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return sure(bucket.lower);
        }
    } else {
        bucket = one_sided(h, bucket);
    }
    let total = seen.min(h.count);
    if total < rank {
        return if h.sum.is_nan() { (f64::NAN, Skew::Nan) } else { sure(bucket.upper) };
    }
    let rank_inside = if from_below { rank - (total - bucket.count) } else { total - rank };
    let rest: f64 = ordered.iter().skip(at + 1).map(|b| b.count).sum();
    let skew = if h.sum.is_nan() && total + rest < h.count { Skew::Skewed } else { Skew::None };
    let share = rank_inside / bucket.count;
    if h.has_custom_buckets() || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
        return (bucket.lower + (bucket.upper - bucket.lower) * share, skew);
    }
    let (low, high) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
    let value = if bucket.lower > 0.0 {
        (low + (high - low) * share).exp2()
    } else {
        -(high + (low - high) * (1.0 - share)).exp2()
    };
    (value, skew)
}

/// The zero bucket of a histogram that has observations on one side of zero only begins or ends there.
fn one_sided(h: &Histogram, mut bucket: Bucket) -> Bucket {
    if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
        if h.negative.is_empty() && !h.positive.is_empty() {
            bucket.lower = 0.0;
        } else if h.positive.is_empty() && !h.negative.is_empty() {
            bucket.upper = 0.0;
        }
    }
    bucket
}

/// The share of observations between two values.
pub(crate) fn fraction(lower: f64, upper: f64, h: &Histogram) -> (f64, Skew) {
    if h.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, Skew::None);
    }
    if lower >= upper {
        return (0.0, Skew::None);
    }
    let buckets = h.buckets();
    let in_buckets: f64 = buckets.iter().map(|b| b.count).sum();
    let (count, skew) = if h.sum.is_nan() {
        (in_buckets, if in_buckets < h.count { Skew::Skewed } else { Skew::None })
    } else {
        (h.count, Skew::None)
    };
    let below = |v: f64| rank(v, &buckets, h).unwrap_or(count).min(count);
    ((below(upper) - below(lower)) / h.count, skew)
}

/// How many observations are below `v`; nothing where all buckets are.
fn rank(v: f64, buckets: &[Bucket], h: &Histogram) -> Option<f64> {
    let mut below = 0.0;
    for bucket in buckets {
        let around_zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
        let bucket = one_sided(h, *bucket);
        if bucket.lower >= v {
            return Some(below);
        }
        if bucket.upper > v {
            // Without a lower end nothing is known about the inside of a bucket, so all of it counts.
            let inside = if bucket.lower == f64::NEG_INFINITY {
                1.0
            } else if bucket.upper == f64::INFINITY {
                0.0
            } else {
                share_below_on(bucket, v, h.has_custom_buckets() || around_zero)
            };
            return Some(below + bucket.count * inside);
        }
        below += bucket.count;
    }
    None
}

/// The population variance, with all observations of a bucket at its middle.
pub(crate) fn variance(h: &Histogram) -> f64 {
    let mean = h.sum / h.count;
    let mut sum = Sum::default();
    for bucket in h.buckets().iter().filter(|b| b.count != 0.0) {
        let middle = if h.has_custom_buckets() {
            f64::midpoint(bucket.upper, bucket.lower)
        } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            0.0
        } else {
            let mean = (bucket.upper * bucket.lower).sqrt();
            if bucket.upper < 0.0 { -mean } else { mean }
        };
        let distance = middle - mean;
        sum.add(bucket.count * distance * distance);
    }
    (sum.value + sum.compensation) / h.count
}
