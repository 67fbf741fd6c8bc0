//! Which fields of OTLP's messages are messages: for the count that precedes decoding.
//!
//! Not a description of the fields' types; opentelemetry-proto has those.

use crate::wire::{LEAF, PACKED, Shape, TEXT};

static LIST: Shape = Shape { nested: &[(1, &ANY_VALUE)] };
static ANY_VALUE: Shape = Shape { nested: &[(5, &LIST), (6, &ATTRIBUTES_1)] };
static KEY_VALUE: Shape = Shape { nested: &[(2, &ANY_VALUE)] };
/// A message whose field 1 is a list of attributes: a resource, a map value.
static ATTRIBUTES_1: Shape = Shape { nested: &[(1, &KEY_VALUE)] };
static RESOURCE: Shape = Shape { nested: &[(1, &KEY_VALUE), (3, &ENTITY)] };
static ENTITY: Shape = Shape { nested: &[(3, &TEXT), (4, &TEXT)] };
static SCOPE: Shape = Shape { nested: &[(3, &KEY_VALUE)] };

static EXEMPLAR: Shape = Shape { nested: &[(7, &KEY_VALUE)] };
static NUMBER: Shape = Shape { nested: &[(7, &KEY_VALUE), (5, &EXEMPLAR)] };
static HISTOGRAM_POINT: Shape = Shape { nested: &[(9, &KEY_VALUE), (8, &EXEMPLAR)] };
static BUCKETS: Shape = Shape { nested: &[(2, &PACKED)] };
static EXPONENTIAL_POINT: Shape = Shape { nested: &[(1, &KEY_VALUE), (8, &BUCKETS), (9, &BUCKETS), (11, &EXEMPLAR)] };
static SUMMARY_POINT: Shape = Shape { nested: &[(7, &KEY_VALUE), (6, &LEAF)] };
static GAUGE: Shape = Shape { nested: &[(1, &NUMBER)] };
static HISTOGRAM: Shape = Shape { nested: &[(1, &HISTOGRAM_POINT)] };
static EXPONENTIAL: Shape = Shape { nested: &[(1, &EXPONENTIAL_POINT)] };
static SUMMARY: Shape = Shape { nested: &[(1, &SUMMARY_POINT)] };
static METRIC: Shape = Shape {
    nested: &[(5, &GAUGE), (7, &GAUGE), (9, &HISTOGRAM), (10, &EXPONENTIAL), (11, &SUMMARY), (12, &KEY_VALUE)],
};
static SCOPE_METRICS: Shape = Shape { nested: &[(1, &SCOPE), (2, &METRIC)] };
static RESOURCE_METRICS: Shape = Shape { nested: &[(1, &RESOURCE), (2, &SCOPE_METRICS)] };
/// `ExportMetricsServiceRequest`.
pub(super) static METRICS: Shape = Shape { nested: &[(1, &RESOURCE_METRICS)] };

static LOG_RECORD: Shape = Shape { nested: &[(5, &ANY_VALUE), (6, &KEY_VALUE)] };
static SCOPE_LOGS: Shape = Shape { nested: &[(1, &SCOPE), (2, &LOG_RECORD)] };
static RESOURCE_LOGS: Shape = Shape { nested: &[(1, &RESOURCE), (2, &SCOPE_LOGS)] };
/// `ExportLogsServiceRequest`.
pub(super) static LOGS: Shape = Shape { nested: &[(1, &RESOURCE_LOGS)] };

static EVENT: Shape = Shape { nested: &[(3, &KEY_VALUE)] };
static LINK: Shape = Shape { nested: &[(4, &KEY_VALUE)] };
static SPAN: Shape = Shape { nested: &[(9, &KEY_VALUE), (11, &EVENT), (13, &LINK), (15, &LEAF)] };
static SCOPE_SPANS: Shape = Shape { nested: &[(1, &SCOPE), (2, &SPAN)] };
static RESOURCE_SPANS: Shape = Shape { nested: &[(1, &RESOURCE), (2, &SCOPE_SPANS)] };
/// `ExportTraceServiceRequest`.
pub(super) static TRACES: Shape = Shape { nested: &[(1, &RESOURCE_SPANS)] };
