//! The fields of OTLP's messages, by their names in JSON.
//!
//! Only what is used further on is listed; other fields are skipped as unknown ones are.

use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint,
    exemplar, exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
    summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status,
    span::{Event, Link, SpanKind},
    status::StatusCode,
};
use serde::de::MapAccess;

use super::scalar::{Base64, Double, Enum, Hex, Int, Text, Truth};
use super::{Budget, JsonMessage, Many, Msg, next};

macro_rules! messages {
    ($($message:ty { $($key:literal : $codec:ty => |$m:ident, $v:ident| $set:expr;)* })*) => {$(
        impl JsonMessage for $message {
            fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, budget: &Budget) -> Result<bool, A::Error> {
                match key {
                    $($key => {
                        let $v = next::<$codec, A>(map, budget)?;
                        let $m = self;
                        $set;
                        Ok(true)
                    })*
                    _ => Ok(false),
                }
            }
        }
    )*};
}

messages! {
    AnyValue {
        "stringValue": Text => |m, v| m.value = Some(Value::StringValue(v));
        "boolValue": Truth => |m, v| m.value = Some(Value::BoolValue(v));
        "intValue": Int<i64> => |m, v| m.value = Some(Value::IntValue(v));
        "doubleValue": Double => |m, v| m.value = Some(Value::DoubleValue(v));
        "arrayValue": Msg<ArrayValue> => |m, v| m.value = Some(Value::ArrayValue(v));
        "kvlistValue": Msg<KeyValueList> => |m, v| m.value = Some(Value::KvlistValue(v));
        "bytesValue": Base64 => |m, v| m.value = Some(Value::BytesValue(v));
    }
    ArrayValue { "values": Many<Msg<AnyValue>> => |m, v| m.values = v; }
    KeyValueList { "values": Many<Msg<KeyValue>> => |m, v| m.values = v; }
    KeyValue {
        "key": Text => |m, v| m.key = v;
        "value": Msg<AnyValue> => |m, v| m.value = Some(v);
    }
    Resource { "attributes": Many<Msg<KeyValue>> => |m, v| m.attributes = v; }
    InstrumentationScope {
        "name": Text => |m, v| m.name = v;
        "version": Text => |m, v| m.version = v;
        "attributes": Many<Msg<KeyValue>> => |m, v| m.attributes = v;
    }

    ExportMetricsServiceRequest { "resourceMetrics": Many<Msg<ResourceMetrics>> => |m, v| m.resource_metrics = v; }
    ResourceMetrics {
        "resource": Msg<Resource> => |m, v| m.resource = Some(v);
        "scopeMetrics": Many<Msg<ScopeMetrics>> => |m, v| m.scope_metrics = v;
        "schemaUrl": Text => |m, v| m.schema_url = v;
    }
    ScopeMetrics {
        "scope": Msg<InstrumentationScope> => |m, v| m.scope = Some(v);
        "metrics": Many<Msg<Metric>> => |m, v| m.metrics = v;
        "schemaUrl": Text => |m, v| m.schema_url = v;
    }
    Metric {
        "name": Text => |m, v| m.name = v;
        "description": Text => |m, v| m.description = v;
        "unit": Text => |m, v| m.unit = v;
        "gauge": Msg<Gauge> => |m, v| m.data = Some(Data::Gauge(v));
        "sum": Msg<Sum> => |m, v| m.data = Some(Data::Sum(v));
        "histogram": Msg<Histogram> => |m, v| m.data = Some(Data::Histogram(v));
        "exponentialHistogram": Msg<ExponentialHistogram> => |m, v| m.data = Some(Data::ExponentialHistogram(v));
        "summary": Msg<Summary> => |m, v| m.data = Some(Data::Summary(v));
    }
    Gauge { "dataPoints": Many<Msg<NumberDataPoint>> => |m, v| m.data_points = v; }
    Sum {
        "dataPoints": Many<Msg<NumberDataPoint>> => |m, v| m.data_points = v;
        "aggregationTemporality": Enum<AggregationTemporality> => |m, v| m.aggregation_temporality = v;
        "isMonotonic": Truth => |m, v| m.is_monotonic = v;
    }
    Histogram {
        "dataPoints": Many<Msg<HistogramDataPoint>> => |m, v| m.data_points = v;
        "aggregationTemporality": Enum<AggregationTemporality> => |m, v| m.aggregation_temporality = v;
    }
    ExponentialHistogram {
        "dataPoints": Many<Msg<ExponentialHistogramDataPoint>> => |m, v| m.data_points = v;
        "aggregationTemporality": Enum<AggregationTemporality> => |m, v| m.aggregation_temporality = v;
    }
    Summary { "dataPoints": Many<Msg<SummaryDataPoint>> => |m, v| m.data_points = v; }
    NumberDataPoint {
        "attributes": Many<Msg<KeyValue>> => |m, v| m.attributes = v;
        "startTimeUnixNano": Int<u64> => |m, v| m.start_time_unix_nano = v;
        "timeUnixNano": Int<u64> => |m, v| m.time_unix_nano = v;
        "exemplars": Many<Msg<Exemplar>> => |m, v| m.exemplars = v;
        "flags": Int<u32> => |m, v| m.flags = v;
        "asDouble": Double => |m, v| m.value = Some(number_data_point::Value::AsDouble(v));
        "asInt": Int<i64> => |m, v| m.value = Some(number_data_point::Value::AsInt(v));
    }
    HistogramDataPoint {
        "attributes": Many<Msg<KeyValue>> => |m, v| m.attributes = v;
        "startTimeUnixNano": Int<u64> => |m, v| m.start_time_unix_nano = v;
        "timeUnixNano": Int<u64> => |m, v| m.time_unix_nano = v;
        "count": Int<u64> => |m, v| m.count = v;
        "sum": Double => |m, v| m.sum = Some(v);
        "bucketCounts": Many<Int<u64>> => |m, v| m.bucket_counts = v;
        "explicitBounds": Many<Double> => |m, v| m.explicit_bounds = v;
        "exemplars": Many<Msg<Exemplar>> => |m, v| m.exemplars = v;
        "flags": Int<u32> => |m, v| m.flags = v;
    }
    ExponentialHistogramDataPoint {
        "attributes": Many<Msg<KeyValue>> => |m, v| m.attributes = v;
        "startTimeUnixNano": Int<u64> => |m, v| m.start_time_unix_nano = v;
        "timeUnixNano": Int<u64> => |m, v| m.time_unix_nano = v;
        "count": Int<u64> => |m, v| m.count = v;
        "sum": Double => |m, v| m.sum = Some(v);
        "scale": Int<i32> => |m, v| m.scale = v;
        "zeroCount": Int<u64> => |m, v| m.zero_count = v;
        "zeroThreshold": Double => |m, v| m.zero_threshold = v;
        "positive": Msg<Buckets> => |m, v| m.positive = Some(v);
        "negative": Msg<Buckets> => |m, v| m.negative = Some(v);
        "exemplars": Many<Msg<Exemplar>> => |m, v| m.exemplars = v;
        "flags": Int<u32> => |m, v| m.flags = v;
    }
    Buckets {
        "offset": Int<i32> => |m, v| m.offset = v;
        "bucketCounts": Many<Int<u64>> => |m, v| m.bucket_counts = v;
    }
    SummaryDataPoint {
        "attributes": Many<Msg<KeyValue>> => |m, v| m.attributes = v;
        "startTimeUnixNano": Int<u64> => |m, v| m.start_time_unix_nano = v;
        "timeUnixNano": Int<u64> => |m, v| m.time_unix_nano = v;
        "count": Int<u64> => |m, v| m.count = v;
        "sum": Double => |m, v| m.sum = v;
        "quantileValues": Many<Msg<ValueAtQuantile>> => |m, v| m.quantile_values = v;
        "flags": Int<u32> => |m, v| m.flags = v;
    }
    ValueAtQuantile {
        "quantile": Double => |m, v| m.quantile = v;
        "value": Double => |m, v| m.value = v;
    }
    Exemplar {
        "filteredAttributes": Many<Msg<KeyValue>> => |m, v| m.filtered_attributes = v;
        "timeUnixNano": Int<u64> => |m, v| m.time_unix_nano = v;
        "spanId": Hex => |m, v| m.span_id = v;
        "traceId": Hex => |m, v| m.trace_id = v;
        "asDouble": Double => |m, v| m.value = Some(exemplar::Value::AsDouble(v));
        "asInt": Int<i64> => |m, v| m.value = Some(exemplar::Value::AsInt(v));
    }

    ExportLogsServiceRequest { "resourceLogs": Many<Msg<ResourceLogs>> => |m, v| m.resource_logs = v; }
    ResourceLogs {
        "resource": Msg<Resource> => |m, v| m.resource = Some(v);
        "scopeLogs": Many<Msg<ScopeLogs>> => |m, v| m.scope_logs = v;
        "schemaUrl": Text => |m, v| m.schema_url = v;
    }
    ScopeLogs {
        "scope": Msg<InstrumentationScope> => |m, v| m.scope = Some(v);
        "logRecords": Many<Msg<LogRecord>> => |m, v| m.log_records = v;
        "schemaUrl": Text => |m, v| m.schema_url = v;
    }
    LogRecord {
        "timeUnixNano": Int<u64> => |m, v| m.time_unix_nano = v;
        "observedTimeUnixNano": Int<u64> => |m, v| m.observed_time_unix_nano = v;
        "severityNumber": Enum<SeverityNumber> => |m, v| m.severity_number = v;
        "severityText": Text => |m, v| m.severity_text = v;
        "body": Msg<AnyValue> => |m, v| m.body = Some(v);
        "attributes": Many<Msg<KeyValue>> => |m, v| m.attributes = v;
        "flags": Int<u32> => |m, v| m.flags = v;
        "traceId": Hex => |m, v| m.trace_id = v;
        "spanId": Hex => |m, v| m.span_id = v;
        "eventName": Text => |m, v| m.event_name = v;
    }

    ExportTraceServiceRequest { "resourceSpans": Many<Msg<ResourceSpans>> => |m, v| m.resource_spans = v; }
    ResourceSpans {
        "resource": Msg<Resource> => |m, v| m.resource = Some(v);
        "scopeSpans": Many<Msg<ScopeSpans>> => |m, v| m.scope_spans = v;
        "schemaUrl": Text => |m, v| m.schema_url = v;
    }
    ScopeSpans {
        "scope": Msg<InstrumentationScope> => |m, v| m.scope = Some(v);
        "spans": Many<Msg<Span>> => |m, v| m.spans = v;
        "schemaUrl": Text => |m, v| m.schema_url = v;
    }
    Span {
        "traceId": Hex => |m, v| m.trace_id = v;
        "spanId": Hex => |m, v| m.span_id = v;
        "traceState": Text => |m, v| m.trace_state = v;
        "parentSpanId": Hex => |m, v| m.parent_span_id = v;
        "flags": Int<u32> => |m, v| m.flags = v;
        "name": Text => |m, v| m.name = v;
        "kind": Enum<SpanKind> => |m, v| m.kind = v;
        "startTimeUnixNano": Int<u64> => |m, v| m.start_time_unix_nano = v;
        "endTimeUnixNano": Int<u64> => |m, v| m.end_time_unix_nano = v;
        "attributes": Many<Msg<KeyValue>> => |m, v| m.attributes = v;
        "events": Many<Msg<Event>> => |m, v| m.events = v;
        "links": Many<Msg<Link>> => |m, v| m.links = v;
        "status": Msg<Status> => |m, v| m.status = Some(v);
    }
    Event {
        "timeUnixNano": Int<u64> => |m, v| m.time_unix_nano = v;
        "name": Text => |m, v| m.name = v;
        "attributes": Many<Msg<KeyValue>> => |m, v| m.attributes = v;
    }
    Link {
        "traceId": Hex => |m, v| m.trace_id = v;
        "spanId": Hex => |m, v| m.span_id = v;
        "traceState": Text => |m, v| m.trace_state = v;
        "attributes": Many<Msg<KeyValue>> => |m, v| m.attributes = v;
    }
    Status {
        "message": Text => |m, v| m.message = v;
        "code": Enum<StatusCode> => |m, v| m.code = v;
    }
}
