//! Prometheus remote write 2.0 (<https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>): texts are references into a
//! table of symbols, and metadata and the moment from which a counter counts come with each series.
//!
//! Not the rules for labels and exemplars, which both versions share: `Mapping` has those.

use std::collections::HashSet;
use std::sync::Arc;

use prost::Message;
use watchkeeper_domain::Labels;
use watchkeeper_domain::telemetry::MetricMeta;

use super::{Mapping, Pair, Written, histogram, kind, samples};
use crate::error::{DecodeError, cut};
use crate::limits::Limits;
use crate::wire::{self, LEAF, PACKED, Shape, TEXT};

const WHAT: &str = "the remote write 2.0 request";
/// A reference takes a byte or two and stands for a text of any length. The labels of all series of a request, written
/// out, may have this many times the bytes that a body may have.
const WRITTEN_OUT: usize = 8;

static EXEMPLAR: Shape = Shape { nested: &[(1, &PACKED)] };
static SERIES: Shape =
    Shape { nested: &[(1, &PACKED), (2, &LEAF), (3, &histogram::SHAPE), (4, &EXEMPLAR), (5, &LEAF)] };
static REQUEST: Shape = Shape { nested: &[(4, &TEXT), (5, &SERIES)] };

/// `io.prometheus.write.v2.Request`. Fields 1 to 3 are 1.0's and stay unused.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Request {
    #[prost(string, repeated, tag = "4")]
    pub(super) symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    pub(super) timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TimeSeries {
    /// Name, value, name, value, …
    #[prost(uint32, repeated, tag = "1")]
    pub(super) labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub(super) histograms: Vec<super::proto::Histogram>,
    #[prost(message, repeated, tag = "4")]
    pub(super) exemplars: Vec<Exemplar>,
    #[prost(message, optional, tag = "5")]
    pub(super) metadata: Option<Metadata>,
    /// Milliseconds; zero when not given. Later drafts of the specification say it with each sample instead.
    #[prost(int64, tag = "6")]
    pub(super) created_timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Sample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    #[prost(int64, tag = "2")]
    pub(super) timestamp: i64,
    /// Milliseconds; zero when not given.
    #[prost(int64, tag = "3")]
    pub(super) start_timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Exemplar {
    #[prost(uint32, repeated, tag = "1")]
    pub(super) labels_refs: Vec<u32>,
    #[prost(double, tag = "2")]
    pub(super) value: f64,
    #[prost(int64, tag = "3")]
    pub(super) timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metadata {
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
    #[prost(uint32, tag = "3")]
    pub(super) help_ref: u32,
    #[prost(uint32, tag = "4")]
    pub(super) unit_ref: u32,
}

/// Reads what is left when snappy is undone.
pub(super) fn decode(raw: &[u8], limits: &Limits) -> Result<Written, DecodeError> {
    wire::check(raw, &REQUEST, limits, WHAT)?;
    let request = Request::decode(raw).map_err(|e| DecodeError::Malformed { what: WHAT, reason: e.to_string() })?;
    super::few_enough(request.timeseries.len(), limits)?;
    if !request.timeseries.is_empty() && request.symbols.first().is_none_or(|first| !first.is_empty()) {
        // Reference 0 stands for "not given"; with another table every help text and unit would be a wrong one.
        let reason = "its table of symbols does not begin with the empty text".to_owned();
        return Err(DecodeError::Malformed { what: WHAT, reason });
    }
    let symbols =
        Symbols { texts: request.symbols.iter().map(|s| Arc::from(s.as_str())).collect(), left: budget(limits) };
    let mut reading = Reading { symbols, described: HashSet::new(), mapping: Mapping::new(limits) };
    reading.mapping.out.batch.series.reserve(request.timeseries.len());
    for series in request.timeseries {
        reading.series(series)?;
    }
    Ok(reading.mapping.out)
}

fn budget(limits: &Limits) -> usize {
    limits.decompressed_bytes.saturating_mul(WRITTEN_OUT)
}

struct Symbols {
    texts: Vec<Arc<str>>,
    /// Bytes of labels that may still be written out.
    left: usize,
}

impl Symbols {
    fn get(&self, reference: u32) -> Result<Arc<str>, String> {
        let found = usize::try_from(reference).ok().and_then(|at| self.texts.get(at));
        found.cloned().ok_or_else(|| {
            format!("a series refers to symbol {reference}, and the request has {} symbols", self.texts.len())
        })
    }

    /// The outer error refuses the request, the inner one the series.
    fn pairs(&mut self, references: &[u32], limits: &Limits) -> Result<Result<Vec<Pair>, String>, DecodeError> {
        let (couples, []) = references.as_chunks::<2>() else {
            return Ok(Err("a series has a label name without a value: its references are odd in number".to_owned()));
        };
        let mut pairs = Vec::with_capacity(couples.len());
        for [name, value] in couples {
            match (self.get(*name), self.get(*value)) {
                (Ok(name), Ok(value)) => {
                    self.left =
                        self.left.checked_sub(name.len() + value.len()).ok_or_else(|| DecodeError::TooLarge {
                            what: "what the labels of the remote write request amount to when written out".to_owned(),
                            limit: format!("{} bytes", budget(limits)),
                        })?;
                    pairs.push((name, value));
                }
                (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
            }
        }
        Ok(Ok(pairs))
    }
}

struct Reading<'a> {
    symbols: Symbols,
    /// Metric families whose metadata came with an earlier series of the request.
    described: HashSet<Arc<str>>,
    mapping: Mapping<'a>,
}

impl Reading<'_> {
    fn series(&mut self, series: TimeSeries) -> Result<(), DecodeError> {
        let limits = self.mapping.limits;
        let points = series.samples.len() + series.exemplars.len() + series.histograms.len();
        let labels = self.symbols.pairs(&series.labels_refs, limits)?.and_then(|pairs| self.mapping.labels(pairs));
        let labels = match labels {
            Ok(labels) => labels,
            Err(reason) => {
                self.mapping.reject(points.max(1), || reason);
                return Ok(());
            }
        };
        if let Some(metadata) = &series.metadata {
            self.metadata(&labels, metadata);
        }
        let kind = series.metadata.as_ref().map_or(0, |m| m.kind);
        let told = [Some(series.created_timestamp), series.samples.first().map(|s| s.start_timestamp)];
        let told_native = [Some(series.created_timestamp), series.histograms.first().map(|h| h.start_timestamp)];
        let start = |told: [Option<i64>; 2]| told.into_iter().flatten().find(|t| *t != 0 && counts(kind, &labels));
        let (start, start_native) = (start(told), start(told_native));
        self.mapping.histograms(&labels, &series.histograms, start_native);
        let times = series.samples.iter().map(|s| s.timestamp);
        let newest = times.chain(series.histograms.iter().map(|h| h.timestamp)).max();
        for exemplar in series.exemplars {
            // Its time is optional: it is then one of what it came with.
            let t = Some(exemplar.timestamp).filter(|t| *t != 0).or(newest).unwrap_or_default();
            match self.symbols.pairs(&exemplar.labels_refs, limits)? {
                Ok(pairs) => self.mapping.exemplar(&labels, pairs, t, exemplar.value),
                Err(reason) => self.mapping.reject(1, || format!("an exemplar is refused: {reason}")),
            }
        }
        let samples = samples(series.samples.iter().map(|s| (s.timestamp, s.value)));
        self.mapping.samples(labels, samples, start);
        Ok(())
    }

    fn metadata(&mut self, labels: &Labels, metadata: &Metadata) {
        let help = self.symbols.get(metadata.help_ref);
        let unit = self.symbols.get(metadata.unit_ref);
        let (help, unit) = match (help, unit) {
            (Ok(help), Ok(unit)) => (help, unit),
            (Err(reason), _) | (_, Err(reason)) => {
                return self.mapping.reject(1, || format!("metadata is refused: {reason}"));
            }
        };
        // Senders without metadata leave the message empty: that says nothing, and must not replace what is known.
        if metadata.kind == 0 && help.is_empty() && unit.is_empty() {
            return;
        }
        let kind = kind(metadata.kind);
        let Some(name) = labels.name().map(|name| family(name, kind)) else { return };
        if self.described.contains(name) {
            return;
        }
        let name: Arc<str> = Arc::from(name);
        self.described.insert(Arc::clone(&name));
        self.mapping.out.batch.meta.push(MetricMeta {
            name,
            kind: Arc::from(kind),
            unit: Arc::from(cut(&unit)),
            help: Arc::from(super::help(&help)),
        });
    }
}

/// The family that a series of this name belongs to: 2.0 describes each series, the store each family.
fn family<'a>(name: &'a str, kind: &str) -> &'a str {
    let suffixes: &[&str] = match kind {
        "histogram" => &["_bucket", "_count", "_sum"],
        "gaugehistogram" => &["_bucket", "_gcount", "_gsum"],
        "summary" => &["_count", "_sum"],
        _ => &[],
    };
    suffixes.iter().find_map(|s| name.strip_suffix(s)).filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// Whether such a series counts up from zero. A zero at the start of a gauge or a quantile would be an invented value.
fn counts(kind: i32, labels: &Labels) -> bool {
    match kind {
        0 | 1 | 3 => true,
        5 => labels.get("quantile").is_none(),
        _ => false,
    }
}
