//! Series in memory, for tests.
//!
//! Not a store: it reads all series for each selector.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use watchkeeper_domain::labels::Labels;
use watchkeeper_domain::matcher::Matcher;
use watchkeeper_domain::query::{QueryError, SeriesData, SeriesSource};
use watchkeeper_domain::telemetry::Sample;

/// Series by labels, and how often they were asked for.
pub(crate) struct Memory {
    series: BTreeMap<Labels, Vec<Sample>>,
    selects: AtomicUsize,
}

impl Memory {
    pub(crate) fn new(series: BTreeMap<Labels, Vec<Sample>>) -> Self {
        Self { series, selects: AtomicUsize::new(0) }
    }

    /// How many selectors were fetched so far.
    #[allow(dead_code, reason = "not every test file that includes this one counts")]
    pub(crate) fn selects(&self) -> usize {
        self.selects.load(Ordering::Relaxed)
    }
}

impl SeriesSource for Memory {
    fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesData>, QueryError> {
        self.selects.fetch_add(1, Ordering::Relaxed);
        let fits = self.series.iter().filter(|(labels, _)| matchers.iter().all(|m| m.matches(labels)));
        let cut = fits.map(|(labels, samples)| SeriesData {
            labels: labels.clone(),
            samples: samples.iter().filter(|s| (start_ms..=end_ms).contains(&s.t)).copied().collect(),
        });
        Ok(cut.filter(|s| !s.samples.is_empty()).collect())
    }
}
