//! What PromQL does with native histograms: sums, restarts, quantiles, trimming.
//!
//! Not the type, which is `domain::histogram`, and not the functions that use this: those are in `function`.

pub(crate) mod distribution;
pub(crate) mod reset;
pub(crate) mod sum;
pub(crate) mod trim;

use watchkeeper_domain::histogram::Histogram;

/// Two histograms of which only one has custom buckets cannot be brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Incompatible;

/// What had to be done to bring two histograms together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reconciled {
    /// One said that the counter restarted, the other that it did not.
    pub(crate) conflicting_resets: bool,
    /// Their custom bounds differ, so that only the common ones are left.
    pub(crate) bounds: bool,
}

impl std::ops::BitOrAssign for Reconciled {
    fn bitor_assign(&mut self, other: Self) {
        self.conflicting_resets |= other.conflicting_resets;
        self.bounds |= other.bounds;
    }
}

/// `a + b`, or `a - b` where `sign` is -1.
pub(crate) fn combine(a: &Histogram, b: &Histogram, sign: f64) -> Result<(Histogram, Reconciled), Incompatible> {
    let mut sum = sum::HistogramSum::from(a);
    let reconciled = sum.add(b, sign)?;
    Ok((sum.total(), reconciled))
}

/// The sum of two histograms, at the lower of their resolutions and with the wider of their zero buckets; `None` where
/// only one has custom buckets.
#[must_use]
pub fn added(a: &Histogram, b: &Histogram) -> Option<Histogram> {
    combine(a, b, 1.0).ok().map(|(sum, _)| sum)
}

/// A histogram times a number. Less than nothing can be no counter.
pub(crate) fn scaled(h: &Histogram, factor: f64) -> Histogram {
    mapped(h, factor < 0.0, |v| v * factor)
}

/// A histogram through a number. Through zero it has no buckets any more.
pub(crate) fn divided(h: &Histogram, divisor: f64) -> Histogram {
    let mut out = mapped(h, divisor < 0.0, |v| v / divisor);
    if divisor == 0.0 {
        out.positive.clear();
        out.negative.clear();
    }
    out
}

fn mapped(h: &Histogram, becomes_gauge: bool, f: impl Fn(f64) -> f64) -> Histogram {
    let mut out = h.clone();
    (out.count, out.sum, out.zero_count) = (f(h.count), f(h.sum), f(h.zero_count));
    out.positive.iter_mut().chain(&mut out.negative).for_each(|b| b.count = f(b.count));
    if becomes_gauge {
        out.reset = watchkeeper_domain::histogram::CounterReset::Gauge;
    }
    out
}

/// Whether two histograms are the same but for what is known about restarts and for empty buckets.
#[expect(clippy::float_cmp, reason = "PromQL's == compares exactly")]
pub(crate) fn equal(a: &Histogram, b: &Histogram) -> bool {
    let filled = |buckets: &[watchkeeper_domain::histogram::BucketCount]| -> Vec<(i32, f64)> {
        buckets.iter().filter(|b| b.count != 0.0).map(|b| (b.index, b.count)).collect()
    };
    a.schema == b.schema
        && a.zero_threshold == b.zero_threshold
        && a.zero_count == b.zero_count
        && a.count == b.count
        && (a.sum == b.sum || a.sum.is_nan() && b.sum.is_nan())
        && a.bounds == b.bounds
        && filled(&a.positive) == filled(&b.positive)
        && filled(&a.negative) == filled(&b.negative)
}
