//! One series: its labels and its chunks, in order of time and without overlap.
//!
//! Not the decision where a sample comes from or goes to; only where it fits.

use parking_lot::Mutex;
use watchkeeper_domain::Labels;
use watchkeeper_domain::telemetry::{Sample, is_stale};

use super::chunk::Chunk;

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
    chunks: Mutex<Vec<Chunk>>,
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
        let (mut outcome, mut added) = (Outcome::default(), 0);
        let newest = chunks.last().map(Chunk::last);
        if let (Some(start), Some(first)) = (start, samples.first())
            && start < first.t
            // A counter that began again since its newest sample: it stood at zero then, whatever it has reached meanwhile.
            && newest.map_or(first.t.saturating_sub(start) <= START_WITHIN_MS, |newest| start > newest)
        {
            place(&mut chunks, Sample { t: start, v: 0.0 }, window_ms);
            added += 1;
        }
        for sample in samples {
            match place(&mut chunks, *sample, window_ms) {
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

    /// The newest time, and the newest value that is not a stale marker (zero when there is none).
    pub(crate) fn newest(&self) -> Option<(i64, f64)> {
        let chunks = self.chunks.lock();
        let t = chunks.last()?.last();
        let last_value = |chunk: &Chunk| {
            let newest = Some(chunk.newest()).filter(|v| !is_stale(*v));
            newest.or_else(|| chunk.iter().filter(|s| !is_stale(s.v)).last().map(|s| s.v))
        };
        Some((t, chunks.iter().rev().find_map(last_value).unwrap_or(0.0)))
    }

    /// Samples in the window, both ends included.
    pub(crate) fn read(&self, start: i64, end: i64) -> Vec<Sample> {
        let chunks = self.chunks.lock();
        let mut out = Vec::new();
        for chunk in chunks.iter().filter(|c| c.first() <= end && c.last() >= start) {
            out.extend(chunk.iter().skip_while(|s| s.t < start).take_while(|s| s.t <= end));
        }
        out
    }

    /// Whether a chunk reaches into the window.
    pub(crate) fn overlaps(&self, start: i64, end: i64) -> bool {
        self.chunks.lock().iter().any(|c| c.first() <= end && c.last() >= start)
    }

    /// Drops chunks that end before the cutoff. Says how many samples went, and whether any are left.
    pub(crate) fn drop_before(&self, cutoff: i64) -> (usize, bool) {
        let mut chunks = self.chunks.lock();
        let gone = chunks.iter().take_while(|c| c.last() < cutoff).count();
        let samples = chunks.drain(..gone).map(|c| c.len()).sum();
        (samples, !chunks.is_empty())
    }
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
