//! Increments turned into running sums.
//!
//! No state of its own on disk: the sum so far is the series' newest value, which the log already keeps. What is here lives
//! for one group of batches, whose samples are not in the head yet.

use std::collections::HashMap;

use watchkeeper_domain::telemetry::{Sample, SeriesSamples};

use super::series::Series;

/// From this gap on between the newest sample and the start of an increment, the sum is said once more at the start:
/// otherwise a window that begins within the gap would see one sample, and no increase. In milliseconds.
const GAP_MS: i64 = 1_000;

/// The sums of series that this group has added to, by the series' number.
#[derive(Default)]
pub(crate) struct Sums(HashMap<u32, Sum>);

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
        let mut sum = self.0.get(&series.number()).copied().or_else(|| series.newest().map(|(t, v)| Sum { t, v }));
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
            self.0.insert(series.number(), sum);
        }
        counted
    }
}
