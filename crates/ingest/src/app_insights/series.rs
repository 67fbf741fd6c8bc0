//! Custom metrics and availability results as series, and the resource that OpenTelemetry's exporters send as a metric.
//!
//! Not counters: a custom metric says what one interval brought, so its sum, count, least and greatest are gauges at the
//! interval's time. `sum_over_time(orders_total[1h])` is what an hour brought.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_domain::Labels;
use watchkeeper_domain::labels::NAME as METRIC;
use watchkeeper_domain::telemetry::{Batch, MetricMeta, Sample, SeriesSamples};

use super::Mapping;
use super::envelope::Envelope;
use super::field::{Fields, NAME, head, required};
use super::standard::Availability;
use crate::label::{self, escape_name};
use crate::limits::Limits;
use crate::otlp::plain_metric_name;

/// What OpenTelemetry's exporters call the metric that carries the resource.
const RESOURCE: &str = "_OTELRESOURCE_";
/// How exporters count their own deliveries.
const SELF: [&str; 3] = ["Item_Success_Count", "Item_Dropped_Count", "Item_Retry_Count"];
/// Dimensions that repeat the role and its instance.
const REPEATED: [&str; 2] = ["cloud/roleName", "cloud/roleInstance"];

/// The gauges of a batch. Two items of one series at one millisecond are one sample: sums and counts add up.
#[derive(Default)]
pub(super) struct Merged {
    all: BTreeMap<(Labels, i64), (f64, Fold, usize)>,
    meta: BTreeMap<String, &'static str>,
}

/// How two values of one moment become one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fold {
    Sum,
    Least,
    Greatest,
}

impl Merged {
    fn put(&mut self, labels: Labels, t: i64, v: f64, fold: Fold, index: usize) {
        self.all
            .entry((labels, t))
            .and_modify(|(there, _, _)| {
                *there = match fold {
                    Fold::Sum => *there + v,
                    Fold::Least => there.min(v),
                    Fold::Greatest => there.max(v),
                };
            })
            .or_insert((v, fold, index));
    }

    /// `probe_success` and `probe_duration_seconds`, as Watchkeeper's own probes have them.
    pub(super) fn availability(
        &mut self,
        envelope: &Envelope,
        index: usize,
        result: &Availability<'_>,
        limits: &Limits,
    ) -> Result<(), String> {
        let own = [("probe", Some(result.name)), ("location", result.location)];
        let series = [
            ("probe_success", f64::from(u8::from(result.success)), Fold::Least),
            ("probe_duration_seconds", result.seconds, Fold::Greatest),
        ];
        for (name, v, fold) in series {
            let labels = labels(
                envelope,
                name,
                own.iter().filter_map(|(n, v)| Some(((*n).to_owned(), (*v)?.to_owned()))),
                limits,
            )?;
            self.put(labels, millis(envelope.t_ns), v, fold, index);
            self.meta.insert(name.to_owned(), "gauge");
        }
        Ok(())
    }

    /// Moves everything into the batch; gives which envelope each series came from.
    pub(super) fn finish(&mut self, batch: &mut Batch) -> Vec<usize> {
        let mut origins = Vec::new();
        for ((labels, t), (v, _, index)) in std::mem::take(&mut self.all) {
            match batch.series.last_mut() {
                Some(last) if last.labels == labels => last.samples.push(Sample { t, v }),
                _ => {
                    batch.series.push(SeriesSamples { labels, samples: vec![Sample { t, v }], start: None });
                    origins.push(index);
                }
            }
        }
        for (name, kind) in std::mem::take(&mut self.meta) {
            batch.meta.push(MetricMeta { name: name.into(), kind: kind.into(), unit: "".into(), help: "".into() });
        }
        origins
    }
}

impl Mapping<'_> {
    pub(super) fn metric(&mut self, envelope: &Envelope, index: usize) -> Result<(), String> {
        const OF: &str = "DataPoint";
        let data = envelope.data();
        // The specification: a list of which only the first counts.
        let point = data.list("metrics").first().map(|point| Fields::of(Some(point)));
        let point = point.ok_or_else(|| required("metrics", "MetricData", "list"))?;
        let name = point.text("name", NAME).ok_or_else(|| required("name", OF, "string"))?;
        if name == RESOURCE {
            return self.target_info(envelope, index);
        }
        if SELF.contains(&name.as_str()) {
            return Ok(());
        }
        let value = point.number("value").ok_or_else(|| required("value", OF, "double"))?;
        let metric = plain_metric_name(&name)
            .ok_or_else(|| format!("the metric name `{}` has no letter and no digit", head(&name, 100)))?;
        let parts = [
            ("", Some(value), Fold::Sum),
            ("_count", point.number("count"), Fold::Sum),
            ("_min", point.number("min"), Fold::Least),
            ("_max", point.number("max"), Fold::Greatest),
        ];
        let properties = envelope.properties();
        let mut own: BTreeMap<String, String> = BTreeMap::new();
        for key in properties.0.into_iter().flat_map(serde_json::Map::keys) {
            if key.starts_with("_MS.") || REPEATED.contains(&key.as_str()) {
                continue;
            }
            if let Some(text) = properties.text(key, self.limits.label_value_bytes) {
                own.entry(escape_name(key)).or_insert(text);
            }
        }
        for (suffix, v, fold) in parts {
            let Some(v) = v else { continue };
            let name = format!("{metric}{suffix}");
            let labels = labels(envelope, &name, own.clone(), self.limits)?;
            self.series.put(labels, millis(envelope.t_ns), v, fold, index);
            self.series.meta.insert(name, "gauge");
        }
        Ok(())
    }

    /// The resource's attributes as `target_info`, as for OTLP.
    fn target_info(&mut self, envelope: &Envelope, index: usize) -> Result<(), String> {
        let properties = envelope.properties();
        let mut own: BTreeMap<String, String> = BTreeMap::new();
        for key in properties.0.into_iter().flat_map(serde_json::Map::keys) {
            if !matches!(key.as_str(), "service.name" | "service.instance.id")
                && let Some(text) = properties.text(key, self.limits.label_value_bytes)
            {
                own.entry(escape_name(key)).or_insert(text);
            }
        }
        let labels = labels(envelope, "target_info", own, self.limits)?;
        self.series.put(labels, millis(envelope.t_ns), 1.0, Fold::Greatest, index);
        Ok(())
    }
}

/// The labels of one series: its own, and `job`, `service` and `instance` of the role, which outweigh them.
pub(super) fn labels(
    envelope: &Envelope,
    metric: &str,
    own: impl IntoIterator<Item = (String, String)>,
    limits: &Limits,
) -> Result<Labels, String> {
    let service = envelope.service();
    let identity = [(METRIC, metric.to_owned()), ("job", service.to_string()), ("service", service.to_string())];
    let identity = identity.into_iter().chain(envelope.instance().map(|instance| ("instance", instance)));
    let mut pairs: BTreeMap<String, String> = own.into_iter().collect();
    pairs.extend(identity.map(|(name, value)| (name.to_owned(), value)));
    label::build(pairs.into_iter().map(|(n, v)| (Arc::from(n), Arc::from(v))).collect(), limits)
}

pub(super) fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}
