//! Prometheus remote write 1.0 (<https://prometheus.io/docs/specs/prw/remote_write_spec/>) and 2.0 ([`Version`]): snappy
//! block, protobuf.
//!
//! Neither specification has a partial success: the server keeps what is
//! usable and answers 400 with [`Written::message`] when something was rejected.

mod histogram;
mod proto;
#[cfg(test)]
mod tests;
mod v2;

use std::sync::Arc;

use prost::Message;
use watchkeeper_domain::Labels;
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::telemetry::{
    Batch, Exemplar, HistogramPoint, MetricMeta, Sample, SeriesHistograms, SeriesSamples,
};

use crate::compression::{ContentEncoding, decompress};
use crate::error::{DecodeError, cut};
use crate::label::{self, Interner};
use crate::limits::Limits;
use crate::wire::{self, LEAF, Shape};

static EXEMPLAR: Shape = Shape { nested: &[(1, &LEAF)] };
static SERIES: Shape = Shape { nested: &[(1, &LEAF), (2, &LEAF), (3, &EXEMPLAR), (4, &histogram::SHAPE)] };
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

/// Which message a request holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `prometheus.WriteRequest`.
    V1,
    /// `io.prometheus.write.v2.Request`, whose sender reads from the answer how much was written.
    V2,
}

/// Checks the headers as the specifications demand: protobuf (1.0 when it names no message) in snappy's block format.
pub fn check_headers(content_type: Option<&str>, content_encoding: Option<&str>) -> Result<Version, DecodeError> {
    let given = content_type.unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let proto = parts.find_map(|p| p.strip_prefix("proto=")).map(|p| p.trim_matches('"'));
    let version = match proto {
        None | Some("prometheus.WriteRequest") => Some(Version::V1),
        Some("io.prometheus.write.v2.Request") => Some(Version::V2),
        Some(_) => None,
    };
    let version = version.filter(|_| media_type.eq_ignore_ascii_case("application/x-protobuf"));
    let version = version.ok_or_else(|| DecodeError::UnsupportedMediaType {
        given: cut(given),
        accepted: "application/x-protobuf, with proto=prometheus.WriteRequest (remote write 1.0) or \
                   proto=io.prometheus.write.v2.Request (2.0)",
    })?;
    match content_encoding.map(str::trim) {
        Some(e) if e.eq_ignore_ascii_case("snappy") => Ok(version),
        other => Err(DecodeError::UnsupportedEncoding { given: cut(other.unwrap_or_default()), accepted: "snappy" }),
    }
}

/// Decodes a request body (snappy block format).
pub fn decode(body: &[u8], version: Version, limits: &Limits) -> Result<Written, DecodeError> {
    let raw = decompress(body, ContentEncoding::Snappy, limits)?;
    match version {
        Version::V1 => decode_v1(&raw, limits),
        Version::V2 => v2::decode(&raw, limits),
    }
}

fn decode_v1(raw: &[u8], limits: &Limits) -> Result<Written, DecodeError> {
    const WHAT: &str = "the remote write request";
    wire::check(raw, &REQUEST, limits, WHAT)?;
    let request =
        proto::WriteRequest::decode(raw).map_err(|e| DecodeError::Malformed { what: WHAT, reason: e.to_string() })?;
    few_enough(request.timeseries.len(), limits)?;
    let mut mapping = Mapping::new(limits);
    mapping.out.batch.series.reserve(request.timeseries.len());
    for series in request.timeseries {
        mapping.series(series);
    }
    for meta in request.metadata {
        mapping.metadata(meta);
    }
    Ok(mapping.out)
}

fn few_enough(series: usize, limits: &Limits) -> Result<(), DecodeError> {
    if series <= limits.records {
        return Ok(());
    }
    Err(DecodeError::TooLarge {
        what: "the number of series in the remote write request".to_owned(),
        limit: limits.records.to_string(),
    })
}

/// A label's name and value.
type Pair = (Arc<str>, Arc<str>);

struct Mapping<'a> {
    limits: &'a Limits,
    interner: Interner,
    out: Written,
}

impl<'a> Mapping<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self { limits, interner: Interner::default(), out: Written::default() }
    }

    fn series(&mut self, series: proto::TimeSeries) {
        let points = series.samples.len() + series.exemplars.len() + series.histograms.len();
        let pairs = self.pairs(&series.labels);
        let labels = match self.labels(pairs) {
            Ok(labels) => labels,
            Err(reason) => return self.reject(points.max(1), || reason),
        };
        self.histograms(&labels, &series.histograms, None);
        for exemplar in series.exemplars {
            let pairs = self.pairs(&exemplar.labels);
            self.exemplar(&labels, pairs, exemplar.timestamp, exemplar.value);
        }
        self.samples(labels, samples(series.samples.iter().map(|s| (s.timestamp, s.value))), None);
    }

    fn pairs(&mut self, given: &[proto::Label]) -> Vec<Pair> {
        given.iter().map(|label| (self.interner.get(&label.name), self.interner.get(&label.value))).collect()
    }

    /// The labels of a series: named, no name twice, none empty. Order is mended, since meaning does not depend on it.
    fn labels(&self, pairs: Vec<Pair>) -> Result<Labels, String> {
        let labels = self.set(pairs).map_err(|why| format!("a series {why}"))?;
        if labels.name().is_none() {
            return Err(format!("a series has no `{NAME}` label: {}", cut(&labels.to_string())));
        }
        Ok(labels)
    }

    fn set(&self, mut pairs: Vec<Pair>) -> Result<Labels, String> {
        if pairs.iter().any(|(name, _)| name.is_empty()) {
            return Err("has a label without a name".to_owned());
        }
        if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
            pairs.sort();
            if let Some(twice) = pairs.windows(2).find(|w| w[0].0 == w[1].0) {
                return Err(format!("has the label `{}` twice", cut(&twice[0].0)));
            }
        }
        label::build(pairs, self.limits).map_err(|why| format!("is refused: {why}"))
    }

    fn histograms(&mut self, labels: &Labels, given: &[proto::Histogram], start: Option<i64>) {
        let mut points = Vec::with_capacity(given.len());
        for one in given {
            match histogram::read(one, self.limits.buckets) {
                Ok(read) => points.push(HistogramPoint { t: one.timestamp, histogram: Arc::new(read) }),
                Err(why) => self.reject(1, || format!("a native histogram of {}: {why}", cut(&labels.to_string()))),
            }
        }
        if !points.is_empty() {
            points.sort_by_key(|p| p.t);
            self.out.batch.histograms.push(SeriesHistograms { labels: labels.clone(), samples: points, start });
        }
    }

    fn exemplar(&mut self, series: &Labels, pairs: Vec<Pair>, t: i64, v: f64) {
        let given = match self.set(pairs) {
            Ok(given) => given,
            Err(why) => return self.reject(1, || format!("an exemplar {why}")),
        };
        const TRACE: [&str; 2] = ["trace_id", "traceID"];
        const SPAN: [&str; 2] = ["span_id", "spanID"];
        let find = |names: [&str; 2]| names.iter().find_map(|n| given.get(n)).map(cut).unwrap_or_default();
        let (trace_id, span_id) = (find(TRACE), find(SPAN));
        let others = given.pairs().iter().filter(|(n, _)| !TRACE.contains(&n.as_ref()) && !SPAN.contains(&n.as_ref()));
        let attributes = Labels::from_pairs(others.cloned());
        self.out.batch.exemplars.push(Exemplar { labels: series.clone(), t, v, trace_id, span_id, attributes });
    }

    fn samples(&mut self, labels: Labels, samples: Vec<Sample>, start: Option<i64>) {
        if !samples.is_empty() {
            self.out.batch.series.push(SeriesSamples { labels, samples, start });
        }
    }

    fn metadata(&mut self, meta: proto::MetricMetadata) {
        let name = &meta.metric_family_name;
        if name.is_empty() || name.len() > self.limits.label_name_bytes {
            return self.reject(1, || "metadata needs a metric family name of a sensible length".to_owned());
        }
        self.out.batch.meta.push(MetricMeta {
            name: self.interner.get(name),
            kind: self.interner.get(kind(meta.kind)),
            unit: self.interner.get(&cut(&meta.unit)),
            help: Arc::from(help(&meta.help)),
        });
    }

    fn reject(&mut self, count: usize, reason: impl FnOnce() -> String) {
        self.out.rejected += count as u64;
        if self.out.message.is_empty() {
            self.out.message = reason();
        }
    }
}

/// In ascending order of time, as the store wants them.
fn samples(given: impl Iterator<Item = (i64, f64)>) -> Vec<Sample> {
    let mut samples: Vec<Sample> = given.map(|(t, v)| Sample { t, v }).collect();
    if !samples.is_sorted_by_key(|s| s.t) {
        samples.sort_by_key(|s| s.t);
    }
    samples
}

/// The word for a metric's type; both versions number them alike.
fn kind(number: i32) -> &'static str {
    match number {
        1 => "counter",
        2 => "gauge",
        3 => "histogram",
        4 => "gaugehistogram",
        5 => "summary",
        6 => "info",
        7 => "stateset",
        _ => "unknown",
    }
}

fn help(given: &str) -> String {
    given.chars().take(1_024).collect()
}
