//! OTLP 1.x (<https://opentelemetry.io/docs/specs/otlp/>) in protobuf and JSON, for metrics, logs and traces.
//!
//! Not the transports: `server` reads HTTP and gRPC and hands over bodies or decoded messages. Metrics become Prometheus
//! series by the compatibility specification
//! (<https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>). Not supported, and refused by
//! name through partial success: delta temporality (the sum over time would need state) and exponential histograms.

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
    /// Data points, log records or spans that were refused.
    pub rejected: u64,
    /// Why, for the first of them; empty when all were taken.
    pub message: String,
    /// The response body in the request's encoding, partial success included: answer 200 with it once the batch is kept.
    pub response: Vec<u8>,
}

/// What was refused, as it is counted while a request is mapped.
#[derive(Default)]
struct Refused {
    count: u64,
    message: String,
}

impl Refused {
    fn add(&mut self, count: usize, reason: impl FnOnce() -> String) {
        self.count += count as u64;
        if count > 0 && self.message.is_empty() {
            self.message = reason();
        }
    }

    fn counted(&self) -> i64 {
        i64::try_from(self.count).unwrap_or(i64::MAX)
    }
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

/// The response body: empty when nothing was refused, else a `partialSuccess`.
fn respond(encoding: Encoding, refused: &Refused, count_name: &str, message: &impl Message) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => message.encode_to_vec(),
        Encoding::Json if refused.count == 0 => b"{}".to_vec(),
        Encoding::Json => serde_json::json!({
            "partialSuccess": { count_name: refused.count.to_string(), "errorMessage": refused.message }
        })
        .to_string()
        .into_bytes(),
    }
}

/// Nanoseconds to milliseconds, rounded down.
fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}
