//! The critical path of a trace: at each moment the span that the whole had to wait for.
//!
//! Not a drawing. The rule is that of Uber's CRISP (Zhang et al., USENIX ATC 2022): from a span's end backwards, the child
//! that ended last is what was waited for, then what ended last before that child began, and so on; what no child covers is
//! the span's own.

use std::collections::{HashMap, HashSet};

use watchkeeper_domain::telemetry::SpanRecord;

/// The parts of the critical path, each within one span. Together they last exactly as long as the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// By span id: from and to in nanoseconds, the latest first.
    pub parts: HashMap<String, Vec<(u64, u64)>>,
}

impl CriticalPath {
    /// How long a span was waited for, in nanoseconds.
    #[must_use]
    pub fn time_in(&self, span_id: &str) -> u64 {
        self.parts.get(span_id).into_iter().flatten().map(|(from, to)| to - from).sum()
    }
}

/// The path through a trace from its root: the earliest span without a parent, else the earliest whose parent is not there.
#[must_use]
pub fn critical_path(spans: &[SpanRecord]) -> CriticalPath {
    let here: HashSet<&str> = spans.iter().map(|s| s.span_id.as_str()).collect();
    let orphan = |s: &&SpanRecord| !here.contains(s.parent_span_id.as_str());
    let root = spans.iter().filter(orphan).min_by_key(|s| (!s.parent_span_id.is_empty(), s.start_ns));
    let mut children: HashMap<&str, Vec<&SpanRecord>> = HashMap::new();
    for span in spans.iter().filter(|s| s.parent_span_id != s.span_id) {
        children.entry(span.parent_span_id.as_str()).or_default().push(span);
    }
    let mut path = CriticalPath::default();
    let mut seen: HashSet<&str> = HashSet::new();
    // What remains to be walked: a span, and until when it was waited for. Not by recursion: a trace may be deep.
    let mut open: Vec<(&SpanRecord, u64)> = root.map(|r| (r, r.end_ns)).into_iter().collect();
    while let Some((span, until)) = open.pop() {
        if !seen.insert(span.span_id.as_str()) {
            continue;
        }
        let mut now = until.min(span.end_ns);
        let own = path.parts.entry(span.span_id.clone()).or_default();
        let mut those = children.get(span.span_id.as_str()).cloned().unwrap_or_default();
        // A child that outlives what waits for it was not waited for to its end.
        while let Some((at, child)) = those
            .iter()
            .enumerate()
            .filter(|(_, c)| c.start_ns >= span.start_ns && c.start_ns < now && c.end_ns > c.start_ns)
            .filter(|(_, c)| !seen.contains(c.span_id.as_str()))
            .max_by_key(|(_, c)| (c.end_ns.min(now), std::cmp::Reverse(c.start_ns)))
            .map(|(at, c)| (at, *c))
        {
            let ended = child.end_ns.min(now);
            if ended < now {
                own.push((ended, now));
            }
            open.push((child, ended));
            now = child.start_ns;
            those.swap_remove(at);
        }
        if now > span.start_ns {
            own.push((span.start_ns, now));
        }
    }
    path
}
