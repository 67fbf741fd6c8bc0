//! What is answered to an OTLP request: nothing in particular, or a partial success with each reason.
//!
//! Not errors: a request of which nothing could be read is a [`DecodeError`](crate::DecodeError). The specification has room
//! for one text; it names each different reason once, with how many parts it cost.

use std::collections::HashSet;

use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse},
    metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceResponse},
    trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse},
};
use prost::Message;
use watchkeeper_domain::telemetry::Appended;

use super::Encoding;
use crate::error::cut;
use crate::refused::Refused;

/// Which service is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Metrics,
    Logs,
    Traces,
}

/// The number of a data point that is none: `target_info` belongs to no point.
pub(super) const NO_POINT: u32 = u32::MAX;

/// Which data point each series of a batch came from, in the order of the batch's series: a histogram makes many.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Points {
    pub(super) series: Vec<u32>,
    pub(super) deltas: Vec<u32>,
    pub(super) histograms: Vec<u32>,
    pub(super) histogram_deltas: Vec<u32>,
}

impl Points {
    /// The data point of the series at this place of the batch.
    fn of(&self, place: usize) -> Option<u32> {
        let native = self.histograms.iter().chain(&self.histogram_deltas);
        self.series.iter().chain(&self.deltas).chain(native).nth(place).copied().filter(|point| *point != NO_POINT)
    }
}

/// What is to be answered to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    signal: Signal,
    encoding: Encoding,
    refused: Refused,
    points: Points,
}

impl Answer {
    pub(super) fn new(signal: Signal, encoding: Encoding, refused: Refused, points: Points) -> Self {
        Self { signal, encoding, refused, points }
    }

    /// Data points, log records or spans that were refused.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.refused.count()
    }

    /// Each different reason, with how often it holds; empty when all were taken.
    #[must_use]
    pub fn message(&self) -> String {
        self.refused.message()
    }

    /// Adds what the store did not take of the batch. A data point of which the store refused any series counts once.
    pub fn refuse(&mut self, appended: &Appended) {
        let mut counted = HashSet::new();
        for refusal in &appended.refusals {
            let point = self.points.of(refusal.place);
            let new = point.is_some_and(|point| counted.insert(point));
            let name = refusal.labels.name().unwrap_or_default();
            self.refused.add(u64::from(new), || format!("metric `{}`: {}", cut(name), refusal.why));
        }
    }

    /// Tells the sender something about a request that was taken.
    pub fn warn(&mut self, text: &str) {
        self.refused.add(0, || text.to_owned());
    }

    /// The response body in the request's encoding: answer 200 with it.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let (message, count) = (self.message(), self.rejected());
        let said = !message.is_empty();
        match self.encoding {
            Encoding::Protobuf => self.message_body(said, message),
            Encoding::Json if !said => b"{}".to_vec(),
            Encoding::Json => {
                let name = match self.signal {
                    Signal::Metrics => "rejectedDataPoints",
                    Signal::Logs => "rejectedLogRecords",
                    Signal::Traces => "rejectedSpans",
                };
                serde_json::json!({"partialSuccess": {name: count.to_string(), "errorMessage": message}})
                    .to_string()
                    .into_bytes()
            }
        }
    }

    fn message_body(&self, said: bool, error_message: String) -> Vec<u8> {
        let rejected = i64::try_from(self.rejected()).unwrap_or(i64::MAX);
        match self.signal {
            Signal::Metrics => ExportMetricsServiceResponse {
                partial_success: said
                    .then_some(ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message }),
            }
            .encode_to_vec(),
            Signal::Logs => ExportLogsServiceResponse {
                partial_success: said
                    .then_some(ExportLogsPartialSuccess { rejected_log_records: rejected, error_message }),
            }
            .encode_to_vec(),
            Signal::Traces => ExportTraceServiceResponse {
                partial_success: said.then_some(ExportTracePartialSuccess { rejected_spans: rejected, error_message }),
            }
            .encode_to_vec(),
        }
    }
}
