//! OTLP log records.
//!
//! Not events of their own: an event's name becomes the attribute `event.name`.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1 as otlp;
use serde_json::Value;
use watchkeeper_domain::telemetry::{Attributes, Batch, LogRecord};

use super::answer::{Answer, Points, Signal};
use super::{Decoded, Encoding, shape, value};
use crate::error::DecodeError;
use crate::label::Interner;
use crate::limits::Limits;
use crate::refused::Refused;

/// Decodes an `ExportLogsServiceRequest` body (already decompressed).
pub fn decode(body: &[u8], encoding: Encoding, limits: &Limits) -> Result<Decoded, DecodeError> {
    let request = super::read(body, encoding, limits, &shape::LOGS, "the OTLP logs request")?;
    map(request, encoding, limits)
}

pub(super) fn map(
    request: ExportLogsServiceRequest,
    encoding: Encoding,
    limits: &Limits,
) -> Result<Decoded, DecodeError> {
    let (mut interner, mut batch, mut refused) = (Interner::default(), Batch::default(), Refused::default());
    for resource_logs in request.resource_logs {
        let attributes = resource_logs.resource.map(|r| r.attributes).unwrap_or_default();
        let service = value::find(&attributes, "service.name").unwrap_or_default();
        let resource = Arc::new(value::attributes(attributes, &mut interner));
        for scope in resource_logs.scope_logs {
            let scope_attributes = value::scope(scope.scope, &mut interner);
            for record in scope.log_records {
                if batch.logs.len() >= limits.records {
                    refused.add(1, || format!("more than {} log records in one request", limits.records));
                    continue;
                }
                match log(record, &scope_attributes, &service, &resource, &mut interner) {
                    Ok(record) => batch.logs.push(record),
                    Err(why) => refused.add(1, || why.to_owned()),
                }
            }
        }
    }
    Ok(Decoded { batch, answer: Answer::new(Signal::Logs, encoding, refused, Points::default()) })
}

fn log(
    record: otlp::LogRecord,
    scope: &Attributes,
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
    if !record.event_name.is_empty() {
        attributes.push((interner.get("event.name"), Value::String(record.event_name)));
    }
    attributes.extend(scope.iter().cloned());
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
