//! Handlers: stored telemetry to look at.
//!
//! Not PromQL: see `prometheus`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_domain::telemetry::{Attributes, LogRecord as StoredLog, SpanRecord};
use watchkeeper_domain::{Span as Length, Timestamp};
use watchkeeper_store::explore::{CriticalPath, critical_path};
use watchkeeper_store::{Found, LogQuery as Wanted, TraceQuery as WantedTraces, TraceSummary as StoredTrace};

use super::dto::telemetry::{
    LogBucket, LogList, LogQuery, LogRecord, Metric, MetricList, MetricQuery, Service, ServiceList, Span, SpanEvent,
    SpanPart, Trace, TraceList, TraceQuery, TraceSummary,
};
use super::dto::words::SpanStatus;
use super::extract::{Path, Query};
use super::page::Paging;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// How many bars the histogram of logs has.
const BARS: i64 = 60;
/// How many records the histogram counts at most.
const MOST_COUNTED: usize = 20_000;
/// How many traces of a window are told apart at most.
const MOST_TRACES: usize = 100_000;
/// How many spans of one trace are shown.
const MOST_SPANS: usize = 5_000;

/// `GET /telemetry/metrics`.
pub async fn metrics(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<MetricQuery>,
) -> ApiResult<Json<MetricList>> {
    let limit = Paging::new(query.limit, None)?.limit as usize;
    let prefix = query.prefix.unwrap_or_default().to_lowercase();
    let meta: BTreeMap<_, _> = shared.store.metadata().into_iter().map(|m| (m.name.to_string(), m)).collect();
    let names = shared.store.label_values(watchkeeper_domain::labels::NAME, &[], i64::MIN / 2, i64::MAX / 2);
    let found: Vec<_> = names.iter().filter(|name| name.to_lowercase().contains(&prefix)).collect();
    let total = found.len() as u64;
    // Names are sorted; a cursor is the last name of a page.
    let after = query.cursor.unwrap_or_default();
    let mut rest = found.into_iter().filter(|name| after.is_empty() || name.as_ref() > after.as_str());
    let shown: Vec<_> = rest.by_ref().take(limit).collect();
    let next_cursor = shown.last().filter(|_| rest.next().is_some()).map(|name| name.to_string());
    let items = shown.into_iter().map(|name| {
        // Histograms and summaries describe themselves under the family's name.
        let family = ["_bucket", "_count", "_sum", "_total"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let known = meta.get(name.as_ref()).or_else(|| meta.get(family?));
        let matcher = watchkeeper_domain::Matcher::equal(watchkeeper_domain::labels::NAME, name.as_ref());
        let series = shared.store.series(&[matcher], i64::MIN / 2, i64::MAX / 2).len() as u64;
        Metric {
            name: name.to_string(),
            kind: known.map_or("unknown", |m| m.kind.as_ref()).to_owned(),
            unit: known.map_or("", |m| m.unit.as_ref()).to_owned(),
            help: known.map_or("", |m| m.help.as_ref()).to_owned(),
            series,
        }
    });
    let items = items.collect();
    Ok(Json(MetricList { items, total, next_cursor }))
}

/// `GET /telemetry/logs`.
pub async fn logs(State(shared): State<Arc<Shared>>, Query(query): Query<LogQuery>) -> ApiResult<Json<LogList>> {
    let (since, until) = window(&shared, query.since.as_deref(), query.until.as_deref())?;
    let limit = Paging::new(query.limit, None)?.limit as usize;
    let cursor = query.cursor.as_deref().map(LogCursor::read).transpose()?;
    // A page of older records begins where the page before ended.
    let until = cursor.as_ref().map_or(until, |cursor| until.min(nanos(cursor.t_ns) + Length::from_micros(1)));
    let wanted = Wanted {
        service: query.service.filter(|s| !s.is_empty()),
        min_severity: query.severity.as_deref().filter(|s| !s.is_empty()).map_or(Ok(0), severity)?,
        text: query.q.filter(|q| !q.is_empty()),
        trace_id: query.trace_id.filter(|id| !id.is_empty()).map(|id| id.to_lowercase()),
        limit: MOST_COUNTED,
        ..Wanted::between(since, until)
    };
    let mut found = blocking(&shared, move |shared| shared.store.logs(&wanted)).await?;
    // The store goes by arrival; people read by the records' own time.
    found.items.sort_by_key(|record| std::cmp::Reverse(record.t_ns));
    let histogram = if cursor.is_none() { histogram(&found.items, since, until) } else { Vec::new() };
    let items = match &cursor {
        Some(cursor) => cursor.rest(found.items),
        None => found.items,
    };
    let more = items.len() > limit;
    let next_cursor = more.then(|| LogCursor::after(&items[..limit], cursor.as_ref()).to_string());
    Ok(Json(LogList {
        histogram,
        truncated: more || !found.complete,
        next_cursor,
        incomplete: (!found.complete).then(|| "More match than could be read; narrow the time or the text.".to_owned()),
        items: items.into_iter().take(limit).map(log).collect(),
    }))
}

/// Where a page of logs ended: the moment of its last record, and how many records of that very moment were shown.
#[derive(Debug, PartialEq, Eq)]
struct LogCursor {
    t_ns: u64,
    shown: usize,
}

impl LogCursor {
    fn read(text: &str) -> ApiResult<Self> {
        let parsed =
            text.split_once('.').and_then(|(t, n)| Some(Self { t_ns: t.parse().ok()?, shown: n.parse().ok()? }));
        parsed.ok_or_else(|| ApiProblem::invalid("cursor", "it is not one that a list gave"))
    }

    /// After this page, which came after `before`: what that showed of the same moment counts on.
    fn after(page: &[StoredLog], before: Option<&Self>) -> Self {
        let t_ns = page.last().map_or(0, |record| record.t_ns);
        let carried = before.filter(|cursor| cursor.t_ns == t_ns).map_or(0, |cursor| cursor.shown);
        Self { t_ns, shown: carried + page.iter().rev().take_while(|record| record.t_ns == t_ns).count() }
    }

    /// What comes after, of records that are sorted by time, the newest first.
    fn rest(&self, records: Vec<StoredLog>) -> Vec<StoredLog> {
        let mut to_skip = self.shown;
        let mut before = |record: &StoredLog| {
            let again = record.t_ns == self.t_ns && to_skip > 0;
            to_skip -= usize::from(again);
            record.t_ns > self.t_ns || again
        };
        records.into_iter().filter(|record| !before(record)).collect()
    }
}

impl std::fmt::Display for LogCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.t_ns, self.shown)
    }
}

fn histogram(records: &[StoredLog], since: Timestamp, until: Timestamp) -> Vec<LogBucket> {
    let width = (until.since(since).as_micros() / BARS).max(1);
    let mut bars: Vec<LogBucket> = (0..BARS)
        .map(|n| LogBucket { at: (since + Length::from_micros(n * width)).into(), info: 0, warn: 0, error: 0 })
        .collect();
    for record in records {
        let at = i64::try_from(record.t_ns / 1_000).unwrap_or(i64::MAX).saturating_sub(since.as_micros());
        let n = usize::try_from((at / width).clamp(0, BARS - 1)).unwrap_or(0);
        match record.severity {
            17.. => bars[n].error += 1,
            13.. => bars[n].warn += 1,
            _ => bars[n].info += 1,
        }
    }
    bars
}

pub(super) fn severity(word: &str) -> ApiResult<u8> {
    const WORDS: [(&str, u8); 6] =
        [("TRACE", 1), ("DEBUG", 5), ("INFO", 9), ("WARN", 13), ("ERROR", 17), ("FATAL", 21)];
    let found = WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, n)| *n);
    found.ok_or_else(|| ApiProblem::invalid("severity", "accepted are TRACE, DEBUG, INFO, WARN, ERROR, FATAL"))
}

pub(super) fn log(record: StoredLog) -> LogRecord {
    let mut attributes = texts(&record.attributes, "");
    attributes.extend(texts(&record.resource, "resource."));
    LogRecord {
        at: nanos(record.t_ns).into(),
        severity: record.severity_text.to_string(),
        severity_number: record.severity,
        service: record.service.to_string(),
        body: record.body,
        attributes,
        trace_id: Some(record.trace_id).filter(|id| !id.is_empty()),
        span_id: Some(record.span_id).filter(|id| !id.is_empty()),
    }
}

/// `GET /telemetry/traces`.
pub async fn traces(State(shared): State<Arc<Shared>>, Query(query): Query<TraceQuery>) -> ApiResult<Json<TraceList>> {
    let (since, until) = window(&shared, query.since.as_deref(), query.until.as_deref())?;
    let limit = Paging::new(query.limit, None)?.limit as usize;
    let status = query.status.as_deref().filter(|s| !s.is_empty());
    if status.is_some_and(|s| !matches!(s, "error" | "ok" | "unset")) {
        return Err(ApiProblem::invalid("status", "accepted are error, ok, unset"));
    }
    let least = query.min_duration_ms.unwrap_or(0.0);
    if !(0.0..1e12).contains(&least) {
        return Err(ApiProblem::invalid("min_duration_ms", "write milliseconds, from 0"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the check above")]
    let min_duration = Length::from_micros((least * 1_000.0) as i64);
    let errors_only = status == Some("error");
    let wanted = WantedTraces {
        service: query.service.filter(|s| !s.is_empty()),
        operation: query.operation.filter(|o| !o.is_empty()),
        min_duration,
        errors_only,
        limit: MOST_TRACES,
        ..WantedTraces::between(since, until)
    };
    let after = query.cursor.as_deref().map(trace_cursor).transpose()?;
    let mut found = blocking(&shared, move |shared| shared.store.traces(&wanted)).await?;
    found.items.retain(|t| status.is_none() || errors_only == (t.errors > 0));
    let total = found.items.len() as u64;
    // The store says which begins last; of those that begin together the id decides, so that pages fit together.
    found.items.sort_by(|a, b| (b.start_ns, &b.trace_id).cmp(&(a.start_ns, &a.trace_id)));
    if let Some((start, id)) = &after {
        found.items.retain(|t| (t.start_ns, &t.trace_id) < (*start, id));
    }
    let more = found.items.len() > limit;
    found.items.truncate(limit);
    let next_cursor = found.items.last().filter(|_| more).map(|t| format!("{}.{}", t.start_ns, t.trace_id));
    Ok(Json(TraceList { items: found.items.into_iter().map(trace_summary).collect(), total, next_cursor }))
}

fn trace_cursor(text: &str) -> ApiResult<(u64, String)> {
    let parsed = text.split_once('.').and_then(|(start, id)| Some((start.parse().ok()?, id.to_owned())));
    parsed.ok_or_else(|| ApiProblem::invalid("cursor", "it is not one that a list gave"))
}

#[expect(clippy::cast_precision_loss, reason = "durations are shown, not summed")]
fn trace_summary(t: StoredTrace) -> TraceSummary {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    TraceSummary {
        trace_id: t.trace_id,
        service: t.service.to_string(),
        operation: t.name.to_string(),
        started_at: nanos(t.start_ns).into(),
        duration_ms: t.duration_ns as f64 / 1e6,
        status: if t.errors > 0 { SpanStatus::Error } else { SpanStatus::Unset },
        span_count: count(t.spans),
        service_count: count(t.services.len()),
    }
}

/// `GET /telemetry/traces/{trace_id}`.
pub async fn trace(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> ApiResult<Json<Trace>> {
    let wanted = id.to_lowercase();
    if wanted.len() != 32 || !wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(ApiProblem::invalid("trace_id", "write 32 hexadecimal digits"));
    }
    let key = wanted.clone();
    let found: Found<SpanRecord> = blocking(&shared, move |shared| shared.store.trace(&key)).await?;
    let Some(first) = found.items.iter().map(|s| s.start_ns).min() else {
        return Err(ApiProblem::not_found("trace", &wanted));
    };
    let mut path = critical_path(&found.items);
    let truncated = found.items.len() > MOST_SPANS || !found.complete;
    Ok(Json(Trace {
        trace_id: wanted,
        spans: found.items.into_iter().take(MOST_SPANS).map(|s| span(s, first, &mut path)).collect(),
        truncated,
    }))
}

fn span(s: SpanRecord, first_ns: u64, path: &mut CriticalPath) -> Span {
    let micros = |ns: u64| i64::try_from(ns / 1_000).unwrap_or(i64::MAX);
    let mut critical = path.parts.remove(&s.span_id).unwrap_or_default();
    critical.reverse();
    let part = |(from, to): (u64, u64)| SpanPart {
        offset_us: micros(from.saturating_sub(first_ns)),
        duration_us: micros(to - from),
    };
    Span {
        critical: critical.into_iter().map(part).collect(),
        parent_span_id: Some(s.parent_span_id).filter(|id| !id.is_empty()),
        span_id: s.span_id,
        service: s.service.to_string(),
        name: s.name.to_string(),
        kind: s.kind.to_string(),
        started_at: nanos(s.start_ns).into(),
        offset_us: micros(s.start_ns.saturating_sub(first_ns)),
        duration_us: micros(s.end_ns.saturating_sub(s.start_ns)),
        status: match s.status.as_ref() {
            "error" => SpanStatus::Error,
            "ok" => SpanStatus::Ok,
            _ => SpanStatus::Unset,
        },
        status_message: Some(s.status_message).filter(|m| !m.is_empty()),
        attributes: texts(&s.attributes, ""),
        events: s
            .events
            .into_iter()
            .map(|e| SpanEvent { at: nanos(e.t_ns).into(), attributes: texts(&e.attributes, ""), name: e.name })
            .collect(),
    }
}

/// `GET /telemetry/services`.
pub async fn services(State(shared): State<Arc<Shared>>) -> ApiResult<Json<ServiceList>> {
    let now = shared.env.now();
    let items = blocking(&shared, move |shared| {
        let since = now - Length::from_secs(3_600);
        let one = |name: &Arc<str>| {
            let logs =
                shared.store.logs(&Wanted { service: Some(name.to_string()), limit: 1, ..Wanted::between(since, now) });
            let traces = shared.store.traces(&WantedTraces {
                service: Some(name.to_string()),
                limit: 1,
                ..WantedTraces::between(since, now)
            });
            let matcher = watchkeeper_domain::Matcher::equal("service", name.as_ref());
            let metrics = !shared.store.series(&[matcher], since.as_millis(), now.as_millis()).is_empty();
            let last = logs.items.first().map(|l| l.t_ns).max(traces.items.first().map(|t| t.start_ns + t.duration_ns));
            Service {
                name: name.to_string(),
                last_seen_at: last.map(|ns| nanos(ns).into()),
                metrics,
                logs: !logs.items.is_empty(),
                traces: !traces.items.is_empty(),
            }
        };
        shared.store.services().iter().map(one).collect()
    })
    .await?;
    Ok(Json(ServiceList { items, next_cursor: None }))
}

/// Store queries may read files: off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    shared: &Arc<Shared>,
    look: impl FnOnce(&Shared) -> T + Send + 'static,
) -> ApiResult<T> {
    let shared = Arc::clone(shared);
    tokio::task::spawn_blocking(move || look(&shared))
        .await
        .map_err(|error| ApiProblem::internal("read stored telemetry", &error))
}

pub(super) fn window(shared: &Shared, since: Option<&str>, until: Option<&str>) -> ApiResult<(Timestamp, Timestamp)> {
    let read = |name: &str, text: Option<&str>| {
        let parse = |t: &str| t.parse::<Timestamp>().map_err(|e| ApiProblem::invalid(name, e));
        text.filter(|t| !t.is_empty()).map(parse).transpose()
    };
    let until = read("until", until)?.unwrap_or_else(|| shared.env.now());
    let since = read("since", since)?.unwrap_or(until - Length::from_secs(3_600));
    if since > until {
        return Err(ApiProblem::invalid("since", "it must not be after `until`"));
    }
    Ok((since, until))
}

pub(super) fn nanos(ns: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(ns / 1_000).unwrap_or(i64::MAX))
}

fn texts(attributes: &Attributes, prefix: &str) -> BTreeMap<String, String> {
    let text = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    attributes.iter().map(|(name, value)| (format!("{prefix}{name}"), text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(t_ns: u64, body: &str) -> StoredLog {
        StoredLog {
            t_ns,
            severity: 9,
            severity_text: "INFO".into(),
            body: body.to_owned(),
            service: "payments".into(),
            trace_id: String::new(),
            span_id: String::new(),
            attributes: Vec::new(),
            resource: Arc::default(),
        }
    }

    #[test]
    fn pages_of_logs_hold_each_record_once_also_where_many_are_of_one_moment() {
        let all: Vec<StoredLog> =
            [(9, "a"), (7, "b"), (7, "c"), (7, "d"), (7, "e"), (3, "f")].map(|(t, body)| record(t, body)).into();
        for limit in 1..7 {
            let (mut seen, mut cursor): (Vec<String>, Option<LogCursor>) = (Vec::new(), None);
            loop {
                let rest = match &cursor {
                    Some(cursor) => cursor.rest(all.clone()),
                    None => all.clone(),
                };
                let page = &rest[..limit.min(rest.len())];
                seen.extend(page.iter().map(|record| record.body.clone()));
                if rest.len() <= limit {
                    break;
                }
                cursor = Some(LogCursor::read(&LogCursor::after(page, cursor.as_ref()).to_string()).unwrap());
            }
            assert_eq!(seen.concat(), "abcdef", "pages of {limit}");
        }
    }
}
