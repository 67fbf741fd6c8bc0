//! OTLP spans, with their events and links.
//!
//! Not a check that a trace is whole: spans come in any order, from many senders. A link without a valid id points nowhere
//! and is left out.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{self as otlp, span::SpanKind, status::StatusCode};
use watchkeeper_domain::telemetry::{Attributes, Batch, SpanEvent, SpanLink, SpanRecord};

use super::answer::{Answer, Points, Signal};
use super::{Decoded, Encoding, shape, value};
use crate::error::{DecodeError, cut};
use crate::label::Interner;
use crate::limits::Limits;
use crate::refused::Refused;

/// Decodes an `ExportTraceServiceRequest` body (already decompressed).
pub fn decode(body: &[u8], encoding: Encoding, limits: &Limits) -> Result<Decoded, DecodeError> {
    let request = super::read(body, encoding, limits, &shape::TRACES, "the OTLP traces request")?;
    map(request, encoding, limits)
}

pub(super) fn map(
    request: ExportTraceServiceRequest,
    encoding: Encoding,
    limits: &Limits,
) -> Result<Decoded, DecodeError> {
    let (mut interner, mut batch, mut refused) = (Interner::default(), Batch::default(), Refused::default());
    for resource_spans in request.resource_spans {
        let attributes = resource_spans.resource.map(|r| r.attributes).unwrap_or_default();
        let service = value::find(&attributes, "service.name").unwrap_or_default();
        let resource = Arc::new(value::attributes(attributes, &mut interner));
        for scope in resource_spans.scope_spans {
            let scope_attributes = value::scope(scope.scope, &mut interner);
            for span in scope.spans {
                if batch.spans.len() >= limits.records {
                    refused.add(1, || format!("more than {} spans in one request", limits.records));
                    continue;
                }
                match record(span, &scope_attributes, &service, &resource, &mut interner) {
                    Ok(span) => batch.spans.push(span),
                    Err(why) => refused.add(1, || why),
                }
            }
        }
    }
    Ok(Decoded { batch, answer: Answer::new(Signal::Traces, encoding, refused, Points::default()) })
}

fn record(
    span: otlp::Span,
    scope: &Attributes,
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
    attributes.extend(scope.iter().cloned());
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
        links: span
            .links
            .into_iter()
            .map(|l| SpanLink {
                trace_id: value::hex(&l.trace_id),
                span_id: value::hex(&l.span_id),
                attributes: value::attributes(l.attributes, interner),
            })
            .filter(|l| l.trace_id.len() == 32 && l.span_id.len() == 16)
            .collect(),
        resource: Arc::clone(resource),
    })
}
