//! Answers of the evaluator in the JSON of Prometheus's API, native histograms included.
//!
//! Not handlers. The form is that of Prometheus's "HTTP API" page, "Expression query result formats".

use serde_json::{Value, json};
use watchkeeper_domain::histogram::{Bucket, Histogram};
use watchkeeper_domain::query::SeriesPoints;
use watchkeeper_domain::{Labels, Timestamp};
use watchkeeper_promql::{Answer, Point};

/// An instant query's `data`; `seconds` is its moment.
pub(super) fn instant(answer: &Answer, seconds: f64) -> Value {
    match answer {
        Answer::Scalar(v) => json!({"resultType": "scalar", "result": [seconds, number(*v)]}),
        Answer::Text(text) => json!({"resultType": "string", "result": [seconds, text]}),
        Answer::Vector(entries) => {
            let one = |labels: &Labels, point: &Point| match point {
                Point::Float(v) => json!({"metric": labels, "value": [seconds, number(*v)]}),
                Point::Histogram(h) => json!({"metric": labels, "histogram": [seconds, histogram(h)]}),
            };
            let all: Vec<Value> = entries.iter().map(|e| one(&e.labels, &e.value)).collect();
            json!({"resultType": "vector", "result": all})
        }
        Answer::Matrix(series) => matrix(series),
    }
}

/// A range query's `data`.
pub(super) fn matrix(series: &[SeriesPoints]) -> Value {
    let seconds = |t: i64| Timestamp::from_millis(t).as_secs_f64();
    let one = |s: &SeriesPoints| {
        let mut out = json!({"metric": s.labels});
        if !s.samples.is_empty() || s.histograms.is_empty() {
            out["values"] = s.samples.iter().map(|s| json!([seconds(s.t), number(s.v)])).collect();
        }
        if !s.histograms.is_empty() {
            out["histograms"] = s.histograms.iter().map(|h| json!([seconds(h.t), histogram(&h.histogram)])).collect();
        }
        out
    };
    json!({"resultType": "matrix", "result": series.iter().map(one).collect::<Vec<_>>()})
}

/// A number as Prometheus writes it: text, because JSON knows neither NaN nor infinity.
pub(super) fn number(v: f64) -> String {
    if v.is_nan() {
        "NaN".to_owned()
    } else if v == f64::INFINITY {
        "+Inf".to_owned()
    } else if v == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        format!("{v}")
    }
}

/// Count, sum and the buckets that hold something: `[which ends belong to it, lower, upper, count]`.
fn histogram(h: &Histogram) -> Value {
    const UPPER: u8 = 0;
    const LOWER: u8 = 1;
    const BOTH: u8 = 3;
    let bucket = |ends: u8, b: Bucket| json!([ends, number(b.lower), number(b.upper), number(b.count)]);
    let mut buckets: Vec<Value> = h.negative.iter().rev().map(|b| bucket(LOWER, h.negative_bucket(b))).collect();
    if h.zero_count != 0.0 {
        buckets.push(bucket(BOTH, h.zero_bucket()));
    }
    buckets.extend(h.positive.iter().map(|b| h.positive_bucket(b)).map(|b| {
        let ends = if b.lower == f64::NEG_INFINITY { BOTH } else { UPPER };
        bucket(ends, b)
    }));
    buckets.retain(|b| b[3] != "0");
    let mut out = json!({"count": number(h.count), "sum": number(h.sum)});
    if !buckets.is_empty() {
        out["buckets"] = json!(buckets);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use watchkeeper_domain::histogram::{BucketCount, CUSTOM_BUCKETS};
    use watchkeeper_domain::query::HistogramSample;
    use watchkeeper_domain::telemetry::Sample;
    use watchkeeper_promql::Entry;

    use super::*;

    fn exponential() -> Histogram {
        let bucket = |index, count| BucketCount { index, count };
        Histogram {
            count: 6.0,
            sum: 1.5,
            zero_threshold: 0.5,
            zero_count: 1.0,
            positive: vec![bucket(0, 2.0), bucket(1, 0.0), bucket(2, 1.0)],
            negative: vec![bucket(1, 2.0)],
            ..Histogram::default()
        }
    }

    #[test]
    fn histograms_stand_beside_numbers() {
        let labels = Labels::from_pairs([("job", "a")]);
        let entry = |value| Entry { labels: labels.clone(), value };
        let answer = Answer::Vector(vec![entry(Point::Float(2.5)), entry(Point::Histogram(Arc::new(exponential())))]);
        let shown = json!({
            "count": "6", "sum": "1.5",
            "buckets": [[1, "-2", "-1", "2"], [3, "-0.5", "0.5", "1"], [0, "0.5", "1", "2"], [0, "2", "4", "1"]],
        });
        let wanted = json!({"resultType": "vector", "result": [
            {"metric": {"job": "a"}, "value": [1.5, "2.5"]},
            {"metric": {"job": "a"}, "histogram": [1.5, shown]},
        ]});
        assert_eq!(instant(&answer, 1.5), wanted);
    }

    #[test]
    fn a_series_may_have_both_and_custom_buckets_reach_to_minus_infinity() {
        let custom = Histogram {
            schema: CUSTOM_BUCKETS,
            bounds: [5.0].into(),
            positive: vec![BucketCount { index: 0, count: 1.0 }, BucketCount { index: 1, count: 2.0 }],
            count: 3.0,
            sum: 20.0,
            ..Histogram::default()
        };
        let series = SeriesPoints {
            labels: Labels::empty(),
            samples: vec![Sample { t: 1_000, v: f64::NAN }],
            histograms: vec![HistogramSample { t: 2_000, histogram: Arc::new(custom), start: 0 }],
            ..SeriesPoints::default()
        };
        let shown = json!({"count": "3", "sum": "20", "buckets": [[3, "-Inf", "5", "1"], [0, "5", "+Inf", "2"]]});
        let wanted = json!({"resultType": "matrix", "result": [
            {"metric": {}, "values": [[1.0, "NaN"]], "histograms": [[2.0, shown]]},
        ]});
        assert_eq!(matrix(&[series]), wanted);
    }
}
