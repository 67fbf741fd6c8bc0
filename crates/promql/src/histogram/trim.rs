//! `</` and `>/`: only the observations below or above a value, as far as the buckets tell.
//!
//! Estimates: within a bucket observations are taken to be spread evenly, on a logarithmic scale where the schema is
//! exponential. The sum is estimated anew from the middles of what is left.

use watchkeeper_domain::histogram::{Bucket, Histogram};

/// Which side stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Below,
    Above,
}

/// The observations on one side of `at`.
pub(crate) fn trimmed(h: &Histogram, at: f64, side: Side) -> Histogram {
    let mut out = h.clone();
    let mut left = Left::default();
    let linear = h.has_custom_buckets();
    let (has_negative, has_positive) =
        (h.negative.iter().any(|b| b.count != 0.0), h.positive.iter().any(|b| b.count != 0.0));
    for (slot, count) in out.positive.iter_mut().zip(&h.positive) {
        slot.count = left.part(h.positive_bucket(count), at, side, Scale { linear, positive: true });
    }
    for (slot, count) in out.negative.iter_mut().zip(&h.negative) {
        slot.count = left.part(h.negative_bucket(count), at, side, Scale { linear, positive: false });
    }
    if h.zero_count > 0.0 {
        let mut zero = h.zero_bucket();
        // Where there is nothing on one side of zero, the zero bucket has nothing there either.
        if has_negative && !has_positive {
            zero.upper = 0.0;
        }
        if has_positive && !has_negative {
            zero.lower = 0.0;
        }
        out.zero_count = left.zero(zero, at, side);
    }
    if !left.changed {
        return h.clone();
    }
    (out.count, out.sum) = (left.count, left.sum);
    out.compact()
}

/// How values lie within a bucket.
#[derive(Debug, Clone, Copy)]
struct Scale {
    linear: bool,
    positive: bool,
}

#[derive(Debug, Default)]
struct Left {
    count: f64,
    sum: f64,
    changed: bool,
}

impl Left {
    fn keep(&mut self, of: f64, kept: f64, middle: f64) -> f64 {
        self.changed |= kept.total_cmp(&of).is_ne();
        self.count += kept;
        self.sum += middle * kept;
        kept
    }

    fn part(&mut self, bucket: Bucket, at: f64, side: Side, scale: Scale) -> f64 {
        if bucket.count == 0.0 {
            return 0.0;
        }
        let (whole, cut) = match side {
            Side::Below => (bucket.upper <= at, bucket.lower < at),
            Side::Above => (bucket.lower >= at, bucket.upper > at),
        };
        if whole {
            return self.keep(bucket.count, bucket.count, middle(bucket.lower, bucket.upper, scale));
        }
        if !cut {
            return self.keep(bucket.count, 0.0, 0.0);
        }
        if bucket.lower.is_infinite() || bucket.upper.is_infinite() {
            let (kept, middle) = open_ended(bucket, at, side);
            return self.keep(bucket.count, kept, middle);
        }
        let below = bucket.count * share_below(bucket, at, scale);
        match side {
            Side::Below => self.keep(bucket.count, below, middle(bucket.lower, at, scale)),
            Side::Above => self.keep(bucket.count, bucket.count - below, middle(at, bucket.upper, scale)),
        }
    }

    fn zero(&mut self, zero: Bucket, at: f64, side: Side) -> f64 {
        let center = |lower: f64, upper: f64| f64::midpoint(lower, upper);
        let (share, middle) = match side {
            Side::Below if at <= zero.lower => (0.0, 0.0),
            Side::Above if at >= zero.upper => (0.0, 0.0),
            Side::Below if at >= zero.upper => (1.0, center(zero.lower, zero.upper)),
            Side::Above if at <= zero.lower => (1.0, center(zero.lower, zero.upper)),
            Side::Below => ((at - zero.lower) / (zero.upper - zero.lower), center(zero.lower, at)),
            Side::Above => ((zero.upper - at) / (zero.upper - zero.lower), center(at, zero.upper)),
        };
        self.keep(zero.count, zero.count * share, middle)
    }
}

/// The share of a bucket with finite bounds that lies below a value inside of it.
pub(super) fn share_below_on(bucket: Bucket, at: f64, linear: bool) -> f64 {
    share_below(bucket, at, Scale { linear, positive: at > 0.0 })
}

fn share_below(bucket: Bucket, at: f64, scale: Scale) -> f64 {
    if scale.linear {
        return (at - bucket.lower) / (bucket.upper - bucket.lower);
    }
    let (lower, upper, at) = (bucket.lower.abs().log2(), bucket.upper.abs().log2(), at.abs().log2());
    if scale.positive { (at - lower) / (upper - lower) } else { 1.0 - (at - upper) / (lower - upper) }
}

fn middle(lower: f64, upper: f64, scale: Scale) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) if scale.linear => f64::midpoint(lower, upper),
        (false, false) => {
            let mean = (lower * upper).abs().sqrt();
            if scale.positive { mean } else { -mean }
        }
    }
}

/// A bucket without an end: nothing is known about where its observations lie, so what cannot be told is left out.
fn open_ended(bucket: Bucket, at: f64, side: Side) -> (f64, f64) {
    let finite = |v: f64| if v.is_infinite() { 0.0 } else { v };
    if bucket.lower == f64::NEG_INFINITY {
        let ends_above_zero = bucket.upper > 0.0 && bucket.upper.is_finite();
        return match side {
            Side::Below if at >= bucket.upper => (bucket.count, 0.0),
            // The first custom bucket is taken to begin at zero.
            Side::Below if at > 0.0 && ends_above_zero => (bucket.count * at / bucket.upper, at / 2.0),
            Side::Below if bucket.upper <= 0.0 => (bucket.count, at),
            Side::Above if at <= bucket.lower => (bucket.count, 0.0),
            Side::Above if at >= 0.0 && bucket.upper > at && bucket.upper.is_finite() => {
                (bucket.count * (1.0 - at / bucket.upper), f64::midpoint(at, bucket.upper))
            }
            Side::Below | Side::Above => (0.0, finite(bucket.upper)),
        };
    }
    match side {
        Side::Above if at >= bucket.lower => (bucket.count, at),
        Side::Above | Side::Below => (0.0, finite(bucket.lower)),
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_domain::histogram::BucketCount;

    use super::*;

    fn histogram(positive: &[(i32, f64)]) -> Histogram {
        let positive: Vec<_> =
            positive.iter().map(|(index, count)| BucketCount { index: *index, count: *count }).collect();
        let count = positive.iter().map(|b| b.count).sum();
        Histogram { count, sum: 1.0, positive, ..Histogram::default() }
    }

    #[test]
    fn whole_buckets_stay_or_go_and_split_ones_are_shared_on_a_logarithmic_scale() {
        let h = histogram(&[(1, 4.0), (2, 6.0)]);
        let below = trimmed(&h, 8.0_f64.sqrt(), Side::Below);
        assert_eq!((below.count, below.positive.len()), (7.0, 2));
        let above = trimmed(&h, 2.0, Side::Above);
        assert_eq!((above.count, above.sum), (6.0, 6.0 * 8.0_f64.sqrt()));
        assert_eq!(trimmed(&h, 100.0, Side::Below), h);
    }

    #[test]
    fn the_zero_bucket_is_one_sided_where_the_histogram_is() {
        let mut h = histogram(&[(2, 6.0)]);
        (h.zero_threshold, h.zero_count) = (1.0, 10.0);
        assert_eq!(trimmed(&h, 0.5, Side::Below).zero_count, 5.0);
        assert_eq!(trimmed(&h, -0.5, Side::Above).zero_count, 10.0);
    }
}
