//! A chunk of native histograms of one series, compressed.
//!
//! Not a format on disk, and not the decision where a histogram goes: `series` makes that.
//!
//! What seldom changes is kept once, in a [`Shape`]: schema, zero threshold, bounds, and which buckets there are. A
//! histogram is then a row of counts, and of each count the change of its change is written (whole numbers), or its XOR
//! with the one before (fractions). A bucket that is in the shape and holds nothing is none: empty buckets do not come
//! back. A histogram with further buckets widens the shape, unless it has little in common with what is there; that, another
//! schema and the like begin a new chunk.

use std::sync::Arc;

use watchkeeper_domain::Histogram;
use watchkeeper_domain::histogram::{BucketCount, CounterReset};
use watchkeeper_domain::telemetry::{HistogramPoint, STALE_NAN_BITS, is_stale};

use super::chunk::Bits;

/// Widths of a change, with the prefix that says which; wider ones take 64 bits.
const WIDTHS: [(u64, u32, u32); 4] = [(0b10, 2, 3), (0b110, 3, 7), (0b1110, 4, 14), (0b1_1110, 5, 28)];
/// So many buckets a shape may have however few of them a histogram fills.
const NARROW: usize = 16;
/// Whole numbers beyond this are not exact as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What the histograms of a chunk have in common.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    schema: i32,
    /// Bits of the zero threshold.
    zero_threshold: u64,
    bounds: Arc<[f64]>,
    gauge: bool,
    /// All counts are whole numbers.
    whole: bool,
    positive: Vec<i32>,
    negative: Vec<i32>,
}

/// Native histograms in ascending order of time; never empty.
pub(crate) struct HistogramChunk {
    shape: Arc<Shape>,
    bits: Bits,
    count: u32,
    first: i64,
    last: i64,
    /// What the next one is compared with; none when nothing is expected to be added.
    open: Option<Row>,
}

/// Where encoding or decoding stands.
#[derive(Clone, Default)]
struct Row {
    delta: i64,
    sum: u64,
    /// Count, zero count, positive and negative buckets: whole numbers, or the bits of floats.
    counts: Vec<u64>,
    changes: Vec<i64>,
    /// The last one said that the series ends.
    ended: bool,
}

/// A histogram as it was kept.
pub(crate) struct Kept {
    /// When the one before it in the chunk was.
    pub(crate) before: Option<i64>,
    pub(crate) point: HistogramPoint,
}

impl Shape {
    /// The shape of one histogram, whose buckets are in order and not empty.
    fn of(h: &Histogram) -> Self {
        let indices = |buckets: &[BucketCount]| buckets.iter().map(|b| b.index).collect();
        Self {
            schema: h.schema,
            zero_threshold: h.zero_threshold.to_bits(),
            bounds: Arc::clone(&h.bounds),
            gauge: h.reset == CounterReset::Gauge,
            whole: counts(h).all(|v| whole(v).is_some()),
            positive: indices(&h.positive),
            negative: indices(&h.negative),
        }
    }

    fn buckets(&self) -> usize {
        self.positive.len() + self.negative.len()
    }

    /// This shape with the buckets of another one; none where they do not go together.
    fn with(&self, other: &Self) -> Option<Self> {
        let alike = self.schema == other.schema
            && self.zero_threshold == other.zero_threshold
            && self.bounds == other.bounds
            && self.gauge == other.gauge
            // As floats also whole numbers can be kept.
            && (other.whole || !self.whole);
        if !alike {
            return None;
        }
        let all = Self {
            positive: union(&self.positive, &other.positive),
            negative: union(&self.negative, &other.negative),
            ..self.clone()
        };
        (all.buckets() <= (2 * other.buckets()).max(self.buckets()).max(NARROW)).then_some(all)
    }

    /// The row of a histogram whose buckets are all in this shape.
    fn row(&self, h: &Histogram) -> Vec<u64> {
        let number = |v: f64| if self.whole { whole(v).unwrap_or_default().cast_unsigned() } else { v.to_bits() };
        let mut out = Vec::with_capacity(2 + self.buckets());
        out.extend([number(h.count), number(h.zero_count)]);
        for (indices, buckets) in [(&self.positive, &h.positive), (&self.negative, &h.negative)] {
            let mut filled = buckets.iter().peekable();
            out.extend(
                indices.iter().map(|index| number(filled.next_if(|b| b.index == *index).map_or(0.0, |b| b.count))),
            );
        }
        out
    }

    /// The histogram of a row.
    fn histogram(&self, reset: CounterReset, sum: u64, row: &[u64]) -> Histogram {
        #[expect(clippy::cast_precision_loss, reason = "only numbers that are exact as floats were made whole")]
        let number = |v: u64| if self.whole { v.cast_signed() as f64 } else { f64::from_bits(v) };
        let (totals, buckets) = row.split_at_checked(2).unwrap_or((&[], &[]));
        let (positive, negative) = buckets.split_at_checked(self.positive.len()).unwrap_or((&[], &[]));
        let total = |at: usize| totals.get(at).copied().map(number).unwrap_or_default();
        let filled = |indices: &[i32], counts: &[u64]| {
            let all = indices.iter().zip(counts).map(|(index, v)| BucketCount { index: *index, count: number(*v) });
            all.filter(|b| b.count != 0.0).collect()
        };
        Histogram {
            reset,
            schema: self.schema,
            zero_threshold: f64::from_bits(self.zero_threshold),
            zero_count: total(1),
            count: total(0),
            sum: f64::from_bits(sum),
            positive: filled(&self.positive, positive),
            negative: filled(&self.negative, negative),
            bounds: Arc::clone(&self.bounds),
        }
    }

    /// Whether a counter may have gone from one row to the other without beginning again.
    fn grows(&self, from: &[u64], to: &[u64]) -> bool {
        let less = |(a, b): (&u64, &u64)| {
            if self.whole { a.cast_signed() <= b.cast_signed() } else { f64::from_bits(*a) <= f64::from_bits(*b) }
        };
        from.iter().zip(to).all(less)
    }
}

impl HistogramChunk {
    /// A chunk of one histogram, with the shape of the chunk before it where that fits.
    pub(crate) fn new(point: &HistogramPoint, before: Option<&Self>) -> Self {
        let own = Shape::of(&point.histogram);
        let shape =
            before.and_then(|b| b.shape.with(&own).filter(|all| *all == *b.shape).map(|_| Arc::clone(&b.shape)));
        Self::begun(shape.unwrap_or_else(|| Arc::new(own)), point)
    }

    fn begun(shape: Arc<Shape>, point: &HistogramPoint) -> Self {
        let row = Row { counts: vec![0; 2 + shape.buckets()], changes: vec![0; 2 + shape.buckets()], ..Row::default() };
        let mut chunk = Self { shape, bits: Bits::default(), count: 0, first: point.t, last: point.t, open: Some(row) };
        chunk.write(point);
        chunk
    }

    /// Chunks of these histograms, which ascend, of at most `most` each.
    pub(crate) fn of(points: &[HistogramPoint], most: usize) -> Vec<Self> {
        let mut chunks: Vec<Self> = Vec::new();
        for point in points {
            let added = chunks.last_mut().is_some_and(|last| last.len() < most && last.push(point));
            if !added {
                let next = Self::new(point, chunks.last());
                chunks.push(next);
            }
        }
        chunks
    }

    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    pub(crate) fn first(&self) -> i64 {
        self.first
    }

    pub(crate) fn last(&self) -> i64 {
        self.last
    }

    /// Gives back spare memory: nothing is expected to be added.
    pub(crate) fn shrink(&mut self) {
        self.bits.shrink();
        self.open = None;
    }

    /// Adds a histogram that is newer than the last. Whether it fits this chunk.
    pub(crate) fn push(&mut self, point: &HistogramPoint) -> bool {
        if self.open.is_none() {
            return false;
        }
        if !is_stale(point.histogram.sum) {
            let Some(all) = self.shape.with(&Shape::of(&point.histogram)) else { return false };
            if all != *self.shape {
                self.widen(Arc::new(all));
            }
        }
        self.write(point);
        true
    }

    /// Writes the chunk anew with more buckets.
    fn widen(&mut self, shape: Arc<Shape>) {
        let points: Vec<HistogramPoint> = self.iter().map(|kept| kept.point).collect();
        if let Some((first, rest)) = points.split_first() {
            *self = Self::begun(shape, first);
            rest.iter().for_each(|point| self.write(point));
        }
    }

    fn write(&mut self, point: &HistogramPoint) {
        let Some(row) = &mut self.open else { return };
        if self.count > 0 {
            let delta = point.t.wrapping_sub(self.last);
            change(&mut self.bits, delta.wrapping_sub(row.delta));
            row.delta = delta;
        }
        self.last = point.t;
        self.count += 1;
        let h = &point.histogram;
        if is_stale(h.sum) {
            self.bits.push(0b111, 3);
            row.ended = true;
            return;
        }
        let counts = self.shape.row(h);
        let follows = self.count > 1 && !row.ended && !self.shape.gauge && self.shape.grows(&row.counts, &counts);
        match (h.reset, follows) {
            (CounterReset::Reset, _) => self.bits.push(0b110, 3),
            (_, true) => self.bits.push(0, 1),
            (_, false) => self.bits.push(0b10, 2),
        }
        difference(&mut self.bits, h.sum.to_bits() ^ row.sum);
        for ((v, before), last_change) in counts.iter().zip(&row.counts).zip(&mut row.changes) {
            if self.shape.whole {
                let now = v.cast_signed().wrapping_sub(before.cast_signed());
                change(&mut self.bits, now.wrapping_sub(*last_change));
                *last_change = now;
            } else {
                difference(&mut self.bits, v ^ before);
            }
        }
        (row.sum, row.counts, row.ended) = (h.sum.to_bits(), counts, false);
    }

    /// The histograms, oldest first.
    pub(crate) fn iter(&self) -> Histograms<'_> {
        let width = 2 + self.shape.buckets();
        let row = Row { counts: vec![0; width], changes: vec![0; width], ..Row::default() };
        Histograms { chunk: self, bit: 0, given: 0, t: self.first, row }
    }

    /// The newest histogram that is no end of the series.
    pub(crate) fn newest(&self) -> Option<Arc<Histogram>> {
        self.iter().filter(|kept| !is_stale(kept.point.histogram.sum)).last().map(|kept| kept.point.histogram)
    }
}

/// Reads a chunk.
pub(crate) struct Histograms<'a> {
    chunk: &'a HistogramChunk,
    bit: usize,
    given: u32,
    t: i64,
    row: Row,
}

impl Histograms<'_> {
    fn bits(&mut self, count: u32) -> u64 {
        let v = self.chunk.bits.read(self.bit, count);
        self.bit += count as usize;
        v
    }

    fn change(&mut self) -> i64 {
        if self.bits(1) == 0 {
            return 0;
        }
        for (_, _, width) in WIDTHS {
            if self.bits(1) == 0 {
                let v = self.bits(width);
                return (v << (64 - width)).cast_signed() >> (64 - width);
            }
        }
        self.bits(64).cast_signed()
    }

    fn difference(&mut self) -> u64 {
        if self.bits(1) == 0 {
            return 0;
        }
        #[expect(clippy::cast_possible_truncation, reason = "six bits each")]
        let (leading, length) = (self.bits(6) as u32, self.bits(6) as u32 + 1);
        self.bits(length) << (64 - leading - length)
    }
}

impl Iterator for Histograms<'_> {
    type Item = Kept;

    fn next(&mut self) -> Option<Kept> {
        if self.given == self.chunk.count {
            return None;
        }
        let before = (self.given > 0).then_some(self.t);
        if self.given > 0 {
            self.row.delta = self.row.delta.wrapping_add(self.change());
            self.t = self.t.wrapping_add(self.row.delta);
        }
        self.given += 1;
        let shape = &self.chunk.shape;
        let reset = match (self.bits(1), shape.gauge) {
            (0, _) => CounterReset::NotReset,
            (_, gauge) => match (self.bits(1), gauge) {
                (0, false) => CounterReset::Unknown,
                (0, true) => CounterReset::Gauge,
                _ if self.bits(1) == 1 => return Some(Kept { before, point: end(self.t) }),
                _ => CounterReset::Reset,
            },
        };
        self.row.sum ^= self.difference();
        for at in 0..self.row.counts.len() {
            if shape.whole {
                self.row.changes[at] = self.row.changes[at].wrapping_add(self.change());
                self.row.counts[at] = self.row.counts[at].wrapping_add_signed(self.row.changes[at]);
            } else {
                self.row.counts[at] ^= self.difference();
            }
        }
        let histogram = Arc::new(shape.histogram(reset, self.row.sum, &self.row.counts));
        Some(Kept { before, point: HistogramPoint { t: self.t, histogram } })
    }
}

/// The marker that ends a series of histograms.
pub(crate) fn end(t: i64) -> HistogramPoint {
    let histogram = Arc::new(Histogram { sum: f64::from_bits(STALE_NAN_BITS), ..Histogram::default() });
    HistogramPoint { t, histogram }
}

/// The histogram as it comes back: buckets in order, none empty, none twice; no claim that it continues another one.
pub(crate) fn canonical(mut h: Arc<Histogram>) -> Arc<Histogram> {
    let orderly = |buckets: &[BucketCount]| {
        buckets.iter().all(|b| b.count != 0.0) && buckets.is_sorted_by(|a, b| a.index < b.index)
    };
    if h.reset == CounterReset::NotReset {
        Arc::make_mut(&mut h).reset = CounterReset::Unknown;
    }
    if !orderly(&h.positive) || !orderly(&h.negative) {
        let own = Arc::make_mut(&mut h);
        for buckets in [&mut own.positive, &mut own.negative] {
            buckets.sort_by_key(|b| b.index);
            buckets.dedup_by(|later, kept| {
                let same = later.index == kept.index;
                kept.count += if same { later.count } else { 0.0 };
                same
            });
            buckets.retain(|b| b.count != 0.0);
        }
    }
    h
}

/// Whether two histograms are the same but for what is known about restarts, and bit by bit.
pub(crate) fn same(a: &Histogram, b: &Histogram) -> bool {
    if is_stale(a.sum) || is_stale(b.sum) {
        return is_stale(a.sum) && is_stale(b.sum);
    }
    let gauge = |h: &Histogram| h.reset == CounterReset::Gauge;
    let buckets = |h: &Histogram| -> Vec<(i32, u64)> {
        h.positive.iter().chain(&h.negative).map(|b| (b.index, b.count.to_bits())).collect()
    };
    let bounds = |h: &Histogram| -> Vec<u64> { h.bounds.iter().map(|b| b.to_bits()).collect() };
    let numbers = |h: &Histogram| [h.zero_threshold, h.zero_count, h.count, h.sum].map(f64::to_bits);
    a.schema == b.schema
        && gauge(a) == gauge(b)
        && numbers(a) == numbers(b)
        && a.positive.len() == b.positive.len()
        && buckets(a) == buckets(b)
        && bounds(a) == bounds(b)
}

fn counts(h: &Histogram) -> impl Iterator<Item = f64> {
    let buckets = h.positive.iter().chain(&h.negative).map(|b| b.count);
    [h.count, h.zero_count].into_iter().chain(buckets)
}

/// A float as the whole number that it is exactly.
fn whole(v: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the guard, compared after")]
    let number = (v.abs() <= EXACT).then_some(v as i64)?;
    #[expect(clippy::cast_precision_loss, reason = "bounded by the guard")]
    let back = number as f64;
    (back.to_bits() == v.to_bits()).then_some(number)
}

/// Both lists in order; each ascends.
fn union(a: &[i32], b: &[i32]) -> Vec<i32> {
    let mut out = Vec::with_capacity(a.len().max(b.len()));
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    while let Some(least) = a.peek().into_iter().chain(b.peek()).min().copied() {
        a.next_if_eq(&least);
        b.next_if_eq(&least);
        out.push(least);
    }
    out
}

fn change(bits: &mut Bits, v: i64) {
    if v == 0 {
        bits.push(0, 1);
        return;
    }
    let fits = |width: u32| (-(1_i64 << (width - 1))..1_i64 << (width - 1)).contains(&v);
    match WIDTHS.into_iter().find(|(.., width)| fits(*width)) {
        Some((prefix, length, width)) => {
            bits.push(prefix, length);
            bits.push(v.cast_unsigned(), width);
        }
        None => {
            bits.push(0b1_1111, 5);
            bits.push(v.cast_unsigned(), 64);
        }
    }
}

fn difference(bits: &mut Bits, xor: u64) {
    if xor == 0 {
        bits.push(0, 1);
        return;
    }
    let (leading, trailing) = (xor.leading_zeros(), xor.trailing_zeros());
    let length = 64 - leading - trailing;
    bits.push(1, 1);
    bits.push(leading.into(), 6);
    bits.push(u64::from(length - 1), 6);
    bits.push(xor >> trailing, length);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(t: i64, counts: &[f64]) -> HistogramPoint {
        let positive = counts.iter().zip(0..).map(|(count, index)| BucketCount { index, count: *count }).collect();
        let histogram = Histogram { count: counts.iter().sum(), sum: 1.5 * t as f64, positive, ..Histogram::default() };
        HistogramPoint { t, histogram: canonical(Arc::new(histogram)) }
    }

    fn read(chunks: &[HistogramChunk]) -> Vec<HistogramPoint> {
        chunks.iter().flat_map(HistogramChunk::iter).map(|kept| kept.point).collect()
    }

    fn resets(chunks: &[HistogramChunk]) -> Vec<CounterReset> {
        read(chunks).iter().map(|p| p.histogram.reset).collect()
    }

    #[test]
    fn a_steady_histogram_costs_little_and_its_shape_is_kept_once() {
        let points: Vec<_> = (0..240)
            .map(|n| {
                let counts: Vec<f64> = (0..40).map(|bucket| f64::from((n + 1) * (bucket % 7))).collect();
                point(1_700_000_000_000 + i64::from(n) * 15_000, &counts)
            })
            .collect();
        let chunks = HistogramChunk::of(&points, 120);
        assert_eq!(chunks.len(), 2);
        assert!(Arc::ptr_eq(&chunks[0].shape, &chunks[1].shape));
        let bytes: usize = chunks.iter().map(|c| c.bits.len()).sum();
        assert!(bytes < 20 * points.len(), "{bytes} bytes");
        assert!(read(&chunks).iter().zip(&points).all(|(a, b)| a.t == b.t && same(&a.histogram, &b.histogram)));
    }

    #[test]
    fn only_what_continues_the_one_before_says_so() {
        use CounterReset::{Gauge, NotReset, Reset, Unknown};
        let told = |t, counts: &[f64], reset| {
            let mut p = point(t, counts);
            Arc::make_mut(&mut p.histogram).reset = reset;
            p
        };
        let points = [
            told(1, &[1.0], NotReset),
            told(2, &[2.0], Unknown),
            told(3, &[2.0, 3.0], Unknown),
            told(4, &[1.0, 3.0], NotReset),
            told(5, &[5.0, 5.0], Reset),
            end(6),
            told(7, &[6.0, 6.0], NotReset),
            told(8, &[6.0, 6.0], NotReset),
        ];
        let chunks = HistogramChunk::of(&points, 120);
        assert_eq!(chunks.len(), 1);
        assert_eq!(resets(&chunks), [Unknown, NotReset, NotReset, Unknown, Reset, Unknown, Unknown, NotReset]);
        let chunks = HistogramChunk::of(&[told(1, &[5.0], Gauge), told(2, &[6.0], Gauge)], 120);
        assert_eq!(resets(&chunks), [Gauge, Gauge]);
    }

    #[test]
    fn histograms_that_share_no_bucket_do_not_widen_the_shape_without_end() {
        let points: Vec<_> = (0..60)
            .map(|n| {
                let positive: Vec<_> =
                    (0..100).map(|b| BucketCount { index: n * 1_000 + b, count: f64::from(b + 1) }).collect();
                let h = Histogram { count: 5_050.0, positive, ..Histogram::default() };
                HistogramPoint { t: n.into(), histogram: Arc::new(h) }
            })
            .collect();
        let chunks = HistogramChunk::of(&points, 120);
        assert!(chunks.iter().all(|c| c.shape.buckets() <= 200));
        assert!(read(&chunks).iter().zip(&points).all(|(a, b)| same(&a.histogram, &b.histogram)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_counts_and_times_come_back(
            rows in proptest::collection::vec((any::<i64>(), any::<u64>(), proptest::collection::vec(any::<u64>(), 0..6), any::<bool>()), 1..80),
        ) {
            let points: Vec<_> = rows.iter().map(|(t, sum, counts, small)| {
                let number = |bits: &u64| if *small { (bits % 1_000) as f64 } else { f64::from_bits(*bits) };
                let mut p = point(*t, &counts.iter().map(number).collect::<Vec<_>>());
                Arc::make_mut(&mut p.histogram).sum = f64::from_bits(*sum);
                p
            }).collect();
            let back = read(&HistogramChunk::of(&points, 50));
            prop_assert_eq!(back.len(), points.len());
            for (a, b) in back.iter().zip(&points) {
                prop_assert!(a.t == b.t && same(&a.histogram, &b.histogram), "{:?} {:?}", a, b);
            }
        }
    }
}
