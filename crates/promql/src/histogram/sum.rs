//! Sums of native histograms, each count compensated like a sum of numbers.
//!
//! Histograms of unlike layout are brought to the coarser one: the lower schema, the wider zero bucket, the common
//! custom bounds.

use std::sync::Arc;

use watchkeeper_domain::histogram::{BucketCount, CounterReset, Histogram, exponential_bound};

use super::{Incompatible, Reconciled};
use crate::compensated::Sum;

type Buckets = Vec<(i32, Sum)>;

/// A running sum.
#[derive(Debug, Clone)]
pub(crate) struct HistogramSum {
    reset: CounterReset,
    schema: i32,
    zero_threshold: f64,
    zero_count: Sum,
    count: Sum,
    sum: Sum,
    positive: Buckets,
    negative: Buckets,
    bounds: Arc<[f64]>,
}

fn start(value: f64) -> Sum {
    Sum { value, compensation: 0.0 }
}

impl From<&Histogram> for HistogramSum {
    fn from(h: &Histogram) -> Self {
        let sums = |buckets: &[BucketCount]| buckets.iter().map(|b| (b.index, start(b.count))).collect();
        Self {
            reset: h.reset,
            schema: h.schema,
            zero_threshold: h.zero_threshold,
            zero_count: start(h.zero_count),
            count: start(h.count),
            sum: start(h.sum),
            positive: sums(&h.positive),
            negative: sums(&h.negative),
            bounds: Arc::clone(&h.bounds),
        }
    }
}

impl HistogramSum {
    /// Adds a histogram, or takes it away where `sign` is -1.
    pub(crate) fn add(&mut self, other: &Histogram, sign: f64) -> Result<Reconciled, Incompatible> {
        let custom = self.schema == watchkeeper_domain::histogram::CUSTOM_BUCKETS;
        if custom != other.has_custom_buckets() {
            return Err(Incompatible);
        }
        let mut reconciled = Reconciled {
            conflicting_resets: self.meet_reset(other.reset),
            bounds: custom && self.bounds != other.bounds,
        };
        let mut other = Self::from(other);
        if custom {
            if reconciled.bounds {
                let common = common_bounds(&self.bounds, &other.bounds);
                self.rebound(&common);
                other.rebound(&common);
            }
        } else {
            let schema = self.schema.min(other.schema);
            self.coarsen(schema);
            other.coarsen(schema);
            while self.zero_threshold.total_cmp(&other.zero_threshold).is_ne() {
                let wider = self.zero_threshold.max(other.zero_threshold);
                if wider.is_nan() {
                    return Err(Incompatible);
                }
                self.widen_zero(wider);
                other.widen_zero(self.zero_threshold);
            }
            plus(&mut self.zero_count, other.zero_count, sign);
        }
        plus(&mut self.count, other.count, sign);
        plus(&mut self.sum, other.sum, sign);
        merge(&mut self.positive, &other.positive, sign);
        merge(&mut self.negative, &other.negative, sign);
        reconciled.bounds &= custom;
        Ok(reconciled)
    }

    /// Multiplies all counts.
    pub(crate) fn scale(&mut self, factor: f64) {
        let counts = self.positive.iter_mut().chain(&mut self.negative).map(|(_, count)| count);
        for sum in counts.chain([&mut self.zero_count, &mut self.count, &mut self.sum]) {
            sum.value *= factor;
            sum.compensation *= factor;
        }
    }

    /// Whether a count is beyond the range of floats.
    pub(crate) fn overflows(&self) -> bool {
        let counts = self.positive.iter().chain(&self.negative).map(|(_, count)| count);
        counts.chain([&self.zero_count, &self.count, &self.sum]).any(|sum| sum.value.is_infinite())
    }

    /// The sum as a histogram.
    pub(crate) fn total(&self) -> Histogram {
        let counts = |buckets: &Buckets| {
            buckets.iter().map(|(index, count)| BucketCount { index: *index, count: count.total() }).collect()
        };
        Histogram {
            reset: self.reset,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count.total(),
            count: self.count.total(),
            sum: self.sum.total(),
            positive: counts(&self.positive),
            negative: counts(&self.negative),
            bounds: Arc::clone(&self.bounds),
        }
    }

    /// What is known about restarts of a sum. Says whether its parts contradict each other.
    fn meet_reset(&mut self, other: CounterReset) -> bool {
        let (own, conflict) = match (self.reset, other) {
            (CounterReset::Gauge, _) | (_, CounterReset::Gauge) => (CounterReset::Gauge, false),
            (a, b) if a == b => (a, false),
            (CounterReset::Unknown, _) | (_, CounterReset::Unknown) => (CounterReset::Unknown, false),
            _ => (CounterReset::Unknown, true),
        };
        self.reset = own;
        conflict
    }

    /// Brings an exponential histogram to a lower resolution.
    pub(super) fn coarsen(&mut self, schema: i32) {
        let steps = self.schema.saturating_sub(schema);
        if steps <= 0 {
            return;
        }
        for buckets in [&mut self.positive, &mut self.negative] {
            regroup(buckets, |index| (index.saturating_sub(1) >> steps.min(31)) + 1);
        }
        self.schema = schema;
    }

    /// Widens the zero bucket to at least `threshold`, to the end of a bucket with observations that this would split.
    pub(super) fn widen_zero(&mut self, threshold: f64) {
        let mut threshold = threshold;
        if threshold <= self.zero_threshold {
            return;
        }
        let bounds = |index: i32| {
            (exponential_bound(index.saturating_sub(1), self.schema), exponential_bound(index, self.schema))
        };
        // A bucket that is split widens the zero bucket, which may split one of the other side.
        loop {
            let before = threshold;
            for (index, count) in self.positive.iter().chain(&self.negative) {
                let (lower, upper) = bounds(*index);
                if lower < threshold && upper > threshold && count.total() != 0.0 {
                    threshold = upper;
                }
            }
            if threshold.total_cmp(&before).is_eq() {
                break;
            }
        }
        let schema = self.schema;
        for buckets in [&mut self.positive, &mut self.negative] {
            let inside = |index: i32| exponential_bound(index.saturating_sub(1), schema) < threshold;
            for (_, count) in buckets.iter().filter(|(index, _)| inside(*index)) {
                plus(&mut self.zero_count, *count, 1.0);
            }
            buckets.retain(|(index, _)| !inside(*index));
        }
        self.zero_threshold = threshold;
    }

    /// The count of the zero bucket and how far it reaches.
    pub(super) fn zero(&self) -> (f64, f64) {
        (self.zero_count.total(), self.zero_threshold)
    }

    /// Brings a histogram with custom buckets to fewer bounds.
    pub(super) fn rebound(&mut self, bounds: &Arc<[f64]>) {
        let old = Arc::clone(&self.bounds);
        regroup(&mut self.positive, |index| {
            let upper = usize::try_from(index).ok().and_then(|at| old.get(at)).copied().unwrap_or(f64::INFINITY);
            i32::try_from(bounds.partition_point(|bound| *bound < upper)).unwrap_or(i32::MAX)
        });
        self.bounds = Arc::clone(bounds);
    }
}

/// The bounds that both have.
pub(super) fn common_bounds(a: &[f64], b: &[f64]) -> Arc<[f64]> {
    a.iter().filter(|bound| b.contains(bound)).copied().collect()
}

fn plus(sum: &mut Sum, addend: Sum, sign: f64) {
    sum.add(sign * addend.value);
    if addend.compensation != 0.0 {
        sum.add(sign * addend.compensation);
    }
}

/// Gives buckets new indices, which must not change their order, and adds up those that share one.
fn regroup(buckets: &mut Buckets, index: impl Fn(i32) -> i32) {
    let mut out: Buckets = Vec::with_capacity(buckets.len());
    for (old, count) in buckets.drain(..) {
        let new = index(old);
        match out.last_mut() {
            Some((last, sum)) if *last == new => plus(sum, count, 1.0),
            _ => out.push((new, count)),
        }
    }
    *buckets = out;
}

fn merge(into: &mut Buckets, from: &Buckets, sign: f64) {
    let mut out: Buckets = Vec::with_capacity(into.len().max(from.len()));
    let (mut left, mut right) = (into.drain(..).peekable(), from.iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (Some((a, _)), Some((b, _))) if a == b => {
                if let (Some((index, mut sum)), Some((_, addend))) = (left.next(), right.next()) {
                    plus(&mut sum, *addend, sign);
                    out.push((index, sum));
                }
            }
            (Some((a, _)), Some((b, _))) if a < b => out.extend(left.next()),
            (Some(_), None) => out.extend(left.next()),
            (_, Some((index, addend))) => {
                let addend = Sum { value: sign * addend.value, compensation: sign * addend.compensation };
                out.push((*index, addend));
                right.next();
            }
            (None, None) => break,
        }
    }
    drop(left);
    *into = out;
}

/// The mean of some histograms. It goes on with a running mean where the sum would overflow.
#[derive(Debug, Clone)]
pub(crate) struct HistogramMean {
    sum: HistogramSum,
    count: f64,
    running: bool,
}

impl From<&Histogram> for HistogramMean {
    fn from(h: &Histogram) -> Self {
        Self { sum: HistogramSum::from(h), count: 1.0, running: false }
    }
}

impl HistogramMean {
    pub(crate) fn add(&mut self, h: &Histogram) -> Result<Reconciled, Incompatible> {
        self.count += 1.0;
        if !self.running {
            let mut next = self.sum.clone();
            let reconciled = next.add(h, 1.0)?;
            if !next.overflows() {
                self.sum = next;
                return Ok(reconciled);
            }
            self.running = true;
            self.sum.scale(1.0 / (self.count - 1.0));
        }
        self.sum.scale((self.count - 1.0) / self.count);
        self.sum.add(&super::divided(h, self.count), 1.0)
    }

    pub(crate) fn mean(&self) -> Histogram {
        if self.running { self.sum.total() } else { super::divided(&self.sum.total(), self.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::combine;
    use super::*;

    fn histogram(schema: i32, positive: &[(i32, f64)]) -> Histogram {
        let positive: Vec<_> =
            positive.iter().map(|(index, count)| BucketCount { index: *index, count: *count }).collect();
        let count = positive.iter().map(|b| b.count).sum();
        Histogram { schema, count, positive, ..Histogram::default() }
    }

    fn shown(h: &Histogram) -> Vec<(i32, f64)> {
        h.positive.iter().map(|b| (b.index, b.count)).collect()
    }

    #[test]
    fn the_coarser_schema_wins() {
        let (sum, _) =
            combine(&histogram(1, &[(1, 1.0), (2, 2.0), (3, 4.0)]), &histogram(0, &[(1, 10.0)]), 1.0).unwrap();
        assert_eq!((sum.schema, shown(&sum)), (0, vec![(1, 13.0), (2, 4.0)]));
    }

    #[test]
    fn the_wider_zero_bucket_takes_the_buckets_that_it_touches() {
        let mut wide = histogram(0, &[(2, 1.0)]);
        (wide.zero_threshold, wide.zero_count) = (0.75, 3.0);
        let (sum, _) = combine(&wide, &histogram(0, &[(0, 5.0), (1, 7.0)]), 1.0).unwrap();
        assert_eq!((sum.zero_threshold, sum.zero_count), (1.0, 8.0));
        assert_eq!(shown(&sum), vec![(1, 7.0), (2, 1.0)]);
    }

    #[test]
    fn custom_buckets_meet_at_their_common_bounds() {
        let custom = |bounds: &[f64], positive: &[(i32, f64)]| Histogram {
            bounds: bounds.into(),
            ..histogram(watchkeeper_domain::histogram::CUSTOM_BUCKETS, positive)
        };
        let a = custom(&[1.0, 2.0, 4.0], &[(0, 1.0), (1, 2.0), (3, 3.0)]);
        let b = custom(&[2.0, 3.0, 4.0], &[(0, 10.0), (1, 20.0)]);
        let (sum, reconciled) = combine(&a, &b, 1.0).unwrap();
        assert!(reconciled.bounds);
        assert_eq!((&*sum.bounds, shown(&sum)), (&[2.0, 4.0][..], vec![(0, 13.0), (1, 20.0), (2, 3.0)]));
        assert_eq!(combine(&a, &histogram(0, &[]), 1.0).unwrap_err(), Incompatible);
    }

    #[test]
    fn means_of_huge_counts_do_not_overflow() {
        let huge = histogram(0, &[(0, 1.7e308)]);
        let mut mean = HistogramMean::from(&huge);
        mean.add(&huge).unwrap();
        mean.add(&huge).unwrap();
        let near = mean.mean().positive[0].count / 1.7e308;
        assert!((near - 1.0).abs() < 1e-12, "{near}");
    }
}
