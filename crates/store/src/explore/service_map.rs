//! The map of services: who calls whom, how often, with how many errors, how fast, told from spans.
//!
//! Not a model of what ought to be there: only what was seen within the window is on the map.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use watchkeeper_domain::telemetry::SpanRecord;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeKind {
    /// It sends spans of its own.
    Service,
    /// A database that a service calls.
    Database,
    /// A queue or topic.
    Messaging,
    /// Anything else that is called and sends no spans.
    External,
}

/// How often, how well and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// How many.
    pub calls: u64,
    /// How many of them failed.
    pub errors: u64,
    /// The median duration, in nanoseconds.
    pub p50_ns: u64,
    /// The 95th percentile, in nanoseconds.
    pub p95_ns: u64,
}

/// A service, or what services call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `service.name`, or what the callers call it.
    pub name: Arc<str>,
    /// What it is.
    pub kind: NodeKind,
    /// Its work: spans that came in (server, consumer) or began a trace; of what sends no spans, the calls to it.
    pub timing: Timing,
}

/// Calls from one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Who calls.
    pub from: Arc<str>,
    /// Who is called.
    pub to: Arc<str>,
    /// The calls, as the called one measured them; where it sends no spans, as the caller did.
    pub timing: Timing,
}

/// What is kept of a span until all are there.
struct Seen {
    parent: Option<u64>,
    service: Arc<str>,
    began: bool,
    failed: bool,
    duration: u64,
    /// Whom a client's span calls, by its attributes.
    peer: Option<(NodeKind, Arc<str>)>,
}

#[derive(Default)]
struct Tally {
    errors: u64,
    durations: Vec<u64>,
}

impl Tally {
    fn add(&mut self, span: &Seen) {
        self.errors += u64::from(span.failed);
        self.durations.push(span.duration);
    }

    fn timing(mut self) -> Timing {
        self.durations.sort_unstable();
        let at = |part: usize| {
            self.durations
                .get((self.durations.len() * part / 100).min(self.durations.len().saturating_sub(1)))
                .copied()
                .unwrap_or(0)
        };
        Timing { calls: self.durations.len() as u64, errors: self.errors, p50_ns: at(50), p95_ns: at(95) }
    }
}

/// Gathers spans and draws the map.
#[derive(Default)]
pub struct ServiceMap {
    spans: HashMap<u64, Seen>,
    names: HashMap<String, Arc<str>>,
}

impl ServiceMap {
    /// Adds a span. The same span sent twice counts once.
    pub fn add(&mut self, span: &SpanRecord) {
        let peer = matches!(span.kind.as_ref(), "client" | "producer").then(|| peer(span)).flatten();
        let peer = peer.map(|(kind, name)| (kind, self.name(&name)));
        let service = self.name(&span.service);
        let parent = (!span.parent_span_id.is_empty()).then(|| key(&span.trace_id, &span.parent_span_id));
        self.spans.insert(
            key(&span.trace_id, &span.span_id),
            Seen {
                parent,
                service,
                began: parent.is_none() || matches!(span.kind.as_ref(), "server" | "consumer"),
                failed: span.status.as_ref() == "error",
                duration: span.end_ns.saturating_sub(span.start_ns),
                peer,
            },
        );
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = name.into();
        self.names.insert(name.to_owned(), Arc::clone(&shared));
        shared
    }

    /// The nodes by name, and the edges by their ends.
    #[must_use]
    pub fn finish(self) -> (Vec<Node>, Vec<Edge>) {
        let mut nodes: BTreeMap<Arc<str>, (NodeKind, Tally)> = BTreeMap::new();
        let mut edges: BTreeMap<(Arc<str>, Arc<str>), Tally> = BTreeMap::new();
        // Spans that another service answered: whom they call is on the map by itself.
        let mut answered = std::collections::HashSet::new();
        for span in self.spans.values() {
            let service = nodes.entry(Arc::clone(&span.service)).or_insert((NodeKind::Service, Tally::default()));
            service.0 = NodeKind::Service;
            if span.began {
                service.1.add(span);
            }
            let Some(parent) = span.parent else { continue };
            let Some(caller) = self.spans.get(&parent).filter(|c| c.service != span.service) else { continue };
            answered.insert(parent);
            edges.entry((Arc::clone(&caller.service), Arc::clone(&span.service))).or_default().add(span);
        }
        for (key, span) in &self.spans {
            let Some((kind, peer)) = span.peer.as_ref().filter(|_| !answered.contains(key)) else { continue };
            let node = nodes.entry(Arc::clone(peer)).or_insert((*kind, Tally::default()));
            if node.0 != NodeKind::Service {
                node.1.add(span);
            }
            edges.entry((Arc::clone(&span.service), Arc::clone(peer))).or_default().add(span);
        }
        (
            nodes.into_iter().map(|(name, (kind, tally))| Node { name, kind, timing: tally.timing() }).collect(),
            edges.into_iter().map(|((from, to), tally)| Edge { from, to, timing: tally.timing() }).collect(),
        )
    }
}

/// A span within its trace. 64 bits of a keyed-by-nothing hash: two spans of one window that meet cost one call on the map.
fn key(trace: &str, span: &str) -> u64 {
    use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
    BuildHasherDefault::<DefaultHasher>::default().hash_one((trace, span))
}

/// Whom a client calls, by OpenTelemetry's semantic conventions, the present names and the ones before them.
fn peer(span: &SpanRecord) -> Option<(NodeKind, String)> {
    let attribute = |names: &[&str]| {
        names.iter().find_map(|name| {
            let (_, value) = span.attributes.iter().find(|(key, _)| key.as_ref() == *name)?;
            value.as_str().filter(|text| !text.is_empty()).map(|text| text.chars().take(200).collect::<String>())
        })
    };
    let host = attribute(&["server.address", "net.peer.name", "network.peer.address", "peer.hostname"]);
    if let Some(system) = attribute(&["db.system.name", "db.system"]) {
        let name = attribute(&["db.namespace", "db.name"]).or(host);
        return Some((NodeKind::Database, name.map_or_else(|| system.clone(), |name| format!("{system} {name}"))));
    }
    if let Some(system) = attribute(&["messaging.system"]) {
        let name = attribute(&["messaging.destination.name", "messaging.destination"]);
        return Some((NodeKind::Messaging, name.map_or_else(|| system.clone(), |name| format!("{system} {name}"))));
    }
    attribute(&["peer.service", "service.peer.name"]).or(host).map(|name| (NodeKind::External, name))
}
