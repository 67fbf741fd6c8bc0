//! Prometheus remote write 1.0 (<https://prometheus.io/docs/specs/prw/remote_write_spec/>): snappy block, protobuf.
//!
//! Not remote write 2.0 (`io.prometheus.write.v2.Request` is refused with 415, upon which senders fall back to 1.0), and not
//! native histograms, which are refused by name. The specification has no partial success: the server keeps what is usable
//! and answers 400 with [`Written::message`] when something was rejected.

mod proto;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use prost::Message;
use watchkeeper_domain::Labels;
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::telemetry::{Batch, Exemplar, MetricMeta, Sample, SeriesSamples};

use crate::compression::{ContentEncoding, decompress};
use crate::error::{DecodeError, cut};
use crate::label::{self, Interner};
use crate::limits::Limits;
use crate::wire::{self, LEAF, Shape};

static EXEMPLAR: Shape = Shape { nested: &[(1, &LEAF)] };
static SERIES: Shape = Shape { nested: &[(1, &LEAF), (2, &LEAF), (3, &EXEMPLAR), (4, &LEAF)] };
static REQUEST: Shape = Shape { nested: &[(1, &SERIES), (3, &LEAF)] };

/// What a request brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// What is usable.
    pub batch: Batch,
    /// Samples, histograms and exemplars that were refused.
    pub rejected: u64,
    /// Why, for the first of them; empty when all were taken.
    pub message: String,
}

/// Checks the headers as the specification demands: protobuf (1.0 when it names a message) in snappy's block format.
pub fn check_headers(content_type: Option<&str>, content_encoding: Option<&str>) -> Result<(), DecodeError> {
    let given = content_type.unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let proto = parts.find_map(|p| p.strip_prefix("proto="));
    if !media_type.eq_ignore_ascii_case("application/x-protobuf")
        || proto.is_some_and(|p| p.trim_matches('"') != "prometheus.WriteRequest")
    {
        return Err(DecodeError::UnsupportedMediaType {
            given: cut(given),
            accepted: "application/x-protobuf (remote write 1.0, prometheus.WriteRequest)",
        });
    }
    match content_encoding.map(str::trim) {
        Some(e) if e.eq_ignore_ascii_case("snappy") => Ok(()),
        other => Err(DecodeError::UnsupportedEncoding { given: cut(other.unwrap_or_default()), accepted: "snappy" }),
    }
}

/// Decodes a request body (snappy block format).
pub fn decode(body: &[u8], limits: &Limits) -> Result<Written, DecodeError> {
    const WHAT: &str = "the remote write request";
    let raw = decompress(body, ContentEncoding::Snappy, limits)?;
    wire::check(&raw, &REQUEST, limits, WHAT)?;
    let request = proto::WriteRequest::decode(raw.as_ref())
        .map_err(|e| DecodeError::Malformed { what: WHAT, reason: e.to_string() })?;
    if request.timeseries.len() > limits.records {
        return Err(DecodeError::TooLarge {
            what: "the number of series in the remote write request".to_owned(),
            limit: limits.records.to_string(),
        });
    }
    let mut mapping = Mapping { limits, interner: Interner::default(), out: Written::default() };
    mapping.out.batch.series.reserve(request.timeseries.len());
    for series in request.timeseries {
        mapping.series(series);
    }
    for meta in request.metadata {
        mapping.metadata(meta);
    }
    Ok(mapping.out)
}

struct Mapping<'a> {
    limits: &'a Limits,
    interner: Interner,
    out: Written,
}

impl Mapping<'_> {
    fn series(&mut self, series: proto::TimeSeries) {
        let points = series.samples.len() + series.exemplars.len() + series.histograms.len();
        let labels = match self.labels(&series.labels) {
            Ok(labels) => labels,
            Err(reason) => return self.reject(points.max(1), &reason),
        };
        if !series.histograms.is_empty() {
            let reason = format!("native histograms are not supported: series {}", cut(&labels.to_string()));
            self.reject(series.histograms.len(), &reason);
        }
        for exemplar in series.exemplars {
            let find = |names: [&str; 2]| {
                exemplar
                    .labels
                    .iter()
                    .find(|l| names.contains(&l.name.as_str()))
                    .map(|l| cut(&l.value))
                    .unwrap_or_default()
            };
            self.out.batch.exemplars.push(Exemplar {
                trace_id: find(["trace_id", "traceID"]),
                span_id: find(["span_id", "spanID"]),
                labels: labels.clone(),
                t: exemplar.timestamp,
                v: exemplar.value,
                attributes: Labels::empty(),
            });
        }
        if series.samples.is_empty() {
            return;
        }
        let mut samples: Vec<Sample> = series.samples.iter().map(|s| Sample { t: s.timestamp, v: s.value }).collect();
        if !samples.is_sorted_by_key(|s| s.t) {
            samples.sort_by_key(|s| s.t);
        }
        self.out.batch.series.push(SeriesSamples { labels, samples, start: None });
    }

    /// The labels of a series: named, no name twice, none empty. Order is mended, since meaning does not depend on it.
    fn labels(&mut self, given: &[proto::Label]) -> Result<Labels, String> {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> = Vec::with_capacity(given.len());
        for label in given {
            if label.name.is_empty() {
                return Err("a series has a label without a name".to_owned());
            }
            pairs.push((self.interner.get(&label.name), self.interner.get(&label.value)));
        }
        if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
            pairs.sort();
            if let Some(twice) = pairs.windows(2).find(|w| w[0].0 == w[1].0) {
                return Err(format!("a series has the label `{}` twice", cut(&twice[0].0)));
            }
        }
        let labels = label::build(pairs, self.limits).map_err(|why| format!("a series is refused: {why}"))?;
        if labels.name().is_none() {
            return Err(format!("a series has no `{NAME}` label: {}", cut(&labels.to_string())));
        }
        Ok(labels)
    }

    fn metadata(&mut self, meta: proto::MetricMetadata) {
        let name = &meta.metric_family_name;
        if name.is_empty() || name.len() > self.limits.label_name_bytes {
            return self.reject(1, "metadata needs a metric family name of a sensible length");
        }
        let kind = match meta.kind {
            1 => "counter",
            2 => "gauge",
            3 | 4 => "histogram",
            5 => "summary",
            _ => "unknown",
        };
        self.out.batch.meta.push(MetricMeta {
            name: self.interner.get(name),
            kind: self.interner.get(kind),
            unit: self.interner.get(&cut(&meta.unit)),
            help: Arc::from(meta.help.chars().take(1_024).collect::<String>()),
        });
    }

    fn reject(&mut self, count: usize, reason: &str) {
        self.out.rejected += count as u64;
        if self.out.message.is_empty() {
            reason.clone_into(&mut self.out.message);
        }
    }
}
