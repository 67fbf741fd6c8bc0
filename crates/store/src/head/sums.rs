//! Increments turned into running sums.
//!
//! No state of its own on disk: the sum so far is the series' newest value, which the log already keeps. What is here lives
//! for one group of batches, whose samples are not in the head yet.

use std::collections::HashMap;
use std::sync::Arc;

use watchkeeper_domain::Histogram;
use watchkeeper_domain::histogram::CounterReset;
use watchkeeper_domain::telemetry::{HistogramPoint, Sample, SeriesHistograms, SeriesSamples};

use super::histograms::canonical;
use super::series::Series;

/// From this gap on between the newest sample and the start of an increment, the sum is said once more at the start:
/// otherwise a window that begins within the gap would see one sample, and no increase. In milliseconds.
const GAP_MS: i64 = 1_000;

/// So many buckets a running sum may have; then its resolution is halved, as SDKs do. At the lowest one, the range of
/// floats takes 262.
const BUCKETS: usize = 640;
/// The lowest resolution.
const LOWEST_SCHEMA: i32 = -4;

/// The sums of series that this group has added to, by the series' number.
#[derive(Default)]
pub(crate) struct Sums {
    numbers: HashMap<u32, Sum>,
    histograms: HashMap<u32, (i64, Option<Arc<Histogram>>)>,
}

/// Increments of a histogram that were taken out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Out {
    /// They were counted already.
    pub(crate) counted: usize,
    /// Their buckets do not go with those of the sum.
    pub(crate) unlike: usize,
}

#[derive(Clone, Copy)]
struct Sum {
    /// The newest time in the series.
    t: i64,
    /// Its newest value that is one.
    v: f64,
}

impl Sums {
    /// Replaces increments by the sums that they make. Increments at or before the newest sample are taken out: they were
    /// counted (a sender that got no answer sends again). Returns how many.
    pub(crate) fn add(&mut self, series: &Series, given: &mut SeriesSamples) -> usize {
        let mut sum =
            self.numbers.get(&series.number()).copied().or_else(|| series.newest().map(|(t, v)| Sum { t, v }));
        let known = sum.is_some();
        let mut counted = 0;
        let mut out = Vec::with_capacity(given.samples.len() + 1);
        for (place, increment) in given.samples.iter().enumerate() {
            let v = match sum {
                Some(sum) if increment.t <= sum.t => {
                    counted += 1;
                    continue;
                }
                Some(sum) => {
                    let start = given.start.filter(|start| place == 0 && start.saturating_sub(sum.t) > GAP_MS);
                    out.extend(start.map(|t| Sample { t, v: sum.v }));
                    sum.v + increment.v
                }
                None => increment.v,
            };
            out.push(Sample { t: increment.t, v });
            sum = Some(Sum { t: increment.t, v });
        }
        // A start before what is there already says nothing about the sum.
        if known {
            given.start = None;
        }
        given.samples = out;
        if let Some(sum) = sum {
            self.numbers.insert(series.number(), sum);
        }
        counted
    }

    /// As [`add`](Self::add), for native histograms.
    pub(crate) fn add_native(&mut self, series: &Series, given: &mut SeriesHistograms) -> Out {
        let mut sum = self.histograms.get(&series.number()).cloned().or_else(|| series.newest_native());
        let known = sum.is_some();
        let mut left_out = Out::default();
        let mut out = Vec::with_capacity(given.samples.len() + 1);
        for (place, increment) in given.samples.iter().enumerate() {
            let total = match &sum {
                Some((t, _)) if increment.t <= *t => {
                    left_out.counted += 1;
                    continue;
                }
                Some((t, Some(so_far))) => {
                    let Some(total) = plus(so_far, &increment.histogram) else {
                        left_out.unlike += 1;
                        continue;
                    };
                    let start = given.start.filter(|start| place == 0 && start.saturating_sub(*t) > GAP_MS);
                    out.extend(start.map(|t| HistogramPoint { t, histogram: Arc::clone(so_far) }));
                    total
                }
                Some((_, None)) | None => Arc::clone(&increment.histogram),
            };
            out.push(HistogramPoint { t: increment.t, histogram: Arc::clone(&total) });
            sum = Some((increment.t, Some(total)));
        }
        if known {
            given.start = None;
        }
        given.samples = out;
        if let Some(sum) = sum {
            self.histograms.insert(series.number(), sum);
        }
        left_out
    }
}

/// The sum of two histograms; none where their buckets cannot be brought together, or are too many at any resolution.
fn plus(so_far: &Histogram, increment: &Histogram) -> Option<Arc<Histogram>> {
    let mut total = watchkeeper_promql::added(so_far, increment)?;
    total.reset = CounterReset::Unknown;
    while total.positive.len() + total.negative.len() > BUCKETS && total.schema > LOWEST_SCHEMA {
        let schema = total.schema - 1;
        total = total.coarsened(schema);
    }
    (total.positive.len() + total.negative.len() <= BUCKETS).then(|| canonical(Arc::new(total)))
}
