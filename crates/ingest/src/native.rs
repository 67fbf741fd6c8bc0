//! Native histograms as protocols write them (spans and counts, or an offset and counts), checked and made
//! [`Histogram`]s.
//!
//! Not the messages: `remote_write` and `otlp` read those. What is refused is what Prometheus refuses
//! (`Histogram.Validate` of its package `model/histogram`), and what has more buckets than anybody measures with.

use watchkeeper_domain::histogram::{BucketCount, CUSTOM_BUCKETS, CounterReset, Histogram};
use watchkeeper_domain::telemetry::STALE_NAN_BITS;

/// The highest resolution that is kept; what is finer is merged.
const HIGHEST_SCHEMA: i32 = 8;
/// The highest resolution that exists.
const FINEST_SCHEMA: i32 = 52;
/// The lowest resolution.
const LOWEST_SCHEMA: i32 = -4;

/// A run of buckets: how far it is from the end of the one before, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) offset: i32,
    pub(crate) length: u32,
}

/// Counts as they are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counts<'a> {
    /// Whole numbers, each the difference from the one before.
    Deltas(&'a [i64]),
    /// Fractions.
    Floats(&'a [f64]),
}

/// How many observations there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Count {
    Whole(u64),
    Float(f64),
}

/// A histogram as Prometheus's protocols write it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spans<'a> {
    pub(crate) reset: CounterReset,
    pub(crate) schema: i32,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: Count,
    pub(crate) count: Count,
    pub(crate) sum: f64,
    pub(crate) positive: (&'a [Span], Counts<'a>),
    pub(crate) negative: (&'a [Span], Counts<'a>),
    pub(crate) bounds: &'a [f64],
}

/// A histogram of an OTLP exponential data point. Bucket `i` of a side ends at `base^(offset + i + 1)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exponential<'a> {
    pub(crate) scale: i32,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: u64,
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) positive: (i32, &'a [u64]),
    pub(crate) negative: (i32, &'a [u64]),
}

/// The marker that ends a series of histograms.
pub(crate) fn end() -> Histogram {
    Histogram { sum: f64::from_bits(STALE_NAN_BITS), ..Histogram::default() }
}

impl Spans<'_> {
    /// The histogram, with at most `most` buckets and as many bounds.
    pub(crate) fn read(self, most: usize) -> Result<Histogram, String> {
        let custom = self.schema == CUSTOM_BUCKETS;
        if custom {
            self.check_custom(most)?;
        } else if !(LOWEST_SCHEMA..=FINEST_SCHEMA).contains(&self.schema) {
            return Err(format!("its schema is {}; {LOWEST_SCHEMA} to {FINEST_SCHEMA} and -53 exist", self.schema));
        } else if !self.bounds.is_empty() {
            return Err("it has custom bounds and an exponential schema".to_owned());
        }
        if self.zero_threshold.is_nan() || self.zero_threshold < 0.0 {
            return Err(format!("its zero threshold is {}", self.zero_threshold));
        }
        let mut total = Total::default();
        let positive = buckets("positive", self.positive, most, &mut total)?;
        let negative = buckets("negative", self.negative, most, &mut total)?;
        if custom && positive.last().is_some_and(|b| usize::try_from(b.index).is_ok_and(|at| at > self.bounds.len())) {
            return Err(format!("it has buckets beyond its {} custom bounds", self.bounds.len()));
        }
        if custom && positive.first().is_some_and(|b| b.index < 0) {
            return Err("it has a bucket below its first custom bound".to_owned());
        }
        let (zero_count, count) = match (self.zero_count, self.count) {
            (Count::Whole(zero), Count::Whole(count)) => {
                total.check(zero, count, self.sum)?;
                (whole(zero), whole(count))
            }
            (Count::Float(zero), Count::Float(count)) => (zero, count),
            (Count::Whole(0), Count::Float(count)) => (0.0, count),
            _ => return Err("its counts are whole numbers in part and floats in part".to_owned()),
        };
        if !(zero_count >= 0.0 && count >= 0.0) {
            return Err("it has a negative count".to_owned());
        }
        let histogram = Histogram {
            reset: self.reset,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count,
            count,
            sum: self.sum,
            positive,
            negative,
            bounds: self.bounds.into(),
        };
        Ok(histogram.coarsened(HIGHEST_SCHEMA).compact())
    }

    fn check_custom(&self, most: usize) -> Result<(), String> {
        if self.bounds.len() > most {
            return Err(format!("it has {} custom bounds; at most {most} are taken", self.bounds.len()));
        }
        let rises = self.bounds.is_sorted_by(|a, b| a < b) && self.bounds.iter().all(|b| b.is_finite());
        if !rises {
            return Err("its custom bounds do not rise, or are not finite".to_owned());
        }
        let zero = matches!(self.zero_count, Count::Whole(0) | Count::Float(0.0)) && self.zero_threshold == 0.0;
        let no_negative = self.negative.0.is_empty() && self.negative.1.len() == 0;
        if zero && no_negative {
            Ok(())
        } else {
            Err("it has custom bounds and a zero bucket or negative buckets".to_owned())
        }
    }
}

impl Counts<'_> {
    fn len(self) -> usize {
        match self {
            Self::Deltas(list) => list.len(),
            Self::Floats(list) => list.len(),
        }
    }
}

/// The whole observations in all buckets.
#[derive(Default)]
struct Total(u128);

impl Total {
    /// The buckets hold all observations; NaN, which is in the sum then, is in no bucket.
    fn check(&self, zero: u64, count: u64, sum: f64) -> Result<(), String> {
        let held = self.0 + u128::from(zero);
        if held == u128::from(count) || sum.is_nan() && held < u128::from(count) {
            return Ok(());
        }
        Err(format!("its buckets hold {held} observations and its count says {count}"))
    }
}

fn buckets(
    side: &str,
    (spans, counts): (&[Span], Counts<'_>),
    most: usize,
    total: &mut Total,
) -> Result<Vec<BucketCount>, String> {
    let given = counts.len();
    if given > most {
        return Err(format!("it has {given} {side} buckets; at most {most} are taken"));
    }
    let spanned: u64 = spans.iter().map(|s| u64::from(s.length)).sum();
    if spanned != given as u64 {
        return Err(format!("its {side} spans have {spanned} buckets, and there are {given} counts"));
    }
    let mut indices = Vec::with_capacity(given);
    let mut next = 0_i64;
    for (place, span) in spans.iter().enumerate() {
        if place > 0 && span.offset < 0 {
            return Err(format!("its {side} spans overlap"));
        }
        next += i64::from(span.offset);
        for _ in 0..span.length {
            indices.push(i32::try_from(next).map_err(|_| format!("a {side} bucket is out of range"))?);
            next += 1;
        }
    }
    let negative = || format!("a {side} bucket has a negative count");
    match counts {
        Counts::Deltas(deltas) => {
            let mut now = 0_i64;
            let count = |(index, delta): (i32, &i64)| {
                now = now.checked_add(*delta).ok_or_else(|| format!("the counts of its {side} buckets overflow"))?;
                let count = u64::try_from(now).map_err(|_| negative())?;
                total.0 += u128::from(count);
                Ok(BucketCount { index, count: whole(count) })
            };
            indices.into_iter().zip(deltas).map(count).collect()
        }
        Counts::Floats(floats) => {
            let count = |(index, count): (i32, &f64)| {
                if *count >= 0.0 { Ok(BucketCount { index, count: *count }) } else { Err(negative()) }
            };
            indices.into_iter().zip(floats).map(count).collect()
        }
    }
}

impl Exponential<'_> {
    /// The histogram by the mapping of OpenTelemetry's compatibility specification, with at most `most` buckets that hold
    /// something.
    pub(crate) fn read(self, most: usize) -> Result<Histogram, String> {
        if self.scale < LOWEST_SCHEMA {
            return Err(format!("its scale is {}, and nothing below {LOWEST_SCHEMA} is kept", self.scale));
        }
        // As Prometheus does where no threshold is told.
        let zero_threshold = if self.zero_threshold == 0.0 { 1e-128 } else { self.zero_threshold };
        if zero_threshold.is_nan() || zero_threshold < 0.0 {
            return Err(format!("its zero threshold is {}", self.zero_threshold));
        }
        let steps = u32::try_from(self.scale.saturating_sub(HIGHEST_SCHEMA)).unwrap_or(0).min(31);
        let mut total = Total::default();
        let mut side = |(offset, counts): (i32, &[u64])| {
            let mut out: Vec<BucketCount> = Vec::new();
            for (count, place) in counts.iter().zip(0_i64..).filter(|(count, _)| **count > 0) {
                total.0 += u128::from(*count);
                let index = ((i64::from(offset) + place) >> steps) + 1;
                let index = i32::try_from(index).map_err(|_| "a bucket is out of range".to_owned())?;
                match out.last_mut().filter(|last| last.index == index) {
                    Some(last) => last.count += whole(*count),
                    None => out.push(BucketCount { index, count: whole(*count) }),
                }
            }
            Ok::<_, String>(out)
        };
        let (positive, negative) = (side(self.positive)?, side(self.negative)?);
        let filled = positive.len() + negative.len();
        if filled > most {
            return Err(format!("it has {filled} buckets; at most {most} are taken"));
        }
        total.check(self.zero_count, self.count, self.sum)?;
        Ok(Histogram {
            reset: CounterReset::Unknown,
            schema: self.scale.min(HIGHEST_SCHEMA),
            zero_threshold,
            zero_count: whole(self.zero_count),
            count: whole(self.count),
            sum: self.sum,
            positive,
            negative,
            ..Histogram::default()
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts are doubles in PromQL; integers beyond 2^53 lose their last digits there too"
)]
fn whole(v: u64) -> f64 {
    v as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: (&[Span], Counts<'static>) = (&[], Counts::Deltas(&[]));

    fn spans<'a>(positive: (&'a [Span], Counts<'a>), count: u64) -> Spans<'a> {
        Spans {
            reset: CounterReset::Unknown,
            schema: 1,
            zero_threshold: 0.5,
            zero_count: Count::Whole(1),
            count: Count::Whole(count),
            sum: 3.0,
            positive,
            negative: NONE,
            bounds: &[],
        }
    }

    fn span(offset: i32, length: u32) -> Span {
        Span { offset, length }
    }

    #[test]
    fn spans_place_the_buckets() {
        let list = [span(-2, 2), span(3, 1), span(0, 1)];
        let read = spans((&list, Counts::Deltas(&[1, 1, -2, 4])), 8).read(10).unwrap();
        let found: Vec<_> = read.positive.iter().map(|b| (b.index, b.count)).collect();
        assert_eq!(found, [(-2, 1.0), (-1, 2.0), (4, 4.0)], "an empty bucket is none");
        assert_eq!((read.zero_count, read.count, read.schema), (1.0, 8.0, 1));
        let fine = Spans { schema: 10, ..spans((&list, Counts::Deltas(&[1, 1, -2, 4])), 8) }.read(10).unwrap();
        assert_eq!(
            (fine.schema, fine.positive[0], fine.positive[1]),
            (8, BucketCount { index: 0, count: 3.0 }, BucketCount { index: 1, count: 4.0 })
        );
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_its_reason() {
        let one = [span(0, 1)];
        let good = spans((&one, Counts::Deltas(&[2])), 3);
        assert!(good.read(1).is_ok());
        assert!(Spans { sum: f64::NAN, count: Count::Whole(4), ..good }.read(1).is_ok(), "an observation was NaN");
        let overlapping = [span(0, 2), span(-1, 1)];
        let (far, endless, two, beyond) = ([span(i32::MAX, 2)], [span(0, u32::MAX)], [span(0, 2)], [i64::MAX, 1]);
        let cases: [(Spans<'_>, &str); 15] = [
            (Spans { count: Count::Whole(4), ..good }, "its buckets hold 3 observations and its count says 4"),
            (Spans { sum: f64::NAN, count: Count::Whole(2), ..good }, "its buckets hold 3"),
            (spans((&one, Counts::Deltas(&[-1])), 0), "a positive bucket has a negative count"),
            (spans((&one, Counts::Floats(&[f64::NAN])), 0), "a positive bucket has a negative count"),
            (spans((&one, Counts::Deltas(&[])), 1), "its positive spans have 1 buckets, and there are 0 counts"),
            (spans((&endless, Counts::Deltas(&[1])), 1), "its positive spans have 4294967295 buckets"),
            (spans((&overlapping, Counts::Deltas(&[1, 0, 0])), 4), "its positive spans overlap"),
            (spans((&far, Counts::Deltas(&[1, 0])), 3), "a positive bucket is out of range"),
            (spans((&one, Counts::Deltas(&[1, 1, 1, 1])), 3), "it has 4 positive buckets; at most 3 are taken"),
            (Spans { schema: -5, ..good }, "its schema is -5"),
            (Spans { bounds: &[1.0], ..good }, "it has custom bounds and an exponential schema"),
            (Spans { zero_threshold: -1.0, ..good }, "its zero threshold is -1"),
            (Spans { zero_count: Count::Float(1.0), ..good }, "its counts are whole numbers in part"),
            (Spans { count: Count::Float(-1.0), zero_count: Count::Float(0.0), ..good }, "it has a negative count"),
            (Spans { positive: (&two, Counts::Deltas(&beyond)), ..good }, "overflow"),
        ];
        for (given, reason) in cases {
            let said = given.read(3).unwrap_err();
            assert!(said.contains(reason), "{said} / {reason}");
        }
    }

    #[test]
    fn custom_bounds_rise_and_their_buckets_are_among_them() {
        let (two, below) = ([span(0, 2)], [span(-1, 2)]);
        let good = Spans {
            schema: CUSTOM_BUCKETS,
            zero_threshold: 0.0,
            zero_count: Count::Whole(0),
            bounds: &[1.0],
            ..spans((&two, Counts::Deltas(&[1, 1])), 3)
        };
        assert_eq!(good.read(2).unwrap().to_string(), "{count:3, sum:3, [-Inf,1]:1, (1,+Inf]:2}");
        let cases: [(Spans<'_>, &str); 7] = [
            (Spans { bounds: &[], ..good }, "buckets beyond its 0 custom bounds"),
            (Spans { bounds: &[1.0, 1.0], ..good }, "do not rise"),
            (Spans { bounds: &[1.0, f64::INFINITY], ..good }, "not finite"),
            (Spans { bounds: &[1.0, 2.0, 3.0], ..good }, "it has 3 custom bounds; at most 2 are taken"),
            (Spans { zero_count: Count::Whole(1), ..good }, "a zero bucket"),
            (Spans { negative: (&two, Counts::Deltas(&[0, 0])), ..good }, "negative buckets"),
            (Spans { positive: (&below, Counts::Deltas(&[1, 1])), ..good }, "below its first custom bound"),
        ];
        for (given, reason) in cases {
            let said = given.read(2).unwrap_err();
            assert!(said.contains(reason), "{said} / {reason}");
        }
    }

    #[test]
    fn exponential_points_become_native_histograms() {
        let point = Exponential {
            scale: 0,
            zero_threshold: 0.0,
            zero_count: 1,
            count: 11,
            sum: 20.0,
            positive: (-1, &[1, 2, 0, 3]),
            negative: (0, &[4]),
        };
        // OTLP's bucket i is (base^i, base^(i+1)]; Prometheus numbers it by its upper end.
        let read = point.read(4).unwrap();
        assert_eq!(
            read.to_string(),
            "{count:11, sum:20, [-2,-1):4, [-0,0]:1, (0.5,1]:1, (1,2]:2, (4,8]:3}"
                .replace("[-0,0]", &format!("[-{0},{0}]", 1e-128))
        );
        let fine = Exponential { scale: 10, ..point }.read(4).unwrap();
        assert_eq!(fine.schema, 8);
        let shown: Vec<_> = fine.positive.iter().map(|b| (b.index, b.count)).collect();
        assert_eq!(shown, [(0, 1.0), (1, 5.0)], "four buckets become one: those from 0 to 3, and the one before");
        assert_eq!(Exponential { zero_threshold: 0.25, ..point }.read(4).unwrap().zero_threshold, 0.25);
        for (given, reason) in [
            (Exponential { scale: -5, ..point }, "its scale is -5"),
            (Exponential { count: 12, ..point }, "its buckets hold 11 observations and its count says 12"),
            (Exponential { positive: (i32::MAX, &[1, 2, 0, 3]), ..point }, "out of range"),
            (Exponential { zero_threshold: f64::NAN, ..point }, "zero threshold"),
        ] {
            let said = given.read(4).unwrap_err();
            assert!(said.contains(reason), "{said} / {reason}");
        }
        assert!(point.read(3).unwrap_err().contains("it has 4 buckets; at most 3 are taken"));
    }
}
