//! OTLP spans.
//!
//! Links are not kept yet: nothing asks for them.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{self as otlp, span::SpanKind, status::StatusCode};
use serde_json::Value;
use watchkeeper_domain::telemetry::{Attributes, Batch, SpanEvent, SpanRecord};

use super::{Decoded, Encoding, Refused, respond, shape, value};
use crate::error::{DecodeError, cut};
use crate::label::Interner;
use crate::limits::Limits;

/// Decodes an `ExportTraceServiceRequest` body (already decompressed).
pub fn decode(body: &[u8], encoding: Encoding, limits: &Limits) -> Result<Decoded, DecodeError> {
    let request = super::read(body, encoding, limits, &shape::TRACES, "the OTLP traces request")?;
    map(request, encoding, limits)
}

/// Maps a message that gRPC has decoded; the response is protobuf.
pub fn from_request(request: ExportTraceServiceRequest, limits: &Limits) -> Result<Decoded, DecodeError> {
    map(request, Encoding::Protobuf, limits)
}

fn map(request: ExportTraceServiceRequest, encoding: Encoding, limits: &Limits) -> Result<Decoded, DecodeError> {
    let (mut interner, mut batch, mut refused) = (Interner::default(), Batch::default(), Refused::default());
    for resource_spans in request.resource_spans {
        let attributes = resource_spans.resource.map(|r| r.attributes).unwrap_or_default();
        let service = value::find(&attributes, "service.name").unwrap_or_default();
        let resource = Arc::new(value::attributes(attributes, &mut interner));
        for scope in resource_spans.scope_spans {
            let scope_name = scope.scope.map(|s| s.name).filter(|name| !name.is_empty());
            for span in scope.spans {
                if batch.spans.len() >= limits.records {
                    refused.add(1, || format!("more than {} spans in one request", limits.records));
                    continue;
                }
                match record(span, scope_name.as_deref(), &service, &resource, &mut interner) {
                    Ok(span) => batch.spans.push(span),
                    Err(why) => refused.add(1, || why),
                }
            }
        }
    }
    let partial = (refused.count > 0).then(|| ExportTracePartialSuccess {
        rejected_spans: refused.counted(),
        error_message: refused.message.clone(),
    });
    let response =
        respond(encoding, &refused, "rejectedSpans", &ExportTraceServiceResponse { partial_success: partial });
    Ok(Decoded { batch, rejected: refused.count, message: refused.message, response })
}

fn record(
    span: otlp::Span,
    scope: Option<&str>,
    service: &Arc<str>,
    resource: &Arc<Attributes>,
    interner: &mut Interner,
) -> Result<SpanRecord, String> {
    let id = |bytes: &[u8], length: usize, what: &str| {
        let text = value::hex(bytes);
        if text.len() == length * 2 {
            Ok(text)
        } else {
            Err(format!("span `{}`: its {what} is not {length} bytes that differ from zero", cut(&span.name)))
        }
    };
    let (trace_id, span_id) = (id(&span.trace_id, 16, "trace id")?, id(&span.span_id, 8, "span id")?);
    if span.start_time_unix_nano == 0 {
        return Err(format!("span `{}`: it has no start time", cut(&span.name)));
    }
    let status = span.status.unwrap_or_default();
    let mut attributes = value::attributes(span.attributes, interner);
    if let Some(scope) = scope {
        attributes.push((interner.get("otel.scope.name"), Value::String(scope.to_owned())));
    }
    Ok(SpanRecord {
        trace_id,
        span_id,
        parent_span_id: value::hex(&span.parent_span_id),
        name: interner.get(&span.name),
        kind: interner.get(match SpanKind::try_from(span.kind) {
            Ok(SpanKind::Internal) => "internal",
            Ok(SpanKind::Server) => "server",
            Ok(SpanKind::Client) => "client",
            Ok(SpanKind::Producer) => "producer",
            Ok(SpanKind::Consumer) => "consumer",
            Ok(SpanKind::Unspecified) | Err(_) => "unspecified",
        }),
        service: Arc::clone(service),
        start_ns: span.start_time_unix_nano,
        end_ns: span.end_time_unix_nano.max(span.start_time_unix_nano),
        status: interner.get(match StatusCode::try_from(status.code) {
            Ok(StatusCode::Ok) => "ok",
            Ok(StatusCode::Error) => "error",
            Ok(StatusCode::Unset) | Err(_) => "unset",
        }),
        status_message: status.message,
        attributes,
        events: span
            .events
            .into_iter()
            .map(|e| SpanEvent {
                t_ns: e.time_unix_nano,
                name: e.name,
                attributes: value::attributes(e.attributes, interner),
            })
            .collect(),
        resource: Arc::clone(resource),
    })
}
