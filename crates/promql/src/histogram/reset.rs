//! Whether a counter that is a native histogram restarted between two samples.
//!
//! Not what follows from it: `rate` and `resets` decide that.

use std::sync::Arc;

use watchkeeper_domain::histogram::{CounterReset, Histogram};
use watchkeeper_domain::query::HistogramSample;
use watchkeeper_domain::telemetry::is_stale;

use super::sum::{HistogramSum, common_bounds};

/// Finds out about restarts between neighbours, where the samples do not tell themselves.
pub(crate) fn tell(samples: &mut [HistogramSample]) {
    let mut previous: Option<Arc<Histogram>> = None;
    for sample in samples.iter_mut().filter(|s| !is_stale(s.histogram.sum)) {
        let current = Arc::clone(&sample.histogram);
        if let (Some(previous), CounterReset::Unknown) = (&previous, current.reset) {
            let reset = if restarted(&current, previous) { CounterReset::Reset } else { CounterReset::NotReset };
            sample.histogram = Arc::new(Histogram { reset, ..Histogram::clone(&current) });
        }
        previous = Some(current);
    }
}

/// Whether `current` follows `previous` only after a restart: some count is less than before, or the layout became
/// finer, which only a new process can do. What the sample itself says about it counts first.
#[expect(clippy::float_cmp, reason = "thresholds are compared with themselves")]
pub(crate) fn restarted(current: &Histogram, previous: &Histogram) -> bool {
    match current.reset {
        CounterReset::Reset => return true,
        CounterReset::NotReset => return false,
        CounterReset::Unknown | CounterReset::Gauge => {}
    }
    if current.count < previous.count {
        return true;
    }
    if current.has_custom_buckets() {
        if !previous.has_custom_buckets() {
            return true;
        }
        return custom_restarted(current, previous);
    }
    if current.schema > previous.schema || current.zero_threshold < previous.zero_threshold {
        return true;
    }
    if previous.has_custom_buckets() {
        return true;
    }
    let mut before = HistogramSum::from(previous);
    before.widen_zero(current.zero_threshold);
    let (zero_count, threshold) = before.zero();
    if threshold != current.zero_threshold || current.zero_count < zero_count {
        return true;
    }
    before.coarsen(current.schema);
    lessened(current, &before.total())
}

fn custom_restarted(current: &Histogram, previous: &Histogram) -> bool {
    if current.bounds == previous.bounds {
        return lessened(current, previous);
    }
    let common: Arc<[f64]> = common_bounds(&current.bounds, &previous.bounds);
    let at_common = |h: &Histogram| {
        let mut sum = HistogramSum::from(h);
        sum.rebound(&common);
        sum.total()
    };
    lessened(&at_common(current), &at_common(previous))
}

/// Whether a bucket holds less than before, or is gone.
fn lessened(current: &Histogram, previous: &Histogram) -> bool {
    [(&current.positive, &previous.positive), (&current.negative, &previous.negative)].into_iter().any(
        |(now, before)| {
            before.iter().any(|bucket| {
                let found = now.binary_search_by_key(&bucket.index, |b| b.index).ok().and_then(|at| now.get(at));
                found.map_or(0.0, |b| b.count) < bucket.count
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use watchkeeper_domain::histogram::BucketCount;

    use super::*;

    fn histogram(schema: i32, positive: &[(i32, f64)]) -> Histogram {
        let positive: Vec<_> =
            positive.iter().map(|(index, count)| BucketCount { index: *index, count: *count }).collect();
        let count = positive.iter().map(|b| b.count).sum();
        Histogram { schema, count, positive, ..Histogram::default() }
    }

    #[test]
    fn less_in_any_bucket_or_a_finer_layout_is_a_restart() {
        let before = histogram(0, &[(0, 1.0), (2, 5.0)]);
        assert!(!restarted(&histogram(0, &[(0, 1.0), (1, 1.0), (2, 5.0)]), &before));
        assert!(restarted(&histogram(0, &[(0, 9.0), (2, 4.0)]), &before));
        assert!(restarted(&histogram(0, &[(0, 9.0)]), &before));
        assert!(restarted(&histogram(1, &[(0, 1.0), (2, 5.0)]), &before));
        assert!(!restarted(&histogram(-1, &[(0, 1.0), (1, 5.0)]), &before));
    }

    #[test]
    fn what_the_sample_says_counts_first() {
        let before = histogram(0, &[(0, 5.0)]);
        let told = |reset, count| Histogram { reset, ..histogram(0, &[(0, count)]) };
        assert!(restarted(&told(CounterReset::Reset, 9.0), &before));
        assert!(!restarted(&told(CounterReset::NotReset, 1.0), &before));
        assert!(restarted(&told(CounterReset::Gauge, 1.0), &before));
    }
}
