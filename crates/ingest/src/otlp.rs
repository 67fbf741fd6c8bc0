//! OTLP 1.x (<https://opentelemetry.io/docs/specs/otlp/>) in protobuf and JSON, for metrics, logs and traces.
//!
//! Not the transports: `server` reads HTTP and gRPC and hands over bodies or decoded messages. Metrics become Prometheus
//! series by the compatibility specification
//! (<https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>). What of a request cannot be used
//! is refused by itself, with its reason, through partial success.

mod answer;
pub mod logs;
pub mod metrics;
pub mod traces;

mod json;
mod naming;
mod resource;
mod shape;
#[cfg(test)]
mod tests;
mod value;

pub use answer::Answer;
use prost::Message;
use watchkeeper_domain::telemetry::Batch;

use crate::error::{DecodeError, cut};
use crate::limits::Limits;
use crate::wire::{self, Shape};

/// How an OTLP message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`, with OTLP's own rules: ids in hexadecimal, enums as numbers (names are taken too).
    Json,
}

impl Encoding {
    /// Reads an HTTP `Content-Type`.
    pub fn from_content_type(value: Option<&str>) -> Result<Self, DecodeError> {
        let given = value.unwrap_or_default();
        let media_type = given.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/x-protobuf") {
            Ok(Self::Protobuf)
        } else if media_type.eq_ignore_ascii_case("application/json") {
            Ok(Self::Json)
        } else {
            Err(DecodeError::UnsupportedMediaType {
                given: cut(given),
                accepted: "application/x-protobuf or application/json",
            })
        }
    }

    /// The content type of the answer, which is that of the request.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// What a request brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// What is usable.
    pub batch: Batch,
    /// What is to be answered once the batch is kept.
    pub answer: Answer,
}

/// Reads a request message in either encoding, under the caps.
fn read<M: Message + json::JsonMessage + Default>(
    body: &[u8],
    encoding: Encoding,
    limits: &Limits,
    shape: &Shape,
    what: &'static str,
) -> Result<M, DecodeError> {
    if body.len() > limits.decompressed_bytes {
        return Err(DecodeError::TooLarge {
            what: what.to_owned(),
            limit: format!("{} bytes", limits.decompressed_bytes),
        });
    }
    match encoding {
        Encoding::Protobuf => {
            wire::check(body, shape, limits, what)?;
            M::decode(body).map_err(|e| DecodeError::Malformed { what, reason: e.to_string() })
        }
        Encoding::Json => json::read(body, limits, what),
    }
}

/// A name as Prometheus has it, with nothing added to it. `None` when nothing of it is left.
pub(crate) fn plain_metric_name(name: &str) -> Option<String> {
    naming::metric_name(name, "", naming::Kind::UpDown)
}

/// Nanoseconds to milliseconds, rounded down.
fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}
