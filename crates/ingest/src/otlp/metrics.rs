//! OTLP metrics as Prometheus series.
//!
//! Not native histograms: explicit buckets become classic ones, exponential histograms are refused by name.
//! The scope is not part of a series' identity (as in Prometheus's own receiver): two scopes that record one metric with
//! equal attributes write one series.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::{
    self as otlp, AggregationTemporality, DataPointFlags, HistogramDataPoint, Metric, NumberDataPoint,
    SummaryDataPoint, exemplar, metric::Data, number_data_point,
};
use watchkeeper_domain::Labels;
use watchkeeper_domain::telemetry::{Batch, Exemplar, MetricMeta, STALE_NAN_BITS, Sample, SeriesSamples};

use super::naming::{self, Kind};
use super::resource::Target;
use super::{Decoded, Encoding, Refused, millis, respond, shape, value};
use crate::error::{DecodeError, cut};
use crate::label::Interner;
use crate::limits::Limits;

/// Decodes an `ExportMetricsServiceRequest` body (already decompressed).
pub fn decode(body: &[u8], encoding: Encoding, limits: &Limits) -> Result<Decoded, DecodeError> {
    let request = super::read(body, encoding, limits, &shape::METRICS, "the OTLP metrics request")?;
    map(request, encoding, limits)
}

/// Maps a message that gRPC has decoded; the response is protobuf.
pub fn from_request(request: ExportMetricsServiceRequest, limits: &Limits) -> Result<Decoded, DecodeError> {
    map(request, Encoding::Protobuf, limits)
}

fn map(request: ExportMetricsServiceRequest, encoding: Encoding, limits: &Limits) -> Result<Decoded, DecodeError> {
    let mut mapping = Mapping {
        limits,
        interner: Interner::default(),
        batch: Batch::default(),
        refused: Refused::default(),
        newest: 0,
    };
    for resource in request.resource_metrics {
        let target = Target::new(resource.resource, &mut mapping.interner);
        mapping.newest = 0;
        for scope in resource.scope_metrics {
            for metric in scope.metrics {
                mapping.metric(&target, metric);
                if mapping.batch.series.len() > limits.records {
                    return Err(DecodeError::TooLarge {
                        what: "the number of series in the OTLP metrics request".to_owned(),
                        limit: limits.records.to_string(),
                    });
                }
            }
        }
        mapping.target_info(&target);
    }
    let Mapping { batch, refused, .. } = mapping;
    let partial = (refused.count > 0).then(|| ExportMetricsPartialSuccess {
        rejected_data_points: refused.counted(),
        error_message: refused.message.clone(),
    });
    let response =
        respond(encoding, &refused, "rejectedDataPoints", &ExportMetricsServiceResponse { partial_success: partial });
    Ok(Decoded { batch, rejected: refused.count, message: refused.message, response })
}

struct Mapping<'a> {
    limits: &'a Limits,
    interner: Interner,
    batch: Batch,
    refused: Refused,
    /// The newest time of the present resource, in milliseconds.
    newest: i64,
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
        let (points, kind, word) = match &metric.data {
            None => return self.refused.add(0, String::new),
            Some(Data::Gauge(g)) => (g.data_points.len(), Kind::Gauge, "gauge"),
            Some(Data::Sum(s)) if s.is_monotonic => (s.data_points.len(), Kind::Counter, "counter"),
            Some(Data::Sum(s)) => (s.data_points.len(), Kind::UpDown, "gauge"),
            Some(Data::Histogram(h)) => (h.data_points.len(), Kind::Distribution, "histogram"),
            Some(Data::Summary(s)) => (s.data_points.len(), Kind::Distribution, "summary"),
            Some(Data::ExponentialHistogram(h)) => {
                return self.refused.add(h.data_points.len(), || {
                    format!(
                        "metric `{}`: exponential histograms are not supported; configure explicit bucket boundaries",
                        cut(&metric.name)
                    )
                });
            }
        };
        let temporality = match &metric.data {
            Some(Data::Sum(s)) => Some(s.aggregation_temporality),
            Some(Data::Histogram(h)) => Some(h.aggregation_temporality),
            _ => None,
        };
        if temporality.is_some_and(|t| t != AggregationTemporality::Cumulative as i32) {
            return self.refused.add(points, || {
                let given =
                    if temporality == Some(AggregationTemporality::Delta as i32) { "delta" } else { "unspecified" };
                format!(
                    "metric `{}`: {given} temporality is not supported; export with cumulative temporality",
                    cut(&metric.name)
                )
            });
        }
        let Some(name) = naming::metric_name(&metric.name, &metric.unit, kind) else {
            return self
                .refused
                .add(points, || format!("metric `{}`: its name has no usable character", cut(&metric.name)));
        };
        let name = self.interner.get(&name);
        self.batch.meta.push(MetricMeta {
            name: Arc::clone(&name),
            kind: self.interner.get(word),
            unit: self.interner.get(&naming::unit_name(&metric.unit)),
            help: Arc::from(metric.description.chars().take(1_024).collect::<String>()),
        });
        let each = |mapping: &mut Self, result: Result<(), String>| {
            if let Err(why) = result {
                mapping.refused.add(1, || format!("metric `{}`: a data point is refused: {why}", cut(&metric.name)));
            }
        };
        match metric.data {
            Some(Data::Gauge(otlp::Gauge { data_points })) => {
                for point in data_points {
                    let result = self.number(target, &name, &point, false);
                    each(self, result);
                }
            }
            Some(Data::Sum(otlp::Sum { data_points, is_monotonic, .. })) => {
                for point in data_points {
                    let result = self.number(target, &name, &point, is_monotonic);
                    each(self, result);
                }
            }
            Some(Data::Histogram(h)) => {
                for point in h.data_points {
                    let result = self.histogram(target, &name, &point);
                    each(self, result);
                }
            }
            Some(Data::Summary(s)) => {
                for point in s.data_points {
                    let result = self.summary(target, &name, &point);
                    each(self, result);
                }
            }
            Some(Data::ExponentialHistogram(_)) | None => {}
        }
    }

    fn number(
        &mut self,
        target: &Target,
        name: &Arc<str>,
        point: &NumberDataPoint,
        counter: bool,
    ) -> Result<(), String> {
        let when = When::new(point.time_unix_nano, point.start_time_unix_nano, point.flags)?;
        let v = match point.value {
            Some(number_data_point::Value::AsDouble(v)) => v,
            Some(number_data_point::Value::AsInt(v)) => to_f64(v),
            None if when.stale => 0.0,
            None => return Err("it has no value".to_owned()),
        };
        let labels = target.labels(name, &point.attributes, None, &mut self.interner, self.limits)?;
        self.exemplars(&labels, &point.exemplars);
        self.push(labels, when, v, counter);
        Ok(())
    }

    fn histogram(&mut self, target: &Target, name: &Arc<str>, point: &HistogramDataPoint) -> Result<(), String> {
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
            self.push(labels, when, u64_to_f64(cumulative), true);
        }
        let labels =
            target.labels(&bucket, &point.attributes, Some(("le", "+Inf")), &mut self.interner, self.limits)?;
        for exemplar in exemplars {
            self.exemplar(&labels, exemplar);
        }
        self.push(labels, when, u64_to_f64(point.count), true);
        if let Some(v) = point.sum.or(when.stale.then_some(0.0)) {
            let labels = target.labels(&sum, &point.attributes, None, &mut self.interner, self.limits)?;
            self.push(labels, when, v, true);
        }
        let labels = target.labels(&count, &point.attributes, None, &mut self.interner, self.limits)?;
        self.push(labels, when, u64_to_f64(point.count), true);
        Ok(())
    }

    fn summary(&mut self, target: &Target, name: &Arc<str>, point: &SummaryDataPoint) -> Result<(), String> {
        let when = When::new(point.time_unix_nano, point.start_time_unix_nano, point.flags)?;
        for quantile in &point.quantile_values {
            let extra = Some(("quantile", float_text(quantile.quantile)));
            let extra = extra.as_ref().map(|(n, v)| (*n, v.as_str()));
            let labels = target.labels(name, &point.attributes, extra, &mut self.interner, self.limits)?;
            self.push(labels, when, quantile.value, false);
        }
        for (suffix, v) in [("sum", point.sum), ("count", u64_to_f64(point.count))] {
            let name = self.interner.get(&format!("{name}_{suffix}"));
            let labels = target.labels(&name, &point.attributes, None, &mut self.interner, self.limits)?;
            self.push(labels, when, v, true);
        }
        Ok(())
    }

    fn push(&mut self, labels: Labels, when: When, v: f64, cumulative: bool) {
        self.newest = self.newest.max(when.t);
        let start = when.start.filter(|_| cumulative && !when.stale);
        self.batch.series.push(SeriesSamples { labels, samples: vec![when.sample(v)], start });
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
        }
    }

    fn exemplars(&mut self, labels: &Labels, list: &[otlp::Exemplar]) {
        for exemplar in list {
            self.exemplar(labels, exemplar);
        }
    }

    fn exemplar(&mut self, labels: &Labels, exemplar: &otlp::Exemplar) {
        self.batch.exemplars.push(Exemplar {
            labels: labels.clone(),
            t: millis(exemplar.time_unix_nano),
            v: exemplar_value(exemplar),
            trace_id: value::hex(&exemplar.trace_id),
            span_id: value::hex(&exemplar.span_id),
        });
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
