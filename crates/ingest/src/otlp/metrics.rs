//! OTLP metrics as Prometheus series.
//!
//! Explicit buckets become classic ones, exponential histograms native ones.
//! Delta temporality: the increments are handed on as such, and the store keeps their running sum.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{
    self as otlp, AggregationTemporality, DataPointFlags, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    NumberDataPoint, SummaryDataPoint, exemplar, exponential_histogram_data_point::Buckets, metric::Data,
    number_data_point,
};
use watchkeeper_domain::Labels;
use watchkeeper_domain::telemetry::{
    Batch, Exemplar, HistogramPoint, MetricMeta, STALE_NAN_BITS, Sample, SeriesHistograms, SeriesSamples,
};

use super::answer::{Answer, NO_POINT, Points, Signal};
use super::naming::{self, Kind};
use super::resource::Target;
use super::{Decoded, Encoding, millis, shape, value};
use crate::error::{DecodeError, cut};
use crate::label::{self, Interner};
use crate::limits::Limits;
use crate::native::{self, Exponential};
use crate::refused::Refused;

/// Decodes an `ExportMetricsServiceRequest` body (already decompressed).
pub fn decode(body: &[u8], encoding: Encoding, limits: &Limits) -> Result<Decoded, DecodeError> {
    let request = super::read(body, encoding, limits, &shape::METRICS, "the OTLP metrics request")?;
    map(request, encoding, limits)
}

pub(super) fn map(
    request: ExportMetricsServiceRequest,
    encoding: Encoding,
    limits: &Limits,
) -> Result<Decoded, DecodeError> {
    let mut mapping = Mapping {
        limits,
        interner: Interner::default(),
        batch: Batch::default(),
        refused: Refused::default(),
        points: Points::default(),
        point: 0,
        newest: 0,
    };
    for resource in request.resource_metrics {
        let mut target = Target::new(resource.resource, &mut mapping.interner);
        mapping.newest = 0;
        for scope in resource.scope_metrics {
            target.enter(scope.scope.as_ref(), &scope.schema_url, &mut mapping.interner);
            for metric in scope.metrics {
                mapping.metric(&target, metric);
                let batch = &mapping.batch;
                let native = batch.histograms.len() + batch.histogram_deltas.len();
                if batch.series.len() + batch.deltas.len() + native > limits.records {
                    return Err(DecodeError::TooLarge {
                        what: "the number of series in the OTLP metrics request".to_owned(),
                        limit: limits.records.to_string(),
                    });
                }
            }
        }
        mapping.target_info(&target);
    }
    let Mapping { batch, refused, points, .. } = mapping;
    Ok(Decoded { batch, answer: Answer::new(Signal::Metrics, encoding, refused, points) })
}

/// Attributes of an exemplar that are kept.
const EXEMPLAR_ATTRIBUTES: usize = 16;

struct Mapping<'a> {
    limits: &'a Limits,
    interner: Interner,
    batch: Batch,
    refused: Refused,
    points: Points,
    /// The number of the present data point.
    point: u32,
    /// The newest time of the present resource, in milliseconds.
    newest: i64,
}

/// How a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counting {
    /// It stands for itself: gauges, quantiles.
    Level,
    /// Since its start.
    Cumulative,
    /// Since the point before it.
    Delta,
}

/// A data point's time, start and staleness.
#[derive(Clone, Copy)]
struct When {
    t: i64,
    start: Option<i64>,
    stale: bool,
}

impl When {
    fn new(time: u64, start: u64, flags: u32) -> Result<Self, String> {
        if time == 0 {
            return Err("it has no timestamp".to_owned());
        }
        let stale = flags & DataPointFlags::NoRecordedValueMask as u32 != 0;
        Ok(Self { t: millis(time), start: (start != 0 && start < time).then(|| millis(start)), stale })
    }

    fn sample(self, v: f64) -> Sample {
        Sample { t: self.t, v: if self.stale { f64::from_bits(STALE_NAN_BITS) } else { v } }
    }
}

impl Mapping<'_> {
    fn metric(&mut self, target: &Target, metric: Metric) {
        let name = &metric.name;
        let (points, kind, word, temporality) = match &metric.data {
            None => {
                return self.refused.add(0, || format!("metric `{}`: it has no data points", cut(name)));
            }
            Some(Data::Gauge(g)) => (g.data_points.len(), Kind::Gauge, "gauge", None),
            Some(Data::Sum(s)) => {
                let (kind, word) = if s.is_monotonic { (Kind::Counter, "counter") } else { (Kind::UpDown, "gauge") };
                (s.data_points.len(), kind, word, Some(s.aggregation_temporality))
            }
            Some(Data::Histogram(h)) => {
                (h.data_points.len(), Kind::Distribution, "histogram", Some(h.aggregation_temporality))
            }
            Some(Data::Summary(s)) => (s.data_points.len(), Kind::Distribution, "summary", None),
            Some(Data::ExponentialHistogram(h)) => {
                (h.data_points.len(), Kind::Distribution, "histogram", Some(h.aggregation_temporality))
            }
        };
        let counting = match temporality.map(AggregationTemporality::try_from) {
            None => Counting::Level,
            Some(Ok(AggregationTemporality::Cumulative)) => Counting::Cumulative,
            Some(Ok(AggregationTemporality::Delta)) => Counting::Delta,
            Some(_) => {
                return self.refused.add(points as u64, || {
                    format!("metric `{}`: it does not say whether it is cumulative or delta", cut(name))
                });
            }
        };
        let Some(series) = naming::metric_name(name, &metric.unit, kind) else {
            return self
                .refused
                .add(points as u64, || format!("metric `{}`: its name has no usable character", cut(name)));
        };
        let series = self.interner.get(&series);
        self.batch.meta.push(MetricMeta {
            name: Arc::clone(&series),
            kind: self.interner.get(word),
            unit: self.interner.get(&naming::unit_name(&metric.unit)),
            help: Arc::from(metric.description.chars().take(1_024).collect::<String>()),
        });
        let each = |result: Result<(), String>, mapping: &mut Self| {
            if let Err(why) = result {
                mapping.refused.add(1, || format!("metric `{}`: a data point is refused: {why}", cut(name)));
            }
            mapping.point += 1;
        };
        match metric.data {
            Some(Data::Gauge(otlp::Gauge { data_points }) | Data::Sum(otlp::Sum { data_points, .. })) => {
                for point in data_points {
                    each(self.number(target, &series, &point, kind, counting), self);
                }
            }
            Some(Data::Histogram(h)) => {
                for point in h.data_points {
                    each(self.histogram(target, &series, &point, counting), self);
                }
            }
            Some(Data::Summary(s)) => {
                for point in s.data_points {
                    each(self.summary(target, &series, &point), self);
                }
            }
            Some(Data::ExponentialHistogram(h)) => {
                for point in h.data_points {
                    each(self.exponential(target, &series, &point, counting), self);
                }
            }
            None => {}
        }
    }

    fn number(
        &mut self,
        target: &Target,
        name: &Arc<str>,
        point: &NumberDataPoint,
        kind: Kind,
        counting: Counting,
    ) -> Result<(), String> {
        let when = When::new(point.time_unix_nano, point.start_time_unix_nano, point.flags)?;
        let v = match point.value {
            Some(number_data_point::Value::AsDouble(v)) => v,
            Some(number_data_point::Value::AsInt(v)) => to_f64(v),
            None if when.stale => 0.0,
            None => return Err("it has no value".to_owned()),
        };
        if counting == Counting::Delta && !v.is_finite() {
            return Err(format!("{v} is no increment"));
        }
        if counting == Counting::Delta && kind == Kind::Counter && v < 0.0 {
            return Err(format!("{v} is no increment of a sum that only grows"));
        }
        let labels = target.labels(name, &point.attributes, None, &mut self.interner, self.limits)?;
        self.exemplars(&labels, &point.exemplars);
        self.push(labels, when, v, counting);
        Ok(())
    }

    fn histogram(
        &mut self,
        target: &Target,
        name: &Arc<str>,
        point: &HistogramDataPoint,
        counting: Counting,
    ) -> Result<(), String> {
        let when = When::new(point.time_unix_nano, point.start_time_unix_nano, point.flags)?;
        let (bounds, counts) = (&point.explicit_bounds, &point.bucket_counts);
        if !(counts.is_empty() && bounds.is_empty()) && counts.len() != bounds.len() + 1 {
            return Err(format!("it has {} bucket counts for {} bounds", counts.len(), bounds.len()));
        }
        if !bounds.is_sorted_by(|a, b| a < b) {
            return Err("its bucket bounds do not rise".to_owned());
        }
        let [bucket, sum, count] =
            ["bucket", "sum", "count"].map(|suffix| self.interner.get(&format!("{name}_{suffix}")));
        let mut cumulative = 0_u64;
        let mut exemplars: Vec<&otlp::Exemplar> = point.exemplars.iter().collect();
        for (bound, in_bucket) in bounds.iter().zip(counts) {
            cumulative = cumulative.saturating_add(*in_bucket);
            let labels = target.labels(
                &bucket,
                &point.attributes,
                Some(("le", &float_text(*bound))),
                &mut self.interner,
                self.limits,
            )?;
            exemplars.retain(|e| {
                let here = exemplar_value(e) <= *bound;
                if here {
                    self.exemplar(&labels, e);
                }
                !here
            });
            self.push(labels, when, u64_to_f64(cumulative), counting);
        }
        let labels =
            target.labels(&bucket, &point.attributes, Some(("le", "+Inf")), &mut self.interner, self.limits)?;
        for exemplar in exemplars {
            self.exemplar(&labels, exemplar);
        }
        self.push(labels, when, u64_to_f64(point.count), counting);
        if let Some(v) = point.sum.or(when.stale.then_some(0.0)) {
            let labels = target.labels(&sum, &point.attributes, None, &mut self.interner, self.limits)?;
            self.push(labels, when, v, counting);
        }
        let labels = target.labels(&count, &point.attributes, None, &mut self.interner, self.limits)?;
        self.push(labels, when, u64_to_f64(point.count), counting);
        Ok(())
    }

    fn exponential(
        &mut self,
        target: &Target,
        name: &Arc<str>,
        point: &ExponentialHistogramDataPoint,
        counting: Counting,
    ) -> Result<(), String> {
        let when = When::new(point.time_unix_nano, point.start_time_unix_nano, point.flags)?;
        let histogram = if when.stale { native::end() } else { exponential(point).read(self.limits.buckets)? };
        let labels = target.labels(name, &point.attributes, None, &mut self.interner, self.limits)?;
        self.exemplars(&labels, &point.exemplars);
        self.newest = self.newest.max(when.t);
        let samples = vec![HistogramPoint { t: when.t, histogram: Arc::new(histogram) }];
        let series = SeriesHistograms { labels, samples, start: when.start.filter(|_| !when.stale) };
        if counting == Counting::Delta && !when.stale {
            self.batch.histogram_deltas.push(series);
            self.points.histogram_deltas.push(self.point);
        } else {
            self.batch.histograms.push(series);
            self.points.histograms.push(self.point);
        }
        Ok(())
    }

    fn summary(&mut self, target: &Target, name: &Arc<str>, point: &SummaryDataPoint) -> Result<(), String> {
        let when = When::new(point.time_unix_nano, point.start_time_unix_nano, point.flags)?;
        for quantile in &point.quantile_values {
            let extra = Some(("quantile", float_text(quantile.quantile)));
            let extra = extra.as_ref().map(|(n, v)| (*n, v.as_str()));
            let labels = target.labels(name, &point.attributes, extra, &mut self.interner, self.limits)?;
            self.push(labels, when, quantile.value, Counting::Level);
        }
        for (suffix, v) in [("sum", point.sum), ("count", u64_to_f64(point.count))] {
            let name = self.interner.get(&format!("{name}_{suffix}"));
            let labels = target.labels(&name, &point.attributes, None, &mut self.interner, self.limits)?;
            self.push(labels, when, v, Counting::Cumulative);
        }
        Ok(())
    }

    fn push(&mut self, labels: Labels, when: When, v: f64, counting: Counting) {
        self.newest = self.newest.max(when.t);
        let start = when.start.filter(|_| counting != Counting::Level && !when.stale);
        let series = SeriesSamples { labels, samples: vec![when.sample(v)], start };
        // That nothing was recorded is no increment: the marker stands in the series that the increments make.
        if counting == Counting::Delta && !when.stale {
            self.batch.deltas.push(series);
            self.points.deltas.push(self.point);
        } else {
            self.batch.series.push(series);
            self.points.series.push(self.point);
        }
    }

    fn target_info(&mut self, target: &Target) {
        if self.newest == 0 {
            return;
        }
        if let Some(labels) = target.info(&mut self.interner, self.limits) {
            self.batch.series.push(SeriesSamples {
                labels,
                samples: vec![Sample { t: self.newest, v: 1.0 }],
                start: None,
            });
            self.points.series.push(NO_POINT);
        }
    }

    fn exemplars(&mut self, labels: &Labels, list: &[otlp::Exemplar]) {
        for exemplar in list {
            self.exemplar(labels, exemplar);
        }
    }

    fn exemplar(&mut self, labels: &Labels, exemplar: &otlp::Exemplar) {
        let attributes = exemplar.filtered_attributes.iter().map(|kv| {
            let (name, text) = (label::escape_name(&kv.key), value::to_text(kv.value.as_ref()));
            (self.interner.get(&name), self.interner.get(&cut(&text)))
        });
        self.batch.exemplars.push(Exemplar {
            labels: labels.clone(),
            t: millis(exemplar.time_unix_nano),
            v: exemplar_value(exemplar),
            trace_id: value::hex(&exemplar.trace_id),
            span_id: value::hex(&exemplar.span_id),
            attributes: Labels::from_pairs(attributes.take(EXEMPLAR_ATTRIBUTES)),
        });
    }
}

fn exponential(point: &ExponentialHistogramDataPoint) -> Exponential<'_> {
    fn side(buckets: Option<&Buckets>) -> (i32, &[u64]) {
        buckets.map_or((0, &[]), |b| (b.offset, &b.bucket_counts))
    }
    Exponential {
        scale: point.scale,
        zero_threshold: point.zero_threshold,
        zero_count: point.zero_count,
        count: point.count,
        sum: point.sum.unwrap_or(0.0),
        positive: side(point.positive.as_ref()),
        negative: side(point.negative.as_ref()),
    }
}

fn exemplar_value(exemplar: &otlp::Exemplar) -> f64 {
    match exemplar.value {
        Some(exemplar::Value::AsDouble(v)) => v,
        Some(exemplar::Value::AsInt(v)) => to_f64(v),
        None => 0.0,
    }
}

/// A bound or quantile as Prometheus's label values have it: `0.5`, `1`, `+Inf`.
fn float_text(v: f64) -> String {
    if v == f64::INFINITY {
        "+Inf".to_owned()
    } else if v == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else if v != 0.0 && !(1e-4..1e21).contains(&v.abs()) {
        // Go's %g, which Prometheus uses, has two digits in the exponent at least.
        let text = format!("{v:e}");
        match text.split_once('e') {
            Some((digits, exponent)) => {
                let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
                format!("{digits}e{sign}{exponent:0>2}")
            }
            None => text,
        }
    } else {
        v.to_string()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus's samples are doubles; integers beyond 2^53 lose their last digits there too"
)]
fn to_f64(v: i64) -> f64 {
    v as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus's samples are doubles; integers beyond 2^53 lose their last digits there too"
)]
fn u64_to_f64(v: u64) -> f64 {
    v as f64
}
