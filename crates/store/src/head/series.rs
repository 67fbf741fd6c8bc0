//! One series: its labels and its chunks, in order of time and without overlap.
//!
//! Not the decision where a sample comes from or goes to; only where it fits.

use parking_lot::Mutex;
use watchkeeper_domain::histogram::{CounterReset, Histogram};
use watchkeeper_domain::query::SeriesPoints;
use watchkeeper_domain::telemetry::{HistogramPoint, Sample, is_stale};
use watchkeeper_domain::{Labels, query};

use super::chunk::Chunk;
use super::histograms::{self, HistogramChunk};

/// Samples in a chunk before the next is begun.
const CHUNK_SAMPLES: usize = 120;
/// Samples in a chunk into which late ones were put, before it is split.
const SPLIT_SAMPLES: usize = 240;
/// How far before the first sample of a new counter its start may lie to become a zero: a counter that has run for longer
/// would show all of it as one step.
const START_WITHIN_MS: i64 = 5 * 60_000;

/// A series in memory.
pub(crate) struct Series {
    number: u32,
    labels: Labels,
    chunks: Mutex<Chunks>,
}

/// Numbers and native histograms, each in order of time. A moment has one of both.
#[derive(Default)]
struct Chunks {
    numbers: Vec<Chunk>,
    histograms: Vec<HistogramChunk>,
}

/// What became of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    /// Kept, or there already with the same value.
    pub(crate) kept: usize,
    /// Too old.
    pub(crate) old: usize,
    /// There already with another value.
    pub(crate) contradicting: usize,
}

enum Placed {
    Added,
    There,
    Old,
    Contradicts,
}

impl Series {
    pub(crate) fn new(number: u32, labels: Labels) -> Self {
        Self { number, labels, chunks: Mutex::default() }
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Adds samples, and says how many more there are now.
    pub(crate) fn append(&self, samples: &[Sample], start: Option<i64>, window_ms: i64) -> (Outcome, usize) {
        let mut chunks = self.chunks.lock();
        let zero = samples.first().and_then(|first| chunks.began_again(first.t, start)).map(|t| Sample { t, v: 0.0 });
        let begun = zero.map_or(0, |zero| usize::from(matches!(chunks.place(zero, window_ms), Placed::Added)));
        let (outcome, added) = Outcome::of(samples.iter().map(|sample| chunks.place(*sample, window_ms)));
        (outcome, added + begun)
    }

    /// As [`append`](Self::append), for native histograms as [`histograms::canonical`] leaves them.
    pub(crate) fn append_native(
        &self,
        points: &[HistogramPoint],
        start: Option<i64>,
        window_ms: i64,
    ) -> (Outcome, usize) {
        let mut chunks = self.chunks.lock();
        let zero = points.first().filter(|p| p.histogram.reset != CounterReset::Gauge).and_then(|first| {
            let t = chunks.began_again(first.t, start)?;
            Some(HistogramPoint { t, histogram: nothing_of(&first.histogram).into() })
        });
        let begun = zero.map_or(0, |zero| usize::from(matches!(chunks.place_native(&zero, window_ms), Placed::Added)));
        let (outcome, added) = Outcome::of(points.iter().map(|point| chunks.place_native(point, window_ms)));
        (outcome, added + begun)
    }

    /// The newest time, and the newest value that is a number and no stale marker (zero when there is none).
    pub(crate) fn newest(&self) -> Option<(i64, f64)> {
        let chunks = self.chunks.lock();
        let t = chunks.newest()?;
        let last_value = |chunk: &Chunk| {
            let newest = Some(chunk.newest()).filter(|v| !is_stale(*v));
            newest.or_else(|| chunk.iter().filter(|s| !is_stale(s.v)).last().map(|s| s.v))
        };
        Some((t, chunks.numbers.iter().rev().find_map(last_value).unwrap_or(0.0)))
    }

    /// The newest time, and the newest native histogram that is no stale marker.
    pub(crate) fn newest_native(&self) -> Option<(i64, Option<std::sync::Arc<Histogram>>)> {
        let chunks = self.chunks.lock();
        let t = chunks.newest()?;
        Some((t, chunks.histograms.iter().rev().find_map(HistogramChunk::newest)))
    }

    /// Numbers in the window, both ends included.
    pub(crate) fn read(&self, start: i64, end: i64) -> Vec<Sample> {
        self.chunks.lock().numbers(start, end)
    }

    /// Numbers and native histograms in the window, both ends included.
    pub(crate) fn points(&self, start: i64, end: i64) -> SeriesPoints {
        let chunks = self.chunks.lock();
        SeriesPoints {
            labels: self.labels.clone(),
            samples: chunks.numbers(start, end),
            starts: Vec::new(),
            histograms: chunks.histograms(start, end),
        }
    }

    /// Whether a chunk reaches into the window.
    pub(crate) fn overlaps(&self, start: i64, end: i64) -> bool {
        let chunks = self.chunks.lock();
        chunks.numbers.iter().any(|c| c.first() <= end && c.last() >= start)
            || chunks.histograms.iter().any(|c| c.first() <= end && c.last() >= start)
    }

    /// Drops chunks that end before the cutoff. Says how many samples went, and whether any are left.
    pub(crate) fn drop_before(&self, cutoff: i64) -> (usize, bool) {
        let mut chunks = self.chunks.lock();
        let numbers = chunks.numbers.iter().take_while(|c| c.last() < cutoff).count();
        let native = chunks.histograms.iter().take_while(|c| c.last() < cutoff).count();
        let samples = chunks.numbers.drain(..numbers).map(|c| c.len()).sum::<usize>()
            + chunks.histograms.drain(..native).map(|c| c.len()).sum::<usize>();
        (samples, !(chunks.numbers.is_empty() && chunks.histograms.is_empty()))
    }
}

impl Outcome {
    /// What became of these, and how many were not there before.
    fn of(placed: impl Iterator<Item = Placed>) -> (Self, usize) {
        let (mut outcome, mut added) = (Self::default(), 0);
        for one in placed {
            match one {
                Placed::Added => {
                    outcome.kept += 1;
                    added += 1;
                }
                Placed::There => outcome.kept += 1,
                Placed::Old => outcome.old += 1,
                Placed::Contradicts => outcome.contradicting += 1,
            }
        }
        (outcome, added)
    }
}

/// A histogram of the same layout that has counted nothing yet.
fn nothing_of(h: &Histogram) -> Histogram {
    let (schema, zero_threshold, bounds) = (h.schema, h.zero_threshold, h.bounds.clone());
    Histogram { schema, zero_threshold, bounds, ..Histogram::default() }
}

impl Chunks {
    /// The newest time.
    fn newest(&self) -> Option<i64> {
        self.numbers.last().map(Chunk::last).max(self.histograms.last().map(HistogramChunk::last))
    }

    /// The moment when a counter stood at zero whose samples go on at `first`, where that is worth a sample.
    fn began_again(&self, first: i64, start: Option<i64>) -> Option<i64> {
        let newest = self.newest();
        start.filter(|start| {
            *start < first
                // Since its newest sample: it stood at zero then, whatever it has reached meanwhile.
                && newest.map_or(first.saturating_sub(*start) <= START_WITHIN_MS, |newest| *start > newest)
        })
    }

    fn numbers(&self, start: i64, end: i64) -> Vec<Sample> {
        let mut out = Vec::new();
        for chunk in self.numbers.iter().filter(|c| c.first() <= end && c.last() >= start) {
            out.extend(chunk.iter().skip_while(|s| s.t < start).take_while(|s| s.t <= end));
        }
        out
    }

    fn histograms(&self, start: i64, end: i64) -> Vec<query::HistogramSample> {
        let mut out = Vec::new();
        for chunk in self.histograms.iter().filter(|c| c.first() <= end && c.last() >= start) {
            let kept = chunk.iter().skip_while(|k| k.point.t < start).take_while(|k| k.point.t <= end);
            out.extend(kept.map(|kept| {
                let HistogramPoint { t, mut histogram } = kept.point;
                // A number that came between them: it does not continue the histogram before that.
                if histogram.reset == CounterReset::NotReset
                    && kept.before.is_some_and(|before| self.numbers_within(before, t))
                {
                    std::sync::Arc::make_mut(&mut histogram).reset = CounterReset::Unknown;
                }
                query::HistogramSample { t, histogram, start: 0 }
            }));
        }
        out
    }

    /// Whether there is a number between two moments.
    fn numbers_within(&self, after: i64, before: i64) -> bool {
        let mut reaching = self.numbers.iter().filter(|c| c.first() < before && c.last() > after);
        reaching.any(|c| c.iter().any(|s| after < s.t && s.t < before))
    }

    fn number_at(&self, t: i64) -> Option<f64> {
        let mut there = self.numbers.iter().filter(|c| c.first() <= t && t <= c.last()).flat_map(Chunk::iter);
        there.find(|s| s.t == t).map(|s| s.v)
    }

    fn histogram_at(&self, t: i64) -> Option<std::sync::Arc<Histogram>> {
        let reaching = self.histograms.iter().filter(|c| c.first() <= t && t <= c.last());
        reaching.flat_map(HistogramChunk::iter).map(|kept| kept.point).find(|p| p.t == t).map(|p| p.histogram)
    }

    fn place(&mut self, sample: Sample, window_ms: i64) -> Placed {
        if let Some(last) = self.histograms.last().map(HistogramChunk::last) {
            // A marker that ends the series takes the kind of what it ends.
            if is_stale(sample.v) && self.numbers.last().is_none_or(|c| c.last() < last) {
                return self.place_native(&histograms::end(sample.t), window_ms);
            }
            if let Some(there) = self.histogram_at(sample.t) {
                return if is_stale(there.sum) && is_stale(sample.v) { Placed::There } else { Placed::Contradicts };
            }
            if last.saturating_sub(sample.t) > window_ms {
                let same = self.number_at(sample.t).is_some_and(|v| v.to_bits() == sample.v.to_bits());
                return if same { Placed::There } else { Placed::Old };
            }
        }
        place(&mut self.numbers, sample, window_ms)
    }

    fn place_native(&mut self, point: &HistogramPoint, window_ms: i64) -> Placed {
        let newest = self.newest();
        if newest.is_some_and(|newest| point.t <= newest) {
            if let Some(there) = self.histogram_at(point.t) {
                return if histograms::same(&there, &point.histogram) { Placed::There } else { Placed::Contradicts };
            }
            if newest.is_some_and(|newest| newest.saturating_sub(point.t) > window_ms) {
                return Placed::Old;
            }
            if let Some(there) = self.number_at(point.t) {
                let ends = is_stale(there) && is_stale(point.histogram.sum);
                return if ends { Placed::There } else { Placed::Contradicts };
            }
        }
        let chunks = &mut self.histograms;
        match chunks.last_mut() {
            Some(open) if point.t > open.last() => {
                if open.len() >= CHUNK_SAMPLES || !open.push(point) {
                    open.shrink();
                    let next = HistogramChunk::new(point, Some(open));
                    chunks.push(next);
                }
            }
            None => chunks.push(HistogramChunk::new(point, None)),
            Some(_) => put_native_between(chunks, point),
        }
        Placed::Added
    }
}

/// Puts a late histogram where it belongs, by writing its chunk anew.
fn put_native_between(chunks: &mut Vec<HistogramChunk>, point: &HistogramPoint) {
    let at = chunks.partition_point(|c| c.first() <= point.t).saturating_sub(1);
    let Some(chunk) = chunks.get(at) else { return };
    let mut points: Vec<HistogramPoint> = chunk.iter().map(|kept| kept.point).collect();
    points.insert(points.partition_point(|p| p.t < point.t), point.clone());
    let most = if points.len() > SPLIT_SAMPLES { points.len().div_ceil(2) } else { SPLIT_SAMPLES };
    let last = at + 1 == chunks.len();
    let mut anew = HistogramChunk::of(&points, most);
    let closed = anew.len() - usize::from(last);
    anew.iter_mut().take(closed).for_each(HistogramChunk::shrink);
    chunks.splice(at..=at, anew);
}

fn place(chunks: &mut Vec<Chunk>, sample: Sample, window_ms: i64) -> Placed {
    let newest = chunks.last().map(Chunk::last);
    match (chunks.last_mut(), newest) {
        (Some(open), Some(newest)) if sample.t > newest => {
            if open.len() < CHUNK_SAMPLES {
                open.push(sample);
            } else {
                open.shrink();
                chunks.push(Chunk::new(sample));
            }
            Placed::Added
        }
        (_, None) | (None, _) => {
            chunks.push(Chunk::new(sample));
            Placed::Added
        }
        (Some(_), Some(newest)) if newest.saturating_sub(sample.t) > window_ms => {
            // What is there already was kept; saying it again is no fault.
            let there = chunks.iter().filter(|c| c.first() <= sample.t && sample.t <= c.last()).flat_map(Chunk::iter);
            if there.into_iter().any(|s| s.t == sample.t && s.v.to_bits() == sample.v.to_bits()) {
                Placed::There
            } else {
                Placed::Old
            }
        }
        (Some(_), Some(_)) => put_between(chunks, sample),
    }
}

/// Puts a late sample where it belongs, by writing its chunk anew.
fn put_between(chunks: &mut Vec<Chunk>, sample: Sample) -> Placed {
    let at = chunks.partition_point(|c| c.first() <= sample.t).saturating_sub(1);
    let mut samples: Vec<Sample> = chunks[at].iter().collect();
    match samples.binary_search_by_key(&sample.t, |s| s.t) {
        Ok(there) if samples[there].v.to_bits() == sample.v.to_bits() => Placed::There,
        Ok(_) => Placed::Contradicts,
        Err(position) => {
            samples.insert(position, sample);
            let middle = if samples.len() > SPLIT_SAMPLES { samples.len() / 2 } else { samples.len() };
            let (front, back) = samples.split_at(middle);
            chunks.splice(at..=at, [front, back].into_iter().filter_map(Chunk::of));
            Placed::Added
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series() -> Series {
        Series::new(0, Labels::from_pairs([("__name__", "m")]))
    }

    fn at(t: i64, v: f64) -> Sample {
        Sample { t, v }
    }

    #[test]
    fn a_new_counter_starts_from_zero_when_its_start_is_near() {
        let near = series();
        near.append(&[at(1_000_000, 5.0)], Some(990_000), 0);
        assert_eq!(near.read(i64::MIN, i64::MAX), [at(990_000, 0.0), at(1_000_000, 5.0)]);
        let far = series();
        far.append(&[at(1_000_000, 5.0)], Some(1_000), 0);
        assert_eq!(far.read(i64::MIN, i64::MAX), [at(1_000_000, 5.0)]);
        // The second batch of the same counter gets no second zero.
        near.append(&[at(1_010_000, 6.0)], Some(990_000), 0);
        assert_eq!(near.read(i64::MIN, i64::MAX).len(), 3);
        // It began again, and passed its old value before anybody looked: its start says so, its value does not.
        near.append(&[at(1_020_000, 9.0)], Some(1_015_000), 0);
        assert_eq!(near.read(1_010_001, i64::MAX), [at(1_015_000, 0.0), at(1_020_000, 9.0)]);
    }

    #[test]
    fn saying_it_twice_is_no_fault_and_contradicting_it_is() {
        let series = series();
        series.append(&[at(1, 1.0), at(2, 2.0)], None, 100);
        assert_eq!(series.append(&[at(2, 2.0), at(1, 1.0)], None, 100), (Outcome { kept: 2, ..Outcome::default() }, 0));
        assert_eq!(
            series.append(&[at(2, 9.0), at(1, 9.0)], None, 100),
            (Outcome { contradicting: 2, ..Outcome::default() }, 0)
        );
    }

    #[test]
    fn what_is_older_than_the_window_is_refused() {
        let series = series();
        series.append(&[at(1_000, 1.0)], None, 100);
        assert_eq!(
            series.append(&[at(899, 1.0), at(900, 1.0)], None, 100).0,
            Outcome { kept: 1, old: 1, ..Outcome::default() }
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn late_samples_end_up_where_they_belong(times in proptest::collection::vec(0_i64..2_000, 1..900)) {
            let series = series();
            let mut model = std::collections::BTreeMap::new();
            for t in times {
                let v = t as f64 * 0.5;
                prop_assert_eq!(series.append(&[at(t, v)], None, 10_000).0.kept, 1);
                model.insert(t, v);
            }
            let wanted: Vec<Sample> = model.iter().map(|(t, v)| at(*t, *v)).collect();
            prop_assert_eq!(series.read(i64::MIN, i64::MAX), wanted);
            let part: Vec<Sample> = model.range(500..=1_500).map(|(t, v)| at(*t, *v)).collect();
            prop_assert_eq!(series.read(500, 1_500), part);
        }
    }
}
