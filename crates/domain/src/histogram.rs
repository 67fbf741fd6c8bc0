//! Native histograms, as Prometheus and OpenTelemetry know them: many buckets in one sample.
//!
//! Not classic histograms, which are one series a bucket, and not the arithmetic: `promql` adds and compares them.
//! It only brings one to a lower resolution, which decoders and the store need too.
//! Bucket layouts follow Prometheus's "Native Histograms" specification: exponential schemas -4 to 8, and schema -53
//! for buckets whose bounds are given (NHCB).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The schema of histograms whose bucket bounds are given.
pub const CUSTOM_BUCKETS: i32 = -53;

/// The most buckets that are listed one by one.
const MAX_LISTED: i64 = 10_000;

/// What is known about a counter's restart before a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum CounterReset {
    /// It has to be found out by comparison with the sample before.
    #[default]
    Unknown,
    /// The counter restarted before this sample.
    Reset,
    /// It did not.
    NotReset,
    /// It is no counter.
    Gauge,
}

/// The count of one bucket. Its index is relative to the schema: bucket `i` of an exponential schema ends at
/// `2^(i * 2^-schema)`, bucket `i` of a custom one at its bound `i`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BucketCount {
    /// Which bucket.
    pub index: i32,
    /// How many observations, not cumulative.
    pub count: f64,
}

/// One native histogram. Counts are floats: rates and means are fractions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Histogram {
    /// What is known about restarts.
    pub reset: CounterReset,
    /// -4 to 8, or [`CUSTOM_BUCKETS`].
    pub schema: i32,
    /// The zero bucket reaches from minus this to this.
    pub zero_threshold: f64,
    /// The count of the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// The sum of all observations; Prometheus's stale marker ends the series.
    pub sum: f64,
    /// Buckets above zero, by ascending index.
    pub positive: Vec<BucketCount>,
    /// Buckets below zero, by ascending index, which is by descending value.
    pub negative: Vec<BucketCount>,
    /// The upper bounds of custom buckets, ascending, without infinity. Empty for exponential schemas.
    pub bounds: Arc<[f64]>,
}

/// A bucket with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// How many observations, not cumulative.
    pub count: f64,
}

/// The upper bound of a bucket of an exponential schema.
#[must_use]
pub fn exponential_bound(index: i32, schema: i32) -> f64 {
    let (exponent, fraction) = if schema <= 0 {
        (i64::from(index) << schema.unsigned_abs().min(30), 0.0)
    } else {
        let schema = schema.min(30);
        let part = index & ((1 << schema) - 1);
        (i64::from(index >> schema), f64::from(part) / f64::from(1 << schema))
    };
    // The bucket that would end beyond the range of floats ends at the largest one: infinity has a bucket of its own.
    if exponent >= 1024 && (exponent > 1024 || fraction > 0.0) {
        return f64::INFINITY;
    }
    if exponent == 1024 {
        return f64::MAX;
    }
    let scale = |exponent: i64| 2.0_f64.powi(i32::try_from(exponent).unwrap_or(i32::MIN));
    // In two steps, so that subnormal bounds are not lost.
    scale(exponent / 2) * scale(exponent - exponent / 2) * fraction.exp2()
}

impl Histogram {
    /// Whether the bounds are given instead of following from the schema.
    #[must_use]
    pub fn has_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS
    }

    /// The upper bound of a positive bucket.
    #[must_use]
    pub fn bound(&self, index: i32) -> f64 {
        if !self.has_custom_buckets() {
            return exponential_bound(index, self.schema);
        }
        match usize::try_from(index) {
            Ok(at) => self.bounds.get(at).copied().unwrap_or(f64::INFINITY),
            Err(_) => f64::NEG_INFINITY,
        }
    }

    /// A positive bucket with its bounds.
    #[must_use]
    pub fn positive_bucket(&self, bucket: &BucketCount) -> Bucket {
        let lower = self.bound(bucket.index.saturating_sub(1));
        Bucket { lower, upper: self.bound(bucket.index), count: bucket.count }
    }

    /// A negative bucket with its bounds.
    #[must_use]
    pub fn negative_bucket(&self, bucket: &BucketCount) -> Bucket {
        let upper = -self.bound(bucket.index.saturating_sub(1));
        Bucket { lower: -self.bound(bucket.index), upper, count: bucket.count }
    }

    /// The zero bucket.
    #[must_use]
    pub fn zero_bucket(&self) -> Bucket {
        Bucket { lower: -self.zero_threshold, upper: self.zero_threshold, count: self.zero_count }
    }

    /// All buckets by ascending bounds. Those that overlap the zero bucket are cut at it; an empty zero bucket is left out.
    #[must_use]
    pub fn buckets(&self) -> Vec<Bucket> {
        let threshold = self.zero_threshold;
        let mut out = Vec::with_capacity(self.negative.len() + self.positive.len() + 1);
        out.extend(self.negative.iter().rev().map(|b| self.negative_bucket(b)).map(|mut b| {
            b.upper = b.upper.min(-threshold);
            b
        }));
        if self.zero_count > 0.0 {
            out.push(self.zero_bucket());
        }
        let custom = self.has_custom_buckets();
        out.extend(self.positive.iter().map(|b| self.positive_bucket(b)).map(|mut b| {
            if !custom {
                b.lower = b.lower.max(threshold);
            }
            b
        }));
        out
    }

    /// As Prometheus's tests write it: `{{schema:1 count:3 sum:5 buckets:[1 0 2]}}`. Buckets that lie too far apart to be
    /// listed are left out.
    #[must_use]
    pub fn to_test_text(&self) -> String {
        let mut parts = Vec::new();
        let mut number = |name: &str, value: f64, always: bool| {
            if always || value != 0.0 {
                parts.push(format!("{name}:{value}"));
            }
        };
        number("schema", f64::from(self.schema), false);
        number("count", self.count, false);
        number("sum", self.sum, false);
        number("z_bucket", self.zero_count, false);
        number("z_bucket_w", self.zero_threshold, false);
        let list = |values: &[f64]| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        if !self.bounds.is_empty() {
            parts.push(format!("custom_values:[{}]", list(&self.bounds)));
        }
        match self.reset {
            CounterReset::Unknown => {}
            CounterReset::Reset => parts.push("counter_reset_hint:reset".to_owned()),
            CounterReset::NotReset => parts.push("counter_reset_hint:not_reset".to_owned()),
            CounterReset::Gauge => parts.push("counter_reset_hint:gauge".to_owned()),
        }
        for (buckets, offset, name) in
            [(&self.positive, "offset", "buckets"), (&self.negative, "n_offset", "n_buckets")]
        {
            let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else { continue };
            if i64::from(last.index) - i64::from(first.index) > MAX_LISTED {
                continue;
            }
            if first.index != 0 {
                parts.push(format!("{offset}:{}", first.index));
            }
            let mut filled = buckets.iter().peekable();
            let counts: Vec<f64> = (first.index..=last.index)
                .map(|index| filled.next_if(|b| b.index == index).map_or(0.0, |b| b.count))
                .collect();
            parts.push(format!("{name}:[{}]", list(&counts)));
        }
        format!("{{{{{}}}}}", parts.join(" "))
    }

    /// The same observations at a lower resolution: buckets are merged. Nothing changes where the resolution is that low
    /// already, or the bounds are given.
    #[must_use]
    pub fn coarsened(mut self, schema: i32) -> Self {
        if self.has_custom_buckets() || self.schema <= schema {
            return self;
        }
        let steps = self.schema.saturating_sub(schema).min(31);
        for buckets in [&mut self.positive, &mut self.negative] {
            let mut merged: Vec<BucketCount> = Vec::with_capacity(buckets.len());
            for bucket in buckets.iter() {
                let index = (bucket.index.saturating_sub(1) >> steps).saturating_add(1);
                match merged.last_mut().filter(|last| last.index == index) {
                    Some(last) => last.count += bucket.count,
                    None => merged.push(BucketCount { index, count: bucket.count }),
                }
            }
            *buckets = merged;
        }
        self.schema = schema;
        self
    }

    /// The histogram without its empty buckets.
    #[must_use]
    pub fn compact(mut self) -> Self {
        self.positive.retain(|b| b.count != 0.0);
        self.negative.retain(|b| b.count != 0.0);
        self
    }
}

impl fmt::Display for Histogram {
    /// As Prometheus shows it: `{count:3, sum:1.5, (0.5,1]:2, (1,2]:1}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", self.count, self.sum)?;
        for bucket in self.negative.iter().rev().filter(|b| b.count != 0.0) {
            let b = self.negative_bucket(bucket);
            write!(f, ", [{},{}):{}", b.lower, b.upper, b.count)?;
        }
        if self.zero_count != 0.0 {
            write!(f, ", [{},{}]:{}", -self.zero_threshold, self.zero_threshold, self.zero_count)?;
        }
        for bucket in self.positive.iter().filter(|b| b.count != 0.0) {
            let b = self.positive_bucket(bucket);
            let (open, close) = (if b.lower.is_infinite() { '[' } else { '(' }, ']');
            let upper = if b.upper.is_infinite() { "+Inf".to_owned() } else { b.upper.to_string() };
            let lower = if b.lower.is_infinite() { "-Inf".to_owned() } else { b.lower.to_string() };
            write!(f, ", {open}{lower},{upper}{close}:{}", b.count)?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_exponential_schemas_are_powers_of_two_and_their_roots() {
        assert_eq!(exponential_bound(0, 0), 1.0);
        assert_eq!(exponential_bound(3, 0), 8.0);
        assert_eq!(exponential_bound(-2, 0), 0.25);
        assert_eq!(exponential_bound(2, 1), 2.0);
        assert!((exponential_bound(1, 1) - std::f64::consts::SQRT_2).abs() < 1e-15);
        assert!((exponential_bound(-1, 1) - std::f64::consts::FRAC_1_SQRT_2).abs() < 1e-15);
        assert_eq!(exponential_bound(1, -2), 16.0);
        assert_eq!(exponential_bound(1024, 0), f64::MAX);
        assert_eq!(exponential_bound(1025, 0), f64::INFINITY);
        assert!(exponential_bound(-1074, 0) > 0.0);
    }

    #[test]
    fn buckets_run_from_the_lowest_to_the_highest_and_stop_at_the_zero_bucket() {
        let bucket = |index, count| BucketCount { index, count };
        let h = Histogram {
            zero_threshold: 0.75,
            zero_count: 1.0,
            positive: vec![bucket(0, 2.0), bucket(1, 3.0)],
            negative: vec![bucket(0, 4.0)],
            ..Histogram::default()
        };
        let shown: Vec<_> = h.buckets().iter().map(|b| (b.lower, b.upper, b.count)).collect();
        assert_eq!(shown, [(-1.0, -0.75, 4.0), (-0.75, 0.75, 1.0), (0.75, 1.0, 2.0), (1.0, 2.0, 3.0)]);
    }

    #[test]
    fn a_lower_resolution_holds_the_same_observations_between_bounds_that_the_higher_one_had() {
        let positive = (-7..=9).map(|index| BucketCount { index, count: 1.0 }).collect();
        let fine = Histogram { schema: 3, positive, count: 17.0, ..Histogram::default() };
        for schema in [2, 1, 0, -1, -4] {
            let coarse = fine.clone().coarsened(schema);
            assert_eq!((coarse.schema, coarse.positive.iter().map(|b| b.count).sum::<f64>()), (schema, 17.0));
            for bucket in &coarse.positive {
                let whole = coarse.positive_bucket(bucket);
                let parts = fine.positive.iter().map(|b| fine.positive_bucket(b));
                let inside = parts.filter(|b| whole.lower <= b.lower && b.upper <= whole.upper).count();
                assert_eq!(inside as f64, bucket.count, "schema {schema}, {whole:?}");
            }
        }
        assert_eq!(fine.clone().coarsened(3), fine);
    }

    #[test]
    fn custom_buckets_reach_to_infinity() {
        let h = Histogram {
            schema: CUSTOM_BUCKETS,
            bounds: [5.0, 10.0].into(),
            positive: vec![BucketCount { index: 0, count: 1.0 }, BucketCount { index: 2, count: 2.0 }],
            count: 3.0,
            sum: 20.0,
            ..Histogram::default()
        };
        assert_eq!(h.to_string(), "{count:3, sum:20, [-Inf,5]:1, (10,+Inf]:2}");
    }
}
