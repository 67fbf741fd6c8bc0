//! Questions about traces.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use watchkeeper_domain::telemetry::SpanRecord;
use watchkeeper_domain::{Span, Timestamp};

use super::codec::decode_spans;
use super::history::Wanted;
use super::logs::within;
use super::{Found, Records};
use crate::log::frame::Kind;

/// Spans of older history that one search for traces may hold at a time.
const SPAN_LIMIT: usize = 200_000;

/// Which traces are wanted. Each condition that is given must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceQuery {
    /// A service that takes part.
    pub service: Option<String>,
    /// The name of a span in it, exactly.
    pub operation: Option<String>,
    /// The least duration of the whole trace.
    pub min_duration: Span,
    /// Only traces with a span that failed.
    pub errors_only: bool,
    /// Spans that start from this moment on.
    pub since: Timestamp,
    /// Spans that start up to and including this moment.
    pub until: Timestamp,
    /// How many traces at most.
    pub limit: usize,
}

impl TraceQuery {
    /// All traces in a window, at most 100.
    #[must_use]
    pub fn between(since: Timestamp, until: Timestamp) -> Self {
        Self { service: None, operation: None, min_duration: Span::ZERO, errors_only: false, since, until, limit: 100 }
    }
}

/// A trace in one line, made of those of its spans that lie in the window that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TraceSummary {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// The name of its root span, or of its earliest when the root is not there.
    pub name: Arc<str>,
    /// That span's service.
    pub service: Arc<str>,
    /// When its first span began, in nanoseconds.
    pub start_ns: u64,
    /// From its first beginning to its last end, in nanoseconds.
    pub duration_ns: u64,
    /// How many spans it has.
    pub spans: usize,
    /// How many of them failed.
    pub errors: usize,
    /// All services that take part.
    pub services: BTreeSet<Arc<str>>,
}

#[derive(Default)]
struct Gathered {
    /// Whether the naming span is a root, and its start: roots first, then the earliest.
    naming: Option<(bool, u64, Arc<str>, Arc<str>)>,
    start: u64,
    end: u64,
    spans: usize,
    errors: usize,
    services: BTreeSet<Arc<str>>,
    operation: bool,
}

impl Gathered {
    fn add(&mut self, span: &SpanRecord, operation: Option<&str>) {
        let child = !span.parent_span_id.is_empty();
        if self.naming.as_ref().is_none_or(|n| (child, span.start_ns) < (n.0, n.1)) {
            self.naming = Some((child, span.start_ns, Arc::clone(&span.name), Arc::clone(&span.service)));
        }
        self.start = if self.spans == 0 { span.start_ns } else { self.start.min(span.start_ns) };
        self.end = self.end.max(span.end_ns);
        self.spans += 1;
        self.errors += usize::from(span.status.as_ref() == "error");
        self.operation |= operation.is_some_and(|o| o == span.name.as_ref());
        if !self.services.contains(&span.service) {
            self.services.insert(Arc::clone(&span.service));
        }
    }
}

impl Records {
    /// Traces, the latest beginning first.
    pub(crate) fn query_traces(&self, query: &TraceQuery) -> Found<TraceSummary> {
        let mut traces: HashMap<String, Gathered> = HashMap::new();
        let mut seen = 0;
        let mut add = |span: &SpanRecord| {
            if within(span.start_ns, query.since, query.until) {
                traces.entry(span.trace_id.clone()).or_default().add(span, query.operation.as_deref());
            }
        };
        let before = {
            let recent = self.spans.read();
            recent.iter().for_each(&mut add);
            recent.first()
        };
        let mut complete = true;
        if before > 0 {
            let wanted =
                Wanted { kind: Kind::Spans, since: query.since.as_millis(), until: query.until.as_millis(), before };
            let mut cut = false;
            complete = self.history.scan(&wanted, decode_spans, |spans| {
                seen += spans.len();
                spans.iter().for_each(&mut add);
                cut = seen > SPAN_LIMIT;
                if cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }) && !cut;
        }
        let wanted = |g: &Gathered| {
            (!query.errors_only || g.errors > 0)
                && (query.operation.is_none() || g.operation)
                && query.service.as_deref().is_none_or(|s| g.services.contains(s))
                && i64::try_from((g.end.saturating_sub(g.start)) / 1_000).unwrap_or(i64::MAX)
                    >= query.min_duration.as_micros()
        };
        let mut items: Vec<TraceSummary> = traces
            .into_iter()
            .filter(|(_, g)| wanted(g))
            .filter_map(|(trace_id, g)| {
                let (_, _, name, service) = g.naming?;
                let duration_ns = g.end.saturating_sub(g.start);
                Some(TraceSummary {
                    trace_id,
                    name,
                    service,
                    start_ns: g.start,
                    duration_ns,
                    spans: g.spans,
                    errors: g.errors,
                    services: g.services,
                })
            })
            .collect();
        items.sort_unstable_by(|a, b| b.start_ns.cmp(&a.start_ns).then_with(|| a.trace_id.cmp(&b.trace_id)));
        items.truncate(query.limit);
        Found { items, complete }
    }

    /// Shows `visit` the spans that begin within a window, the recent ones first, at most about 200,000. False when there are
    /// more, or some could not be read.
    pub(crate) fn visit_spans(&self, since: Timestamp, until: Timestamp, mut visit: impl FnMut(&SpanRecord)) -> bool {
        let mut seen = 0;
        let mut show = |span: &SpanRecord| {
            if within(span.start_ns, since, until) {
                seen += 1;
                visit(span);
            }
            seen < SPAN_LIMIT
        };
        let (whole, before) = {
            let recent = self.spans.read();
            (recent.iter().rev().all(&mut show), recent.first())
        };
        if !whole || before == 0 {
            return whole;
        }
        let wanted = Wanted { kind: Kind::Spans, since: since.as_millis(), until: until.as_millis(), before };
        let mut cut = false;
        self.history.scan(&wanted, decode_spans, |spans| {
            cut = !spans.iter().all(&mut show);
            if cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }) && !cut
    }

    /// The spans of a trace, by their beginning.
    pub(crate) fn trace(&self, trace_id: &str) -> Found<SpanRecord> {
        let (mut items, before): (Vec<SpanRecord>, u64) = {
            let recent = self.spans.read();
            (recent.iter().filter(|s| s.trace_id == trace_id).cloned().collect(), recent.first())
        };
        let mut complete = true;
        if before > 0 {
            let wanted = Wanted { kind: Kind::Spans, since: i64::MIN, until: i64::MAX, before };
            complete = self.history.scan(&wanted, decode_spans, |spans| {
                items.extend(spans.into_iter().filter(|s| s.trace_id == trace_id));
                ControlFlow::Continue(())
            });
        }
        items.sort_by_key(|s| s.start_ns);
        // A sender that did not see our answer sends again.
        items.dedup_by(|a, b| a.span_id == b.span_id && a.start_ns == b.start_ns);
        Found { items, complete }
    }
}
