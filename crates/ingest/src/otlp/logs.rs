//! OTLP log records.
//!
//! Not events of their own: an event's name becomes the attribute `event.name`.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::logs::v1 as otlp;
use serde_json::Value;
use watchkeeper_domain::telemetry::{Attributes, Batch, LogRecord};

use super::{Decoded, Encoding, Refused, respond, shape, value};
use crate::error::DecodeError;
use crate::label::Interner;
use crate::limits::Limits;

/// Decodes an `ExportLogsServiceRequest` body (already decompressed).
pub fn decode(body: &[u8], encoding: Encoding, limits: &Limits) -> Result<Decoded, DecodeError> {
    let request = super::read(body, encoding, limits, &shape::LOGS, "the OTLP logs request")?;
    map(request, encoding, limits)
}

/// Maps a message that gRPC has decoded; the response is protobuf.
pub fn from_request(request: ExportLogsServiceRequest, limits: &Limits) -> Result<Decoded, DecodeError> {
    map(request, Encoding::Protobuf, limits)
}

fn map(request: ExportLogsServiceRequest, encoding: Encoding, limits: &Limits) -> Result<Decoded, DecodeError> {
    let (mut interner, mut batch, mut refused) = (Interner::default(), Batch::default(), Refused::default());
    for resource_logs in request.resource_logs {
        let attributes = resource_logs.resource.map(|r| r.attributes).unwrap_or_default();
        let service = value::find(&attributes, "service.name").unwrap_or_default();
        let resource = Arc::new(value::attributes(attributes, &mut interner));
        for scope in resource_logs.scope_logs {
            let scope_name = scope.scope.map(|s| s.name).filter(|name| !name.is_empty());
            for record in scope.log_records {
                if batch.logs.len() >= limits.records {
                    refused.add(1, || format!("more than {} log records in one request", limits.records));
                    continue;
                }
                match log(record, scope_name.as_deref(), &service, &resource, &mut interner) {
                    Ok(record) => batch.logs.push(record),
                    Err(why) => refused.add(1, || why.to_owned()),
                }
            }
        }
    }
    let partial = (refused.count > 0).then(|| ExportLogsPartialSuccess {
        rejected_log_records: refused.counted(),
        error_message: refused.message.clone(),
    });
    let response =
        respond(encoding, &refused, "rejectedLogRecords", &ExportLogsServiceResponse { partial_success: partial });
    Ok(Decoded { batch, rejected: refused.count, message: refused.message, response })
}

fn log(
    record: otlp::LogRecord,
    scope: Option<&str>,
    service: &Arc<str>,
    resource: &Arc<Attributes>,
    interner: &mut Interner,
) -> Result<LogRecord, &'static str> {
    let t_ns = match (record.time_unix_nano, record.observed_time_unix_nano) {
        (0, 0) => return Err("a log record has neither a time nor an observed time"),
        (0, observed) => observed,
        (time, _) => time,
    };
    let mut attributes = value::attributes(record.attributes, interner);
    for (key, text) in [("event.name", Some(record.event_name.as_str())), ("otel.scope.name", scope)] {
        if let Some(text) = text.filter(|t| !t.is_empty()) {
            attributes.push((interner.get(key), Value::String(text.to_owned())));
        }
    }
    Ok(LogRecord {
        t_ns,
        severity: u8::try_from(record.severity_number).ok().filter(|s| *s <= 24).unwrap_or(0),
        severity_text: interner.get(&record.severity_text),
        body: match value::to_json(record.body) {
            Value::String(text) => text,
            Value::Null => String::new(),
            json => json.to_string(),
        },
        service: Arc::clone(service),
        trace_id: value::hex(&record.trace_id),
        span_id: value::hex(&record.span_id),
        attributes,
        resource: Arc::clone(resource),
    })
}
