//! Application Insights: the envelopes that its SDKs post to `/v2/track` and `/v2.1/track`, and its Live Metrics.
//!
//! Not the HTTP side: who may send, what is answered, and what was taken before are the server's. Source of the format:
//! Microsoft's `Monitor.Exporters` specification, version 2.1 (azure-rest-api-specs), and what its SDKs really send.
//!
//! An envelope becomes what it is in OpenTelemetry's model: requests, dependencies and availability results are spans,
//! traces, exceptions, events and page views are log records, custom metrics are series; [`standard`] counts requests,
//! dependencies, exceptions, page views beside that. What Azure calls a field is kept as the attribute `azure.*`, and its
//! tags as `ai.*`, so that nothing that somebody looks for is lost. An envelope that is not usable is refused by itself.

mod body;
mod envelope;
mod field;
mod id;
pub mod live;
mod record;
mod series;
mod span;
mod standard;
#[cfg(test)]
mod tests;
mod timespan;

use std::sync::Arc;

use sha2::{Digest, Sha256};
use watchkeeper_domain::telemetry::Batch;

use crate::error::{DecodeError, cut};
use crate::label::Interner;
use crate::limits::Limits;
use envelope::Envelope;

/// The most envelopes of one body; SDKs send a few hundred.
pub const MOST_ITEMS: usize = 50_000;
/// The most bytes of one envelope; the specification's own limits on fields add up to less.
const ITEM_BYTES: usize = 1 << 20;

/// What becomes of an envelope before it is read: whether one just like it was taken already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is new.
    New,
    /// It was taken before, and is on disk.
    Repeated,
    /// It is on its way to the disk for another request.
    UnderWay,
}

/// Whose telemetry it is and what was there before: what a decoder cannot know by itself.
pub trait Gate {
    /// The name of the sender with this instrumentation key; none: it is not known.
    fn sender(&self, key: &str) -> Option<Arc<str>>;
    /// Asks whether an envelope is new. The fingerprint covers what it says, and how many like it stood before it
    /// in the same body: a body that is sent again is recognised, and two equal events in one body are two.
    fn claim(&mut self, fingerprint: u128) -> Claim;
}

/// Why an envelope was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the body, from 0.
    pub index: usize,
    /// The HTTP status that it would have got alone: SDKs send again what is 429, 500 or 503 and drop what is 400.
    pub status: u16,
    /// Why, for the developer.
    pub message: String,
}

/// What a body brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Track {
    /// What is usable. The increments in `deltas` are at no time yet: see [`Track::count_at`].
    pub batch: Batch,
    /// Envelopes in the body.
    pub received: usize,
    /// Envelopes that were not taken, by index.
    pub rejected: Vec<Rejected>,
    /// Envelopes that were taken before.
    pub repeated: usize,
    /// Whether one of them is on its way to the disk for another request: nothing of this one can be answered yet.
    pub under_way: bool,
    /// Which envelope each of `batch.series` came from.
    pub origins: Vec<usize>,
}

impl Track {
    /// Envelopes that are taken once the batch is kept.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.received - self.rejected.len()
    }

    /// Refuses an envelope for what the store said of one of its series.
    pub fn refuse_series(&mut self, place: usize, why: &dyn std::fmt::Display) {
        let Some(index) = self.origins.get(place).copied() else { return };
        if let Err(at) = self.rejected.binary_search_by_key(&index, |r| r.index) {
            self.rejected
                .insert(at, Rejected { index, status: 400, message: format!("the metric was not kept: {why}") });
        }
    }

    /// Puts the increments at a moment, in milliseconds. Items come in any order and from many processes, while a counter's
    /// increments must come in order: so they count when they arrive, which is also when rules look at them.
    pub fn count_at(batch: &mut Batch, now_ms: i64) {
        for one in &mut batch.deltas {
            one.start = Some(now_ms - 1);
            for sample in &mut one.samples {
                sample.t = now_ms;
            }
        }
    }
}

/// Decodes a body (already decompressed): an array, a single object, or objects one after the other, on lines or not.
/// `given_key` is the instrumentation key of the request itself, for envelopes that name none.
pub fn decode(
    body: &[u8],
    limits: &Limits,
    given_key: Option<&str>,
    gate: &mut dyn Gate,
) -> Result<Track, DecodeError> {
    const WHAT: &str = "the Application Insights body";
    if body.len() > limits.decompressed_bytes {
        let limit = format!("{} bytes", limits.decompressed_bytes);
        return Err(DecodeError::TooLarge { what: WHAT.to_owned(), limit });
    }
    let items = body::split(body, MOST_ITEMS)?;
    let mut interner = Interner::default();
    let mut into = Mapping {
        limits,
        interner: &mut interner,
        batch: Batch::default(),
        counts: standard::Counts::default(),
        series: series::Merged::default(),
        resource: None,
    };
    let mut track = Track { received: items.len(), ..Track::default() };
    let mut alike: std::collections::HashMap<[u8; 32], u32> = std::collections::HashMap::new();
    for (index, item) in items.into_iter().enumerate() {
        let mut refuse = |status, message: String| track.rejected.push(Rejected { index, status, message });
        let bytes = match item {
            Ok(bytes) if bytes.len() <= ITEM_BYTES => bytes,
            Ok(bytes) => {
                refuse(413, format!("the envelope has {} bytes, the limit is {ITEM_BYTES}", bytes.len()));
                continue;
            }
            Err(why) => {
                refuse(400, why);
                continue;
            }
        };
        let parsed: serde_json::Value = match serde_json::from_slice(bytes) {
            Ok(parsed) => parsed,
            Err(error) => {
                refuse(400, format!("100: the envelope is no JSON: {error}"));
                continue;
            }
        };
        let digest = fingerprint(&parsed);
        let envelope = match Envelope::read(parsed, given_key, &|key| gate.sender(key)) {
            Ok(envelope) => envelope,
            Err(why) => {
                refuse(400, why);
                continue;
            }
        };
        let seen = alike.entry(digest).or_insert(0);
        let fingerprint = id::number(&digest).wrapping_add(u128::from(*seen));
        *seen += 1;
        match gate.claim(fingerprint) {
            Claim::New => {}
            Claim::Repeated => {
                track.repeated += 1;
                continue;
            }
            Claim::UnderWay => {
                // Of two equal bodies the one that came first has its first item, and the other stops here and holds nothing.
                track.under_way = true;
                break;
            }
        }
        if let Err(why) = into.take(&envelope, index, &digest) {
            track.rejected.push(Rejected { index, status: 400, message: why });
        }
    }
    (track.batch, track.origins) = into.finish();
    Ok(track)
}

/// What an envelope says, whatever the order of its keys and the white space: SDKs that keep a batch on disk write it anew.
fn fingerprint(envelope: &serde_json::Value) -> [u8; 32] {
    let mut hasher = Sha256::new();
    // A hasher takes every byte, and every value has JSON.
    let _infallible = serde_json::to_writer(&mut hasher, envelope);
    hasher.finalize().into()
}

/// A batch being made.
struct Mapping<'a> {
    limits: &'a Limits,
    interner: &'a mut Interner,
    batch: Batch,
    counts: standard::Counts,
    series: series::Merged,
    /// The resource of the envelope before: nearly always this one's too.
    resource: Option<Arc<watchkeeper_domain::telemetry::Attributes>>,
}

impl Mapping<'_> {
    /// Takes one envelope by what its data is. The digest makes an id where the envelope has none.
    fn take(&mut self, envelope: &Envelope, index: usize, digest: &[u8; 32]) -> Result<(), String> {
        let base = envelope.base_type.to_ascii_lowercase();
        match base.as_str() {
            "requestdata" => self.request(envelope, digest),
            "remotedependencydata" => self.dependency(envelope, digest),
            "availabilitydata" => self.availability(envelope, index, digest),
            "messagedata" => self.message(envelope),
            "exceptiondata" => self.exception(envelope),
            "eventdata" => self.event(envelope),
            "pageviewdata" => self.page_view(envelope),
            "pageviewperfdata" | "pageviewperformancedata" => self.page_view_performance(envelope),
            "metricdata" => self.metric(envelope, index),
            _ => Err(format!(
                "103: Field 'baseType' on type 'Data' is not known. Expected: one of RequestData, RemoteDependencyData, \
                 ExceptionData, MessageData, EventData, MetricData, PageViewData, PageViewPerfData, AvailabilityData, \
                 Actual: {}",
                cut(&envelope.base_type)
            )),
        }
    }

    /// The batch, and which envelope each series came from.
    fn finish(mut self) -> (Batch, Vec<usize>) {
        let origins = self.series.finish(&mut self.batch);
        self.counts.finish(&mut self.batch, self.limits);
        (self.batch, origins)
    }
}
