//! Handlers: what is read out of many records.
//!
//! Not the reading: `watchkeeper_store::explore` does that.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use tokio::sync::OwnedSemaphorePermit;
use watchkeeper_domain::{Code, Span as Length, Timestamp};
use watchkeeper_store::explore::{self, Period};
use watchkeeper_store::{LogQuery as Wanted, Tail};

use super::dto::explore::{LogPattern, LogPatternList, LogTail, MapEdge, MapNode, MapNodeKind, MapTiming, ServiceMap};
use super::dto::telemetry::{LogQuery, WindowQuery};
use super::extract::Query;
use super::page::Paging;
use super::problem::{ApiProblem, ApiResult};
use super::telemetry::{blocking, log, nanos, severity, window};
use crate::app::Shared;

/// How many records patterns are read out of at most, in each of the two windows.
const MOST_RECORDS: usize = 100_000;
/// How often a tail looks for what is new.
const TAIL_EVERY: Length = Length::from_millis(500);
/// How many records a tail shows at a time; more cannot be read by a person anyhow.
const TAIL_RECORDS: usize = 200;

/// The conditions of a query, without its paging.
fn wanted(query: &LogQuery, since: Timestamp, until: Timestamp, limit: usize) -> ApiResult<Wanted> {
    let given = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
    Ok(Wanted {
        service: given(&query.service),
        min_severity: given(&query.severity).map_or(Ok(0), |word| severity(&word))?,
        text: given(&query.q),
        trace_id: given(&query.trace_id).map(|id| id.to_lowercase()),
        limit,
        ..Wanted::between(since, until)
    })
}

/// `GET /telemetry/logs/patterns`.
pub async fn patterns(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<LogQuery>,
) -> ApiResult<Json<LogPatternList>> {
    let (since, until) = window(&shared, query.since.as_deref(), query.until.as_deref())?;
    let limit = Paging::new(query.limit, None)?.limit as usize;
    let before_since = since - until.since(since);
    let now = wanted(&query, since, until, MOST_RECORDS)?;
    // A record of the very moment that divides the windows belongs to the later one.
    let before = wanted(&query, before_since, since - Length::from_micros(1), MOST_RECORDS)?;
    let answer = blocking(&shared, move |shared| {
        let mut patterns = explore::Patterns::default();
        let mut read = |wanted: &Wanted, period: Period| {
            let found = shared.store.logs(wanted);
            found.items.iter().for_each(|record| patterns.add(record, period));
            (found.items.len(), found.complete && found.items.len() < MOST_RECORDS)
        };
        let (records, whole) = read(&now, Period::Now);
        let (_, compared) = read(&before, Period::Before);
        let found = patterns.finish();
        LogPatternList {
            total: found.len() as u64,
            records: records as u64,
            before_since: before_since.into(),
            incomplete: (!whole)
                .then(|| format!("Only the newest {records} records were looked at; narrow the time or the filter.")),
            items: found.into_iter().take(limit).map(|p| pattern(p, compared)).collect(),
        }
    });
    Ok(Json(answer.await?))
}

fn pattern(p: explore::Pattern, compared: bool) -> LogPattern {
    LogPattern {
        // What was seen before is not new, also where not everything was looked at.
        before: (compared || p.before > 0).then_some(p.before),
        pattern: p.text,
        count: p.count,
        severity: severity_word(p.severity).to_owned(),
        services: p.services.iter().map(ToString::to_string).collect(),
        first_at: nanos(p.first_ns).into(),
        last_at: nanos(p.last_ns).into(),
        example: p.example,
        constant: p.constant,
    }
}

/// OpenTelemetry's short name of a severity number.
fn severity_word(number: u8) -> &'static str {
    match number {
        0 => "",
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        _ => "FATAL",
    }
}

/// A stream that follows the log, until its reader goes or the server stops.
struct Following {
    shared: Arc<Shared>,
    wanted: Wanted,
    next: Option<u64>,
    _place: OwnedSemaphorePermit,
}

/// `GET /telemetry/logs/tail`: what comes in from now on, as server-sent events. It starts with an event without records,
/// so that a reader knows that it is heard.
pub async fn tail(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<LogQuery>,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let now = shared.env.now();
    let wanted = wanted(&query, now, now, TAIL_RECORDS)?;
    let Ok(place) = Arc::clone(&shared.tails).try_acquire_owned() else {
        return Err(ApiProblem::new(
            Code::Overloaded,
            "as many people follow the logs as may at a time; try again later",
        ));
    };
    let following = Following { shared, wanted, next: None, _place: place };
    let stream = futures::stream::unfold(following, |mut at| async move {
        loop {
            let first = at.next.is_none();
            if !first {
                let clock = Arc::clone(&at.shared.env.clock);
                tokio::select! {
                    () = at.shared.stopping.cancelled() => return None,
                    () = clock.sleep_until(at.shared.env.now() + TAIL_EVERY) => {}
                }
            }
            let Tail { items, next, missed } = at.shared.store.tail(&at.wanted, at.next);
            at.next = Some(next);
            if first || !items.is_empty() || missed > 0 {
                let told = LogTail { items: items.into_iter().map(log).collect(), missed };
                let event = Event::default().event("records").json_data(told).unwrap_or_default();
                return Some((Ok(event), at));
            }
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// `GET /telemetry/map`.
pub async fn map(State(shared): State<Arc<Shared>>, Query(query): Query<WindowQuery>) -> ApiResult<Json<ServiceMap>> {
    let (since, until) = window(&shared, query.since.as_deref(), query.until.as_deref())?;
    let (nodes, edges, whole) = blocking(&shared, move |shared| {
        let mut map = explore::ServiceMap::default();
        let whole = shared.store.visit_spans(since, until, |span| map.add(span));
        let (nodes, edges) = map.finish();
        (nodes, edges, whole)
    })
    .await?;
    let seconds = until.since(since).as_secs_f64();
    Ok(Json(ServiceMap {
        since: since.into(),
        until: until.into(),
        nodes: nodes
            .into_iter()
            .map(|n| MapNode { name: n.name.to_string(), kind: kind(n.kind), timing: timing(n.timing, seconds) })
            .collect(),
        edges: edges
            .into_iter()
            .map(|e| MapEdge { from: e.from.to_string(), to: e.to.to_string(), timing: timing(e.timing, seconds) })
            .collect(),
        incomplete: (!whole).then(|| "The window has more spans than are looked at; narrow it.".to_owned()),
    }))
}

fn kind(kind: explore::NodeKind) -> MapNodeKind {
    match kind {
        explore::NodeKind::Service => MapNodeKind::Service,
        explore::NodeKind::Database => MapNodeKind::Database,
        explore::NodeKind::Messaging => MapNodeKind::Messaging,
        explore::NodeKind::External => MapNodeKind::External,
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown, not summed")]
fn timing(timing: explore::Timing, seconds: f64) -> MapTiming {
    MapTiming {
        calls: timing.calls,
        errors: timing.errors,
        rate: if seconds > 0.0 { timing.calls as f64 / seconds } else { 0.0 },
        p50_ms: timing.p50_ns as f64 / 1e6,
        p95_ms: timing.p95_ns as f64 / 1e6,
    }
}
