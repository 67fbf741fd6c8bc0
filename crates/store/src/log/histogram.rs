//! Native histograms as bytes: one by itself, and those of a batch as the log has them.
//!
//! Not the frame around them, and not the form in memory (`head::histograms`). Numbers are written as in `codec`. A batch is
//! the definitions of series, then for each series its number, its histograms and its start, then their times.
//!
//! One histogram: a byte of flags (1: ends the series and nothing follows; 2: the counts are floats; 4: it has custom bounds;
//! 8: a gauge; 16: the counter began again), the schema, the zero threshold, the sum, count and zero count, the positive and
//! the negative buckets (how many; of each the distance to the one before and its count), the bounds. Counts that are whole
//! are LEB128, others eight bytes.

use std::sync::Arc;

use watchkeeper_domain::Labels;
use watchkeeper_domain::histogram::{BucketCount, CounterReset, Histogram};
use watchkeeper_domain::telemetry::{HistogramPoint, STALE_NAN_BITS, is_stale};

use super::codec::{Cursor, Dictionary, Symbols, define, signed, unsigned};
use super::frame::Error;

const ENDS: u64 = 1;
const FLOATS: u64 = 2;
const BOUNDS: u64 = 4;
const GAUGE: u64 = 8;
const RESET: u64 = 16;

/// Histograms of one series on their way to the log.
pub(crate) struct Entry<'a> {
    pub(crate) series: u32,
    pub(crate) labels: &'a Labels,
    pub(crate) start: Option<i64>,
    pub(crate) points: &'a [HistogramPoint],
}

/// Histograms of one series as the log has them.
#[derive(Debug, PartialEq)]
pub(crate) struct Decoded {
    pub(crate) series: u32,
    pub(crate) start: Option<i64>,
    pub(crate) points: Vec<HistogramPoint>,
}

/// A frame's content.
#[derive(Default)]
pub(crate) struct Content {
    pub(crate) definitions: Vec<(u32, Labels)>,
    pub(crate) entries: Vec<Decoded>,
}

/// Encodes the native histograms of a batch.
pub(crate) fn encode(entries: &[Entry<'_>], dictionary: &mut Dictionary) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 128 + 16);
    define(&mut out, entries.iter().map(|e| (e.series, e.labels)), dictionary);
    unsigned(&mut out, entries.len() as u64);
    let mut t = 0_i64;
    for entry in entries {
        unsigned(&mut out, entry.series.into());
        unsigned(&mut out, (entry.points.len() as u64) << 1 | u64::from(entry.start.is_some()));
        if let Some(start) = entry.start {
            signed(&mut out, start.wrapping_sub(t));
        }
        for point in entry.points {
            signed(&mut out, point.t.wrapping_sub(t));
            t = point.t;
            put(&mut out, &point.histogram);
        }
    }
    out
}

/// Decodes what [`encode`] made.
pub(crate) fn decode(bytes: &[u8], symbols: &mut Symbols) -> Result<Content, Error> {
    let mut cursor = Cursor(bytes);
    let mut content = Content { definitions: cursor.definitions(symbols)?, entries: Vec::new() };
    let mut t = 0_i64;
    for _ in 0..cursor.unsigned()? {
        let series = cursor.series()?;
        let head = cursor.unsigned()?;
        let start = if head & 1 == 1 { Some(cursor.signed()?.wrapping_add(t)) } else { None };
        let mut points = Vec::new();
        for _ in 0..head >> 1 {
            t = cursor.signed()?.wrapping_add(t);
            points.push(HistogramPoint { t, histogram: Arc::new(take(&mut cursor)?) });
        }
        content.entries.push(Decoded { series, start, points });
    }
    Ok(content)
}

/// Writes one histogram, so that it can be read by itself.
pub(crate) fn put(out: &mut Vec<u8>, h: &Histogram) {
    if is_stale(h.sum) {
        return unsigned(out, ENDS);
    }
    let buckets = || h.positive.iter().chain(&h.negative);
    let floats = !buckets().map(|b| b.count).chain([h.count, h.zero_count]).all(|v| whole(v).is_some());
    let flag = |on: bool, bit| if on { bit } else { 0 };
    let flags = flag(floats, FLOATS)
        | flag(!h.bounds.is_empty(), BOUNDS)
        | flag(h.reset == CounterReset::Gauge, GAUGE)
        | flag(h.reset == CounterReset::Reset, RESET);
    unsigned(out, flags);
    signed(out, h.schema.into());
    float(out, h.zero_threshold);
    float(out, h.sum);
    let count = |out: &mut Vec<u8>, v: f64| match whole(v) {
        Some(number) if !floats => unsigned(out, number),
        _ => float(out, v),
    };
    count(out, h.count);
    count(out, h.zero_count);
    for side in [&h.positive, &h.negative] {
        unsigned(out, side.len() as u64);
        let mut before = 0_i64;
        for bucket in side {
            signed(out, i64::from(bucket.index) - before);
            before = bucket.index.into();
            count(out, bucket.count);
        }
    }
    if !h.bounds.is_empty() {
        unsigned(out, h.bounds.len() as u64);
        h.bounds.iter().for_each(|bound| float(out, *bound));
    }
}

/// Reads what [`put`] wrote.
pub(super) fn take(cursor: &mut Cursor<'_>) -> Result<Histogram, Error> {
    let flags = cursor.unsigned()?;
    if flags & ENDS != 0 {
        return Ok(Histogram { sum: f64::from_bits(STALE_NAN_BITS), ..Histogram::default() });
    }
    let reset = match (flags & GAUGE, flags & RESET) {
        (0, 0) => CounterReset::Unknown,
        (0, _) => CounterReset::Reset,
        _ => CounterReset::Gauge,
    };
    let index = |v: i64| i32::try_from(v).map_err(|_| Error::Content("a bucket is out of range".to_owned()));
    let schema = index(cursor.signed()?)?;
    let (zero_threshold, sum) = (cursor.float()?, cursor.float()?);
    #[expect(clippy::cast_precision_loss, reason = "only numbers that are exact as floats were made whole")]
    let count = |cursor: &mut Cursor<'_>| {
        if flags & FLOATS == 0 { cursor.unsigned().map(|v| v as f64) } else { cursor.float() }
    };
    let mut h = Histogram { reset, schema, zero_threshold, sum, ..Histogram::default() };
    (h.count, h.zero_count) = (count(cursor)?, count(cursor)?);
    for side in [&mut h.positive, &mut h.negative] {
        let mut before = 0_i64;
        for _ in 0..cursor.unsigned()? {
            before = before.wrapping_add(cursor.signed()?);
            side.push(BucketCount { index: index(before)?, count: count(cursor)? });
        }
    }
    if flags & BOUNDS != 0 {
        let mut bounds = Vec::new();
        for _ in 0..cursor.unsigned()? {
            bounds.push(cursor.float()?);
        }
        h.bounds = bounds.into();
    }
    Ok(h)
}

fn float(out: &mut Vec<u8>, v: f64) {
    out.extend_from_slice(&v.to_bits().to_le_bytes());
}

/// A count as the whole number that it is exactly.
fn whole(v: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by the guard, compared after")]
    let number = (0.0..=9_007_199_254_740_992.0).contains(&v).then_some(v as u64)?;
    #[expect(clippy::cast_precision_loss, reason = "bounded by the guard")]
    let back = number as f64;
    (back.to_bits() == v.to_bits()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn histogram()(
            schema in -53_i32..9,
            numbers in any::<[u64; 4]>(),
            small in any::<bool>(),
            positive in proptest::collection::btree_map(any::<i32>(), any::<u64>(), 0..9),
            negative in proptest::collection::btree_map(-100_i32..100, any::<u64>(), 0..9),
            bounds in proptest::collection::vec(any::<u64>(), 0..4),
            reset in 0..3,
        ) -> Histogram {
            let number = |bits: u64| if small { (bits % 100_000) as f64 } else { f64::from_bits(bits) };
            let buckets = |map: std::collections::BTreeMap<i32, u64>| {
                map.into_iter().map(|(index, bits)| BucketCount { index, count: number(bits) }).collect()
            };
            Histogram {
                reset: [CounterReset::Unknown, CounterReset::Reset, CounterReset::Gauge][reset as usize],
                schema,
                zero_threshold: number(numbers[0]),
                zero_count: number(numbers[1]),
                count: number(numbers[2]),
                sum: number(numbers[3]),
                positive: buckets(positive),
                negative: buckets(negative),
                bounds: bounds.into_iter().map(number).collect(),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn what_is_encoded_decodes(
            series in proptest::collection::vec(
                (proptest::option::of(any::<i64>()), proptest::collection::vec((any::<i64>(), histogram()), 0..5)), 0..5),
        ) {
            let labels: Vec<Labels> = (0..series.len()).map(|n| Labels::from_pairs([("__name__", format!("m{n}"))])).collect();
            let points: Vec<Vec<HistogramPoint>> = series.iter()
                .map(|(_, list)| list.iter().map(|(t, h)| HistogramPoint { t: *t, histogram: Arc::new(h.clone()) }).collect()).collect();
            let entries: Vec<Entry<'_>> = series.iter().enumerate()
                .map(|(n, (start, _))| Entry { series: n as u32, labels: &labels[n], start: *start, points: &points[n] }).collect();
            let bytes = encode(&entries, &mut Dictionary::default());
            let content = decode(&bytes, &mut Symbols::default()).unwrap();
            prop_assert_eq!(content.definitions.len(), labels.len());
            for (entry, decoded) in entries.iter().zip(&content.entries) {
                prop_assert_eq!((entry.series, entry.start), (decoded.series, decoded.start));
                // NaN is not equal to itself; its text is.
                prop_assert_eq!(format!("{:?}", entry.points), format!("{:?}", decoded.points));
            }
            for cut in (0..bytes.len()).step_by(5) {
                prop_assert!(decode(&bytes[..cut], &mut Symbols::default()).is_err());
            }
        }

        #[test]
        fn noise_is_an_error_or_a_histogram(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _no_panic = take(&mut Cursor(&bytes));
        }
    }
}
