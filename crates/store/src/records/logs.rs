//! Questions about log records.

use std::ops::ControlFlow;

use watchkeeper_domain::Timestamp;
use watchkeeper_domain::telemetry::LogRecord;

use super::codec::decode_logs;
use super::history::Wanted;
use super::{Found, Records};
use crate::log::frame::Kind;

/// Which log records are wanted. Each condition that is given must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct LogQuery {
    /// The exact `service.name`.
    pub service: Option<String>,
    /// The least OpenTelemetry severity number.
    pub min_severity: u8,
    /// A piece of the body, upper and lower case alike.
    pub text: Option<String>,
    /// The exact trace id, in lower-case hexadecimal.
    pub trace_id: Option<String>,
    /// From this moment on.
    pub since: Timestamp,
    /// Up to and including this moment.
    pub until: Timestamp,
    /// How many records at most.
    pub limit: usize,
}

impl LogQuery {
    /// All records in a window, at most 1,000.
    #[must_use]
    pub fn between(since: Timestamp, until: Timestamp) -> Self {
        Self { service: None, min_severity: 0, text: None, trace_id: None, since, until, limit: 1_000 }
    }

    fn accepts(&self, record: &LogRecord, text: Option<&str>) -> bool {
        within(record.t_ns, self.since, self.until) && self.describes(record, text)
    }

    /// Whether everything but the window fits.
    fn describes(&self, record: &LogRecord, text: Option<&str>) -> bool {
        record.severity >= self.min_severity
            && self.service.as_deref().is_none_or(|s| s == record.service.as_ref())
            && self.trace_id.as_deref().is_none_or(|t| t == record.trace_id)
            && text.is_none_or(|t| record.body.to_lowercase().contains(t))
    }
}

/// Whether a moment in nanoseconds lies in a window, both ends included.
pub(super) fn within(t_ns: u64, since: Timestamp, until: Timestamp) -> bool {
    let micros = i64::try_from(t_ns / 1_000).unwrap_or(i64::MAX);
    micros >= since.as_micros() && micros <= until.as_micros()
}

/// What came in since the last look.
#[derive(Debug, Clone, PartialEq)]
pub struct Tail {
    /// What matches, in the order of arrival.
    pub items: Vec<LogRecord>,
    /// Where the next look begins.
    pub next: u64,
    /// How many were left out because they were more than the limit; of what had left memory meanwhile nobody knows whether
    /// it matches, so it counts.
    pub missed: u64,
}

impl Records {
    /// What came in from a place on; without one, nothing but the place. The query's window is not looked at.
    pub(crate) fn tail(&self, query: &LogQuery, from: Option<u64>) -> Tail {
        let text = query.text.as_deref().filter(|t| !t.is_empty()).map(str::to_lowercase);
        let recent = self.logs.read();
        let next = recent.next();
        let Some(from) = from else { return Tail { items: Vec::new(), next, missed: 0 } };
        let (mut items, mut missed) = (Vec::new(), recent.first().saturating_sub(from));
        for record in recent.since(from).filter(|record| query.describes(record, text.as_deref())) {
            if items.len() < query.limit { items.push(record.clone()) } else { missed += 1 }
        }
        Tail { items, next, missed }
    }

    /// Log records, newest arrival first.
    pub(crate) fn query_logs(&self, query: &LogQuery) -> Found<LogRecord> {
        let text = query.text.as_deref().filter(|t| !t.is_empty()).map(str::to_lowercase);
        let accepts = |record: &LogRecord| query.accepts(record, text.as_deref());
        let (mut items, before): (Vec<LogRecord>, u64) = {
            let recent = self.logs.read();
            (recent.iter().rev().filter(|r| accepts(r)).take(query.limit).cloned().collect(), recent.first())
        };
        let mut complete = true;
        if items.len() < query.limit && before > 0 {
            let wanted =
                Wanted { kind: Kind::Logs, since: query.since.as_millis(), until: query.until.as_millis(), before };
            complete = self.history.scan(&wanted, decode_logs, |records| {
                items.extend(records.into_iter().rev().filter(accepts).take(query.limit - items.len()));
                if items.len() < query.limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
        }
        Found { items, complete }
    }
}
