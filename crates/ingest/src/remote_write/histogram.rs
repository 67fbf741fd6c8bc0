//! A native histogram of a remote write request, either version.
//!
//! Not what is right and wrong about one in general: `native` has that.

use watchkeeper_domain::Histogram;
use watchkeeper_domain::histogram::CounterReset;
use watchkeeper_domain::telemetry::is_stale;

use super::proto::{self, BucketSpan, ZeroCount};
use crate::native::{self, Count, Counts, Span, Spans};
use crate::wire::{LEAF, PACKED, Shape};

/// Spans, and lists of numbers.
pub(super) static SHAPE: Shape = Shape {
    nested: &[(8, &LEAF), (9, &PACKED), (10, &PACKED), (11, &LEAF), (12, &PACKED), (13, &PACKED), (16, &PACKED)],
};

/// Reads one, with at most `most` buckets on each side.
pub(super) fn read(given: &proto::Histogram, most: usize) -> Result<Histogram, String> {
    if is_stale(given.sum) {
        return Ok(native::end());
    }
    let count = match given.count {
        Some(proto::Count::Int(v)) => Count::Whole(v),
        Some(proto::Count::Float(v)) => Count::Float(v),
        None => Count::Whole(0),
    };
    let zero_count = match (given.zero_count, count) {
        (Some(ZeroCount::Int(v)), _) => Count::Whole(v),
        (Some(ZeroCount::Float(v)), _) => Count::Float(v),
        (None, Count::Whole(_)) => Count::Whole(0),
        (None, Count::Float(_)) => Count::Float(0.0),
    };
    let side = |deltas: &'_ [i64], floats: &'_ [f64]| match count {
        Count::Whole(_) if !floats.is_empty() => Err("its count is whole and its buckets are floats".to_owned()),
        Count::Float(_) if !deltas.is_empty() => Err("its count is a float and its buckets are whole".to_owned()),
        _ => Ok(()),
    };
    side(&given.positive_deltas, &given.positive_counts)?;
    side(&given.negative_deltas, &given.negative_counts)?;
    let counts = |deltas, floats| match count {
        Count::Whole(_) => Counts::Deltas(deltas),
        Count::Float(_) => Counts::Floats(floats),
    };
    let (positive, negative) = (spans(&given.positive_spans), spans(&given.negative_spans));
    let histogram = Spans {
        reset: match given.reset_hint {
            1 => CounterReset::Reset,
            3 => CounterReset::Gauge,
            // That it did not begin again the store sees for itself.
            _ => CounterReset::Unknown,
        },
        schema: given.schema,
        zero_threshold: given.zero_threshold,
        zero_count,
        count,
        sum: given.sum,
        positive: (&positive, counts(given.positive_deltas.as_slice(), given.positive_counts.as_slice())),
        negative: (&negative, counts(given.negative_deltas.as_slice(), given.negative_counts.as_slice())),
        bounds: &given.custom_values,
    };
    histogram.read(most)
}

fn spans(given: &[BucketSpan]) -> Vec<Span> {
    given.iter().map(|s| Span { offset: s.offset, length: s.length }).collect()
}
