//! Log records and spans: a bounded recent part in memory, everything within retention in the log.
//!
//! Not a text index and not SQL: filters run over records. What is no longer in memory is read back from the log's segments,
//! newest first and up to a bound; an answer says whether it is complete.

mod codec;
mod history;
mod logs;
mod recent;
mod traces;

use std::sync::Arc;

use parking_lot::RwLock;
use watchkeeper_domain::telemetry::{LogRecord, SpanRecord};

pub(crate) use codec::{decode_logs, decode_spans, encode_logs, encode_spans};
pub(crate) use history::History;
pub use logs::{LogQuery, Tail};
use recent::Recent;
pub use traces::{TraceQuery, TraceSummary};

/// An answer that may have been cut short.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<T> {
    /// What was found, newest first unless said otherwise.
    pub items: Vec<T>,
    /// Whether everything within retention was looked at, or the limit was reached first. False: older data was not read,
    /// because it is too much or damaged; narrow the time.
    pub complete: bool,
}

/// The recent records, and the way to the older ones.
pub(crate) struct Records {
    pub(crate) logs: RwLock<Recent<LogRecord>>,
    pub(crate) spans: RwLock<Recent<SpanRecord>>,
    history: History,
}

impl Records {
    pub(crate) fn new(recent_bytes: usize, history: History) -> Self {
        Self {
            logs: RwLock::new(Recent::new(recent_bytes / 2)),
            spans: RwLock::new(Recent::new(recent_bytes / 2)),
            history,
        }
    }

    /// The names of the services that sent logs or spans recently.
    pub(crate) fn services(&self) -> Vec<Arc<str>> {
        let mut names = std::collections::BTreeSet::new();
        let mut see = |name: &Arc<str>| {
            if !name.is_empty() && !names.contains(name) {
                names.insert(Arc::clone(name));
            }
        };
        self.logs.read().iter().for_each(|l| see(&l.service));
        self.spans.read().iter().for_each(|s| see(&s.service));
        names.into_iter().collect()
    }
}
