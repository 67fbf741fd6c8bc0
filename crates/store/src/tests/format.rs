//! Logs that earlier versions wrote are read.
//!
//! The segments in the folder beside this file are committed as they were written, and never written anew. A file's name is
//! the version of the format and then the segment's own name, which its checksums depend on.

use std::sync::Arc;

use watchkeeper_domain::query::SeriesSource;
use watchkeeper_domain::telemetry::{Sample, TelemetrySink};
use watchkeeper_domain::{Matcher, Timestamp};

use super::{BEGIN, Heard, World, labels, sample};
use crate::{LogQuery, Store, StoreOptions};

/// Series, metadata, an exemplar, a log record and a span, as version 1 wrote them: three kinds of frames.
const FIRST: (&str, &[u8]) =
    ("0000000000000001-0000000000000000.wklog", include_bytes!("format/1-0000000000000001-0000000000000000.wklog"));

#[tokio::test]
async fn the_first_format_is_read_and_written_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FIRST.0), FIRST.1).unwrap();
    let world = World::new();
    let open = || Store::open(&StoreOptions::new(folder.path()), world.env(), Arc::new(Heard::default())).unwrap();
    let (store, recovery) = open();
    assert_eq!(
        (recovery.samples, recovery.recent_logs, recovery.recent_spans, recovery.damage.len()),
        (6, 1, 1, 0),
        "{recovery:?}"
    );
    store.append(sample("http_requests_total", BEGIN + 5_000, 5.0)).await.unwrap();
    drop(store);
    let (store, recovery) = open();
    assert_eq!(recovery.damage, []);
    let of = |name: &str| store.select(&[Matcher::equal("__name__", name)], 0, i64::MAX).unwrap().remove(0).samples;
    let at = |t: i64, v: f64| Sample { t: BEGIN + t, v };
    assert_eq!(of("http_requests_total"), (0..=5).map(|n| at(n * 1_000, n as f64)).collect::<Vec<_>>());
    assert_eq!(of("started_total"), [at(-2_000, 0.0), at(0, 3.0)]);
    let exemplars = store.exemplars(&[], 0, i64::MAX);
    assert_eq!(
        (exemplars[0].trace_id.as_str(), &exemplars[0].labels, exemplars[0].attributes.is_empty()),
        ("0af7651916cd43dd8448eb211c80319c", &labels("http_requests_total"), true)
    );
    assert_eq!(store.metadata()[0].help.as_ref(), "Requests.");
    let everything = LogQuery::between(Timestamp::from_millis(0), Timestamp::from_millis(BEGIN + 1));
    assert_eq!(store.logs(&everything).items[0].body, "the disk is full");
    let span = store.trace("0af7651916cd43dd8448eb211c80319c").items.remove(0);
    assert_eq!((span.name.as_ref(), span.links.len()), ("GET /pay", 0));
}
